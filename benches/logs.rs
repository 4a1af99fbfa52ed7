//! How fast lines are counted, without the engine around it: reads files as a source would and
//! prints what it has counted and how long that took, as JSON. `benches/logs/run.py` runs it beside
//! mtail:
//!
//! ```text
//! cargo bench --bench logs -- SOURCE.yml levels,access,errors TIMES FILE...
//! ```

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark tells its figures, and what is wrong by panicking"
)]

use std::path::PathBuf;
use std::time::Instant;

use stack_exporter::collectors::logs::measure::{Counted, measure};

fn main() {
    let mut args = std::env::args().skip(1).filter(|arg| arg != "--bench");
    let Some(source) = args.next() else { return };
    let wanted = args.next().expect("what is counted");
    let times = args.next().and_then(|times| times.parse().ok()).expect("how many times");
    let files: Vec<_> = args.map(PathBuf::from).collect();
    let yaml = std::fs::read_to_string(source).expect("a source");
    let counts = |name| wanted.split(',').any(|word| word == name);
    let counted =
        Counted { levels: counts("levels"), access: counts("access"), errors: counts("errors") };
    let begun = Instant::now();
    let tally = measure(&yaml, counted, &files, times).expect("counts");
    println!("{{\"seconds\": {}, \"tally\": {tally}}}", begun.elapsed().as_secs_f64());
}
