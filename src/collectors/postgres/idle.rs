//! How long idle sessions have been idle.

use std::collections::BTreeMap;

use super::activity::{APPLICATIONS, Session, keep_largest};
use crate::catalogue::Histogram;

/// Buckets of `pg_process_idle_seconds`.
const IDLE: [f64; 9] = [1.0, 2.0, 5.0, 15.0, 30.0, 60.0, 90.0, 120.0, 300.0];

/// Sessions of the states that begin with "idle", by how long they have been in them, as
/// `postgres_exporter` counts them.
pub struct Idle {
    pub server: String,
    pub state: String,
    pub application: String,
    pub seconds: Histogram,
}

/// As many series as there are buckets for each application: only the largest ones are told of.
pub(super) fn idle(server: &str, sessions: &[Session]) -> Vec<Idle> {
    let mut found: BTreeMap<(&str, &str), Histogram> = BTreeMap::new();
    for session in sessions.iter().filter(|session| session.state.starts_with("idle")) {
        let seconds = found
            .entry((session.state, session.application))
            .or_insert_with(|| Histogram::new(&IDLE));
        seconds.observe(session.in_state.unwrap_or_default().max(0.0).round());
    }
    let mut all: Vec<Idle> = found
        .into_iter()
        .map(|((state, application), seconds)| Idle {
            server: server.to_owned(),
            state: state.to_owned(),
            application: application.to_owned(),
            seconds,
        })
        .collect();
    keep_largest(&mut all, APPLICATIONS, |idle| idle.seconds.count());
    all
}
