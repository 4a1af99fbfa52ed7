//! The same checks that the alerts make, from the same readings and thresholds, as a list.
//!
//! `check` prints it, the status page and `/api/v1/status` show it.

mod explain;
mod formats;
mod group;
mod json;
mod judge;
mod off;
mod report;
mod scope;
mod screen;
mod table;
#[cfg(test)]
mod tests;
mod words;

pub use formats::{junit, markdown, prometheus};
pub use group::{Trouble, troubles};
pub use json::{epoch, json};
pub use judge::{breached, judge};
pub use off::{Off, switched_off};
pub use report::{Blind, Finding, Idle, Report, Verdict};
pub use scope::{Known, Scope};
pub use table::{Look, table};
pub use words::capitalised;
