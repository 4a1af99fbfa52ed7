//! Judges the board every five seconds, whether somebody looks or not: says what has changed, has it
//! remembered, and writes it down now and then.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use super::groups::{fact, number, targets};
use super::{Overview, saved};
use crate::catalogue::Glance;
use crate::check::{Report, judge};
use crate::engine::{Board, Snapshot};
use crate::failure::Failure;

/// How often the board is judged.
pub const PERIOD: Duration = Duration::from_secs(5);
/// A kill loses this much; each write is 2 MB at most.
const SAVE: Duration = Duration::from_mins(5);
/// The end of the process is not put off for longer by a disk that hangs.
const END: Duration = Duration::from_secs(2);
/// Without a scrape for so long, somebody is told.
const SILENCE: Duration = Duration::from_mins(10);

/// Judges the board for ever, and has `told` look on. `path` is that of the metrics, `period` from one look
/// to the next.
pub async fn watch(
    overview: Arc<Overview>,
    path: String,
    period: Duration,
    told: impl Fn(&Snapshot, &Report) + Send,
) {
    let mut saving = Saving { last: Instant::now(), failed: [false; 3] };
    let mut silent = false;
    loop {
        tokio::time::sleep(period).await;
        let board = overview.board();
        let snapshot = board.snapshot();
        let report = judge(&snapshot);
        overview.note(&snapshot, &report);
        note_numbers(board, &snapshot, &report);
        told(&snapshot, &report);
        let is_silent = overview.silent_since().is_some();
        if is_silent && !silent {
            tell_silence(board, &path);
        }
        silent = is_silent;
        saving.tick(&overview).await;
    }
}

/// The last write, at the end.
pub async fn end(overview: &Arc<Overview>) {
    // Whether it is done or not, nobody is left who could be told.
    let _ = tokio::time::timeout(END, write(overview)).await;
}

/// Has the judged numbers kept, and the facts that one looks at.
fn note_numbers(board: &Board, snapshot: &Snapshot, report: &Report) {
    let now = SystemTime::now();
    for finding in &report.findings {
        if let Some(value) = finding.value {
            board.chart.note(finding.number(), now, value);
        }
    }
    for entry in targets(snapshot) {
        let glances = entry.target.iter().flat_map(|target| target.area.glance);
        for glance in glances {
            let Glance::Fact { metric, .. } = glance else { continue };
            if let Some(value) = fact(entry, metric) {
                board.chart.note(number(entry, metric), now, value);
            }
        }
    }
}

/// Since when nobody has scraped, if that is long ago: since the last scrape, or the start.
pub(super) fn silent_since(last: (SystemTime, Instant), now: Instant) -> Option<SystemTime> {
    let (at, clock) = last;
    (now.saturating_duration_since(clock) >= SILENCE).then_some(at)
}

fn tell_silence(board: &Board, path: &str) {
    let url = board.info().external_url;
    let address = address(&url);
    tracing::warn!(
        "nobody has scraped {url}{path} for ten minutes: without that no alert comes. Prometheus' target should be {address}; its page /targets says why it cannot get there"
    );
}

/// Host and port of an address, as Prometheus names a target.
fn address(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or(rest)
}

/// When it is written, and which of the last writes failed.
struct Saving {
    last: Instant,
    failed: [bool; 3],
}

impl Saving {
    async fn tick(&mut self, overview: &Arc<Overview>) {
        self.note(0, "in which services targets live", &homes(overview).await);
        if self.last.elapsed() < SAVE {
            return;
        }
        self.last = Instant::now();
        let [chart, past] = write(overview).await;
        self.note(1, "the history of values", &chart);
        self.note(2, "what happened in the last day", &past);
    }

    /// Tells that a write failed, once until one goes well again.
    fn note(&mut self, which: usize, what: &str, outcome: &Result<(), Failure>) {
        let Some(failed) = self.failed.get_mut(which) else { return };
        if let Some(failure) = outcome.as_ref().err().filter(|_| !*failed) {
            tracing::warn!("{what} is not kept over a restart: {failure}");
        }
        *failed = outcome.is_err();
    }
}

/// Writes down in which services targets live; costs nothing while nothing has changed.
async fn homes(overview: &Arc<Overview>) -> Result<(), Failure> {
    let overview = Arc::clone(overview);
    let save = move || overview.board().homes.save(&overview.board().memory.storage());
    tokio::task::spawn_blocking(save).await.unwrap_or(Ok(()))
}

/// Writes the history of numbers, and the rest.
async fn write(overview: &Arc<Overview>) -> [Result<(), Failure>; 2] {
    let overview = Arc::clone(overview);
    let save = move || {
        let storage = overview.board().memory.storage();
        if storage.dir().is_none() {
            // Without a directory it is in memory once already.
            return [Ok(()), Ok(())];
        }
        let past = overview.encoded().and_then(|bytes| saved::save(&storage, &bytes));
        [overview.board().chart.save(&storage), past]
    };
    tokio::task::spawn_blocking(save).await.unwrap_or([Ok(()), Ok(())])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_minutes_without_a_scrape_are_told() {
        let (at, clock) = (SystemTime::now(), Instant::now());
        let minutes = |minutes| clock + Duration::from_mins(minutes);
        assert_eq!(silent_since((at, clock), minutes(9)), None);
        assert_eq!(silent_since((at, clock), minutes(10)), Some(at));
        assert_eq!(silent_since((at, minutes(5)), minutes(14)), None);
    }

    #[test]
    fn a_target_of_prometheus_has_neither_scheme_nor_path() {
        for (url, target) in [
            ("http://shop1:10188", "shop1:10188"),
            ("https://metrics.example.com/", "metrics.example.com"),
            ("https://metrics.example.com:8443/a/b", "metrics.example.com:8443"),
            ("http://[::1]:10188/a", "[::1]:10188"),
        ] {
            assert_eq!(address(url), target);
        }
    }
}
