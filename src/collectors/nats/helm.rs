//! The names of `NATS`' helm chart, where `prefix: nats` asks for them: prometheus-nats-exporter's with `nats` in the
//! place of `gnatsd` and of `jetstream`.

use super::sample::{Consumer, JetStream, Server, Stream};
use super::streams::Held;
use crate::catalogue::metrics;

pub struct HelmServer(pub Server);
pub struct HelmJetStream(pub JetStream);
pub struct HelmStream(pub Stream);
pub struct HelmLimits(pub Held);
pub struct HelmConsumer(pub Consumer);

metrics! { HelmServer {
    labels { server_id = |s| &s.0.server_id }
    /// CPU use of the server in percent of one core. Source: /varz cpu.
    gauge nats_varz_cpu = |s| s.0.varz.cpu;
    /// Resident memory of the server in bytes. Source: /varz mem.
    gauge nats_varz_mem = |s| s.0.varz.mem;
    /// Open client connections. Source: /varz connections.
    gauge nats_varz_connections = |s| s.0.varz.connections;
    /// Client connections since the server started. Source: /varz total_connections.
    gauge nats_varz_total_connections = |s| s.0.varz.total_connections;
    /// Subscriptions, the server's own included. Source: /varz subscriptions.
    gauge nats_varz_subscriptions = |s| s.0.varz.subscriptions;
    /// Messages received since the server started; a running total, not a queue depth. Source: /varz in_msgs.
    gauge nats_varz_in_msgs = |s| s.0.varz.in_msgs;
    /// Messages sent since the server started. Source: /varz out_msgs.
    gauge nats_varz_out_msgs = |s| s.0.varz.out_msgs;
    /// Bytes received since the server started. Source: /varz in_bytes.
    gauge nats_varz_in_bytes = |s| s.0.varz.in_bytes;
    /// Bytes sent since the server started. Source: /varz out_bytes.
    gauge nats_varz_out_bytes = |s| s.0.varz.out_bytes;
    /// Clients cut off for being slow since the server started. Source: /varz slow_consumers.
    gauge nats_varz_slow_consumers = |s| s.0.varz.slow_consumers;
    /// Routes to other servers of the cluster. Source: /varz routes.
    gauge nats_varz_routes = |s| s.0.varz.routes;
    /// Leaf node connections. Source: /varz leafnodes.
    gauge nats_varz_leafnodes = |s| s.0.varz.leafnodes;
    /// Bytes that JetStream stores on disk. Source: /varz jetstream.stats.storage.
    gauge nats_varz_jetstream_stats_storage = |s| s.0.varz.jetstream.stats.as_ref().map(|stats| stats.storage);
    /// Bytes that JetStream stores in memory. Source: /varz jetstream.stats.memory.
    gauge nats_varz_jetstream_stats_memory = |s| s.0.varz.jetstream.stats.as_ref().map(|stats| stats.memory);
    /// Accounts that use JetStream. Source: /varz jetstream.stats.accounts.
    gauge nats_varz_jetstream_stats_accounts = |s| s.0.varz.jetstream.stats.as_ref().map(|stats| stats.accounts);
    /// Failed JetStream API requests since the server started. Source: /varz jetstream.stats.api.errors.
    gauge nats_varz_jetstream_stats_api_errors = |s| s.0.varz.jetstream.stats.as_ref().and_then(|stats| stats.api.as_ref()).map(|api| api.errors);
    /// Bytes that JetStream may store on disk; absent without a limit. Source: /varz jetstream.config.max_storage.
    gauge nats_varz_jetstream_config_max_storage = |s| s.0.varz.jetstream.config.as_ref().map(super::answers::JetStreamLimits::storage);
    /// Bytes that JetStream may store in memory; absent without a limit. Source: /varz jetstream.config.max_memory.
    gauge nats_varz_jetstream_config_max_memory = |s| s.0.varz.jetstream.config.as_ref().map(super::answers::JetStreamLimits::memory);
} }

metrics! { HelmJetStream {
    labels {
        server_id = |j| &j.0.names.server_id, server_name = |j| &j.0.names.server_name,
        cluster = |j| &j.0.names.cluster, domain = |j| &j.0.names.domain,
    }
    /// Streams on this server. Source: /jsz streams.
    gauge nats_server_total_streams = |j| j.0.jsz.streams;
    /// Consumers on this server. Source: /jsz consumers.
    gauge nats_server_total_consumers = |j| j.0.jsz.consumers;
    /// Messages stored on this server. Source: /jsz messages.
    gauge nats_server_total_messages = |j| j.0.jsz.messages;
    /// Bytes of the messages stored on this server. Source: /jsz bytes.
    gauge nats_server_total_message_bytes = |j| j.0.jsz.bytes;
} }

metrics! { HelmStream {
    labels {
        server_id = |s| &s.0.names.server_id, server_name = |s| &s.0.names.server_name,
        cluster = |s| &s.0.names.cluster, domain = |s| &s.0.names.domain,
        account = |s| &s.0.account, stream_name = |s| &s.0.name,
    }
    /// Messages in the stream; acknowledged ones too unless the retention removes them, so this is no queue depth. Source: /jsz state.messages.
    gauge nats_stream_total_messages = |s| s.0.state.messages;
    /// Bytes in the stream. Source: /jsz state.bytes.
    gauge nats_stream_total_bytes = |s| s.0.state.bytes;
    /// Sequence number of the oldest message. Source: /jsz state.first_seq.
    gauge nats_stream_first_seq = |s| s.0.state.first_seq;
    /// Sequence number of the newest message. Source: /jsz state.last_seq.
    gauge nats_stream_last_seq = |s| s.0.state.last_seq;
    /// Consumers of the stream. Source: /jsz state.consumer_count.
    gauge nats_stream_consumer_count = |s| s.0.state.consumer_count;
} }

metrics! { HelmLimits {
    labels {
        server_id = |h| &h.0.names.server_id, server_name = |h| &h.0.names.server_name,
        cluster = |h| &h.0.names.cluster, domain = |h| &h.0.names.domain,
        account = |h| &h.0.account, stream_name = |h| &h.0.stream,
    }
    /// Messages that the stream may hold; -1 is no limit. Source: /jsz config.max_msgs.
    gauge nats_stream_limit_messages = |h| h.0.config.as_ref().map(|config| config.max_msgs);
    /// Bytes that the stream may hold; -1 is no limit. Source: /jsz config.max_bytes.
    gauge nats_stream_limit_bytes = |h| h.0.config.as_ref().map(|config| config.max_bytes);
} }

metrics! { HelmConsumer {
    labels {
        server_id = |c| &c.0.names.server_id, server_name = |c| &c.0.names.server_name,
        cluster = |c| &c.0.names.cluster, domain = |c| &c.0.names.domain,
        account = |c| &c.0.account, stream_name = |c| &c.0.stream, consumer_name = |c| &c.0.name,
    }
    /// Messages not yet delivered to the consumer. Source: /jsz num_pending.
    gauge nats_consumer_num_pending = |c| c.0.facts.num_pending;
    /// Messages delivered and not yet acknowledged. Source: /jsz num_ack_pending.
    gauge nats_consumer_num_ack_pending = |c| c.0.facts.num_ack_pending;
    /// Unacknowledged messages that were delivered more than once. Source: /jsz num_redelivered.
    gauge nats_consumer_num_redelivered = |c| c.0.facts.num_redelivered;
    /// Pull requests that wait for messages: idle workers. Source: /jsz num_waiting.
    gauge nats_consumer_num_waiting = |c| c.0.facts.num_waiting;
    /// Deliveries to this consumer so far. Source: /jsz delivered.consumer_seq.
    gauge nats_consumer_delivered_consumer_seq = |c| c.0.facts.delivered.consumer_seq;
    /// Stream sequence of the last delivery. Source: /jsz delivered.stream_seq.
    gauge nats_consumer_delivered_stream_seq = |c| c.0.facts.delivered.stream_seq;
    /// Deliveries below this number are all acknowledged. Source: /jsz ack_floor.consumer_seq.
    gauge nats_consumer_ack_floor_consumer_seq = |c| c.0.facts.ack_floor.consumer_seq;
    /// Stream sequences below this number are all acknowledged. Source: /jsz ack_floor.stream_seq.
    gauge nats_consumer_ack_floor_stream_seq = |c| c.0.facts.ack_floor.stream_seq;
} }
