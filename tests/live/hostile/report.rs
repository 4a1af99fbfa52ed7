//! What the cases have led to, beside what they did before the bounds were made: `before.tsv`
//! holds what was measured then with the same suite.

use std::collections::BTreeMap;
use std::fmt;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::{binary, group};

pub struct Outcome {
    pub kind: &'static str,
    pub name: String,
    /// What the exporter said of the source.
    pub said: String,
    /// The most memory that was resident, unless the process had ended by then.
    pub peak: Option<u64>,
    pub slowest: Duration,
    pub failures: Vec<String>,
}

pub fn megabytes(bytes: u64) -> u64 {
    bytes.div_ceil(1 << 20)
}

impl Outcome {
    fn result(&self) -> String {
        let said = if self.said == "-" { String::new() } else { format!(" ({})", self.said) };
        match self.failures.as_slice() {
            [] => format!("ok{said}"),
            failures => format!("FAILED: {}", failures.join("; ")),
        }
    }

    fn peak(&self) -> String {
        self.peak.map_or_else(|| "-".to_owned(), |peak| megabytes(peak).to_string())
    }

    /// One row: kind, case, result, peak memory in MB, slowest scrape in ms.
    fn row(&self) -> [String; 5] {
        let clean = |text: &str| -> String {
            text.replace(['\t', '\n', '|'], " ").chars().take(300).collect()
        };
        let slowest = self.slowest.as_millis().to_string();
        [self.kind.to_owned(), self.name.clone(), clean(&self.result()), self.peak(), slowest]
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [kind, name, result, peak, slowest] = self.row();
        write!(f, "{kind:<9}{name:<58}{peak:>5} MB {slowest:>5} ms  {result}")
    }
}

/// Rows by kind and name; those of a kind in the order in which they were played.
type Rows = Vec<[String; 5]>;

fn read(file: &Path) -> Rows {
    let text = fs::read_to_string(file).unwrap_or_default();
    let rows = text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
        let cells: Vec<String> = line.split('\t').map(str::to_owned).collect();
        cells.try_into().ok()
    });
    rows.collect()
}

fn before() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/live/hostile/before.tsv")
}

/// Kinds run side by side, each adds its rows.
static DONE: Mutex<BTreeMap<&'static str, Rows>> = Mutex::new(BTreeMap::new());

/// Writes the table of all kinds that are done, and fails if a case of this one has.
///
/// # Panics
/// When a case has failed.
pub fn finish(kind: &'static str, outcomes: &[Outcome]) {
    let rows: Rows = outcomes.iter().map(Outcome::row).collect();
    let recording = std::env::var_os("HOSTILE_RECORD").is_some();
    let mut done = DONE.lock().unwrap_or_else(PoisonError::into_inner);
    done.insert(kind, rows);
    if recording {
        record(&done);
    }
    let table = table(&done, &read(&before()));
    let file = target().join("hostile.md");
    fs::write(&file, &table).expect("the table");
    eprintln!("{table}\nwritten to {}", file.display());
    drop(done);
    let failed: Vec<String> =
        outcomes.iter().filter(|one| !one.failures.is_empty()).map(ToString::to_string).collect();
    assert!(failed.is_empty() || recording, "{} cases:\n{}", failed.len(), failed.join("\n"));
}

/// The folder `target`, wherever it is.
pub fn target() -> PathBuf {
    let debug = Path::new(env!("CARGO_BIN_EXE_stack-exporter"));
    debug.ancestors().nth(2).expect("target").to_owned()
}

/// Cases that were not played keep their rows.
fn record(done: &BTreeMap<&'static str, Rows>) {
    let mut rows: Rows = read(&before());
    let anew = |row: &[String; 5]| done.values().flatten().any(|new| new[..2] == row[..2]);
    rows.retain(|row| !anew(row));
    rows.extend(done.values().flatten().cloned());
    rows.sort_by(|a, b| a[0].cmp(&b[0]));
    let mut text = "# kind, case, result, peak memory in MB, slowest scrape in ms: measured with \
                    HOSTILE_RECORD=1 before the bounds were made\n"
        .to_owned();
    for row in rows {
        let _ = writeln!(text, "{}", row.join("\t"));
    }
    fs::write(before(), text).expect("before.tsv");
}

fn table(done: &BTreeMap<&'static str, Rows>, before: &Rows) -> String {
    let mut text = format!(
        "# Hostile sources and clients\n\n{} in a {}.\n\n\
         | kind | case | before | before, MB | before, ms | now | MB | ms |\n\
         |---|---|---|---|---|---|---|---|\n",
        binary().display(),
        group::kind()
    );
    for [kind, name, result, peak, slowest] in done.values().flatten() {
        let known = before.iter().find(|row| row[0] == *kind && row[1] == *name);
        let [_, _, was, was_peak, was_slowest] =
            known.cloned().unwrap_or_else(|| std::array::from_fn(|_| "n/a".to_owned()));
        let _ = writeln!(
            text,
            "| {kind} | {name} | {was} | {was_peak} | {was_slowest} | {result} | {peak} | {slowest} |"
        );
    }
    text
}
