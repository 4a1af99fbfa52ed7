//! How full a stream is, who leads it, and what it copies from others.

use super::answers::{Replicas, Source, StreamConfig, StreamState};
use super::sample::Names;
use crate::catalogue::metrics;

/// What happens to messages of a stream that is full.
const REJECTS: &str = "rejects";
const LOSES: &str = "loses";
const FORGETS: &str = "forgets";

pub const WHEN_FULL: &[&str] = &[REJECTS, LOSES, FORGETS];
pub const LIMITS: &[&str] = &["messages", "bytes"];
pub const KINDS: &[&str] = &["mirror", "source"];

/// How full a stream is: parts of its limits.
pub struct Room {
    names: Names,
    account: String,
    stream: String,
    when_full: &'static str,
    used: Vec<(&'static str, f64)>,
}

/// What a stream may hold, and whether somebody leads it; neither is always told.
#[derive(Clone)]
pub struct Held {
    pub names: Names,
    pub account: String,
    pub stream: String,
    pub config: Option<StreamConfig>,
    leader: Option<bool>,
}

/// Another stream that this one copies: the one of a mirror, or one of several sources.
pub struct Origin {
    names: Names,
    account: String,
    stream: String,
    kind: &'static str,
    source: Source,
}

impl Held {
    pub fn of(
        names: &Names,
        (account, stream): (&str, &str),
        config: Option<StreamConfig>,
        cluster: Option<&Replicas>,
    ) -> Self {
        Self {
            names: names.clone(),
            account: account.to_owned(),
            stream: stream.to_owned(),
            config,
            leader: cluster.map(|cluster| !cluster.leader.is_empty()),
        }
    }

    /// Of a stream with limits.
    pub fn room(&self, state: &StreamState) -> Option<Room> {
        let config = self.config.as_ref()?;
        let part = |used: Option<u64>, limit: Option<i64>| {
            Some(used? as f64 / limit.filter(|limit| *limit > 0)? as f64)
        };
        let parts = [part(state.messages, config.max_msgs), part(state.bytes, config.max_bytes)];
        let used = LIMITS.iter().copied().zip(parts);
        Some(Room {
            names: self.names.clone(),
            account: self.account.clone(),
            stream: self.stream.clone(),
            when_full: when_full(config),
            used: used.filter_map(|(name, part)| Some((name, part?))).collect(),
        })
    }
}

/// A ring that forgets its oldest messages is full for good and well; a queue loses jobs that way.
fn when_full(config: &StreamConfig) -> &'static str {
    match (config.discard.as_str(), config.retention.as_str()) {
        ("new", _) => REJECTS,
        (_, "limits" | "") => FORGETS,
        _ => LOSES,
    }
}

impl Origin {
    /// The origins of a stream; what has no name is none.
    pub fn all<'a>(
        names: &'a Names,
        (account, stream): (&'a str, &'a str),
        mirror: Option<&'a Source>,
        sources: &'a [Source],
    ) -> impl Iterator<Item = Self> + use<'a> {
        let mirror = mirror.into_iter().map(|source| ("mirror", source));
        let sources = sources.iter().map(|source| ("source", source));
        let all = mirror.chain(sources).filter(|(_, source)| !source.name.is_empty());
        all.map(|(kind, source)| Self {
            names: names.clone(),
            account: account.to_owned(),
            stream: stream.to_owned(),
            kind,
            source: source.clone(),
        })
    }

    /// Seconds since it was heard of.
    fn heard(&self) -> Option<f64> {
        let active = self.source.active.and_then(|nanos| u64::try_from(nanos).ok());
        active.map(|nanos| nanos as f64 / 1e9)
    }

    fn of_mirror<T>(&self, value: Option<T>) -> Option<T> {
        value.filter(|_| self.kind == "mirror")
    }
}

metrics! { Room {
    labels {
        server_id = |r| &r.names.server_id, server_name = |r| &r.names.server_name,
        cluster = |r| &r.names.cluster, domain = |r| &r.names.domain,
        account = |r| &r.account, stream_name = |r| &r.stream, when_full = |r| r.when_full,
    }
    /// Used part of what the stream may hold, as a ratio, by the limit on messages and on bytes; absent without one. It does not reach 1: what does not fit any more is refused or pushes out other messages. Source: /jsz state and config.
    gauge stack_nats_stream_used_ratio {limit} [N05] = |r| r.used.iter().copied();
} }

metrics! { Held {
    labels {
        server_id = |h| &h.names.server_id, server_name = |h| &h.names.server_name,
        cluster = |h| &h.names.cluster, domain = |h| &h.names.domain,
        account = |h| &h.account, stream_name = |h| &h.stream,
    }
    /// Messages that the stream may hold; -1 is no limit. Source: /jsz config.max_msgs.
    gauge jetstream_stream_limit_messages = |h| h.config.as_ref().map(|config| config.max_msgs);
    /// Bytes that the stream may hold; -1 is no limit. Source: /jsz config.max_bytes.
    gauge jetstream_stream_limit_bytes = |h| h.config.as_ref().map(|config| config.max_bytes);
    /// Whether a server leads the stream: without one nothing can be written to it or read from it. Source: /jsz cluster.leader.
    gauge stack_nats_stream_has_leader [N01] = |h| h.leader;
} }

metrics! { Origin {
    labels {
        server_id = |o| &o.names.server_id, server_name = |o| &o.names.server_name,
        cluster = |o| &o.names.cluster, domain = |o| &o.names.domain,
        account = |o| &o.account, stream_name = |o| &o.stream,
        kind = |o| o.kind, origin = |o| &o.source.name,
    }
    /// Whether the other stream can be copied: 0 while the server tells an error of it. Source: /jsz mirror.error, sources.error.
    gauge stack_nats_stream_origin_up [N01] = |o| o.source.error.is_none();
    /// The server's code of that error; absent without one. Source: /jsz mirror.error.err_code, sources.error.err_code.
    gauge stack_nats_stream_origin_error_code = |o| o.source.error.as_ref().map(|error| error.err_code);
    /// Messages of the other stream that are not copied yet. Source: /jsz mirror.lag, sources.lag.
    gauge stack_nats_stream_origin_lag = |o| o.source.lag;
    /// Time since the other stream was heard of, in seconds; absent before the first time. Source: /jsz mirror.active, sources.active.
    gauge stack_nats_stream_origin_age_seconds = |o| o.heard();
    /// Messages of the mirrored stream that are not copied yet. Source: /jsz mirror.lag.
    gauge jetstream_stream_mirror_lag = |o| o.of_mirror(o.source.lag);
    /// Nanoseconds since the mirrored stream was heard of. Source: /jsz mirror.active.
    gauge jetstream_stream_mirror_active_duration_ns = |o| o.of_mirror(o.source.active);
} }

#[cfg(test)]
mod tests {
    use super::*;

    fn room(config: serde_json::Value) -> Option<Room> {
        let config = serde_json::from_value(config).unwrap();
        let state = StreamState { messages: Some(80), bytes: Some(900), ..StreamState::default() };
        Held::of(&Names::default(), ("$G", "jobs"), config, None).room(&state)
    }

    #[test]
    fn what_becomes_of_messages_of_a_full_stream() {
        let of = |retention: &str, discard: &str| {
            let config = serde_json::json!({ "retention": retention, "discard": discard });
            room(config).unwrap().when_full
        };
        assert_eq!(of("limits", "old"), FORGETS);
        assert_eq!(of("limits", "new"), REJECTS);
        assert_eq!(of("workqueue", "new"), REJECTS);
        assert_eq!(of("workqueue", "old"), LOSES);
        assert_eq!(of("interest", "old"), LOSES);
        assert_eq!(of("", ""), FORGETS);
    }

    #[test]
    fn parts_of_limits_that_there_are() {
        let used = |config| room(config).unwrap().used;
        let both = serde_json::json!({ "max_msgs": 100, "max_bytes": 1000 });
        assert_eq!(used(both), [("messages", 0.8), ("bytes", 0.9)]);
        assert_eq!(used(serde_json::json!({ "max_msgs": -1, "max_bytes": 0 })), []);
        assert_eq!(used(serde_json::json!({})), []);
        assert!(room(serde_json::Value::Null).is_none());
    }
}
