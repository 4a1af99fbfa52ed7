//! The facts of the status page as JSON.

use std::time::SystemTime;

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json as object};

use super::Server;
use crate::check::{Off, judge, switched_off};
use crate::engine::Entry;

/// `/api/v1/status`: the report of `check`, and the targets. Documented in docs/status-api.md.
pub(super) async fn json(State(server): State<Server>) -> Json<Value> {
    let snapshot = server.board.snapshot();
    let mut status = crate::check::json(&judge(&snapshot));
    let targets: Vec<Value> = snapshot.entries.iter().filter_map(target_json).collect();
    let off: Vec<Value> = switched_off(&snapshot).iter().map(off_json).collect();
    if let Some(map) = status.as_object_mut() {
        map.insert("switched_off".into(), off.into());
        map.insert("targets".into(), targets.into());
    }
    Json(status)
}

fn off_json(off: &Off) -> Value {
    object!({ "area": off.area, "target": off.target, "signal": off.signal, "key": off.key })
}

fn target_json(entry: &Entry) -> Option<Value> {
    let (target, state) = (entry.target.as_ref()?, entry.state.as_ref()?);
    let since = state.since.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Some(object!({
        "area": target.id.area,
        "target": target.id.name,
        "place": target.place,
        "origin": target.origin,
        "up": state.up(),
        "since": since.as_secs_f64(),
        "read_duration_seconds": state.took.map(|took| took.as_secs_f64()),
        "series": state.reading.as_ref().map(|reading| reading.series),
    }))
}
