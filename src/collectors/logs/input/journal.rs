//! The journal as an input.

use std::sync::Arc;

use super::super::follow::Sink;
use super::super::follow::report::{Doubt, Report};
use super::super::journal::Source;
use super::super::journal::state::Positions;
use super::super::scan::Stream;

pub struct Journal(pub Source);

impl Journal {
    pub fn step(
        &self,
        positions: &mut Positions<Stream>,
        in_time: &dyn Fn() -> bool,
        sink: &mut dyn Sink<Stream>,
    ) -> Report {
        let told = self.0.step(positions, in_time, sink);
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

    /// Where it is, for people.
    pub fn place(&self) -> String {
        let places: Vec<_> =
            self.0.directories.iter().map(|dir| dir.display().to_string()).collect();
        format!("journal at {}", places.join(", "))
    }
}
