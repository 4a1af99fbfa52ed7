//! What a walk through 10,000 files of one folder costs: `cargo bench --bench folders`.

#![allow(
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a benchmark tells its figures, and what is wrong by panicking"
)]

use std::time::{Duration, Instant};

use stack_exporter::clients::folder::{Bounds, Pattern, walk};

const FILES: u64 = 10_000;
const ROUNDS: u32 = 100;

/// CPU of this thread so far, in nanoseconds.
fn cpu() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("schedstat");
    text.split(' ').next().and_then(|first| first.parse().ok()).expect("a number")
}

fn main() {
    let dir = tempfile::tempdir().expect("a folder");
    for number in 0..FILES {
        std::fs::write(dir.path().join(format!("session_{number:06}.json")), "{}").expect("a file");
    }
    for ending in ["*", "session_*.json", "session_000001.json"] {
        let text = format!("{}/{ending}", dir.path().display());
        let pattern = Pattern::new(&text).expect("a pattern");
        let mut size = 0;
        let (begun, before) = (Instant::now(), cpu());
        for _ in 0..ROUNDS {
            let mut bounds = Bounds::new(200_000, Duration::from_mins(1));
            let walked = walk(&pattern, &mut bounds, &mut |entry| size += entry.facts.size);
            assert!(walked.complete() && walked.files > 0, "{walked:?}");
        }
        let spent = Duration::from_nanos(cpu() - before) / ROUNDS;
        eprintln!("{ending}: {spent:?} of CPU a walk, {:?} in all", begun.elapsed() / ROUNDS);
        assert!(size > 0, "nothing was read");
    }
}
