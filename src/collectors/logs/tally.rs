//! What has been counted. It belongs to the source, not to the configuration or the process: it goes
//! on over a reload and a restart.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::errors::Groups;
use super::follow::report::Report;
use super::pace::Pace;
use super::recent::Recent;
use super::rules::{Rules, Tallies};
use super::scan::level::Level;
use super::scan::request::{Access, Method, Status};
use super::scan::{Events, Unknown};

#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Tally {
    /// Lines by level.
    pub levels: [u64; Level::ALL.len()],
    pub bytes: u64,
    pub last_line: Option<SystemTime>,
    pub events: Events,
    /// Lines that were not recognised.
    pub unknown: Unknown,
    pub errors: Groups,
    pub access: Access,
    pub rules: Tallies,
    pub rotations: u64,
    /// Last lines that nobody has finished.
    pub unterminated: u64,
    pub doubt: Doubt,
    /// Bytes of which is known that they were never read.
    pub unknown_bytes: u64,
    pub pace: Pace,
    /// The same for requests and those that failed.
    pub requests: Pace,
    /// Request times of the last minutes, by the buckets of their histogram.
    pub times: Recent,
}

/// What makes the counts less than exact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Doubt {
    pub truncated: u64,
    pub overrun: u64,
    pub state_lost: u64,
    pub cursor_lost: u64,
    pub damaged: u64,
    pub cut: u64,
}

impl Tally {
    /// Takes what a step of the files has told besides their lines.
    pub fn note(&mut self, report: &Report) {
        self.rotations += report.rotations;
        self.unterminated += report.unterminated;
        self.unknown_bytes += report.unknown_bytes;
        self.doubt.truncated += report.doubt.truncated;
        self.doubt.overrun += report.doubt.overrun;
        self.doubt.cursor_lost += report.doubt.cursor_lost;
        self.doubt.damaged += report.doubt.damaged;
    }

    /// How often caps of rules have put something under `other` since the last call.
    pub fn take_capped(&mut self) -> u64 {
        std::mem::take(&mut self.rules.capped)
    }

    /// The first look after a start.
    pub fn begin_again(&mut self, now: SystemTime) {
        self.rules.begin_again(now);
        self.errors.begin_again(now);
    }

    /// What only time changes. Returns whether anything has.
    pub fn tick(&mut self, rules: &Rules, now: SystemTime) -> bool {
        // A clock that was put back must not make a silence invisible.
        self.last_line = self.last_line.map(|last| last.min(now));
        rules.tick(now, &mut self.rules) | self.errors.tick(now)
    }

    /// What is compared to tell how fast something comes, and whether there is something to save.
    pub fn mark(&self) -> Mark {
        let failed = |method| self.access.requests(method, Status::ServerError);
        Mark {
            bytes: self.bytes,
            events: self.events.all,
            // An error counts as one in the moment in which it is an event, or their share would be above one.
            errors: self.events.errors,
            requests: self.access.total(),
            failed: Method::ALL.into_iter().map(failed).sum(),
            times: self.access.times.counts.to_vec(),
            noted: [self.rotations, self.unterminated, self.unknown_bytes],
            doubt: self.doubt,
        }
    }

    /// Notes what has come since the mark was made, as having come now.
    pub fn keep_pace(&mut self, since: &Mark, now: SystemTime) {
        let mark = self.mark();
        self.pace.add(now, mark.events - since.events, mark.errors - since.errors);
        self.requests.add(now, mark.requests - since.requests, mark.failed - since.failed);
        let times: Vec<u64> =
            mark.times.iter().zip(&since.times).map(|(to, from)| to - from).collect();
        if times.iter().any(|count| *count > 0) {
            self.times.add(now, &times);
        }
    }
}

/// Counts at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    bytes: u64,
    events: u64,
    errors: u64,
    requests: u64,
    failed: u64,
    times: Vec<u64>,
    /// What lines have no part in.
    noted: [u64; 3],
    doubt: Doubt,
}
