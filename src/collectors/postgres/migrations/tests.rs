use super::config::{Migrations, mistakes};
use super::sample::{Expected, Migration, expected, migration, places};
use crate::clients::postgres::Rows;

const FOUND: [&str; 8] =
    ["database", "schemaname", "relname", "role", "usable", "readable", "plain", "columns"];

fn rows(columns: &[&str], rows: &[&[Option<&str>]]) -> Rows {
    let json = serde_json::json!({ "columns": columns, "rows": rows });
    serde_json::from_value(json).expect("rows")
}

fn found(table: &str, columns: &str, flags: [&str; 3]) -> Rows {
    let [usable, readable, plain] = flags;
    let row = ["app", "my Schema", table, "mon-1", usable, readable, plain, columns].map(Some);
    rows(&FOUND, &[&row])
}

fn read(table: &str, columns: &str, answer: &Rows, expected: &mut Expected) -> Migration {
    let place = places(&found(table, columns, ["t"; 3])).pop().expect("a table");
    migration(place, Some(answer), expected)
}

#[test]
fn a_table_of_this_name_with_other_columns_is_somebody_elses() {
    assert!(places(&found("alembic_version", "id,name", ["t"; 3])).is_empty());
    assert_eq!(places(&found("alembic_version", "version_num", ["t"; 3])).len(), 1);
}

#[test]
fn the_right_that_is_missing_is_named() {
    for (flags, want) in [
        (["t", "t", "t"], None),
        (["t", "f", "t"], Some("GRANT SELECT ON \"my Schema\".alembic_version TO \"mon-1\"")),
        (
            ["f", "f", "t"],
            Some(
                "GRANT USAGE ON SCHEMA \"my Schema\" TO \"mon-1\"; GRANT SELECT ON \"my Schema\".alembic_version TO \"mon-1\"",
            ),
        ),
    ] {
        let place = places(&found("alembic_version", "version_num", flags)).pop().expect("a table");
        let hint = place.trouble.and_then(|failure| failure.hint);
        assert_eq!(hint.as_deref(), want, "{flags:?}");
    }
    let place = places(&found("alembic_version", "version_num", ["t", "t", "f"])).pop().unwrap();
    assert!(place.trouble.unwrap().detail.contains("is no plain table"));
}

#[test]
fn heads_are_counted_and_held_against_what_is_expected() {
    let columns = ["revision", "heads"];
    let one = rows(&columns, &[&[Some("ae1027a6acf"), Some("1")]]);
    let two = rows(&columns, &[&[Some("ae1027a6acf"), Some("2")], &[Some("b"), Some("2")]]);
    let none = rows(&columns, &[]);
    for (answer, heads, revisions, equal) in
        [(&one, 1, 1, true), (&two, 2, 2, false), (&none, 0, 0, false)]
    {
        // As `alembic heads` writes it.
        let mut wanted = expected("ae1027a6acf (head)\n", None);
        let said = read("alembic_version", "version_num", answer, &mut wanted);
        assert_eq!((said.heads, said.revisions.len()), (Some(heads), revisions));
        assert_eq!((said.expected, wanted.was_compared), (Some(equal), true));
        assert_eq!((said.count, said.failed), (None, None));
    }
    let mut elsewhere = expected("ae1027a6acf", Some("public.alembic_version"));
    let said = read("alembic_version", "version_num", &one, &mut elsewhere);
    assert_eq!((said.expected, elsewhere.was_compared), (None, false));
    let mut nothing = Expected::unknown();
    assert_eq!(read("alembic_version", "version_num", &one, &mut nothing).expected, None);
}

#[test]
fn other_tools_tell_how_many_and_how_long_ago() {
    let table = ("_sqlx_migrations", "version,installed_on,success,checksum");
    let answer = rows(
        &["count", "failed", "age", "revision"],
        &[&[Some("3"), Some("1"), Some("-0.5"), Some("20260101")]],
    );
    let said = read(table.0, table.1, &answer, &mut Expected::unknown());
    assert_eq!((said.count, said.failed, said.age), (Some(3), Some(1), Some(0.0)));
    assert_eq!((said.heads, said.revisions), (None, vec!["20260101".to_owned()]));
    let empty = rows(&["count", "revision", "age"], &[]);
    let said = read("django_migrations", "id,app,name,applied", &empty, &mut Expected::unknown());
    assert_eq!((said.count, said.age, said.heads), (Some(0), None, None));
    let long = "r".repeat(1000);
    let answer = rows(&["count", "revision"], &[&[Some("1"), Some(&long)]]);
    let said =
        read("__diesel_schema_migrations", "version,run_on", &answer, &mut expected(&long, None));
    assert!(said.revisions[0].len() <= 128);
    assert_eq!(said.expected, Some(true));
}

#[test]
fn mistakes_of_what_is_expected() {
    for (json, want) in [
        (r#"{"expected_revision": "a"}"#, None),
        (r#"{"expected_revision_file": "/a", "table": "public.alembic_version"}"#, None),
        ("{}", Some("migrations")),
        (
            r#"{"expected_revision": "a", "expected_revision_file": "/a"}"#,
            Some("migrations.expected_revision"),
        ),
        (r#"{"expected_revision": " "}"#, Some("migrations.expected_revision")),
        (r#"{"expected_revision": "a", "table": "alembic_version"}"#, Some("migrations.table")),
    ] {
        let given: Migrations = serde_json::from_str(json).expect("settings");
        let found: Vec<&str> = mistakes(&given).iter().map(|(key, _)| *key).collect();
        assert_eq!(found, want.into_iter().collect::<Vec<_>>(), "{json}");
    }
}
