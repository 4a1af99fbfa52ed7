//! Containers as an input: their files are followed, the rest is what the Engine was asked for.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::super::{Around, Input, Places, Step, Told, files};
use super::envelope::{Envelope, Unwrap};
use super::find::Selector;
use super::look::Source;
use super::state::{Absorbed, Containers as Asked};
use crate::clients::engine::address::{self, Address};
use crate::collectors::logs::config::{Logs, Start};
use crate::collectors::logs::follow::find::Pattern;
use crate::collectors::logs::follow::report::Report;
use crate::collectors::logs::follow::saved::Positions;
use crate::collectors::logs::follow::{self, Files, Follow, Sink};
use crate::collectors::logs::offline::Whole;
use crate::collectors::logs::plan::{DEADLINE, Mistakes};
use crate::collectors::logs::scan::Stream;
use crate::config::Dur;
use crate::failure::Failure;

/// What an Engine may take to answer a look, of the deadline of the source.
const PATIENCE: f64 = 0.6;

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
    fn read(&self, known: &mut Known, step: Step) -> Report {
        let Step { prepared, now, in_time, sink } = step;
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
}

impl Input for Containers {
    fn place(&self) -> String {
        format!("{} of {}", self.name, self.source.address)
    }

    fn missing(&self) -> &'static str {
        "no such container"
    }

    fn advice(&self) -> &'static str {
        "docker ps -a lists the names and the Compose services"
    }

    fn asks(&self) -> Option<&Self> {
        Some(self)
    }

    fn step(&self, places: &mut Places, step: Step) -> Report {
        self.read(&mut places.containers, step)
    }

    fn whole(&self) -> Told<'_> {
        Box::pin(async {
            match self.source.containers().await? {
                found if found.is_empty() => Err(self.nothing()),
                found => Ok(Whole::Containers(found)),
            }
        })
    }
}

/// By what containers are chosen, under which key, if they are.
fn selector(logs: &Logs) -> Option<(&'static str, Result<Selector, String>)> {
    let by_name = logs.container.as_ref().map(|name| ("container", Selector::container(name)));
    let by_service = || {
        let service = logs.compose_service.as_ref()?;
        Some(("compose_service", Selector::compose_service(service)))
    };
    by_name.or_else(by_service)
}

/// The containers that a source names.
pub fn plan(logs: &Logs, around: &Around, mistakes: &mut Mistakes) -> Box<dyn Input> {
    let nothing = || Box::new(files::plan(&Logs::default(), &mut Vec::new()));
    let Some((key, selector)) = selector(logs) else { return nothing() };
    let selector = match selector {
        Ok(selector) => selector,
        Err(message) => {
            mistakes.push((key.to_owned(), message));
            return nothing();
        }
    };
    let address = match logs.engine.as_ref().map(|url| Address::parse(url, None)) {
        Some(Ok(address)) => address,
        Some(Err(message)) => {
            mistakes.push(("engine".into(), message.to_owned()));
            address::usual()
        }
        None => around.engine.clone().unwrap_or_else(address::usual),
    };
    let source = Source {
        address,
        selector,
        streams: logs.streams,
        from_start: logs.start == Start::Beginning,
        root: logs.engine_root.clone().unwrap_or_else(|| "/".into()),
    };
    let deadline = logs.timeout.map_or(DEADLINE, Dur::get);
    let name = logs.container.as_ref().or(logs.compose_service.as_ref());
    Box::new(Containers {
        source,
        patience: deadline.mul_f64(PATIENCE),
        start: logs.start,
        name: format!("{} {}", key.replace('_', " "), name.map_or("", String::as_str)),
    })
}
