use std::collections::BTreeMap;

use tokio::time::Instant;

use super::fetch::Known;
use super::sample::{Class, Numbers, Said, classes, of};
use crate::catalogue::Batch;
use crate::clients::postgres::Rows;

fn rows(columns: &[&str], rows: &[&[&str]]) -> Rows {
    let json = serde_json::json!({ "columns": columns, "rows": rows });
    serde_json::from_value(json).expect("rows")
}

fn classified(of: &[&[&str]]) -> Rows {
    rows(&["queryid", "hnsw", "ivfflat", "past"], of)
}

fn counted(of: &[&[&str]]) -> Rows {
    rows(&["queryid", "calls", "seconds", "rows"], of)
}

const HNSW: Class = Class { index: "hnsw", past: false };
const PAST: Class = Class { index: "hnsw", past: true };

#[test]
fn a_statement_is_what_its_tables_have() {
    let found = classes(&classified(&[
        &["1", "t", "f", "f"],
        &["2", "f", "t", "f"],
        &["-3", "t", "t", "t"],
        &["4", "f", "f", "f"],
        &["x", "t", "f", "f"],
    ]));
    let said: Vec<_> = found.iter().map(|(id, class)| (*id, class.index, class.past)).collect();
    assert_eq!(
        said,
        [(-3, "both", true), (1, "hnsw", false), (2, "ivfflat", false), (4, "none", false)]
    );
}

#[tokio::test(start_paused = true)]
async fn only_what_comes_while_we_watch_counts_and_no_count_falls() {
    let mut known = Known::default();
    known.classify(&classified(&[&["1", "t", "f", "f"], &["2", "t", "f", "t"]]), Instant::now());
    known.count(&counted(&[
        &["1", "1000", "50", "9"],
        &["2", "5", "1", "1"],
        &["9", "7", "7", "7"],
    ]));
    let zero = Numbers::default();
    assert_eq!(known.totals(), BTreeMap::from([(HNSW, zero), (PAST, zero)]));
    known.count(&counted(&[&["1", "1010", "52", "19"], &["2", "6", "1.5", "2"]]));
    let first = Numbers { calls: 10, seconds: 2.0, rows: 10 };
    assert_eq!(known.totals()[&HNSW], first);
    // The entry was pushed out, and made anew; another is gone.
    known.count(&counted(&[&["1", "3", "0.5", "3"]]));
    let second = Numbers { calls: 13, seconds: 2.5, rows: 13 };
    assert_eq!(known.totals()[&HNSW], second);
    assert_eq!(known.totals()[&PAST].calls, 1);
    // It is back, after who knows how many calls.
    known.count(&counted(&[&["1", "4", "0.6", "4"], &["2", "70", "9", "7"]]));
    assert_eq!(known.totals()[&PAST].calls, 1);
    assert_eq!(known.statements().len(), 2);
}

#[test]
fn without_the_extension_nothing_is_said() {
    let column = |version: &str| Said {
        version: version.into(),
        columns: rows(
            &["database", "schemaname", "relname", "attname", "type", "rows", "indexed", "total"],
            &[&["app", "public", "message", "embedding", "vector", "1e6", "f", "120"]],
        ),
        ..Said::default()
    };
    assert_eq!(of(Batch::new(), Some(&column("")), "app").sets().count(), 0);
    assert_eq!(of(Batch::new(), None, "app").sets().count(), 0);
    let batch = of(Batch::new(), Some(&column("0.8.0")), "app");
    assert_eq!(batch.sets().count(), 1);
    assert_eq!(batch.drops()[0], ("vector_columns", 119));
}
