//! The exporter and a real Prometheus that scrapes it with the shipped rules, every second and
//! with shortened hold times.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::servers::exporter::{Exporter, Scrape};
use crate::servers::prometheus::{Prometheus, Setup, Target};
use crate::servers::rules::Pace;
use crate::servers::wait::until;

/// The grace of a scrape and 50 ms, and some for a busy machine that runs tests side by side.
const FAST: Duration = Duration::from_millis(1050 + 450);
/// Longer than anything takes: most of it the 30 s for which a deleted log file is kept open.
const SOON: Duration = Duration::from_secs(45);

pub struct Stage {
    pub exporter: Exporter,
    pub prometheus: Prometheus,
}

/// A target and the alert that says that it is down.
#[derive(Clone, Copy)]
pub struct Watched<'a> {
    pub area: &'a str,
    pub target: &'a str,
    pub alert: &'a str,
    pub severity: &'a str,
}

pub fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_stack-exporter"))
}

pub fn rules() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("alerts")
}

impl Stage {
    pub async fn start(config: &str) -> Self {
        Self::start_with(config, None).await
    }

    /// Alerts also go to the Alertmanager at this port.
    pub async fn start_with(config: &str, alertmanager_port: Option<u16>) -> Self {
        let exporter = Exporter::start(binary(), config).await;
        let targets = vec![Target::new("stack-exporter", exporter.port)];
        let setup = Setup {
            targets,
            rules: Some(rules()),
            pace: Pace::Fast,
            alertmanager_port,
            program: None,
        };
        let prometheus = Prometheus::start(&setup).await;
        prometheus.targets_up(SOON).await;
        Self { exporter, prometheus }
    }

    /// Until the target is up, its series are back and its alert is gone.
    pub async fn well(&self, watched: Watched<'_>) -> Scrape {
        let scrape = self.until(&up(watched), 1.0).await;
        assert!(scrape.line(&failure(watched, "")).is_none(), "{}", scrape.body);
        let subset = [("area", watched.area), ("target", watched.target)];
        self.prometheus.wait_quiet(watched.alert, &subset, SOON).await;
        scrape
    }

    /// Until the target is down for this reason. Every scrape on the way is fast, its series are
    /// gone, and the alert fires in Prometheus.
    pub async fn sick(&self, watched: Watched<'_>, reason: &str) {
        let scrape = self.until(&failure(watched, reason), 1.0).await;
        assert_eq!(scrape.value(&up(watched)), Some(0.0), "{}", scrape.body);
        let label = format!("{{target=\"{}\"", watched.target);
        let left: Vec<_> = scrape
            .body
            .lines()
            .filter(|line| line.contains(&label) && !line.starts_with("stack_t"))
            // The established name for "down" goes on saying so.
            .filter(|line| {
                let is_up = ["pg_up{", "redis_up{", "stack_gpu_process_up{"]
                    .iter()
                    .any(|name| line.starts_with(name));
                !(is_up && line.ends_with(" 0"))
            })
            .collect();
        assert!(left.is_empty(), "series of a sick target: {left:?}");
        assert!(scrape.body.contains("stack_threshold{"), "thresholds stay: {}", scrape.body);
        let subset =
            [("area", watched.area), ("target", watched.target), ("severity", watched.severity)];
        self.prometheus.wait_alert(watched.alert, &subset, "firing", SOON).await;
        self.prometheus.targets_up(SOON).await;
    }

    async fn until(&self, series: &str, wanted: f64) -> Scrape {
        let mut slow = Vec::new();
        until(&format!("{series} {wanted}"), SOON, async || {
            let scrape = self.exporter.scrape().await;
            // One alone is the machine's: a source that holds scrapes up does it to each.
            if scrape.elapsed < FAST {
                slow.clear();
            } else {
                slow.push(scrape.elapsed);
            }
            assert!(slow.len() < 3, "scrapes took {slow:?}");
            let there = scrape.value(series) == Some(wanted);
            if there { Ok(scrape) } else { Err(scrape.body) }
        })
        .await
    }
}

fn up(watched: Watched<'_>) -> String {
    format!("stack_target_up{{target=\"{}\",area=\"{}\"}}", watched.target, watched.area)
}

fn failure(watched: Watched<'_>, reason: &str) -> String {
    let (area, target) = (watched.area, watched.target);
    let start = format!("stack_target_failure{{target=\"{target}\",area=\"{area}\",reason=\"");
    if reason.is_empty() { start } else { format!("{start}{reason}\"}}") }
}
