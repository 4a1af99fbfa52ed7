//! Standard input as an input.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::super::follow::Sink;
use super::super::follow::report::Report;
use super::super::scan::Stream;
use super::super::stdin::{End, Input, Stdin};
use crate::failure::Failure;

/// What came last is shown for so long after the end, so that a scrape sees it.
const SHOWN: Duration = Duration::from_mins(1);

/// The thread that reads it, once for the whole process: it has taken more from the pipe than was
/// counted, so it stays when a source goes and comes.
#[derive(Default)]
pub struct Standard {
    pipe: Mutex<Pipe>,
}

#[derive(Default)]
struct Pipe {
    input: Option<Input>,
    ended: Option<Instant>,
}

impl Standard {
    pub fn step(&self, state: &mut Stdin<Stream>, sink: &mut dyn Sink<Stream>) -> Report {
        let mut pipe = self.pipe.lock().unwrap_or_else(PoisonError::into_inner);
        let Pipe { input, ended } = &mut *pipe;
        let input = match input {
            Some(input) => input,
            none => match Input::start(std::io::stdin()) {
                Ok(input) => none.insert(input),
                Err(failure) => return failed(failure),
            },
        };
        let told = input.step(state, sink);
        let goes_on = told.end.is_none() || told.more;
        match told.end {
            Some(End::Failed(failure)) if !told.more => failed(failure),
            _ => Report {
                open: u64::from(goes_on || shown(ended)),
                unterminated: told.unterminated,
                unsettled: told.bytes > 0,
                caught_up: !told.more,
                ..Report::default()
            },
        }
    }
}

fn shown(ended: &mut Option<Instant>) -> bool {
    ended.get_or_insert_with(Instant::now).elapsed() < SHOWN
}

fn failed(failure: Failure) -> Report {
    Report { unreadable: 1, caught_up: true, problem: Some(failure), ..Report::default() }
}
