//! ntfy: a document to the server's root that names the topic. Headers, its other form, would take
//! neither line ends nor letters beyond ASCII.

use serde_json::{Value, json};

use crate::config::Url;
use crate::failure::{Failure, Reason};
use crate::notify::message::{Message, Status};

/// Takes the topic out of an address, which is the server's then.
pub(in crate::notify) fn topic(url: &mut Url) -> Result<String, Failure> {
    let path = url.path.trim_end_matches('/').to_owned();
    let (before, topic) = path.rsplit_once('/').unwrap_or(("", ""));
    if topic.is_empty() {
        let text = format!("{}: the address names no topic", url.origin());
        return Err(Failure::new(Reason::NOT_FOUND, text)
            .hint("write it with the topic: https://ntfy.sh/my-topic"));
    }
    let topic = topic.to_owned();
    url.path = format!("{before}/");
    Ok(topic)
}

pub(super) fn document(message: &Message, topic: &str) -> Value {
    let critical = message.severity == "critical";
    let (tag, priority) = match message.status {
        Status::Firing | Status::Repeated if critical => ("rotating_light", 5),
        Status::Firing | Status::Repeated => ("warning", 3),
        Status::Summary => ("warning", 4),
        Status::Better => ("arrow_down", 3),
        Status::Resolved => ("white_check_mark", 3),
        Status::Test => ("wave", 3),
    };
    let mut document = json!({
        "topic": topic,
        "title": message.title,
        "message": message.text(),
        "priority": priority,
        "tags": [tag],
    });
    if let Some(map) = document.as_object_mut().filter(|_| !message.page.is_empty()) {
        map.insert("click".into(), message.page.clone().into());
    }
    document
}
