//! Every hostile source and client that we could think of, against the release binary in 256 MB:
//! it lives, the other targets answer in milliseconds, what is ill says why, memory is back
//! afterwards, and the cure takes one reading. `cargo test --test live hostile`; the table is
//! `target/hostile.md`.
//!
//! `HOSTILE_BINARY` names another binary to play against; `HOSTILE_RECORD=1` keeps what is found
//! as `before.tsv`, and fails nothing; `HOSTILE_ONLY` plays the cases with this in their name.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{LazyLock, PoisonError, RwLock};

use crate::servers::run;

mod clients;
mod engine;
mod expect;
mod group;
mod liar;
mod logs;
mod names;
mod nats;
mod postgres;
mod queue;
mod report;
mod rig;
mod soak;
mod source;
mod sqlite;
mod store;
mod transport;

/// The release binary, built once and by the first who asks; Cargo does nothing when it is there.
pub fn binary() -> &'static Path {
    static BINARY: LazyLock<PathBuf> = LazyLock::new(|| {
        if let Some(named) = std::env::var_os("HOSTILE_BINARY") {
            return named.into();
        }
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
        cargo.args(["build", "--release", "--locked", "--bin", "stack-exporter"]);
        // What Cargo tells a test of its package: a build script that looks at one of them (ring's
        // does) would run again, and half of the program be built anew beside the other tests.
        for (name, _) in std::env::vars_os() {
            let word = name.to_string_lossy();
            if word.starts_with("CARGO_PKG_") || word.starts_with("CARGO_MANIFEST_") {
                cargo.env_remove(name);
            }
        }
        let built = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).status().expect("cargo");
        assert!(built.success(), "cargo build --release");
        report::target().join("release/stack-exporter")
    });
    &BINARY
}

/// Who plays: those that are more than two cores can do beside another one, alone.
static TURN: RwLock<()> = RwLock::new(());

/// Several exporters at a time, and much to do for each: time and memory are measured, so nobody plays beside it.
fn alone(kind: impl Future<Output = ()>) {
    // One that has failed has ended.
    let _turn = TURN.write().unwrap_or_else(PoisonError::into_inner);
    run(kind);
}

/// Mostly waiting.
fn beside(kind: impl Future<Output = ()>) {
    let _turn = TURN.read().unwrap_or_else(PoisonError::into_inner);
    run(kind);
}

/// Whether the case is to be played.
pub fn wanted(name: &str) -> bool {
    std::env::var("HOSTILE_ONLY").map_or(true, |part| name.contains(&part))
}

#[test]
fn an_engine_that_lies() {
    alone(engine::play());
}

#[test]
fn a_nats_server_that_lies() {
    beside(nats::play());
}

#[test]
fn a_queue_that_lies() {
    beside(queue::play());
}

#[test]
fn a_postgres_that_is_none() {
    beside(postgres::play());
}

#[test]
fn a_store_that_lies() {
    beside(store::play());
}

#[test]
fn an_sqlite_file_that_harms() {
    beside(sqlite::play());
}

#[test]
fn log_files_that_harm() {
    alone(logs::files());
}

#[test]
fn output_of_containers_that_harms() {
    alone(logs::containers());
}

#[test]
fn clients_that_harm() {
    alone(clients::play());
}

#[test]
fn names_from_outside_are_shown_escaped() {
    beside(names::play());
}

/// By hand: `cargo test --test live hostile::lies_for_20_000_scrapes -- --ignored --nocapture`.
#[test]
#[ignore = "takes four minutes and shows a figure"]
fn lies_for_20_000_scrapes() {
    alone(soak::play());
}
