//! Whom the sessions that wait for a lock wait for in the end: the session, or the prepared transaction, that waits for
//! nobody itself.

use std::collections::{BTreeMap, BTreeSet};

use crate::catalogue::Batch;
use crate::clients::postgres::{Row, Rows};

/// Those with the most sessions behind them.
const SHOWN: usize = 10;
/// A prepared transaction has no process.
const PREPARED: &str = "0";
pub const HOLDERS: (&str, &str) = ("session", "prepared_transaction");

/// Sessions of one kind that others wait for, and wait for nobody.
#[derive(Debug, PartialEq)]
pub struct Blocker {
    pub who: Who,
    /// How many wait, and the longest of them in seconds.
    pub behind: u64,
    pub longest: f64,
    /// Age of its transaction in seconds.
    pub open: Option<f64>,
}

/// What is known of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Who {
    pub database: String,
    pub holder: &'static str,
    pub application: String,
    pub user: String,
    pub state: &'static str,
}

/// From who waits for whom (`pid`, `by`, `waited`, `datname`), and all sessions.
pub fn of(batch: Batch, waits: &Rows, activity: Option<&Rows>) -> Batch {
    let (shown, dropped) = find(waits, activity);
    batch.with(shown).dropped("blockers", dropped)
}

fn find(waits: &Rows, activity: Option<&Rows>) -> (Vec<Blocker>, u64) {
    let mut waiting: BTreeMap<&str, (f64, &str)> = BTreeMap::new();
    // Of each who is waited for: those who wait for him.
    let mut behind: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for row in waits.iter() {
        let Some(pid) = row.text("pid") else { continue };
        let waited = row.number("waited").unwrap_or_default();
        waiting.insert(pid, (waited, row.text("datname").unwrap_or_default()));
        for by in row.text("by").unwrap_or_default().split_whitespace() {
            behind.entry(by).or_default().insert(pid);
        }
    }
    let mut found: BTreeMap<Who, Blocker> = BTreeMap::new();
    for root in behind.keys().filter(|root| !waiting.contains_key(*root)) {
        let all = reach(root, &behind);
        let waits = all.iter().filter_map(|pid| waiting.get(pid));
        // Whoever waits for it is where it is.
        let database = waits.clone().map(|(_, database)| *database).next().unwrap_or_default();
        let who = who(root, database, activity);
        let longest = waits.map(|(waited, _)| *waited).fold(0.0, f64::max);
        let open = session(root, activity).and_then(|row| row.number("xact_age"));
        let one = found.entry(who.clone()).or_insert(Blocker {
            who,
            behind: 0,
            longest: 0.0,
            open: None,
        });
        one.behind += all.len() as u64;
        one.longest = one.longest.max(longest);
        one.open = one.open.into_iter().chain(open).reduce(f64::max);
    }
    let mut shown: Vec<_> = found.into_values().collect();
    shown.sort_by_key(|one| std::cmp::Reverse(one.behind));
    let dropped = shown.len().saturating_sub(SHOWN) as u64;
    shown.truncate(SHOWN);
    (shown, dropped)
}

fn session<'a>(pid: &str, activity: Option<&'a Rows>) -> Option<Row<'a>> {
    activity?.iter().find(|row| row.text("pid") == Some(pid))
}

/// What is known of a session, or of a prepared transaction, in this database.
pub(super) fn who(pid: &str, database: &str, activity: Option<&Rows>) -> Who {
    let session = session(pid, activity);
    let text = |column| session.and_then(|row| row.text(column)).unwrap_or_default();
    Who {
        database: database.to_owned(),
        holder: if pid == PREPARED { HOLDERS.1 } else { HOLDERS.0 },
        application: text("application_name").to_owned(),
        user: text("usename").to_owned(),
        state: super::activity::state(text("state")),
    }
}

/// All who wait for it, also by others. In a crowd everybody waits for everybody before him, so each is looked at once.
pub(super) fn reach<'a>(
    root: &'a str,
    behind: &BTreeMap<&'a str, BTreeSet<&'a str>>,
) -> BTreeSet<&'a str> {
    let mut seen = BTreeSet::new();
    let mut next = vec![root];
    while let Some(at) = next.pop() {
        let more = behind.get(at).into_iter().flatten();
        next.extend(more.filter(|pid| seen.insert(**pid)).copied());
    }
    seen
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

    fn waits(edges: &[(&str, &str)]) -> Rows {
        let edges: Vec<_> = edges.iter().map(|(pid, by)| [*pid, "app", "3.5", *by]).collect();
        let edges: Vec<&[&str]> = edges.iter().map(|row| &row[..]).collect();
        rows(&["pid", "datname", "waited", "by"], &edges)
    }

    fn said(waits: &Rows) -> Vec<(String, u64)> {
        let activity = rows(
            &["pid", "application_name", "usename", "state", "xact_age"],
            &[
                &["1", "root", "u", "idle in transaction", "60"],
                &["9", "other", "u", "active", "5"],
            ],
        );
        let (found, dropped) = find(waits, Some(&activity));
        assert_eq!(dropped, 0);
        found.into_iter().map(|one| (one.who.application + one.who.holder, one.behind)).collect()
    }

    #[test]
    fn the_root_of_a_chain() {
        // A row lock, a row lock, an ALTER, and what queues behind that.
        let chain = waits(&[("2", "1"), ("3", "2"), ("4", "3"), ("5", "4 3")]);
        assert_eq!(said(&chain), [("rootsession".to_owned(), 4)]);
        let two = waits(&[("2", "1"), ("3", "1 9"), ("4", "0")]);
        let want = [("rootsession", 2), ("prepared_transaction", 1), ("othersession", 1)];
        assert_eq!(said(&two), want.map(|(who, count)| (who.to_owned(), count)));
        // A deadlock has no root until the server ends it.
        assert_eq!(said(&waits(&[("2", "3"), ("3", "2")])), []);
        let (found, _) = find(&chain, None);
        assert_eq!((found[0].who.application.as_str(), found[0].open), ("", None));
        let (found, _) =
            find(&waits(&[("2", "1")]), Some(&rows(&["pid", "xact_age"], &[&["1", "60"]])));
        assert_eq!((found[0].open, found[0].longest), (Some(60.0), 3.5));
    }

    #[test]
    fn a_crowd_costs_little() {
        // 150 who wait for one row wait for all before them as well.
        let by: Vec<String> = (1..=150)
            .map(|at| {
                (0..at).map(|before| (1000 + before).to_string()).collect::<Vec<_>>().join(" ")
            })
            .collect();
        let pids: Vec<String> = (1..=150).map(|at| (1000 + at).to_string()).collect();
        let edges: Vec<_> =
            pids.iter().zip(&by).map(|(pid, by)| (pid.as_str(), by.as_str())).collect();
        let (found, _) = find(&waits(&edges), None);
        assert_eq!(found.iter().map(|one| one.behind).collect::<Vec<_>>(), [150]);
    }

    #[test]
    fn the_most_waited_for_are_shown() {
        let numbers: Vec<(String, String)> =
            (0..30).map(|at| ((100 + at).to_string(), (500 + at).to_string())).collect();
        let edges: Vec<_> = numbers.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        let names: Vec<[&str; 2]> = edges.iter().map(|(_, root)| [*root, *root]).collect();
        let names: Vec<&[&str]> = names.iter().map(|row| &row[..]).collect();
        let (found, dropped) =
            find(&waits(&edges), Some(&rows(&["pid", "application_name"], &names)));
        assert_eq!((found.len(), dropped), (10, 20));
    }
}
