//! Containers as an input: their files are followed, the rest is what the Engine was asked for.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::super::config::Start;
use super::super::containers::envelope::{Envelope, Unwrap};
use super::super::containers::look::Source;
use super::super::containers::state::{Absorbed, Containers as Asked, Prepared};
use super::super::follow::find::Pattern;
use super::super::follow::report::Report;
use super::super::follow::saved::Positions;
use super::super::follow::{self, Files, Follow, Sink};
use super::super::scan::Stream;
use crate::failure::Failure;

/// Rotated files of one container.
const MAX_ROTATED: u32 = 100;

/// What is read, and how long the Engine may take.
pub struct Containers {
    pub source: Source,
    pub patience: Duration,
    pub start: Start,
    /// The containers, as they are named in the configuration.
    pub name: String,
}

/// What is known of them.
#[derive(Default)]
pub struct Known {
    pub asked: Asked<Stream>,
    pub files: Files<Unwrap<Stream>>,
    /// The json-files that are followed. Nothing before the first list: while the Engine is away, and
    /// over a restart, they stay what they were.
    paths: Option<Vec<PathBuf>>,
    last: Absorbed,
    /// Why a part of what was asked failed.
    problem: Option<Failure>,
    crowded_out: u64,
    unreadable: u64,
}

/// As it is written down.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Saved {
    pub asked: Asked<Stream>,
    pub files: Positions<Unwrap<Stream>>,
    paths: Option<Vec<PathBuf>>,
}

impl Known {
    pub fn restore(saved: Saved) -> Self {
        let Saved { mut asked, files, paths } = saved;
        asked.restarted = true;
        Self { asked, files: Files::restore(files), paths, ..Self::default() }
    }

    /// Adds what was told when the Engine was last asked: also steps that ask nothing are part of
    /// that reading.
    pub fn tell(&self, report: &mut Report) {
        report.caught_up &= !self.last.more;
        report.problem = report.problem.take().or_else(|| self.problem.clone());
    }

    pub fn saved(&self) -> Saved {
        Saved { asked: self.asked.clone(), files: self.files.saved(), paths: self.paths.clone() }
    }
}

/// The file with the rotated ones that belong to it: it may have rotated before it was found.
fn rotated(file: &Path) -> impl Iterator<Item = PathBuf> {
    let numbered = |number| PathBuf::from(format!("{}.{number}", file.display()));
    let older = (1..MAX_ROTATED).map(numbered).take_while(|path| path.exists());
    std::iter::once(file.to_owned()).chain(older.collect::<Vec<_>>())
}

impl Containers {
    pub fn step(
        &self,
        known: &mut Known,
        prepared: Option<&Prepared>,
        now: SystemTime,
        in_time: &dyn Fn() -> bool,
        sink: &mut dyn Sink<Stream>,
    ) -> Report {
        let start = if known.paths.is_some() { Start::Beginning } else { self.start };
        let mut gone = 0;
        if let Some(prepared) = prepared {
            known.last = known.asked.absorb(prepared, now, sink);
            gone = known.last.overrun + known.last.removed;
            (known.crowded_out, known.unreadable) = (prepared.crowded_out, prepared.unreadable);
            if prepared.problem.is_some() && prepared.unreadable == 0 {
                // The Engine itself is away: none of those that it is asked for can be read.
                known.unreadable = known.asked.by_engine();
            }
            known.problem.clone_from(&prepared.problem);
            if let Some(found) = &prepared.found {
                let files = found.iter().filter_map(|found| found.file());
                known.paths = Some(files.flat_map(rotated).collect());
            }
        }
        let mut report = self.files(known, start, now, in_time, sink);
        report.doubt.overrun += gone;
        report.open += known.last.containers.saturating_sub(report.open);
        report.unreadable += known.unreadable;
        report.crowded_out += known.crowded_out;
        report
    }

    fn files(
        &self,
        known: &mut Known,
        start: Start,
        now: SystemTime,
        in_time: &dyn Fn() -> bool,
        sink: &mut dyn Sink<Stream>,
    ) -> Report {
        let paths = known.paths.iter().flatten();
        let named = paths.map(|path| (path.display().to_string(), Pattern::of(path)));
        let (texts, patterns) = named.unzip::<_, _, Vec<_>, Vec<_>>();
        let (open, budget) = (follow::file::open, follow::BUDGET);
        let held = follow::MAX_HELD;
        let follow = Follow { texts, patterns, start, open, budget, held };
        let mut envelope = Envelope::new(sink, self.source.streams);
        let mut report = follow.step(&mut known.files, now, in_time, &mut envelope);
        report.doubt.damaged += envelope.damaged;
        report
    }

    /// Where it is, for people.
    pub fn place(&self) -> String {
        format!("{} of {}", self.name, self.source.address)
    }
}
