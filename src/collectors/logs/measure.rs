//! A way in for `benches/logs.rs`: what a source counts in files, without the engine around it.

use std::fs::File;
use std::io::Read as _;
use std::path::PathBuf;
use std::time::SystemTime;

use super::config::Logs;
use super::presets;
use super::rules::Rules;
use super::scan::lines::Lines;
use super::scan::{Scanner, Stream};
use super::tally::Tally;
use crate::config;

/// Bytes of one read, as in a step.
const CHUNK: usize = 256 * 1024;

/// What is counted besides the rules.
#[derive(Clone, Copy, Debug)]
pub struct Counted {
    pub levels: bool,
    pub access: bool,
    pub errors: bool,
}

/// Counts each file as many times as told, each time as lines that go on, and gives all counts as
/// JSON. `yaml` is the source as the configuration has it.
pub fn measure(
    yaml: &str,
    counted: Counted,
    files: &[PathBuf],
    times: usize,
) -> Result<String, String> {
    let loaded = config::load::<Logs>("source", yaml, &|_| None);
    let logs = loaded.finish().map_err(|mistakes| mistakes.join("\n"))?;
    let (rules, mistakes) = Rules::compile(&presets::written(&logs.presets, &logs.rules));
    if let Some((key, message)) = mistakes.first() {
        return Err(format!("{key}: {message}"));
    }
    let Counted { levels, access, errors } = counted;
    let (forms, format, _) = logs.reading();
    let scanner = Scanner { rules, format, forms, levels, access, errors, ..Scanner::default() };
    let (mut tally, mut buffer) = (Tally::default(), vec![0; CHUNK]);
    for file in files {
        let (mut stream, mut lines) = (Stream::default(), Lines::default());
        for _ in 0..times {
            let fail = |error: std::io::Error| format!("{}: {error}", file.display());
            let mut input = File::open(file).map_err(fail)?;
            loop {
                let count = input.read(&mut buffer).map_err(fail)?;
                if count == 0 {
                    break;
                }
                let (chunk, now) = (buffer.get(..count).unwrap_or_default(), SystemTime::now());
                lines.feed(chunk, |piece| scanner.scan(&mut stream, piece, now, &mut tally));
            }
        }
        scanner.settle(&mut stream, SystemTime::now(), &mut tally);
    }
    serde_json::to_string(&tally).map_err(|error| error.to_string())
}
