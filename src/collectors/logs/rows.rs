//! What is shown of a log source.

use std::time::{Duration, SystemTime};

use super::follow::report::Report;
use super::scan::clients::Seen;
use super::scan::request::Status;
use super::tally::Tally;
use crate::catalogue::Histogram;

/// A source as a whole.
pub struct Log {
    pub tally: Tally,
    pub report: Report,
    pub silence: Duration,
    pub lag: Duration,
    pub now: SystemTime,
    pub catching_up: bool,
    pub saved: bool,
    /// Whether requests are counted.
    pub access: bool,
    pub times: Option<Histogram>,
    pub p95: Option<f64>,
    pub clients: Option<Seen>,
}

/// A kind of error, or all those that have no place of their own.
pub struct ErrorGroup {
    pub fingerprint: String,
    pub level: &'static str,
    pub logger: String,
    pub exception: String,
    pub count: u64,
}

/// Requests of one method.
pub struct Requests {
    pub method: &'static str,
    pub counts: [u64; Status::ALL.len()],
}

/// A busy client.
pub struct Client {
    pub address: String,
    pub requests: u64,
}
