//! `config check --connect`: every target read once, and which of them work.

use std::fmt::Write as _;
use std::time::Duration;

use crate::check::{Report, judge};
use crate::cli::args::Options;
use crate::cli::{logging, print, runtime, tell};
use crate::engine::{Board, Entry, Snapshot, samples, title};
use crate::load::Checked;
use crate::text::printable;

/// The longest deadline that a target may have, and a little.
pub(super) const PATIENCE: Duration = Duration::from_secs(61);
/// Something cannot be read.
const BLIND: u8 = 1;

pub(super) fn run(options: &Options, checked: Checked, board: &Board) -> u8 {
    logging::install_quiet(options);
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) => {
            tell(&format!("cannot start: {error}"));
            return BLIND;
        }
    };
    let snapshot = runtime.block_on(async {
        board.apply(checked.targets);
        board.scrape(&[], None).await
    });
    // A blocking read that hangs must not keep the command from ending.
    runtime.shutdown_background();
    let told = told(&snapshot);
    print(&told.text);
    if told.working == told.all { 0 } else { BLIND }
}

struct Told {
    text: String,
    working: usize,
    all: usize,
}

/// A target after the other, and what of the configuration speaks of nothing that is there.
fn told(snapshot: &Snapshot) -> Told {
    let report = judge(snapshot);
    let mut told = Told { text: String::new(), working: 0, all: 0 };
    for entry in &snapshot.entries {
        let Some(target) = &entry.target else { continue };
        told.all += 1;
        let troubles = troubles(entry, &report);
        told.working += usize::from(troubles.is_empty());
        let word = if troubles.is_empty() { "works" } else { "FAILS" };
        let name = title(target.id.area, &target.id.name);
        let took = entry.state.as_ref().and_then(|state| state.took).unwrap_or_default();
        let place = printable(&target.place);
        let _ = writeln!(told.text, "{word}  {name}  {place}  {} ms", took.as_millis());
        for (why, remedy) in troubles {
            let _ = writeln!(told.text, "       {}", printable(&why));
            let _ = writeln!(told.text, "       do: {}", printable(&remedy));
        }
        for idle in idle(entry, &report) {
            let _ = writeln!(told.text, "       {}", printable(&idle));
        }
    }
    let _ = writeln!(told.text, "{} of {} targets can be read in full", told.working, told.all);
    told
}

/// Why a target, or a part of it, cannot be read, and what to do.
fn troubles(entry: &Entry, report: &Report) -> Vec<(String, String)> {
    let Some(target) = &entry.target else { return Vec::new() };
    let own = |area: &str, name: &str| area == target.id.area && name == target.id.name;
    let blind = report.blind.iter().filter(|blind| own(blind.area, &blind.target));
    let mut found: Vec<_> = blind.map(|blind| (blind.sentence(), blind.remedy())).collect();
    // A probe without an answer is read well: what it read is that there is none.
    for failure in samples(target.area, entry.sets(), "stack_probe_failure") {
        if failure.value > 0.0 {
            let (phase, reason) = (failure.label("phase"), failure.label("reason"));
            found.push((
                format!("the probe fails in the phase `{phase}`, reason `{reason}`"),
                format!("stack-exporter check --only probe --explain {}", target.id.name),
            ));
        }
    }
    found
}

/// Keys of thresholds and patterns of `exclude` that match nothing.
fn idle(entry: &Entry, report: &Report) -> Vec<String> {
    let Some(target) = &entry.target else { return Vec::new() };
    let own = report
        .idle
        .iter()
        .filter(|idle| idle.area == target.id.area && idle.target == target.id.name);
    let mut found: Vec<String> = own.map(crate::check::Idle::sentence).collect();
    for sample in samples(target.area, entry.sets(), "stack_docker_exclude_matches") {
        if sample.value == 0.0 {
            found.push(format!("exclude: `{}` matches nothing", sample.label("pattern")));
        }
    }
    found
}
