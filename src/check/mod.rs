//! The same checks that the alerts make, from the same readings and thresholds, as a list.
//!
//! `check` prints it, the status page and `/api/v1/status` show it.

mod group;
mod judge;
mod off;
mod render;
mod report;
#[cfg(test)]
mod tests;

pub use group::{Trouble, troubles};
pub use judge::judge;
pub use off::{Off, switched_off};
pub use render::{capitalised, json, table};
pub use report::{Blind, Finding, Idle, Report, Verdict};
