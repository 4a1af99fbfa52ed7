//! Where the lines of a source come from. Each kind is a folder or file here: what it is called in the
//! configuration, what it reads and what helps when there is nothing. A new kind is that, its key in
//! `config.rs`, its row in [`KINDS`] and, if it remembers something, its field in [`Places`].

pub mod containers;
pub mod files;
pub mod journal;
pub mod stdin;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::SystemTime;

use self::containers::state::Prepared;
use self::stdin::Standard;
use super::config::Logs;
use super::follow::report::Report;
use super::follow::{Files, Sink};
use super::offline::Whole;
use super::plan::Mistakes;
use super::scan::Stream;
use crate::clients::engine::address::Address;
use crate::failure::{Failure, Reason};

/// What a source reads.
pub trait Input: Send + Sync {
    /// Where it is, for people.
    fn place(&self) -> String;

    /// What is said of it when there is nothing.
    fn missing(&self) -> &'static str;

    /// What helps then.
    fn advice(&self) -> &'static str;

    /// Whether the kernel tells of all that can happen.
    fn is_watched(&self) -> bool {
        false
    }

    /// The Engine that has to be asked before a step, if it is of containers.
    fn asks(&self) -> Option<&containers::Containers> {
        None
    }

    /// Reads on where is told that something was written, if that is all there is to do.
    fn touch(
        &self,
        _places: &mut Places,
        _paths: &BTreeSet<PathBuf>,
        _step: Step,
    ) -> Option<Report> {
        None
    }

    /// Reads what is new.
    fn step(&self, places: &mut Places, step: Step) -> Report;

    /// All that there is of it, for commands beside the running exporter.
    fn whole(&self) -> Told<'_>;

    /// That nothing is there.
    fn nothing(&self) -> Failure {
        Failure::new(Reason::NOT_FOUND, format!("{}: {}", self.place(), self.missing()))
            .hint(self.advice())
    }
}

/// The answer of an input that has to ask for it.
pub type Told<'a> = Pin<Box<dyn Future<Output = Result<Whole, Failure>> + Send + 'a>>;

/// One step of a reading.
pub struct Step<'a> {
    /// What the Engine has said.
    pub prepared: Option<&'a Prepared>,
    pub now: SystemTime,
    pub in_time: &'a dyn Fn() -> bool,
    pub sink: &'a mut dyn Sink<Stream>,
}

/// How far reading has come, by kind. A source has one kind, but its configuration may change.
#[derive(Default)]
pub struct Places {
    pub files: Files<Stream>,
    pub containers: containers::Known,
    pub journal: journal::state::Positions<Stream>,
    pub stdin: stdin::pipe::Stdin<Stream>,
}

/// What other sections have to say to an input.
#[derive(Default)]
pub struct Around {
    /// The Engine of the section `docker`.
    pub engine: Option<Address>,
    /// The one reader of the standard input.
    pub stdin: Arc<Standard>,
}

/// A kind of input.
struct Kind {
    /// The key that names it.
    key: &'static str,
    is_named: fn(&Logs) -> bool,
    plan: fn(&Logs, &Around, &mut Mistakes) -> Box<dyn Input>,
}

const KINDS: [Kind; 5] = [
    Kind {
        key: "files",
        is_named: |logs| !logs.files.is_empty(),
        plan: |logs, _, mistakes| Box::new(files::plan(logs, mistakes)),
    },
    Kind { key: "container", is_named: |logs| logs.container.is_some(), plan: containers::plan },
    Kind {
        key: "compose_service",
        is_named: |logs| logs.compose_service.is_some(),
        plan: containers::plan,
    },
    Kind { key: "journal", is_named: |logs| logs.journal.is_some(), plan: journal::plan },
    Kind {
        key: "stdin",
        is_named: |logs| logs.stdin,
        plan: |_, around, _| Box::new(Arc::clone(&around.stdin)),
    },
];

/// The input that is named.
pub fn plan(logs: &Logs, around: &Around, mistakes: &mut Mistakes) -> Box<dyn Input> {
    let mut named = KINDS.iter().filter(|kind| (kind.is_named)(logs));
    let Some(first) = named.next() else {
        mistakes.push((
            "files".into(),
            "names no file, write for example `/srv/bot/*.log`; or name a `container`, a \
             `compose_service`, the `journal` or `stdin`"
                .into(),
        ));
        return Box::new(files::plan(logs, mistakes));
    };
    let message = format!("one source has one kind of input, and `{}` is named", first.key);
    mistakes.extend(named.map(|kind| (kind.key.to_owned(), message.clone())));
    (first.plan)(logs, around, mistakes)
}
