//! A line on the terminal that says how far the reading is.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

/// It is drawn no more often.
const PERIOD: Duration = Duration::from_millis(100);
const WIDTH: usize = 30;

/// Drawn on standard error, and only if that is a terminal.
pub struct Progress {
    total: u64,
    done: u64,
    begun: Instant,
    drawn: Option<Instant>,
    shown: bool,
}

impl Progress {
    pub fn new(total: u64) -> Self {
        let shown = std::io::stderr().is_terminal();
        Self { total, done: 0, begun: Instant::now(), drawn: None, shown }
    }

    /// So many more bytes of the files are read.
    pub fn add(&mut self, bytes: u64) {
        self.done += bytes;
        if !self.shown || self.drawn.is_some_and(|drawn| drawn.elapsed() < PERIOD) {
            return;
        }
        self.drawn = Some(Instant::now());
        let line = bar(self.done, self.total, self.begun.elapsed());
        let mut out = std::io::stderr().lock();
        let _ = write!(out, "\r{line}\x1b[K");
        let _ = out.flush();
    }

    /// Takes the line away.
    pub fn end(self) {
        if self.drawn.is_some() {
            let _ = write!(std::io::stderr().lock(), "\r\x1b[K");
        }
    }
}

fn bar(done: u64, total: u64, time: Duration) -> String {
    let share = if total == 0 { 1.0 } else { (done as f64 / total as f64).min(1.0) };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 30")]
    let filled = (share * WIDTH as f64) as usize;
    let mega = 1e6;
    let rate = done as f64 / mega / time.as_secs_f64().max(0.001);
    let (full, empty) = ("█".repeat(filled), "░".repeat(WIDTH - filled));
    let (done, total) = (done as f64 / mega, total as f64 / mega);
    format!("{full}{empty} {:3.0} %  {done:.0} of {total:.0} MB, {rate:.0} MB/s", share * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars() {
        let second = Duration::from_secs(1);
        assert_eq!(
            bar(50_000_000, 100_000_000, second),
            "███████████████░░░░░░░░░░░░░░░  50 %  50 of 100 MB, 50 MB/s"
        );
        // A file may grow while it is read.
        assert!(bar(2, 1, Duration::ZERO).starts_with(&"█".repeat(WIDTH)));
        assert!(bar(0, 0, second).contains("100 %"));
    }
}
