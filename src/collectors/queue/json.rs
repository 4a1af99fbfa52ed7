//! The JSON of a service that tells the state of its queues, pure.

use serde_json::Value;

use super::config::Paths;
use super::flow::Passed;
use super::model::{Condition, Observed, State};
use crate::clients::http::Json;
use crate::clients::json::{Decoded, JsonError};
use crate::failure::{Failure, Reason};

pub const CONDITIONS: &[Condition] = &[
    Condition::Idle,
    Condition::Busy,
    Condition::Saturated,
    Condition::Stalled,
    Condition::NoWorkers,
    Condition::Unknown,
];

/// Words for "well". Everything else is not well, also words we have never seen.
const WELL: [&str; 5] = ["healthy", "ok", "up", "pass", "green"];

/// What the service says of itself.
#[derive(Debug, Default, PartialEq)]
pub struct Service {
    pub healthy: Option<bool>,
    pub running: Option<bool>,
    pub memory: Option<f64>,
    pub cpu: Option<f64>,
}

pub struct Said {
    pub service: Service,
    pub queues: Result<Vec<Observed>, Failure>,
    /// Entries that were too many to be decoded.
    pub dropped: u64,
}

/// `target` names the queue where the answer has only one.
pub fn parse(target: &str, answer: Json<Value>, paths: &Paths) -> Result<Said, Failure> {
    // A service that is not well may say so with a status of 503 and the same JSON.
    let status = answer.status;
    let Decoded { value, dropped } = answer.value.map_err(|error| no_json(status, &error))?;
    let at = |path: &Option<String>| path.as_ref().and_then(|path| value.pointer(path));
    let percent = |path: &Option<String>| at(path).and_then(number).map(|percent| percent / 100.0);
    let service = Service {
        healthy: at(&paths.status).and_then(well),
        running: at(&paths.running).and_then(Value::as_bool),
        memory: percent(&paths.memory_percent),
        cpu: percent(&paths.cpu_percent),
    };
    let queues = match (&paths.queues, at(&paths.queues)) {
        (None, _) => Ok(vec![queue(target, &value, paths, service.running)]),
        (Some(_), Some(Value::Object(queues))) => {
            let all = queues.iter();
            Ok(all.map(|(name, said)| queue(name, said, paths, service.running)).collect())
        }
        (Some(path), _) => {
            Err(Failure::new(Reason::PARSE, format!("the answer has no map of queues at `{path}`")))
        }
    };
    match nothing_said(status, &service, &queues) {
        Some(failure) => Err(failure.hint(HINT)),
        None => Ok(Said { service, queues, dropped }),
    }
}

/// Why the answer is a failed reading, if nothing that was asked for is in it: a page of errors
/// is JSON too. A map without queues is an answer, unless the status says otherwise.
fn nothing_said(
    status: u16,
    service: &Service,
    queues: &Result<Vec<Observed>, Failure>,
) -> Option<Failure> {
    let says = |seen: &Observed| !seen.jobs.is_empty() || !seen.oldest.is_empty();
    let any = queues.as_ref().is_ok_and(|queues| queues.iter().any(says));
    if any || *service != Service::default() {
        return None;
    }
    status_failure(status).or_else(|| match queues {
        Err(failure) => Some(failure.clone()),
        Ok(queues) if queues.is_empty() => None,
        Ok(_) => Some(Failure::new(Reason::PARSE, "the answer has nothing at any of the `paths`")),
    })
}

const HINT: &str = "is this the address of the queue status, and the right `preset` or `paths`?";

fn no_json(status: u16, error: &JsonError) -> Failure {
    status_failure(status)
        .map_or_else(|| error.failure("the answer", HINT), |failure| failure.hint(HINT))
}

fn status_failure(status: u16) -> Option<Failure> {
    let reason = match status {
        200..=299 => return None,
        401 => Reason::AUTH,
        403 => Reason::RIGHTS,
        404 => Reason::NOT_FOUND,
        _ => Reason::PROTOCOL,
    };
    Some(Failure::new(reason, format!("the service answers with HTTP status {status}")))
}

fn queue(name: &str, said: &Value, paths: &Paths, running: Option<bool>) -> Observed {
    let at = |path: &Option<String>| path.as_ref().and_then(|path| said.pointer(path));
    let states = [
        (State::Pending, &paths.pending),
        (State::Processing, &paths.processing),
        (State::Completed, &paths.completed),
        (State::Failed, &paths.failed),
    ];
    let jobs = states.iter().filter_map(|(state, path)| Some((*state, count(at(path)?)?)));
    let jobs: std::collections::BTreeMap<State, u64> = jobs.collect();
    let oldest = at(&paths.oldest_age_seconds).and_then(number);
    let done = jobs.get(&State::Completed).copied();
    let more = [State::Processing, State::Failed].map(|state| jobs.get(&state).copied());
    // It counts those that have ended, and starts anew with the application.
    let held = [State::Pending, State::Processing].map(|state| jobs.get(&state).copied());
    let ended = done.map(|done| done.saturating_add(more[1].unwrap_or(0)));
    let passed = match (held, ended) {
        ([Some(pending), Some(processing)], Some(out)) => {
            Some(Passed { held: pending.saturating_add(processing), out })
        }
        _ => None,
    };
    Observed {
        passed,
        // Without a number of finished jobs nobody can tell whether it goes on.
        progress: done.map(|done| [Some(done), more[0], more[1]].into_iter().flatten().collect()),
        oldest: oldest.map(|age| (State::Pending, age)).into_iter().collect(),
        attended: running,
        jobs,
        ..Observed::named(name)
    }
}

fn well(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(well) => Some(*well),
        Value::String(word) => Some(WELL.contains(&word.to_lowercase().as_str())),
        _ => None,
    }
}

/// A number that is not negative, also as text and with a percent sign.
fn number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().trim_end_matches('%').trim_end().parse().ok()?,
        _ => return None,
    };
    (number.is_finite() && number >= 0.0).then_some(number)
}

fn count(value: &Value) -> Option<u64> {
    let number = number(value)?;
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked to be a whole number below 2^53"
    )]
    (number.fract() == 0.0 && number < 9e15).then_some(number as u64)
}
