//! Changes of tables that wait for a lock, and whom they wait for in the end. All who come later queue behind them.

use std::collections::{BTreeMap, BTreeSet};

use super::blockers::{Who, reach, who};
use crate::catalogue::Batch;
use crate::clients::postgres::{Row, Rows};

/// Those that have waited longest.
const SHOWN: usize = 10;

/// How many wait in a database.
pub struct Waiting {
    pub database: String,
    pub sessions: u64,
}

/// Changes of tables that wait for sessions of one kind.
#[derive(Debug, PartialEq)]
pub struct Ddl {
    /// Who is in the way.
    pub who: Who,
    /// The longest wait, in seconds.
    pub waited: f64,
    /// Sessions that queue behind.
    pub behind: u64,
}

pub fn of(batch: Batch, waits: &Rows, activity: Option<&Rows>, known: &BTreeSet<&str>) -> Batch {
    let mut counts: BTreeMap<&str, BTreeSet<&str>> =
        known.iter().map(|name| (*name, BTreeSet::new())).collect();
    for row in waits.iter().filter(is_ddl) {
        let database = row.text("datname").and_then(|name| counts.get_mut(name));
        if let (Some(waiting), Some(pid)) = (database, row.text("pid")) {
            waiting.insert(pid);
        }
    }
    let count = |(name, waiting): (&str, BTreeSet<&str>)| Waiting {
        database: name.to_owned(),
        sessions: waiting.len() as u64,
    };
    let mut found = find(waits, activity);
    found.retain(|ddl| known.contains(ddl.who.database.as_str()));
    let dropped = found.len().saturating_sub(SHOWN) as u64;
    found.truncate(SHOWN);
    batch.with(counts.into_iter().map(count).collect()).with(found).dropped("ddl", dropped)
}

/// By the mode of the lock, which everybody may see.
fn is_ddl(row: &Row) -> bool {
    row.flag("ddl") == Some(true)
}

fn find(waits: &Rows, activity: Option<&Rows>) -> Vec<Ddl> {
    let mut before: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut behind: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for row in waits.iter() {
        let Some(pid) = row.text("pid") else { continue };
        before.entry(pid).or_default();
        for by in row.text("by").unwrap_or_default().split_whitespace() {
            before.entry(pid).or_default().insert(by);
            behind.entry(by).or_default().insert(pid);
        }
    }
    let mut found: BTreeMap<Who, Ddl> = BTreeMap::new();
    for row in waits.iter().filter(is_ddl) {
        let Some(pid) = row.text("pid") else { continue };
        let ahead = reach(pid, &before);
        let Some(root) = ahead.iter().find(|other| !before.contains_key(*other)) else { continue };
        let waited = row.number("waited").unwrap_or_default();
        let queue = reach(pid, &behind).len() as u64;
        let who = who(root, row.text("datname").unwrap_or_default(), activity);
        let one = found.entry(who.clone()).or_insert(Ddl { who, waited, behind: queue });
        one.waited = one.waited.max(waited);
        one.behind = one.behind.max(queue);
    }
    let mut found: Vec<_> = found.into_values().collect();
    found.sort_by(|one, other| other.waited.total_cmp(&one.waited));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(columns: &[&str], rows: &[&[&str]]) -> Rows {
        let mut all = Rows::new(columns.iter().map(|name| (*name).to_owned()));
        for row in rows {
            all.push(row.iter().map(|text| Some(*text)));
        }
        all
    }

    #[test]
    fn whoever_is_in_the_way_is_named() {
        let waits = rows(
            &["pid", "datname", "waited", "by", "ddl"],
            &[
                // A row lock behind the root, an ALTER behind both, and two that queue behind that.
                &["2", "app", "50", "1", "f"],
                &["3", "app", "40", "2 1", "t"],
                &["4", "app", "30", "3", "f"],
                &["5", "app", "20", "4 3", "f"],
                // A prepared transaction.
                &["6", "app", "7", "0", "t"],
                // A deadlock has no root.
                &["8", "app", "1", "9", "t"],
                &["9", "app", "1", "8", "f"],
            ],
        );
        let activity = rows(
            &["pid", "application_name", "usename", "state"],
            &[&["1", "api", "shop", "idle in transaction"], &["3", "alembic", "shop", "active"]],
        );
        let found = find(&waits, Some(&activity));
        let said: Vec<_> = found
            .iter()
            .map(|ddl| (ddl.who.application.as_str(), ddl.who.state, ddl.waited, ddl.behind))
            .collect();
        assert_eq!(said, [("api", "idle in transaction", 40.0, 2), ("", "other", 7.0, 0)]);
        assert_eq!(found[1].who.holder, "prepared_transaction");
        assert_eq!(find(&rows(&["pid", "by"], &[&["2", "1"]]), None), [], "an old answer");
    }
}
