//! Standard input as an input.

pub mod pipe;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use self::pipe::{End, Reader};
use super::{Input, Places, Step, Told};
use crate::collectors::logs::follow::report::Report;
use crate::failure::{Failure, Reason};

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
    input: Option<Reader>,
    ended: Option<Instant>,
}

impl Input for Arc<Standard> {
    fn place(&self) -> String {
        "standard input".to_owned()
    }

    fn missing(&self) -> &'static str {
        "it has ended"
    }

    fn advice(&self) -> &'static str {
        "start the exporter behind the program again: program | stack-exporter"
    }

    fn step(&self, places: &mut Places, step: Step) -> Report {
        let mut pipe = self.pipe.lock().unwrap_or_else(PoisonError::into_inner);
        let Pipe { input, ended } = &mut *pipe;
        let input = match input {
            Some(input) => input,
            none => match Reader::start(std::io::stdin()) {
                Ok(input) => none.insert(input),
                Err(failure) => return failed(failure),
            },
        };
        let told = input.step(&mut places.stdin, step.sink);
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
    fn whole(&self) -> Told<'_> {
        let why = "it reads the standard input of the exporter, of which nothing is kept";
        let failure = Failure::new(Reason::NOT_FOUND, why)
            .hint("GET /api/v1/status of the running exporter has its errors");
        Box::pin(std::future::ready(Err(failure)))
    }
}

fn shown(ended: &mut Option<Instant>) -> bool {
    ended.get_or_insert_with(Instant::now).elapsed() < SHOWN
}

fn failed(failure: Failure) -> Report {
    Report { unreadable: 1, caught_up: true, problem: Some(failure), ..Report::default() }
}
