//! Random sequences of everything that can happen to a log that is rotated by renaming, against
//! the number of lines that were written.

use std::fs;

use super::{Bench, source, write};

/// A small generator: the same sequence on every machine.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

#[test]
fn every_line_counts_once_in_any_order_of_events() {
    for (seed, pattern) in (1..=50).flat_map(|seed| [(seed, "app.log"), (seed, "app.log*")]) {
        run(seed, pattern);
    }
}

fn run(seed: u64, pattern: &str) {
    let mut chance = Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mut bench = Bench::watching(pattern);
    let mut written = 0;
    let mut open_line = false;
    let mut writer = bench.append("app.log");
    // A whole run takes less than a tick of the file system's clock, in which a number that is
    // given out again cannot be told from its last bearer. So none becomes free.
    let mut held = Vec::new();
    for _ in 0..80 {
        match chance.below(10) {
            0..=2 => {
                let lines = chance.below(20);
                // The first of them finishes a line that is open.
                write(&mut writer, usize::try_from(lines).unwrap());
                written += lines;
                open_line &= lines == 0;
            }
            3 => {
                std::io::Write::write_all(&mut writer, b"ERROR: an unfinished error ").unwrap();
                open_line = true;
            }
            // Renamed; the writer stays with the old file.
            4 | 5 if bench.path("app.log").exists() => {
                for older in (1..6).rev() {
                    let name = format!("app.log.{older}");
                    if bench.path(&name).exists() {
                        bench.rename(&name, &format!("app.log.{}", older + 1));
                    }
                }
                bench.rename("app.log", "app.log.1");
            }
            // The writer opens its file anew, as after a signal.
            6 if !open_line => {
                held.push(std::mem::replace(&mut writer, bench.append("app.log")));
            }
            // Deleted while it is held open by the reader; the writer goes on.
            7 if bench.path("app.log").exists() => {
                bench.step();
                fs::remove_file(bench.path("app.log")).unwrap();
            }
            8 => {
                let rules = "rules: { hit: { literal: error }, more: { literal: an } }";
                bench.source = source(bench.dir.path(), &[pattern], rules);
            }
            _ => {
                bench.step();
            }
        }
    }
    std::io::Write::write_all(&mut writer, b"\n").unwrap();
    written += 1;
    bench.step();
    let raw = bench.step();
    let counted: u64 = raw.tally.levels.iter().sum();
    assert_eq!(counted, written, "seed {seed} {pattern}");
    assert_eq!(raw.tally.doubt.truncated, 0, "seed {seed} {pattern}");
}
