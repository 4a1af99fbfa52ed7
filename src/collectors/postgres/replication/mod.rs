//! What replication and index builds are at: whether a standby gets anything, what has become of slots, how much is
//! written, and how far a build is.

mod metrics;

use super::fetch::{Answer, Facts};
use super::values::{Values, numbers};
use crate::catalogue::Batch;
use crate::clients::postgres::{Row, Rows};

/// Whether a standby gets the log of its primary.
pub struct Streaming {
    pub streaming: Option<bool>,
}

/// What the server does with the log that a slot needs.
#[derive(Debug, PartialEq)]
pub struct SlotStatus {
    pub slot: String,
    pub status: String,
}

/// As the view calls them; the last two are losses.
pub const STATUSES: [&str; 4] = ["reserved", "extended", "unreserved", "lost"];

/// Bytes written into the log since the server was made.
pub struct Written {
    pub bytes: Option<f64>,
}

/// An index that is being built.
#[derive(Debug, PartialEq)]
pub struct IndexBuild {
    pub database: String,
    pub schema: String,
    pub table: String,
    /// Empty of a build that is not concurrent: nobody else sees the index yet.
    pub index: String,
    pub phase: &'static str,
    /// Of its present phase.
    pub share: Option<f64>,
    pub age: Option<f64>,
}

/// Phases of a build. What a kind of index does within one stands behind a colon, and has no end of words.
pub const PHASES: [&str; 11] = [
    "initializing",
    "waiting for writers before build",
    "building index",
    "waiting for writers before validation",
    "index validation: scanning index",
    "index validation: sorting tuples",
    "index validation: scanning table",
    "waiting for old snapshots",
    "waiting for readers before marking dead",
    "waiting for readers before dropping",
    OTHER,
];
const OTHER: &str = "other";

/// `row` is of the server itself.
pub fn of(batch: Batch, row: Row, facts: &Facts) -> Batch {
    let follows = row.flag("replica") == Some(true) && row.flag("follows") == Some(true);
    let streaming = match &facts.receiver {
        // Without a row there is no receiver, and who may not see it sees no status.
        Ok(rows) if follows => {
            let is = |row: Row| row.text("status").map(|status| status == "streaming");
            Some(Streaming { streaming: rows.first().map_or(Some(false), is) })
        }
        _ => None,
    };
    let written = facts.wal.as_ref().ok().and_then(Rows::first);
    let written = written.map(|row| Written { bytes: row.number("written") });
    let statuses = facts.slots.as_ref().map(statuses).unwrap_or_default();
    batch.with(streaming.into_iter().collect()).with(written.into_iter().collect()).with(statuses)
}

pub fn statuses(slots: &Rows) -> Vec<SlotStatus> {
    // One that was never used has none.
    let slot = |row: Row| {
        let (slot, status) = (row.text("slot_name")?, row.text("wal_status")?);
        Some(SlotStatus { slot: slot.to_owned(), status: status.to_owned() })
    };
    slots.iter().filter_map(slot).collect()
}

pub fn builds(batch: Batch, database: &str, answer: &Answer) -> Batch {
    let rows = match answer {
        Ok(rows) => rows,
        Err(failure) => {
            return batch.gap("builds of indexes (pg_stat_progress_create_index)", failure.clone());
        }
    };
    batch.with(of_builds(database, rows))
}

pub fn of_builds(database: &str, rows: &Rows) -> Vec<IndexBuild> {
    let text = |row: Row, column: &str| row.text(column).unwrap_or_default().to_owned();
    let build = |(row, values): (Row, Values)| {
        let phase = row.text("phase").unwrap_or_default();
        let known = |known: &&&str| phase == **known || phase.split(':').next() == Some(**known);
        IndexBuild {
            database: database.to_owned(),
            schema: text(row, "schemaname"),
            table: text(row, "relname"),
            index: text(row, "indexrelname"),
            phase: PHASES.iter().find(known).copied().unwrap_or(OTHER),
            share: share(phase, &values),
            age: values.get("age"),
        }
    };
    let mut builds: Vec<IndexBuild> = numbers(rows).map(build).collect();
    // Two on one table that nobody else sees yet are one series: the older one, which comes first.
    let key = |it: &IndexBuild| (it.schema.clone(), it.table.clone(), it.index.clone());
    builds.sort_by_key(key);
    builds.dedup_by_key(|it| key(it));
    builds
}

fn share(phase: &str, values: &Values) -> Option<f64> {
    let of = |what: &str| {
        let total = values.get(&format!("{what}_total")).filter(|total| *total > 0.0)?;
        Some((values.get(&format!("{what}_done"))? / total).clamp(0.0, 1.0))
    };
    if phase.starts_with("waiting") {
        of("lockers")
    } else if phase.contains("scanning") {
        of("blocks")
    } else {
        of("tuples").or_else(|| of("blocks"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(columns: &[&str], rows: &[&[Option<&str>]]) -> Rows {
        let json = serde_json::json!({ "columns": columns, "rows": rows });
        serde_json::from_value(json).expect("rows")
    }

    #[test]
    fn a_build_is_told_by_its_phase_and_how_far_that_is() {
        let columns = [
            "schemaname",
            "relname",
            "indexrelname",
            "phase",
            "age",
            "lockers_total",
            "lockers_done",
            "blocks_total",
            "blocks_done",
            "tuples_total",
            "tuples_done",
        ];
        let build = |phase, index, age| -> Vec<Option<&str>> {
            let counts = ["2", "1", "100", "25", "0", "0"].map(Some);
            [[Some("public"), Some("t"), index, Some(phase), Some(age)].as_slice(), &counts]
                .concat()
        };
        let all = [
            build("waiting for old snapshots", Some("a"), "5"),
            build("building index: loading tuples in tree", Some("b"), "5"),
            build("building index: scanning table", None, "9"),
            build("building index: scanning table", None, "1"),
            build("index validation: scanning index", Some("c"), "5"),
            build("something new", Some("d"), "5"),
        ];
        let all: Vec<&[Option<&str>]> = all.iter().map(Vec::as_slice).collect();
        let told = of_builds("app", &rows(&columns, &all));
        let told: Vec<_> =
            told.iter().map(|it| (it.index.as_str(), it.phase, it.share, it.age)).collect();
        assert_eq!(
            told,
            [
                ("", "building index", Some(0.25), Some(9.0)),
                ("a", "waiting for old snapshots", Some(0.5), Some(5.0)),
                ("b", "building index", Some(0.25), Some(5.0)),
                ("c", "index validation: scanning index", Some(0.25), Some(5.0)),
                ("d", "other", Some(0.25), Some(5.0)),
            ]
        );
    }

    #[test]
    fn a_slot_that_was_never_used_has_no_status() {
        let slots =
            rows(&["slot_name", "wal_status"], &[&[Some("a"), Some("lost")], &[Some("b"), None]]);
        let lost = SlotStatus { slot: "a".into(), status: "lost".into() };
        assert_eq!(statuses(&slots), [lost]);
    }
}
