//! A plain document for programs. docs/how-to/messages.md describes it.

use serde_json::{Value, json};

use crate::notify::message::Message;

pub(super) fn document(message: &Message) -> Value {
    json!({
        "version": 1,
        "status": message.status,
        "severity": message.severity,
        "title": message.title,
        "text": message.text(),
        "alert": message.alert,
        "machine": message.machine,
        "why": message.why,
        "next": message.next,
        "since": message.since,
        "until": message.until,
        "page": message.page,
        "runbook": message.runbook,
    })
}
