//! Who is connected and what they do: `pg_stat_activity` as counts and ages.

use std::collections::{BTreeMap, BTreeSet};

use super::idle::{Idle, idle};
use crate::clients::postgres::{APPLICATION, Row, Rows};

/// Label sets of `pg_stat_activity_count` beyond this are left out and counted: names of
/// applications and wait events come in many combinations.
const GROUPS: usize = 200;
pub(super) const APPLICATIONS: usize = 50;

/// Every database gets a 0 for each of these.
pub const STATES: [&str; 6] = [
    "active",
    "idle",
    "idle in transaction",
    "idle in transaction (aborted)",
    "fastpath function call",
    "disabled",
];

/// One of these, or `other`.
pub fn state(name: &str) -> &'static str {
    STATES.iter().find(|state| **state == name).copied().unwrap_or("other")
}

/// Types of server processes in label values; those of extensions are "other".
const BACKEND_TYPES: [&str; 17] = [
    "archiver",
    "autovacuum launcher",
    "autovacuum worker",
    "background worker",
    "background writer",
    "checkpointer",
    "client backend",
    "io worker",
    "logical replication apply worker",
    "logical replication launcher",
    "logical replication worker",
    "parallel worker",
    "slotsync worker",
    "startup",
    "walreceiver",
    "walsender",
    "walwriter",
];

/// One row of the view, as far as it matters.
pub(super) struct Session<'a> {
    database: &'a str,
    user: &'a str,
    pub application: &'a str,
    backend_type: &'a str,
    pub state: &'a str,
    wait_type: &'a str,
    wait: &'a str,
    asking: bool,
    transaction: Option<f64>,
    query: Option<f64>,
    pub in_state: Option<f64>,
}

/// The server as a whole.
#[derive(Default)]
pub struct Sessions {
    pub backends: BTreeMap<&'static str, u64>,
    /// `None` without the right to see others' sessions.
    pub seen: Option<Seen>,
}

#[derive(Clone, Copy, Default)]
pub struct Seen {
    pub clients: u64,
    /// Not known where a role has `track_activities` off.
    pub active: Option<u64>,
    pub own: u64,
}

/// Open transactions, as `postgres_exporter` counts them.
#[derive(Default)]
pub struct Transactions {
    pub server: String,
    pub count: u64,
    pub oldest: f64,
}

/// Connections to one database.
#[derive(Default)]
pub struct InDatabase {
    pub database: String,
    pub states: BTreeMap<&'static str, u64>,
    /// These are not known where the role of a session has `track_activities` off.
    pub longest_query: Option<f64>,
    pub longest_transaction: Option<f64>,
    pub idle_in_transaction: Option<f64>,
}

/// Sessions that `postgres_exporter` puts into one series.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    pub database: String,
    pub state: String,
    pub user: String,
    pub application: String,
    pub backend_type: String,
    pub wait_type: String,
    pub wait: String,
}

pub struct Group {
    pub server: String,
    pub key: Key,
    pub count: u64,
    pub longest_transaction: f64,
}

pub struct Application {
    pub name: String,
    pub user: String,
    pub count: u64,
}

/// All that follows from the view.
pub struct Activity {
    pub sessions: Sessions,
    pub transactions: Transactions,
    pub databases: Vec<InDatabase>,
    pub groups: Vec<Group>,
    pub groups_dropped: u64,
    pub applications: Vec<Application>,
    pub applications_dropped: u64,
    pub idle: Vec<Idle>,
}

impl<'a> Session<'a> {
    fn of(row: Row<'a>) -> Self {
        let text = |column| row.text(column).unwrap_or_default();
        Self {
            database: text("datname"),
            user: text("usename"),
            application: text("application_name"),
            backend_type: text("backend_type"),
            state: text("state"),
            wait_type: text("wait_event_type"),
            wait: text("wait_event"),
            asking: row.flag("own") == Some(true),
            transaction: row.number("xact_age"),
            query: row.number("query_age"),
            in_state: row.number("state_age"),
        }
    }

    fn is_client(&self) -> bool {
        self.backend_type == "client backend"
    }

    /// Its role has `track_activities` off: what it does is not known.
    fn is_hidden(&self) -> bool {
        self.state == "disabled"
    }

    /// An application's: neither ours nor the server's.
    fn counts(&self) -> bool {
        self.is_client() && !self.asking && self.application != APPLICATION
    }
}

/// Without the right to read statistics nothing but the number of rows is true.
pub fn blind(rows: &Rows) -> Sessions {
    let backends = BTreeMap::from([("unknown", rows.len() as u64)]);
    Sessions { backends, seen: None }
}

/// `known` are the databases that get a 0 where nobody is connected.
pub fn of(server: &str, rows: &Rows, known: &BTreeSet<&str>) -> Activity {
    let sessions: Vec<Session> = rows.iter().map(Session::of).collect();
    let (groups, groups_dropped) = groups(server, &sessions, known);
    let (applications, applications_dropped) = applications(&sessions);
    Activity {
        sessions: totals(&sessions),
        transactions: transactions(server, &sessions),
        databases: databases(&sessions, known),
        groups,
        groups_dropped,
        applications,
        applications_dropped,
        idle: idle(server, &sessions),
    }
}

fn totals(sessions: &[Session]) -> Sessions {
    let mut backends = BTreeMap::from([("client backend", 0)]);
    let (mut seen, mut active) = (Seen::default(), Some(0));
    for session in sessions {
        let known = BACKEND_TYPES.iter().find(|known| **known == session.backend_type);
        *backends.entry(known.copied().unwrap_or("other")).or_default() += 1;
        seen.clients += u64::from(session.is_client());
        seen.own += u64::from(session.is_client() && !session.counts());
        if session.counts() {
            let more = u64::from(is_active(session.state));
            active = active.filter(|_| !session.is_hidden()).map(|active| active + more);
        }
    }
    seen.active = active;
    Sessions { backends, seen: Some(seen) }
}

/// Every session with an open transaction but autovacuum and the one that asks.
fn transactions(server: &str, sessions: &[Session]) -> Transactions {
    let mut found = Transactions { server: server.to_owned(), ..Transactions::default() };
    for session in sessions {
        let counts = session.backend_type != "autovacuum worker" && session.state != "idle";
        if let Some(age) = session.transaction.filter(|_| counts && !session.asking) {
            found.count += 1;
            found.oldest = found.oldest.max(age);
        }
    }
    found
}

fn is_active(state: &str) -> bool {
    matches!(state, "active" | "fastpath function call")
}

fn databases(sessions: &[Session], known: &BTreeSet<&str>) -> Vec<InDatabase> {
    let mut found: BTreeMap<&str, InDatabase> =
        known.iter().map(|name| (*name, InDatabase::none(name))).collect();
    for session in sessions.iter().filter(|session| session.is_client()) {
        let Some(database) = found.get_mut(session.database) else { continue };
        *database.states.entry(state(session.state)).or_default() += 1;
        if !session.counts() {
            continue;
        }
        if session.is_hidden() {
            database.longest_transaction = None;
            database.longest_query = None;
            database.idle_in_transaction = None;
        }
        let longer = |longest: &mut Option<f64>, age: Option<f64>| {
            *longest = longest.map(|longest| longest.max(age.unwrap_or_default()));
        };
        longer(&mut database.longest_transaction, session.transaction);
        if is_active(session.state) {
            longer(&mut database.longest_query, session.query);
        }
        if session.state.starts_with("idle in transaction") {
            longer(&mut database.idle_in_transaction, session.in_state);
        }
    }
    found.into_values().collect()
}

impl InDatabase {
    fn none(name: &str) -> Self {
        let states = STATES.iter().map(|state| (*state, 0)).collect();
        let none = Some(0.0);
        Self {
            database: name.to_owned(),
            states,
            longest_query: none,
            longest_transaction: none,
            idle_in_transaction: none,
        }
    }
}

/// As `postgres_exporter` has it: sessions of databases, without the one that asks, and a 0 for
/// every state that nobody is in.
fn groups(server: &str, sessions: &[Session], known: &BTreeSet<&str>) -> (Vec<Group>, u64) {
    let mut found: BTreeMap<Key, (u64, f64)> = BTreeMap::new();
    let asked = |session: &&Session| !session.asking && known.contains(session.database);
    for session in sessions.iter().filter(asked) {
        let key = Key {
            database: session.database.to_owned(),
            state: session.state.to_owned(),
            user: session.user.to_owned(),
            application: session.application.to_owned(),
            backend_type: session.backend_type.to_owned(),
            wait_type: session.wait_type.to_owned(),
            wait: session.wait.to_owned(),
        };
        let (count, longest) = found.entry(key).or_default();
        *count += 1;
        *longest = longest.max(session.transaction.unwrap_or_default());
    }
    let group = |(key, (count, longest_transaction))| Group {
        server: server.to_owned(),
        key,
        count,
        longest_transaction,
    };
    let mut groups: Vec<Group> = found.into_iter().map(group).collect();
    // Before the cap: a state whose sessions were left out has no 0.
    let taken: BTreeSet<(String, String)> =
        groups.iter().map(|group| (group.key.database.clone(), group.key.state.clone())).collect();
    let dropped = keep_largest(&mut groups, GROUPS, |group| group.count);
    for database in known {
        for state in STATES {
            let (database, state) = ((*database).to_owned(), state.to_owned());
            if !taken.contains(&(database.clone(), state.clone())) {
                groups.push(group((Key { database, state, ..Key::default() }, (0, 0.0))));
            }
        }
    }
    (groups, dropped)
}

/// Pools by the name that they give themselves.
fn applications(sessions: &[Session]) -> (Vec<Application>, u64) {
    let mut found: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for session in sessions.iter().filter(|session| session.counts()) {
        *found.entry((session.application, session.user)).or_default() += 1;
    }
    let mut applications: Vec<Application> = found
        .into_iter()
        .map(|((application, user), count)| Application {
            name: application.to_owned(),
            user: user.to_owned(),
            count,
        })
        .collect();
    let dropped = keep_largest(&mut applications, APPLICATIONS, |application| application.count);
    (applications, dropped)
}

/// Keeps the `cap` largest in their order and says how many went.
pub(super) fn keep_largest<T>(things: &mut Vec<T>, cap: usize, size: impl Fn(&T) -> u64) -> u64 {
    let dropped = things.len().saturating_sub(cap);
    if dropped > 0 {
        things.sort_by_key(|thing| std::cmp::Reverse(size(thing)));
        things.truncate(cap);
    }
    dropped as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_role_hides_is_not_zero() {
        let columns = ["datname", "backend_type", "state", "xact_age", "query_age"];
        let row = |database: &str, state: &str| {
            [database, "client backend", state, "7", "5"].map(str::to_owned)
        };
        let rows = [row("app", "active"), row("app", "disabled"), row("other", "active")];
        let rows = serde_json::json!({ "columns": columns, "rows": rows });
        let rows: Rows = serde_json::from_value(rows).expect("rows");
        let seen = of("s", &rows, &["app", "other"].into());
        assert_eq!(seen.sessions.seen.expect("seen").active, None);
        let longest: Vec<_> = seen
            .databases
            .iter()
            .map(|it| (it.longest_query, it.longest_transaction, it.idle_in_transaction))
            .collect();
        assert_eq!(longest, [(None, None, None), (Some(5.0), Some(7.0), Some(0.0))]);
    }

    #[test]
    fn a_state_that_the_cap_left_out_is_not_empty() {
        let sessions: Vec<[String; 4]> = (0..=GROUPS)
            .map(|n| {
                let state = if n == GROUPS { "idle" } else { "active" };
                ["app", "client backend", state, &format!("worker-{n}")].map(str::to_owned)
            })
            .collect();
        let columns = ["datname", "backend_type", "state", "application_name"];
        let rows = serde_json::json!({ "columns": columns, "rows": sessions });
        let rows: Rows = serde_json::from_value(rows).expect("rows");
        let seen = of("s", &rows, &["app"].into());
        assert_eq!(seen.groups_dropped, 1);
        let has = |state: &str| seen.groups.iter().any(|group| group.key.state == state);
        assert!(has("active") && has("disabled") && !has("idle"));
    }
}
