//! The journal as an input.

use std::sync::Arc;

use super::super::{Around, Input, Places, Step, Told};
use super::select::Selector;
use super::{Source, USUAL};
use crate::collectors::logs::config::{Logs, Start};
use crate::collectors::logs::follow::report::{Doubt, Report};
use crate::collectors::logs::offline::Whole;
use crate::collectors::logs::plan::Mistakes;

impl Input for Source {
    fn place(&self) -> String {
        let places: Vec<_> = self.directories.iter().map(|dir| dir.display().to_string()).collect();
        format!("journal at {}", places.join(", "))
    }

    fn missing(&self) -> &'static str {
        "no journal file"
    }

    fn advice(&self) -> &'static str {
        "is the journal kept on disk (Storage=persistent), mounted here, and may we read it?"
    }

    fn is_watched(&self) -> bool {
        true
    }

    fn step(&self, places: &mut Places, step: Step) -> Report {
        let told = Self::step(self, &mut places.journal, step.in_time, step.sink);
        Report {
            open: told.files,
            unreadable: u64::from(told.problem.is_some()),
            doubt: Doubt {
                cursor_lost: told.lost,
                damaged: told.damaged + told.unreadable,
                ..Doubt::default()
            },
            crowded_out: told.crowded_out,
            dirs: Arc::new(told.folders),
            unsettled: told.unsettled,
            caught_up: told.waiting == 0 || told.problem.is_some(),
            problem: told.problem,
            ..Report::default()
        }
    }

    fn whole(&self) -> Told<'_> {
        Box::pin(std::future::ready(Ok(Whole::Journal(self.clone()))))
    }
}

/// The journal as a source names it.
pub fn plan(logs: &Logs, _: &Around, mistakes: &mut Mistakes) -> Box<dyn Input> {
    let journal = logs.journal.clone().unwrap_or_default();
    let selector = Selector::new(journal.unit.as_deref(), journal.identifier.as_deref());
    let selector = selector.unwrap_or_else(|(key, message)| {
        mistakes.push((format!("journal.{key}"), message));
        Selector::default()
    });
    let directories = match journal.directory {
        Some(directory) => vec![directory],
        None => USUAL.map(Into::into).to_vec(),
    };
    let from_start = logs.start == Start::Beginning;
    Box::new(Source { directories, selector, from_start })
}
