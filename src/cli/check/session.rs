//! Readings and verdicts over time: two for a rate, more for what needs history, and on until all is
//! well or until Ctrl-C.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use super::args::Check;
use super::output::Output;
use crate::catalogue::Fold;
use crate::check::{Known, Report, Scope, Verdict, judge};
use crate::cli::{UNKNOWN, tell};
use crate::engine::{Board, Snapshot};

/// A reading must be due before it is made anew.
const LEAST: Duration = Duration::from_millis(1050);
/// Between two readings of those that wait, or that gather history.
const STEP: Duration = Duration::from_secs(2);

/// Something was asked for by a name that nothing has.
pub(super) struct Unknown(pub(super) String);

pub(super) struct Session<'a> {
    board: &'a Board,
    arguments: &'a Check,
    output: &'a Output,
    /// The exit code of the last report.
    last: Cell<u8>,
    /// What was told beside the reports: once, however often it comes.
    told: RefCell<String>,
}

/// What was asked for.
struct Part {
    report: Report,
    /// Something of it has not said yet how it is.
    is_starting: bool,
}

impl<'a> Session<'a> {
    pub(super) fn new(board: &'a Board, arguments: &'a Check, output: &'a Output) -> Self {
        Self { board, arguments, output, last: Cell::new(UNKNOWN), told: RefCell::default() }
    }

    /// The exit code.
    pub(super) async fn run(self) -> Result<u8, Unknown> {
        let Some(seconds) = self.arguments.watch else {
            let report = self.waited().await?;
            self.output.show(&report);
            return Ok(report.exit_code());
        };
        let every = Duration::from_secs(seconds.into());
        tokio::select! {
            ended = self.watch(every) => ended?,
            _ = tokio::signal::ctrl_c() => {}
        }
        Ok(self.last.get())
    }

    /// One report; with `--wait` the first in which all is well, or the last before its time is over.
    async fn waited(&self) -> Result<Report, Unknown> {
        let end = self.arguments.wait.map(|wait| Instant::now() + wait);
        let mut snapshot = self.first().await;
        loop {
            let part = self.part(&snapshot);
            let left = end.filter(|end| Instant::now() < *end);
            match (part, left) {
                (Ok(Part { report, is_starting: false }), _) if report.exit_code() == 0 => {
                    return Ok(report);
                }
                (part, None) => return part.map(|part| part.report),
                // What is asked for may be on its way.
                (_, Some(end)) => sleep_until(end.min(Instant::now() + STEP)).await,
            }
            snapshot = self.read().await;
        }
    }

    /// Until nobody can read on.
    async fn watch(&self, every: Duration) -> Result<(), Unknown> {
        let mut snapshot = self.first().await;
        let mut is_first = true;
        loop {
            match self.part(&snapshot) {
                Ok(Part { report, .. }) => {
                    self.last.set(report.exit_code());
                    if !self.output.show_next(&report, is_first) {
                        return Ok(());
                    }
                }
                Err(unknown) if is_first => return Err(unknown),
                // What went may come back.
                Err(Unknown(text)) => {
                    self.last.set(UNKNOWN);
                    self.tell(&text);
                }
            }
            is_first = false;
            sleep(every.max(LEAST)).await;
            snapshot = self.read().await;
        }
    }

    async fn read(&self) -> Snapshot {
        self.board.scrape(&[], None).await
    }

    /// Rates need a second reading, and what is judged by its change the more readings the better.
    async fn first(&self) -> Snapshot {
        let begin = Instant::now();
        let snapshot = self.read().await;
        let mut span = self.arguments.window.max(LEAST);
        if judge(&snapshot).findings.iter().any(|one| {
            one.verdict == Verdict::NeedsHistory && one.signal.measure.fold != Fold::Predict
        }) {
            span = span.max(self.arguments.history);
        }
        let end = begin + span;
        while Instant::now() + STEP < end {
            sleep(STEP).await;
            self.read().await;
        }
        sleep_until(end.max(Instant::now() + LEAST)).await;
        self.read().await
    }

    fn part(&self, snapshot: &Snapshot) -> Result<Part, Unknown> {
        let mut report = judge(snapshot);
        let known = Known::of(snapshot);
        if self.arguments.services.is_empty() {
            return Ok(Part { report, is_starting: known.is_starting(None) });
        }
        let mut scope = Scope::default();
        for name in &self.arguments.services {
            match known.find(&report, name) {
                Ok(found) => scope.add(found),
                Err(nearest) => {
                    let text = unknown(name, &nearest, &report);
                    // Whether there is such a service nobody knows while the Engine is down.
                    let Some(engine) = Scope::of_engine(&report) else { return Err(Unknown(text)) };
                    self.tell(&text);
                    scope.add(engine);
                }
            }
        }
        let is_starting = known.is_starting(Some(&scope));
        scope.narrow(&mut report);
        Ok(Part { report, is_starting })
    }

    fn tell(&self, text: &str) {
        if *self.told.borrow() != text {
            tell(text);
            self.told.replace(text.to_owned());
        }
    }
}

/// Which names come near, and what may know it and cannot be seen.
fn unknown(name: &str, nearest: &[String], report: &Report) -> String {
    let names: Vec<String> = nearest.iter().map(|name| format!("`{name}`")).collect();
    let hint = match names.as_slice() {
        [] => String::new(),
        [one] => format!("; did you mean {one}?"),
        [more @ .., last] => format!("; did you mean {} or {last}?", more.join(", ")),
    };
    let mut text = format!("`{name}` is no service, container or target that is watched{hint}");
    for blind in report.blind.iter().filter(|blind| blind.what.is_none()) {
        let target = crate::engine::title(blind.area, &blind.target);
        text += &format!("\n          {target}: {}", blind.sentence());
    }
    text
}
