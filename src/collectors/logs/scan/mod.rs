//! Lines into counts: what a line is, and which rules it matches. Pure: bytes and a time in, counts
//! out.

pub mod level;
pub mod lines;

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use self::lines::Piece;
use super::rules::Rule;
use super::tally::Tally;

/// What is counted in the lines of a source.
pub struct Scanner {
    pub rules: Vec<Rule>,
}

/// What is known of one run of lines (a file, one stream of a container, the journal) from the lines
/// before: it goes on over pieces, reloads and restarts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Stream {}

impl Scanner {
    /// Counts whole lines of one run.
    pub fn scan(&self, _stream: &mut Stream, piece: &Piece, now: SystemTime, tally: &mut Tally) {
        tally.count(&self.rules, piece, now);
    }
}
