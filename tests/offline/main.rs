//! Tests that need no server: the catalogue, the layers, the command line, the bundle.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests say what is wrong by panicking"
)]

mod bundle;
mod catalogue;
mod check;
mod cli;
mod coverage;
mod documents;
mod first_minutes;
mod layering;
mod messages;
mod modules;
mod mutation;
mod postgres_exporter;
mod reasons;
mod secrets;
#[path = "../shared/skip.rs"]
mod skip;
mod support;
mod unjudged;
mod words;
