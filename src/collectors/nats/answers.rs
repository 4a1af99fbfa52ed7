//! The server's answers, as far as they are of use. Every field is optional: versions differ, and
//! unknown ones are ignored.

use serde::Deserialize;

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Varz {
    /// Every server has one, and nothing else that answers does.
    pub server_id: String,
    pub server_name: String,
    pub cpu: Option<f64>,
    pub mem: Option<u64>,
    pub connections: Option<u64>,
    pub total_connections: Option<u64>,
    pub subscriptions: Option<u64>,
    pub in_msgs: Option<u64>,
    pub out_msgs: Option<u64>,
    pub in_bytes: Option<u64>,
    pub out_bytes: Option<u64>,
    pub slow_consumers: Option<u64>,
    pub routes: Option<u64>,
    pub leafnodes: Option<u64>,
    pub cluster: NamedCluster,
    pub jetstream: VarzJetStream,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct NamedCluster {
    pub name: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct VarzJetStream {
    pub config: Option<JetStreamLimits>,
    pub stats: Option<JetStreamStats>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct JetStreamLimits {
    max_storage: Option<i64>,
    max_memory: Option<i64>,
    pub domain: String,
}

impl JetStreamLimits {
    /// A limit of 0 or below means none, and then there is none to show.
    pub fn storage(&self) -> Option<i64> {
        self.max_storage.filter(|limit| *limit > 0)
    }

    pub fn memory(&self) -> Option<i64> {
        self.max_memory.filter(|limit| *limit > 0)
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct JetStreamStats {
    pub storage: Option<u64>,
    pub memory: Option<u64>,
    pub accounts: Option<u64>,
    pub api: Option<ApiStats>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct ApiStats {
    pub errors: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Jsz {
    pub server_id: String,
    pub disabled: bool,
    #[serde(flatten)]
    pub totals: JszTotals,
    pub account_details: Vec<Account>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct JszTotals {
    pub streams: Option<u64>,
    pub consumers: Option<u64>,
    pub messages: Option<u64>,
    pub bytes: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Account {
    pub name: String,
    pub stream_detail: Vec<StreamDetail>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct StreamDetail {
    pub name: String,
    pub cluster: Option<Replicas>,
    pub config: Option<StreamConfig>,
    pub mirror: Option<Source>,
    pub sources: Vec<Source>,
    pub state: StreamState,
    pub consumer_detail: Vec<ConsumerDetail>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct StreamState {
    pub messages: Option<u64>,
    pub bytes: Option<u64>,
    pub first_seq: Option<u64>,
    pub last_seq: Option<u64>,
    pub consumer_count: Option<u64>,
}

/// Those that keep copies of a stream.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Replicas {
    pub leader: String,
}

/// What a stream may hold: -1, and for its age 0, is no limit.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct StreamConfig {
    pub retention: String,
    pub discard: String,
    pub max_msgs: Option<i64>,
    pub max_bytes: Option<i64>,
}

/// Another stream that this one copies.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Source {
    pub name: String,
    pub lag: Option<u64>,
    /// Nanoseconds since it was heard of; -1: never.
    pub active: Option<i64>,
    pub error: Option<SourceError>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct SourceError {
    pub err_code: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct ConsumerDetail {
    pub name: String,
    #[serde(flatten)]
    pub facts: ConsumerFacts,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct ConsumerFacts {
    pub delivered: Sequence,
    pub ack_floor: Sequence,
    pub num_pending: Option<u64>,
    pub num_ack_pending: Option<u64>,
    pub num_redelivered: Option<u64>,
    pub num_waiting: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Sequence {
    pub consumer_seq: Option<u64>,
    pub stream_seq: Option<u64>,
}
