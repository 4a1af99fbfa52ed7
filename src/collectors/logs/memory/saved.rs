//! The memory of a source as it is written down: what was counted and where reading stopped are of
//! one moment.
//!
//! A reading that has touched a few of many files adds what has changed behind the state: the counts,
//! and the positions in these files. What is not wholly there counts as not written.

use std::collections::BTreeMap;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::super::follow::facts::Identity;
use super::super::follow::saved::{Position, Positions as FilePositions};
use super::super::input::containers;
use super::super::input::journal::state::Positions;
use super::super::scan::Stream;
use super::super::tally::Tally;
use crate::engine::{Form, Lost};

pub const FORM: Form = Form { kind: "logs", version: 1 };

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Saved {
    pub(super) since: Option<SystemTime>,
    pub(super) tally: Tally,
    pub files: FilePositions<Stream>,
    pub containers: containers::Saved,
    pub journal: Positions<Stream>,
}

/// What is other than it was.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Added {
    tally: Tally,
    at: Option<SystemTime>,
    files: Vec<Position<Stream>>,
}

/// Both without a copy.
#[derive(Serialize)]
pub struct SavedRef<'a> {
    pub since: Option<SystemTime>,
    pub tally: &'a Tally,
    pub files: FilePositions<Stream>,
    pub containers: containers::Saved,
    pub journal: &'a Positions<Stream>,
}

#[derive(Serialize)]
pub struct AddedRef<'a> {
    pub tally: &'a Tally,
    pub at: Option<SystemTime>,
    pub files: Vec<&'a Position<Stream>>,
}

impl Saved {
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// The state with all that was added to it.
    pub fn decode(bytes: &[u8]) -> Result<Self, Lost> {
        let (mut saved, added) = FORM.decode_all::<Self, Added>(bytes)?;
        if added.is_empty() {
            return Ok(saved);
        }
        let files = std::mem::take(&mut saved.files.files);
        let mut files: BTreeMap<Identity, _> = files.into_iter().map(|one| (one.id, one)).collect();
        for added in added {
            (saved.tally, saved.files.at) = (added.tally, added.at);
            files.extend(added.files.into_iter().map(|one| (one.id, one)));
        }
        saved.files.files = files.into_values().collect();
        Ok(saved)
    }
}
