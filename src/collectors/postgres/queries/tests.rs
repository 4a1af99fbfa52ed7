use std::collections::BTreeMap;
use std::sync::Arc;

use super::config::{Kind, Query};
use super::sample::{Answer, Found, NUMBERS, Seen, answer, of};
use super::{exceptions, mistakes};
use crate::catalogue::{Batch, Severity};
use crate::clients::postgres::Rows;
use crate::collectors::postgres::signals::SIGNALS;
use crate::failure::{Failure, Reason};

fn query(json: &str) -> Query {
    serde_json::from_str(json).expect("a query")
}

fn named(json: &str) -> BTreeMap<String, Query> {
    [("q".to_owned(), query(json))].into()
}

fn rows(columns: &[&str], rows: &[&[Option<&str>]]) -> Rows {
    let json = serde_json::json!({ "columns": columns, "rows": rows });
    serde_json::from_value(json).expect("rows")
}

fn read(json: &str, columns: &[&str], all: &[&[Option<&str>]]) -> Answer {
    answer(&query(json), &rows(columns, all)).expect("an answer")
}

fn found(column: &str, row: &str, number: f64) -> Found {
    Found { column: column.to_owned(), row: row.to_owned(), kind: Kind::Gauge, number }
}

const ONE: &str = r#"{"sql": "select 1 as n", "values": {"n": "gauge"}}"#;
const BY_STATUS: &str =
    r#"{"sql": "select 1", "values": {"n": "gauge"}, "labels": ["status", "kind"], "rows": 2}"#;

#[test]
fn a_null_is_absent_and_what_is_no_number_is_told_without_being_repeated() {
    let answer = read(
        r#"{"sql": "select 1", "values": {"a": "gauge", "b": "gauge", "c": "gauge"}}"#,
        &["a", "b", "c", "d"],
        &[&[Some("5"), None, Some("hunter2"), Some("x")]],
    );
    assert_eq!(answer.numbers, [found("a", "", 5.0)]);
    assert_eq!((answer.rows, &answer.odd), (1, &[("c".to_owned(), 1)].into()));
    for (text, number) in [
        ("t", Some(1.0)),
        ("f", Some(0.0)),
        (" 2.50 ", Some(2.5)),
        ("1e3", Some(1000.0)),
        ("NaN", None),
        ("Infinity", None),
        ("00:05:00", None),
        ("2026-01-01", None),
        ("", None),
    ] {
        let answer = read(ONE, &["n"], &[&[Some(text)]]);
        assert_eq!(answer.numbers.first().map(|found| found.number), number, "{text}");
        assert_eq!(answer.odd.is_empty(), number.is_some(), "{text}");
    }
}

#[test]
fn no_rows_are_an_answer() {
    assert_eq!(read(ONE, &["n"], &[]), Answer::default());
}

#[test]
fn rows_are_told_apart_by_their_labels_up_to_the_limit() {
    let columns = ["status", "kind", "n"];
    let long = "ж".repeat(300);
    let answer = read(
        BY_STATUS,
        &columns,
        &[
            &[Some("a \"b\"\n{c}"), None, Some("1")],
            &[Some("a \"b\"\n{c}"), None, Some("2")],
            &[Some(&long), Some("x"), Some("3")],
            &[Some("more"), Some("x"), Some("4")],
        ],
    );
    assert_eq!(answer.numbers[0], found("n", "status=a \"b\"\n{c}, kind=NULL", 1.0));
    assert!(answer.numbers[1].row.len() < 160, "{}", answer.numbers[1].row);
    assert_eq!((answer.rows, answer.twice, answer.dropped), (4, 1, 1));
}

#[test]
fn a_column_that_is_not_there_is_told_with_those_that_are() {
    let failure = answer(&query(ONE), &rows(&["count", "x"], &[])).expect_err("no column");
    assert_eq!(failure.reason, Reason::PARSE);
    assert_eq!(failure.detail, "the answer has no column `n`, it has `count`, `x`");
    assert_eq!(failure.hint.as_deref(), Some("name it in the query: `... as n`"));
}

fn wrong(json: &str) -> Vec<String> {
    let found = mistakes(&named(json), SIGNALS);
    found.into_iter().map(|(key, message)| format!("{key}: {message}")).collect()
}

#[test]
fn mistakes_stand_at_their_key() {
    let with =
        |more: &str| format!(r#"{{"sql": "select 1 as n", "values": {{"n": "gauge"}}{more}}}"#);
    assert_eq!(wrong(&with("")), [""; 0]);
    for (json, want) in [
        (
            r#"{"sql": "delete from t", "values": {"n": "gauge"}}"#.to_owned(),
            "q.sql: expected a query that reads: `select ...`",
        ),
        (
            r#"{"sql": "select 1; drop table t", "values": {"n": "gauge"}}"#.to_owned(),
            "q.sql: expected one statement, found `;` inside",
        ),
        (
            r#"{"sql": "select 1", "values": {}}"#.to_owned(),
            "q.values: needs 1 to 16 columns with numbers",
        ),
        (with(r#", "labels": ["n"]"#), "q.labels: `n` stands here or under `values` already"),
        (with(r#", "labels": ["a", "a"]"#), "q.labels: `a` stands here or under `values` already"),
        (with(r#", "interval": "1s""#), "q.interval: must be from `5s` to `1d`"),
        (with(r#", "timeout": "1m""#), "q.timeout: must be from `100ms` to `30s`"),
        (with(r#", "rows": 1001"#), "q.rows: must be from 1 to 1000"),
        (
            with(r#", "databases": "a[""#),
            "q.databases: not a pattern: unclosed character class; missing ']'",
        ),
        (with(r#", "search_path": [""]"#), "q.search_path: a schema's name has 1 to 63 bytes"),
        (
            r#"{"sql": "select 1", "values": {"n": {"above": "much"}}}"#.to_owned(),
            "q.values.n.above: expected a number or `off`",
        ),
        (
            r#"{"sql": "select 1", "values": {"n": {"above": {"warning": 5, "critical": 1}}}}"#
                .to_owned(),
            "q.values.n.above: warning `5` lies behind critical `1`",
        ),
        (
            r#"{"sql": "select 1", "values": {"n": {"type": "counter", "above": 1}}}"#.to_owned(),
            "q.values.n: a total that only grows is on one side for ever: judge what is now",
        ),
    ] {
        assert_eq!(wrong(&json), [want], "{json}");
    }
    let name = [("a b".to_owned(), query(ONE))].into();
    assert_eq!(mistakes(&name, SIGNALS)[0].0, "a b");
    let many = (0..51).map(|n| (format!("q{n}"), query(ONE))).collect();
    assert_eq!(mistakes(&many, SIGNALS)[0].1, "has 51 queries, at most 50");
}

#[test]
fn a_threshold_is_of_its_column_alone() {
    let all = named(
        r#"{"sql": "select 1", "values": {"n": {"above": 0, "below": {"critical": -1}}, "m": "gauge"}}"#,
    );
    let found = exceptions(&all, SIGNALS);
    let told: Vec<_> =
        found.iter().map(|one| (one.signal, one.key.as_str(), one.limits.clone())).collect();
    assert_eq!(
        told,
        [
            ("query_above", "q/n", vec![(Severity::Warning, Some(0.0))]),
            ("query_below", "q/n", vec![(Severity::Critical, Some(-1.0))]),
        ]
    );
    assert!(found.iter().all(|one| one.key.is_thing()));
}

fn seen(database: &str, outcome: Option<Result<Answer, Failure>>) -> Seen {
    let outcome = outcome.map(|outcome| outcome.map(Arc::new));
    Seen { query: "q".into(), database: database.into(), outcome, took: None, age: None }
}

fn gaps(batch: &Batch) -> Vec<String> {
    batch.gaps().iter().map(|gap| format!("{}: {}", gap.what, gap.failure.detail)).collect()
}

#[test]
fn a_query_that_fails_has_one_gap_however_many_databases_it_has() {
    let settings = named(r#"{"sql": "select 1", "values": {"n": "gauge"}, "databases": "app_*"}"#);
    let failed = || Some(Err(Failure::new(Reason::TIMEOUT, "stopped")));
    let odd = Answer { rows: 2, odd: [("n".to_owned(), 2)].into(), ..Answer::default() };
    let all = vec![seen("app_1", failed()), seen("app_2", failed()), seen("app_3", Some(Ok(odd)))];
    let batch = of(Batch::new(), &settings, all);
    assert_eq!(
        gaps(&batch),
        [
            "query `q` in database app_1: stopped; and in 1 more databases",
            "query `q` in database app_3: column `n` is no number in 2 of 2 rows",
        ]
    );
    let batch = of(Batch::new(), &named(ONE), vec![seen("", None)]);
    assert_eq!(gaps(&batch), ["query `q`: has not run yet: queries before it take long"]);
}

#[test]
fn numbers_of_all_queries_have_a_bound() {
    let numbers = (0..3000).map(|n| found("n", &n.to_string(), 1.0)).collect();
    let one = Answer { rows: 3000, numbers, ..Answer::default() };
    let numbers = (0..3000).map(|n| found("n", &n.to_string(), 1.0)).collect();
    let two = Answer { rows: 3000, numbers, ..Answer::default() };
    let settings = named(r#"{"sql": "select 1", "values": {"n": "gauge"}, "databases": "*"}"#);
    let batch =
        of(Batch::new(), &settings, vec![seen("a", Some(Ok(one))), seen("b", Some(Ok(two)))]);
    assert_eq!(batch.drops(), [("query_rows", 6000 - NUMBERS as u64)]);
}
