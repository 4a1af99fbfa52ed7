//! The server's answers, as far as they are of use. Every field is optional: versions differ, and
//! unknown ones are ignored.

use serde::Deserialize;

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct Varz {
    /// Every server has one, and nothing else that answers does.
    pub server_id: String,
    pub server_name: String,
    pub start: String,
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

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct NamedCluster {
    pub name: String,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct VarzJetStream {
    pub config: Option<JetStreamLimits>,
    pub stats: Option<JetStreamStats>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct JetStreamLimits {
    /// May be 2^64-1, which no signed number holds.
    max_storage: Option<f64>,
    max_memory: Option<f64>,
    pub domain: String,
}

/// What stands for "unlimited" in an unsigned number.
const UNLIMITED: f64 = u64::MAX as f64;

/// A limit of 0 or below means none, and so does the largest number; then there is none to show.
fn limited(limit: Option<f64>) -> Option<f64> {
    limit.filter(|limit| *limit > 0.0 && *limit < UNLIMITED)
}

impl JetStreamLimits {
    pub fn storage(&self) -> Option<f64> {
        limited(self.max_storage)
    }

    pub fn memory(&self) -> Option<f64> {
        limited(self.max_memory)
    }
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct JetStreamStats {
    pub storage: Option<u64>,
    pub memory: Option<u64>,
    pub accounts: Option<u64>,
    pub api: Option<ApiStats>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct ApiStats {
    pub total: Option<u64>,
    pub errors: Option<u64>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct Jsz {
    pub server_id: String,
    pub disabled: bool,
    #[serde(flatten)]
    pub totals: JszTotals,
    pub account_details: Vec<Account>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct JszTotals {
    pub streams: Option<u64>,
    pub consumers: Option<u64>,
    pub messages: Option<u64>,
    pub bytes: Option<u64>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct Account {
    pub name: String,
    pub stream_detail: Vec<StreamDetail>,
}

#[derive(Clone, Default, Deserialize)]
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

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct StreamState {
    pub messages: Option<u64>,
    pub bytes: Option<u64>,
    pub first_seq: Option<u64>,
    pub last_seq: Option<u64>,
    pub consumer_count: Option<u64>,
}

/// Those that keep copies of a stream.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct Replicas {
    pub leader: String,
}

/// What a stream may hold: -1, and for its age 0, is no limit.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct StreamConfig {
    pub retention: String,
    pub discard: String,
    pub max_msgs: Option<i64>,
    pub max_bytes: Option<i64>,
}

/// Another stream that this one copies.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct Source {
    pub name: String,
    pub lag: Option<u64>,
    /// Nanoseconds since it was heard of; -1: never.
    pub active: Option<i64>,
    pub error: Option<SourceError>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct SourceError {
    pub err_code: Option<u64>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct ConsumerDetail {
    pub name: String,
    pub config: Option<ConsumerConfig>,
    pub cluster: Option<ConsumerCluster>,
    #[serde(flatten)]
    pub facts: ConsumerFacts,
}

/// The servers that keep the consumer. The one that is asked is not among the replicas.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct ConsumerCluster {
    leader: String,
    replicas: Vec<Replica>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Replica {
    name: String,
}

impl ConsumerDetail {
    /// Only the leader counts what waits; of another server the number is 0 or old, and would count twice.
    pub fn known_here(&self) -> ConsumerFacts {
        let leads = self.cluster.as_ref().is_none_or(|cluster| {
            !cluster.leader.is_empty()
                && cluster.replicas.iter().all(|replica| replica.name != cluster.leader)
        });
        let mut facts = self.facts.clone();
        if !leads {
            facts.num_pending = None;
            facts.num_waiting = None;
        }
        facts
    }
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct ConsumerConfig {
    /// Without one it goes with whoever made it.
    pub durable_name: String,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct ConsumerFacts {
    pub delivered: Sequence,
    pub ack_floor: Sequence,
    pub num_pending: Option<u64>,
    pub num_ack_pending: Option<u64>,
    pub num_redelivered: Option<u64>,
    pub num_waiting: Option<u64>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct Sequence {
    pub consumer_seq: Option<u64>,
    pub stream_seq: Option<u64>,
}
