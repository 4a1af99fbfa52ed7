//! The stack as people see it: services with what they take, everything else with its two or three
//! numbers, the last day of each, and what happened. Made of snapshots and reports, without a word of
//! HTML; the API answers with these types as they are, and the page shows nothing else.
//!
//! Times are seconds since 1970, durations seconds, sizes bytes, processor use cores.

mod about;
mod container;
mod days;
mod errors;
mod events;
mod groups;
mod items;
mod journal;
mod lines;
mod look;
mod model;
mod names;
mod path;
mod rates;
mod saved;
mod service;
mod services;
mod target;
#[cfg(test)]
mod tests;
mod watch;
mod words;

use serde::{Deserialize, Serialize};

use crate::check::epoch;

pub use about::service_of;
pub use days::Thing;
pub use journal::{Gone, Key, Seeing, WARM, key};
pub use model::Overview;
pub use path::{page_of, part, service_path, target_path};
pub use service::{Health, Image, LastError, Port, Service, Usage};
pub use target::{Figure, Group, Item, Target};
pub use watch::{PERIOD, end, watch};

/// How something is, as a colour says it; the worst last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mood {
    /// It was not looked at, or cannot be seen.
    #[default]
    Unknown,
    /// Nothing is wanted of it: stopped by hand, a job that is done.
    Idle,
    Up,
    Deploying,
    /// It serves, but not as it should.
    Degraded,
    Down,
}

impl Mood {
    pub const ALL: [Self; 6] =
        [Self::Unknown, Self::Idle, Self::Up, Self::Deploying, Self::Degraded, Self::Down];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Idle => "idle",
            Self::Up => "up",
            Self::Deploying => "deploying",
            Self::Degraded => "degraded",
            Self::Down => "down",
        }
    }
}

/// The last 24 hours in steps of five minutes, each with the worst mood that was seen in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Day {
    /// When the last step began.
    pub last: u64,
    /// Oldest first, 288 at most; fewer where less is known.
    pub steps: Vec<Mood>,
    /// Steps in which a restart policy had to act: when each began, and how often.
    pub restarts: Vec<(u64, u32)>,
}

/// Something that happened to a thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When it was noticed last.
    pub at: u64,
    pub area: String,
    pub target: String,
    /// Of a service; empty else.
    pub project: String,
    pub service: String,
    pub kind: EventKind,
    /// Of a trouble: `critical` or `warning`, empty where nothing judges it; of its end `ok`; else empty.
    #[serde(default)]
    pub verdict: String,
    /// When it was noticed first, where several are told as one.
    #[serde(default)]
    pub since: u64,
    /// How often.
    #[serde(default)]
    pub times: u32,
    /// A sentence without a full stop: "worker (shop) was started". Of several the last.
    pub text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    Started,
    Ended,
    Restarted,
    Deployed,
    Reloaded,
    /// A trouble began or became worse; or is over.
    Trouble,
    Clear,
}

/// All of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Stack {
    pub at: f64,
    /// The machine's name.
    pub machine: String,
    /// Services by Compose project, each list by name; containers without Compose are in a project
    /// without a name, which is the last.
    pub projects: Vec<Project>,
    /// All other targets by area, in the order of the catalogue.
    pub groups: Vec<Group>,
    /// Things of which no day is kept, as there are too many.
    pub without_day: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Project {
    pub name: String,
    pub services: Vec<Service>,
}
