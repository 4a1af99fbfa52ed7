//! `config check --connect`: every target read once, and which of them work.

use std::fmt::Write as _;
use std::time::Duration;

use crate::check::{Blind, Report, judge};
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
    /// Of these in part.
    partly: usize,
    all: usize,
}

/// A target after the other, and what of the configuration speaks of nothing that is there.
fn told(snapshot: &Snapshot) -> Told {
    let report = judge(snapshot);
    let mut told = Told { text: String::new(), working: 0, partly: 0, all: 0 };
    for entry in &snapshot.entries {
        let Some(target) = &entry.target else { continue };
        let troubles = troubles(entry, &report);
        let fails = troubles.iter().any(|trouble| trouble.whole);
        told.all += 1;
        told.working += usize::from(!fails);
        told.partly += usize::from(!fails && !troubles.is_empty());
        let word = match (fails, troubles.is_empty()) {
            (true, _) => "FAILS ",
            (false, false) => "partly",
            (false, true) => "works ",
        };
        let name = title(target.id.area, &target.id.name);
        let took = entry.state.as_ref().and_then(|state| state.took).unwrap_or_default();
        let place = printable(&target.place);
        let _ = writeln!(told.text, "{word}  {name}  {place}  {} ms", took.as_millis());
        for trouble in troubles {
            let _ = writeln!(told.text, "        {}", printable(&trouble.why));
            let _ = writeln!(told.text, "        do: {}", printable(&trouble.remedy));
        }
        for idle in idle(entry, &report) {
            let _ = writeln!(told.text, "        {}", printable(&idle));
        }
    }
    let (working, all) = (told.working, told.all);
    let partly = match told.partly {
        0 => String::new(),
        some => format!(", {some} of them in part"),
    };
    let _ = writeln!(told.text, "{working} of {all} targets can be read{partly}");
    told
}

/// Why a target cannot be read, or not all of it.
struct Trouble {
    whole: bool,
    why: String,
    remedy: String,
}

fn troubles(entry: &Entry, report: &Report) -> Vec<Trouble> {
    let Some(target) = &entry.target else { return Vec::new() };
    let own = |area: &str, name: &str| area == target.id.area && name == target.id.name;
    let blind = report.blind.iter().filter(|blind| own(blind.area, &blind.target));
    let trouble = |blind: &Blind| Trouble {
        whole: blind.what.is_none(),
        why: blind.sentence(),
        remedy: blind.remedy(),
    };
    let mut found: Vec<Trouble> = blind.map(trouble).collect();
    // A probe without an answer is read well: what it read is that there is none.
    for failure in samples(target.area, entry.sets(), "stack_probe_failure") {
        if failure.value > 0.0 {
            let (phase, reason) = (failure.label("phase"), failure.label("reason"));
            found.push(Trouble {
                whole: true,
                why: format!("the probe fails in the phase `{phase}`, reason `{reason}`"),
                remedy: format!(
                    "stack-exporter check {}/{} --explain",
                    target.id.area, target.id.name
                ),
            });
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
