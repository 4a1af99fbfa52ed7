//! The exporter is killed again and again while a program writes and rotates, and no counter that
//! anybody sees steps back. [L05]

use std::fs;
use std::time::Duration;

use crate::logs_rotation::{counted, doubt, lines};
use crate::servers::logwriter::Writer;
use crate::servers::prometheus::Prometheus;
use crate::servers::wait::{PATIENT, until};
use crate::servers::{run, watchdog};
use crate::stage::Stage;

/// Kills in a run of CI; `STACK_EXPORTER_KILLS` asks for more.
const KILLS: usize = 40;

/// A small generator: the same moments in every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

#[test]
fn no_counter_steps_back_however_often_it_is_killed() {
    run(async {
        let kills = std::env::var("STACK_EXPORTER_KILLS").ok().and_then(|kills| kills.parse().ok());
        let kills: usize = kills.unwrap_or(KILLS);
        let dir = watchdog::dir("killed");
        let file = dir.join("app.log");
        fs::write(&file, "").unwrap();
        let config = format!(
            "logs:\n  app: {{ files: [{}], rules: {{ line: {{ literal: line }} }} }}\n",
            file.display()
        );
        let stage = Stage::start(&config).await;
        let (exporter, mut chance) = (&stage.exporter, Chance(0x5eed));
        let writer = Writer::start(&file, Duration::from_millis(1));
        let mut seen = 0;
        for kill in 0..kills {
            // What is shown may be gone for a moment, but never less than it was.
            let deadline = Duration::from_millis(chance.below(400));
            let begun = std::time::Instant::now();
            while begun.elapsed() < deadline {
                let scrape = exporter.scrape().await;
                if scrape.line("stack_log_lines_total{target=\"app\"").is_some() {
                    let now = lines(&scrape, "app");
                    assert!(now >= seen, "{now} after {seen} at kill {kill}");
                    seen = now;
                }
            }
            exporter.server.kill();
            if chance.below(3) == 0 {
                // A name of its own each time: none is overwritten before it is read.
                fs::rename(&file, dir.join(format!("app.log.{kill}"))).unwrap();
                writer.reopen();
            }
            exporter.restart().await;
        }
        let written = writer.stop();
        let scrape = counted(exporter, "app", written).await;
        assert_eq!(doubt(&scrape, "app"), 0);
        let matches = scrape.value("stack_log_matches_total{target=\"app\",rule=\"line\"}");
        assert_eq!(matches, Some(written as f64));
        resets(&stage.prometheus, written).await;
        eprintln!("{kills} kills, {written} lines, no reset");
    });
}

/// What a real Prometheus made of it.
async fn resets(prometheus: &Prometheus, written: u64) {
    let last = "max(stack_log_matches_total{target=\"app\"})";
    until("the last scrape", PATIENT, async || {
        let found = prometheus.query(last).await;
        let value = found.first().map_or(0.0, |(_, value)| *value);
        if (value - written as f64).abs() < 0.5 {
            Ok(())
        } else {
            Err(format!("{value} of {written}"))
        }
    })
    .await;
    for metric in ["stack_log_lines_total", "stack_log_matches_total", "stack_log_bytes_total"] {
        let resets =
            prometheus.query(&format!("max(resets({metric}{{target=\"app\"}}[1h]))")).await;
        assert_eq!(resets.first().map(|(_, value)| *value), Some(0.0), "{metric}");
    }
}
