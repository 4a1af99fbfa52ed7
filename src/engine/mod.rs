//! Reads targets, each on its own, and keeps the last reading of each.
//!
//! ```text
//! Target --(poller: single flight, deadline)--> Reading --> Slot on the Board --> Snapshot
//! ```
//! A target that hangs, panics or answers rubbish spoils its own slot and nothing else.

mod board;
mod chart;
mod clients;
mod collector;
mod history;
mod home;
mod latest;
mod look;
mod memory;
mod messages;
mod once;
mod own;
mod part;
mod poller;
mod slot;
mod snapshot;
mod storage;
mod target;
#[cfg(test)]
mod tests;
mod threshold;
mod words;

pub use board::{Board, Missed};
pub use chart::{Chart, Line, Number};
pub use clients::{Clients, Refusal};
pub use collector::{Clock, Collector, blocking};
pub use history::Counters;
pub use home::{Home, Homes, Service};
pub use memory::Memory;
pub use messages::{Dropped, LIMITED, Messages, REFUSES};
pub use once::{Asked, Busy};
pub use own::{AREA as OWN_AREA, Build, Info, Reload, Scrapes};
pub use part::{Beside, Found, Latest, Pace, Part, Parts, Shown};
pub use slot::{Reading, Slot, State};
#[cfg(test)]
pub(crate) use snapshot::Looked;
pub use snapshot::{Entry, Sample, Snapshot, samples};
pub use storage::{Form, Keeping, Kept, Lost, Storage};
pub use target::{Target, TargetId, title};
pub use threshold::{Source, Threshold, Thresholds, idle_keys};

/// The grace of a scrape: how long it waits for targets that are not known to be late.
pub const GRACE: std::time::Duration = std::time::Duration::from_secs(1);
