//! Which lines belong to one error.
//!
//! An event begins with a line of level error or critical, or with a traceback that nobody
//! announced. It goes on over lines that have no head of their own (frames, `DETAIL:`, dumps, blank
//! lines) and ends with the next head, or when its source has been quiet. Only then is it counted:
//! its stack says what it is.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::fingerprint::Parts;
use super::groups::{Event, Groups};
use super::mask::mask;
use super::start::{Start, begins, is_frame};
use super::trace::{Line, Trace, strip_drawing};
use super::{Head, text};
use crate::collectors::logs::scan::level::Level;

/// Longest name of a logger.
const MAX_LOGGER: usize = 64;
/// Raw text that is kept of an open event, where that was asked for.
const MAX_RAW: usize = 1024;
/// Lines of a stack inside of a JSON text that are looked at.
const MAX_INNER: usize = 1000;
const TRACEBACK: &[u8] = b"\\nTraceback (most recent call last):";

/// The open event of a run of lines.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tracker {
    state: State,
    critical: bool,
    /// It has no head: the line that names its exception is its message.
    bare: bool,
    /// When it began.
    at: Option<SystemTime>,
    logger: String,
    template: String,
    trace: Trace,
    /// It has said that it is, and what has happened is to come.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    untold: bool,
    /// A line behind frames that names another exception: it is one of its own if a frame follows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    next: Vec<u8>,
    /// The logger of the last head as it stood there: nearly always that of the next one too.
    #[serde(skip)]
    named: Vec<u8>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    raw: Vec<u8>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
enum State {
    /// The last head was of no error.
    #[default]
    Idle,
    /// It was a warning or of level debug, which may carry a traceback themselves.
    Lower,
    /// An error is open.
    Open,
    /// An exception was named, which is an error if a stack follows.
    Named,
}

impl Tracker {
    /// Whether there is nothing to remember.
    pub fn is_new(&self) -> bool {
        *self == Self::default()
    }

    /// Whether lines without a head belong to an error.
    pub fn open(&self) -> bool {
        self.state == State::Open
    }

    /// A line of level error or critical: the event before ends, another begins.
    pub fn head(&mut self, head: &Head, now: SystemTime, groups: &mut Groups) {
        self.settle(now, groups);
        (self.state, self.at) = (State::Open, Some(now));
        self.critical = head.level == Level::Critical;
        let (message, inner) = match head.exception {
            Some(exception) => (head.message, Some(exception)),
            None => with_traceback(head.message),
        };
        if self.named != head.logger || head.logger.is_empty() {
            self.set_logger(head.logger);
        }
        mask(message, &mut self.template);
        self.untold = inner.is_none() && self.template.is_empty();
        if groups.samples {
            self.raw.extend_from_slice(head.message.get(..MAX_RAW).unwrap_or(head.message));
        }
        if let Some(inner) = inner {
            self.inner(inner);
        }
    }

    /// A line of another level: what is open ends.
    #[inline]
    pub fn other(&mut self, level: Level, now: SystemTime, groups: &mut Groups) {
        if matches!(self.state, State::Open | State::Named) {
            self.settle(now, groups);
        }
        let lower = matches!(level, Level::Warning | Level::Debug);
        self.state = if lower { State::Lower } else { State::Idle };
    }

    /// A line without a head. Need not be called if nothing is open and [`begins`] says no.
    pub fn more(&mut self, line: &[u8], now: SystemTime, groups: &mut Groups) {
        let start = begins(line);
        if self.state == State::Open {
            self.told(line, start, now, groups);
        }
        match (self.state, start) {
            (State::Open, start) => match self.trace.line(line) {
                Line::Names if self.bare && !is_frame(line) => self.name(line, groups.samples),
                Line::Part | Line::Names => {}
                Line::Begins => {
                    self.settle(now, groups);
                    self.bare(start.unwrap_or(Start::Error), line, now, groups.samples);
                }
            },
            (State::Named, _) if is_frame(line) => {
                (self.state, self.bare, self.critical) = (State::Open, true, false);
                self.trace.line(line);
            }
            (State::Idle | State::Named, Some(start)) => {
                self.trace = Trace::default();
                self.bare(start, line, now, groups.samples);
            }
            _ => {}
        }
    }

    /// What a line says to an open event beside its stack: what has happened, or that another one has begun.
    fn told(&mut self, line: &[u8], start: Option<Start>, now: SystemTime, groups: &mut Groups) {
        let next = std::mem::take(&mut self.next);
        if !next.is_empty() && is_frame(line) {
            self.settle(now, groups);
            self.trace = Trace::default();
            return self.bare(Start::Named, &next, now, groups.samples);
        }
        if start == Some(Start::Named) && self.trace.is_below() {
            self.next.extend_from_slice(line.get(..MAX_RAW).unwrap_or(line));
        }
        let text = line.trim_ascii();
        if self.untold && !text.is_empty() {
            self.untold = false;
            if !is_frame(line) && matches!(start, None | Some(Start::Named)) {
                self.name(text, groups.samples);
            }
        }
    }

    /// Nothing more will come for now: what is open is complete.
    pub fn settle(&mut self, now: SystemTime, groups: &mut Groups) {
        if self.state == State::Named {
            (self.state, self.trace) = (State::Idle, Trace::default());
        }
        if self.state != State::Open {
            return;
        }
        let parts = Parts {
            critical: self.critical,
            logger: &self.logger,
            exception: &self.trace.class,
            frame: &self.trace.frame,
            template: &self.template,
        };
        groups.count(&Event { parts, at: self.at.unwrap_or(now), raw: &self.raw }, now);
        (self.state, self.bare, self.untold) = (State::Idle, false, false);
        self.next.clear();
        self.raw.clear();
        if !self.trace.is_empty() {
            self.trace = Trace::default();
        }
    }

    /// An error that nobody announced.
    fn bare(&mut self, start: Start, line: &[u8], now: SystemTime, samples: bool) {
        self.at = Some(now);
        let state = if start == Start::Named { State::Named } else { State::Open };
        (self.state, self.bare, self.critical) = (state, true, start == Start::Critical);
        self.logger.clear();
        self.named.clear();
        // What a panic of Rust says stands in its next line.
        self.untold = start == Start::Critical && line.ends_with(b":");
        // Of a traceback the exception will be the message.
        self.name(line, samples);
        self.trace.line(line);
    }

    fn name(&mut self, line: &[u8], samples: bool) {
        let line = strip_drawing(line);
        mask(line, &mut self.template);
        if samples {
            self.raw.clear();
            self.raw.extend_from_slice(line.get(..MAX_RAW).unwrap_or(line));
        }
    }

    /// Threads and workers are numbered.
    fn set_logger(&mut self, logger: &[u8]) {
        let logger = logger.get(..2 * MAX_LOGGER).unwrap_or(logger);
        let mut name = Vec::with_capacity(logger.len());
        for run in logger.chunk_by(|left, right| left.is_ascii_digit() == right.is_ascii_digit()) {
            match run.first() {
                Some(b'0'..=b'9') => name.push(b'*'),
                _ => name.extend_from_slice(run),
            }
        }
        self.logger = text::bounded(&name, MAX_LOGGER);
        self.named.clear();
        self.named.extend_from_slice(logger);
    }

    /// The lines of a stack in a JSON string, as it stands in the log.
    fn inner(&mut self, inner: &[u8]) {
        for (number, line) in text::json_lines(inner).take(MAX_INNER).enumerate() {
            self.trace.line(&line);
            if number == 0 {
                self.trace.alone(&line);
            }
        }
    }
}

/// A message out of JSON that has the traceback in it.
fn with_traceback(message: &[u8]) -> (&[u8], Option<&[u8]>) {
    // The search for one byte is faster, and most messages have none.
    let Some(first) = memchr::memchr(b'\\', message) else { return (message, None) };
    let rest = message.get(first..).unwrap_or_default();
    let Some(at) = memchr::memmem::find(rest, TRACEBACK) else { return (message, None) };
    let (message, inner) = message.split_at(first + at);
    (message, Some(inner.get(2..).unwrap_or_default()))
}
