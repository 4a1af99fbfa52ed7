//! `check`: read everything, judge it, print it; once, until all is well, or again and again.

pub(super) mod args;
mod output;
mod session;

use std::time::Duration;

use super::args::Options;
use super::{UNKNOWN, logging, runtime, tell, tell_all};
use crate::catalogue::Area;
use crate::collectors::CATALOGUE;
use crate::engine::{Board, Missed};
use crate::load;
use args::Check;
use output::Output;
use session::{Session, Unknown};

/// The exit code for something critical.
const CRITICAL: u8 = 2;
/// The longest deadline that a target may have, and a little.
const PATIENCE: Duration = Duration::from_secs(61);

pub(super) fn run(options: &Options, arguments: &Check) -> u8 {
    logging::install_quiet(options);
    let asked = match load::areas(&arguments.only) {
        Ok(asked) => asked,
        Err(message) => {
            tell(&format!("--only: {message}"));
            return UNKNOWN;
        }
    };
    let board = Board::new(PATIENCE);
    let file = options.config_file.as_deref();
    let mut checked = match load::load(file, &load::environment, &board.memory) {
        Ok(checked) => checked,
        Err(mistakes) => {
            tell_all(&mistakes);
            return UNKNOWN;
        }
    };
    checked.targets.retain(|target| {
        arguments.only.is_empty() || arguments.only.iter().any(|area| area == target.id.area)
    });
    let absent = absent(&checked, &asked);
    for text in &absent {
        tell(text);
    }
    if checked.targets.is_empty() {
        tell("nothing to check: no target is declared or can be found");
        return UNKNOWN;
    }
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) => {
            tell(&format!("cannot start: {error}"));
            return UNKNOWN;
        }
    };
    let output = Output::new(arguments);
    let session = Session::new(&board, arguments, &output);
    let ended = runtime.block_on(async {
        board.apply(checked.targets);
        session.run().await
    });
    // A blocking read that hangs must not keep the command from ending.
    runtime.shutdown_background();
    match ended {
        // Who asks for an area wants to know of it: what cannot be seen never passes.
        Ok(code) if absent.is_empty() || code == CRITICAL => code,
        Ok(_) => UNKNOWN,
        Err(Unknown(text)) => {
            tell(&text);
            UNKNOWN
        }
    }
}

/// What was asked for and is not there, with the reason that `serve` tells at its start. A variable of
/// the environment asks, too; without anything to check at all, all is told.
fn absent(checked: &load::Checked, asked: &[&'static Area]) -> Vec<String> {
    let watched = |area: &Area| checked.targets.iter().any(|target| target.id.area == area.name);
    let missed = |area: &&'static Area| checked.missed.iter().any(|one| one.area == area.name);
    let mut areas: Vec<&'static Area> = asked.to_vec();
    if areas.is_empty() {
        let nothing = checked.targets.is_empty();
        areas = CATALOGUE.areas().filter(missed).collect();
        areas.retain(|area| nothing || checked.missed.iter().any(|one| is_named(one, area)));
    }
    areas.dedup_by_key(|area| area.name);
    areas.retain(|area| !watched(area));
    let told = |area: &'static Area| {
        let (why, hint) = load::why_absent(checked, area);
        format!("{}: not watched: {why}\n          do: {hint}", area.name)
    };
    areas.into_iter().map(told).collect()
}

/// Whether a variable names a source of the area, and wrongly: `DOCKER_HOST: SSH is not supported`.
fn is_named(missed: &Missed, area: &Area) -> bool {
    let variable = missed.why.split_once(": ").map_or("", |(name, _)| name);
    let is_variable = |c: char| c.is_ascii_uppercase() || c == '_';
    missed.area == area.name && !variable.is_empty() && variable.chars().all(is_variable)
}
