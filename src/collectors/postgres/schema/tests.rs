use super::fetch::{Identity, Schema};
use super::sample::{Sequence, Sequences, hidden, of, sequences};
use crate::catalogue::Batch;
use crate::clients::postgres::Rows;
use crate::collectors::postgres::fetch::Answer;
use crate::failure::{Failure, Reason};

fn rows(columns: &[&str], rows: &[&[Option<&str>]]) -> Rows {
    let json = serde_json::json!({ "columns": columns, "rows": rows });
    serde_json::from_value(json).expect("rows")
}

#[test]
fn a_sequence_that_may_not_be_read_is_counted_and_has_no_share() {
    let columns = [
        "schemaname",
        "sequencename",
        "of_schema",
        "relname",
        "attname",
        "used",
        "every",
        "unreadable",
    ];
    let answer = rows(
        &columns,
        &[
            &[Some("s"), Some("near"), Some("s"), Some("t"), Some("id"), Some("0.93"), None, None],
            &[Some("s"), Some("far"), Some("other"), Some("t"), Some("id"), Some("0"), None, None],
            &[Some("s"), Some("alone"), None, None, None, Some("0.5"), None, None],
            &[Some("s"), None, None, None, None, None, Some("4"), Some("1")],
        ],
    );
    let of = |name: &str, table: &str, column: &str, used: f64| Sequence {
        database: "app".into(),
        schema: "s".into(),
        name: name.into(),
        table: table.into(),
        column: column.into(),
        used: Some(used),
    };
    assert_eq!(
        sequences("app", &answer),
        [of("near", "t", "id", 0.93), of("far", "other.t", "id", 0.0), of("alone", "", "", 0.5)]
    );
    let all = Sequences {
        database: "app".into(),
        schema: "s".into(),
        count: Some(4),
        unreadable: Some(1),
    };
    assert_eq!(hidden("app", &answer), [all]);
}

#[test]
fn another_server_is_told_from_the_first_look_and_from_the_same_one() {
    let first = Identity::default().then("7", 100.0);
    assert_eq!(first.changed, None, "nothing was known before");
    assert_eq!(first.then("7", 200.0), first);
    let other = first.then("8", 300.0);
    assert_eq!((other.id.as_str(), other.changed), ("8", Some(300.0)));
    assert_eq!(other.then("8", 400.0).changed, Some(300.0), "since then");
    assert_eq!(other.then("7", 500.0).changed, Some(500.0), "and back");
}

#[test]
fn a_question_without_an_answer_costs_itself_alone() {
    let no = || -> Answer { Err(Failure::new(Reason::TIMEOUT, "locked")) };
    let schema = Schema {
        invalid: no(),
        unused: no(),
        duplicates: Ok(Rows::default()),
        vacuum: Ok(Rows::default()),
        sequences: Ok(Rows::default()),
        extensions: Ok(Rows::default()),
        archive: None,
        control: None,
        identity: Identity::default(),
    };
    let failed: Vec<_> = schema.failures().map(|(what, _)| what).collect();
    assert_eq!(failed, ["invalid indexes (pg_index)", "unused indexes (pg_stat_user_indexes)"]);
    let batch = of(Batch::new(), "app", Some(&schema), 0.0);
    // The first is told of by the part.
    let gaps: Vec<_> = batch.gaps().iter().map(|gap| gap.what.as_str()).collect();
    assert_eq!(gaps, ["unused indexes (pg_stat_user_indexes)"]);
}
