//! Logs that real tools rotate while real programs write. [L05 L11 L12 L21 L23]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::servers::exporter::{Exporter, Scrape};
use crate::servers::logwriter::Writer;
use crate::servers::process::need_program;
use crate::servers::wait::{PATIENT, until};
use crate::servers::{run, watchdog};
use crate::stage::binary;

/// Rotations of each log.
const ROTATIONS: usize = 6;
const PAUSE: Duration = Duration::from_millis(2);

/// How logrotate treats a log, and whether its writer opens it anew.
struct Way {
    name: &'static str,
    directives: &'static str,
    reopens: bool,
    /// No reader can be exact there, and must say so.
    truncates: bool,
}

const WAYS: [Way; 5] = [
    Way { name: "create", directives: "create", reopens: true, truncates: false },
    // The writer ignores the signal and goes on in the renamed file.
    Way { name: "deaf", directives: "nocreate", reopens: false, truncates: false },
    Way {
        name: "delayed",
        directives: "create\ncompress\ndelaycompress",
        reopens: true,
        truncates: false,
    },
    Way {
        name: "dated",
        directives: "create\ndateext\ndateformat -%Y%m%d-%s",
        reopens: true,
        truncates: false,
    },
    Way { name: "copied", directives: "copytruncate", reopens: false, truncates: true },
];

#[test]
fn logrotate_loses_no_line_or_says_so() {
    run(async {
        let logrotate = need_program(Path::new("logrotate"), "logrotate");
        let dir = watchdog::dir("logrotate");
        let mut config = String::from("logs:\n");
        for way in &WAYS {
            let folder = dir.join(way.name);
            fs::create_dir(&folder).unwrap();
            let _ = writeln!(config, "  {}: {{ files: [{}/app.log] }}", way.name, folder.display());
            // There before the first look, so that everything that is written counts.
            fs::write(folder.join("app.log"), "").unwrap();
        }
        let exporter = Exporter::start(binary(), &config).await;
        let writers: Vec<_> = WAYS
            .iter()
            .map(|way| Writer::start(&dir.join(way.name).join("app.log"), PAUSE))
            .collect();
        for round in 0..ROTATIONS {
            for (way, writer) in WAYS.iter().zip(&writers) {
                // Enough between two rotations that each file holds some lines.
                let wanted = 100 * (round as u64 + 1);
                until("some lines", PATIENT, async || {
                    if writer.written() >= wanted {
                        Ok(())
                    } else {
                        Err(writer.written().to_string())
                    }
                })
                .await;
                rotate(&logrotate, &dir.join(way.name), way);
                if way.reopens {
                    writer.reopen();
                }
            }
            // Dated names have seconds in them.
            second(&dir).await;
        }
        for (way, writer) in WAYS.iter().zip(writers) {
            let written = writer.stop();
            if way.truncates {
                let scrape = settled(&exporter, way.name).await;
                let (counted, doubt) = (lines(&scrape, way.name), doubt(&scrape, way.name));
                assert!(counted <= written, "{counted} of {written} {}", way.name);
                assert!(counted == written || doubt > 0, "{counted} of {written} {}", way.name);
                assert!(doubt >= 1, "truncations are told");
            } else {
                let scrape = counted(&exporter, way.name, written).await;
                assert_eq!(doubt(&scrape, way.name), 0, "{}", way.name);
            }
        }
    });
}

fn rotate(logrotate: &Path, folder: &Path, way: &Way) {
    let file = folder.with_extension("conf");
    let log = folder.join("app.log");
    let text = format!("{} {{\nrotate 20\nmissingok\n{}\n}}\n", log.display(), way.directives);
    fs::write(&file, text).unwrap();
    let state = folder.with_extension("state");
    let done = Command::new(logrotate).arg("-f").arg("-s").args([&state, &file]).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

/// Until the clock of the file system shows another second.
async fn second(dir: &Path) {
    let now = || {
        let file = dir.join("clock");
        fs::write(&file, "").unwrap();
        let modified = fs::metadata(&file).unwrap().modified().unwrap();
        modified.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
    };
    let first = now();
    until("the next second", PATIENT, async || {
        let second = now();
        if second > first { Ok(()) } else { Err(second.to_string()) }
    })
    .await;
}

pub fn lines(scrape: &Scrape, target: &str) -> u64 {
    sum(scrape, &format!("stack_log_lines_total{{target=\"{target}\","))
}

pub fn doubt(scrape: &Scrape, target: &str) -> u64 {
    sum(scrape, &format!("stack_log_doubt_total{{target=\"{target}\","))
}

/// The sum of all series that start so.
pub fn sum(scrape: &Scrape, start: &str) -> u64 {
    let values = scrape.body.lines().filter(|line| line.starts_with(start));
    values.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
}

/// Until exactly so many lines are counted, and stay so.
pub async fn counted(exporter: &Exporter, target: &str, wanted: u64) -> Scrape {
    let scrape = settled(exporter, target).await;
    let counted = lines(&scrape, target);
    assert_eq!(counted, wanted, "{target}: {}", told(&scrape, target));
    scrape
}

/// What there is to tell of a source when its count is not the right one.
pub fn told(scrape: &Scrape, target: &str) -> String {
    let label = format!("{{target=\"{target}\"");
    let all =
        scrape.body.lines().filter(|line| line.starts_with("stack_log_") && line.contains(&label));
    all.take(40).collect::<Vec<_>>().join("\n")
}

/// Until all is read and nothing more comes for some scrapes.
pub async fn settled(exporter: &Exporter, target: &str) -> Scrape {
    let (mut last, mut same) = (0, 0);
    until(&format!("{target} is read"), PATIENT, async || {
        let scrape = exporter.scrape().await;
        let now = lines(&scrape, target);
        let lag = scrape.value(&format!("stack_log_lag_bytes{{target=\"{target}\"}}"));
        same = if now == last && lag == Some(0.0) { same + 1 } else { 0 };
        last = now;
        if same >= 12 { Ok(scrape) } else { Err(format!("{now} lines, lag {lag:?}")) }
    })
    .await
}
