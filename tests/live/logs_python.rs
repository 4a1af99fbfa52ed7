//! Logs that Python's own handlers rotate, while they are read and while they are not.
//! [L05 L11 L12]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use crate::logs_rotation::{counted, doubt, lines, settled};
use crate::servers::exporter::Exporter;
use crate::servers::process::{command, need_program};
use crate::servers::wait::{PATIENT, until};
use crate::servers::{run, watchdog};
use crate::stage::binary;

/// Lines, seconds between them, the file, and what makes its handler. It tells its progress.
const SCRIPT: &str = r#"
import logging, logging.handlers, sys, time
count, pause, file, handler = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3], sys.argv[4]
handler = eval(handler, {"h": logging.handlers, "file": file})
handler.setFormatter(logging.Formatter("%(asctime)s [%(levelname)s] %(name)s: %(message)s"))
logger = logging.getLogger("app")
logger.addHandler(handler)
logger.setLevel(logging.INFO)
for number in range(1, count + 1):
    logger.info("line %d of a program that rotates its own log", number)
    time.sleep(pause)
"#;

/// A program that logs.
struct Python {
    child: Child,
}

impl Python {
    /// `handler` is Python, with `h` for `logging.handlers` and `file`.
    fn start(count: u64, pause: &str, file: &Path, handler: &str) -> Self {
        let python = need_program(Path::new("/usr/bin/python3"), "python3");
        let mut program = command(&python, None);
        program.args(["-c", SCRIPT, &count.to_string(), pause]).arg(file).arg(handler);
        let child = program.stdin(Stdio::null()).spawn().unwrap();
        Self { child }
    }

    async fn end(mut self) {
        until("the end of the program", PATIENT * 2, async || {
            self.child.try_wait().unwrap().ok_or("it runs")
        })
        .await;
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn reader(name: &str) -> (Exporter, PathBuf) {
    let file = watchdog::dir(name).join("app.log");
    fs::write(&file, "").unwrap();
    let config = format!("logs:\n  app: {{ files: [{}] }}\n", file.display());
    let exporter = Exporter::start(binary(), &config).await;
    counted(&exporter, "app", 0).await;
    (exporter, file)
}

#[test]
fn a_program_that_rotates_by_size_loses_no_line() {
    run(async {
        const LINES: u64 = 5000;
        let (exporter, file) = reader("rotating").await;
        let handler = "h.RotatingFileHandler(file, maxBytes=10_000, backupCount=5)";
        Python::start(LINES, "0.002", &file, handler).end().await;
        let scrape = counted(&exporter, "app", LINES).await;
        assert_eq!(doubt(&scrape, "app"), 0);
        let rotations = scrape.value("stack_log_rotations_total{target=\"app\"}");
        assert!(rotations >= Some(30.0), "{rotations:?}");
    });
}

#[test]
fn a_program_that_rotates_by_time_loses_no_line() {
    run(async {
        const LINES: u64 = 1500;
        let (exporter, file) = reader("timed").await;
        let handler = "h.TimedRotatingFileHandler(file, when='S', interval=1, backupCount=2)";
        Python::start(LINES, "0.003", &file, handler).end().await;
        let scrape = counted(&exporter, "app", LINES).await;
        assert_eq!(doubt(&scrape, "app"), 0);
    });
}

#[test]
fn what_was_thrown_away_unread_is_told() {
    run(async {
        const LINES: u64 = 800;
        let (exporter, file) = reader("overrun").await;
        let handler = "h.RotatingFileHandler(file, maxBytes=10_000, backupCount=2)";
        let python = Python::start(LINES, "0.002", &file, handler);
        until("some lines", PATIENT, async || lines(&exporter.scrape().await, "app") > 50).await;
        // Over more rotations than there are backups.
        exporter.server.pause().await;
        python.end().await;
        exporter.server.resume();
        let scrape = settled(&exporter, "app").await;
        let (counted, doubt) = (lines(&scrape, "app"), doubt(&scrape, "app"));
        assert!(counted < LINES, "{counted}: the reader was to be too late");
        assert!(doubt >= 1, "{counted} of {LINES} without a doubt");
        // What was there when it came back was read.
        let kept = ["", ".1", ".2"].map(|end| PathBuf::from(format!("{}{end}", file.display())));
        let kept = kept.iter().map(|path| fs::read(path).unwrap());
        let kept: usize = kept.map(|text| memchr::memchr_iter(b'\n', &text).count()).sum();
        assert!(counted >= 50 + kept as u64, "{counted} counted, {kept} there");
    });
}
