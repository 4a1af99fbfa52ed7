//! Golden cases: what a real server said, and the exposition that we make of it.
//!
//! `tests/fixtures/<collector>/<case>/` holds the captured answers and `expected.prom`; a case
//! is named after what is odd about it. `UPDATE=1 cargo test` rewrites the expectations: read the
//! diff. A reading that must fail has its failure as `expected.prom`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::catalogue::Batch;
use crate::collectors::CATALOGUE;
use crate::engine::Snapshot;
use crate::exposition::{Format, encode};
use crate::failure::Failure;

/// Runs every case of a collector. `sample` gets the case's folder.
pub(crate) fn run(collector: &str, sample: impl Fn(&Path) -> Result<Batch, Failure>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(collector);
    let mut cases: Vec<PathBuf> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("a readable folder").path())
        .filter(|path| path.is_dir())
        .collect();
    cases.sort();
    assert!(cases.len() >= 3, "{collector} has {} golden cases, not three", cases.len());
    let mut wrong = Vec::new();
    for case in cases {
        let text = match sample(&case) {
            Ok(batch) => exposition(collector, batch),
            Err(failure) => format!("failure {}: {failure}\n", failure.reason.as_str()),
        };
        let expected = case.join("expected.prom");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&expected, &text).expect("a writable fixture");
        }
        let wanted = std::fs::read_to_string(&expected).unwrap_or_default();
        if wanted != text {
            wrong.push(format!("{}\n--- expected\n{wanted}--- got\n{text}", case.display()));
        }
    }
    assert!(wrong.is_empty(), "{}\nafter a look: UPDATE=1 cargo test", wrong.join("\n"));
}

/// One captured file of a case, or nothing where the case has none.
pub(crate) fn file(case: &Path, name: &str) -> Option<Vec<u8>> {
    std::fs::read(case.join(name)).ok()
}

fn exposition(target: &str, batch: Batch) -> String {
    let mut text = String::new();
    for gap in batch.gaps() {
        text += &format!("# gap {}: {} {}\n", gap.failure.reason.as_str(), gap.what, gap.failure);
    }
    for (cap, count) in batch.drops().iter().filter(|(_, count)| *count > 0) {
        text += &format!("# dropped {cap}: {count}\n");
    }
    text + &encode(&CATALOGUE, Arc::new(Snapshot::of(target, batch)), Format::Classic)
}
