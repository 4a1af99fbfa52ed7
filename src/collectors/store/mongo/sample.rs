//! What MongoDB says, as rows.

use super::super::sample::{Identity, Served, label, share};
use super::Raw;
use super::bson::Document;
use crate::catalogue::Batch;
use crate::failure::{Failure, Reason};

/// Codes of errors, from the server's list of them.
const UNAUTHORIZED: [f64; 2] = [13.0, 18.0];
const NO_SUCH_COMMAND: f64 = 59.0;

pub const OPERATIONS: &[&str] = &["insert", "query", "update", "delete", "getmore", "command"];

/// Established, and there also while the server is not.
pub struct Up(pub bool);

pub struct Member {
    /// Name of the replica set; empty without one.
    pub set: String,
    pub role: &'static str,
}

pub struct Status {
    connections: [(&'static str, Option<f64>); 4],
    pub uptime: Option<f64>,
    pub resident: Option<f64>,
    operations: Vec<(&'static str, Option<f64>)>,
}

impl Status {
    pub fn connections(&self) -> [(&'static str, Option<f64>); 4] {
        self.connections
    }

    pub fn operations(&self) -> Vec<(&'static str, Option<f64>)> {
        self.operations.clone()
    }
}

pub fn is_unknown(answer: &Document) -> bool {
    answer.number("code") == Some(NO_SUCH_COMMAND)
}

fn is_ok(answer: &Document) -> bool {
    answer.number("ok") == Some(1.0)
}

pub fn sample(raw: &Raw) -> Result<Batch, Failure> {
    let hello = &raw.hello;
    if !is_ok(hello) {
        let failure = Failure::new(Reason::PROTOCOL, "it answers `hello` with an error");
        return Err(failure.hint("try it by hand: mongosh --eval 'db.hello()'"));
    }
    let (role, serves) = role(hello);
    let set = label(hello.text("setName").unwrap_or_default());
    let status = raw.status.as_ref().ok().filter(|status| is_ok(status));
    let version = label(status.and_then(|status| status.text("version")).unwrap_or_default());
    let facts = status.map(facts);
    let connections = facts.as_ref().and_then(|facts| {
        let [(_, current), (_, available), ..] = facts.connections;
        share(current, current.zip(available).map(|(current, left)| current + left))
    });
    let batch = Batch::new()
        .with(vec![Identity { kind: "mongo", version }])
        .with(vec![Served { serves: Some(serves), connections }])
        .with(vec![Up(true)])
        .with(vec![Member { set, role }])
        .with(facts.into_iter().collect());
    Ok(match missing(raw) {
        Some(failure) => batch.gap("connections, memory and operations", failure),
        None => batch,
    })
}

/// Why there is no status. That the server wants a login for it is known and no failure.
fn missing(raw: &Raw) -> Option<Failure> {
    match &raw.status {
        Err(failure) => Some(failure.clone()),
        Ok(status) if is_ok(status) => None,
        Ok(status) if status.number("code").is_some_and(|code| UNAUTHORIZED.contains(&code)) => {
            None
        }
        Ok(_) => Some(Failure::new(Reason::PROTOCOL, "it answers `serverStatus` with an error")),
    }
}

/// What it is, and whether a client of it finds somebody to write to.
fn role(hello: &Document) -> (&'static str, bool) {
    let in_set = hello.text("setName").is_some() || hello.is("isreplicaset");
    let has_primary = hello.text("primary").is_some();
    if hello.text("msg") == Some("isdbgrid") {
        ("mongos", true)
    } else if hello.is("isWritablePrimary") || hello.is("ismaster") {
        (if in_set { "primary" } else { "standalone" }, true)
    } else if hello.is("secondary") {
        ("secondary", has_primary)
    } else if hello.is("arbiterOnly") {
        ("arbiter", has_primary)
    } else {
        // It starts up, recovers, rolls back, was removed, or the set was never initiated.
        ("starting", false)
    }
}

fn facts(status: &Document) -> Status {
    let of = |group: &str, key: &str| status.document(group).and_then(|group| group.number(key));
    let connections =
        ["current", "available", "active", "totalCreated"].map(|key| (key, of("connections", key)));
    Status {
        connections,
        uptime: status.number("uptime"),
        resident: of("mem", "resident"),
        operations: OPERATIONS.iter().map(|key| (*key, of("opcounters", key))).collect(),
    }
}
