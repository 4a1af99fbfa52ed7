//! One Prometheus exporter for a small self-hosted stack.
//!
//! Data flows one way:
//!
//! ```text
//! config -> plan -> engine (a poller and a slot per target) -> snapshot -> exposition -> http
//!                      ^ collectors (fetch, sample)                    \-> check
//! ```
//!
//! | module | holds |
//! |---|---|
//! | [`config`] | the file: located tree, strict checks, secrets, units |
//! | [`plan`] | from configuration and environment to targets |
//! | [`catalogue`] | metrics and signals as tables |
//! | [`collectors`] | one folder per area |
//! | [`clients`] | ways to talk to sources that more than one collector uses, the kernel's files among them |
//! | [`engine`] | pollers, slots, board, snapshots |
//! | [`failure`] | why something could not be read, and the words for it |
//! | [`files`] | opening files without waiting for what stands in their place |
//! | [`exposition`] | text formats |
//! | [`check`] | verdicts |
//! | [`notify`] | messages of the exporter's own, for who has no Alertmanager |
//! | [`overview`] | the stack as people see it, for the page and its API |
//! | [`http`] | the server |
//! | [`generate`] | rules, their tests and references from the catalogue |
//! | [`load`] | from the file to targets, or to all mistakes |
//! | [`cli`] | the commands |
//! | [`text`] | texts from outside, made fit to be shown |

pub mod catalogue;
pub mod check;
pub mod cli;
pub mod clients;
pub mod collectors;
pub mod config;
pub mod engine;
pub mod exposition;
pub mod failure;
pub mod files;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
pub mod generate;
#[cfg(test)]
mod golden;
pub mod http;
pub mod load;
pub mod notify;
pub mod overview;
pub mod plan;
#[cfg(test)]
#[path = "../tests/shared/skip.rs"]
mod skip;
pub mod text;
