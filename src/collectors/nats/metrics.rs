//! The metrics of a NATS server. `gnatsd_*` and `jetstream_*` are prometheus-nats-exporter's
//! names: all gauges there, counters included, and so here.

use super::sample::{Consumer, Endpoint, Health, JetStream, Server, Stream};
use crate::catalogue::metrics;
use crate::text::epoch;

metrics! { Endpoint {
    labels { endpoint = |e| e.endpoint }
    /// Whether the endpoint of the monitoring port answers, and for healthz says that the server is well.
    gauge stack_nats_endpoint_up [N01] = |e| e.up;
    /// Time from the request to the end of the endpoint's answer.
    gauge stack_nats_endpoint_duration_seconds [N01] = |e| e.took;
    /// Why the endpoint does not answer, 1 for the reason that holds; absent while it does.
    gauge stack_nats_endpoint_failure {reason} [N01] = |e| e.failure.map(|reason| (reason.as_str(), 1.0)).into_iter();
} }

metrics! { Health {
    labels { server_id = |h| &h.server_id }
    /// 0 while the server says that it is well, else 1. Source: /healthz.
    gauge gnatsd_healthz_status = |h| h.value != "ok";
    /// 1 while the server says that it is well, else 0, by what it says. Source: /healthz.
    gauge gnatsd_healthz_status_value {value} = |h| Some((h.value, h.value == "ok")).into_iter();
} }

metrics! { Server {
    labels { server_id = |s| &s.server_id }
    /// When the server started, in seconds since the epoch; its totals begin anew then. Source: /varz start.
    gauge stack_nats_start_time_seconds [N01] = |s| epoch(&s.varz.start);
    /// Messages received and sent since the server started. Source: /varz in_msgs, out_msgs.
    counter stack_nats_messages_total {direction} [N01] = |s| s.both(s.varz.in_msgs, s.varz.out_msgs);
    /// Bytes received and sent since the server started. Source: /varz in_bytes, out_bytes.
    counter stack_nats_message_bytes_total {direction} [N01] = |s| s.both(s.varz.in_bytes, s.varz.out_bytes);
    /// Connections that clients have made since the server started. Source: /varz total_connections.
    counter stack_nats_connections_total [N01] = |s| s.varz.total_connections;
    /// Clients cut off for being slow since the server started. Source: /varz slow_consumers.
    counter stack_nats_slow_consumers_total [N01] = |s| s.varz.slow_consumers;
    /// Requests to JetStream's API since the server started. Source: /varz jetstream.stats.api.total.
    counter stack_nats_jetstream_api_requests_total = |s| s.api().map(|api| api.total);
    /// Of these, those that failed. A message that a full stream refuses is none. Source: /varz jetstream.stats.api.errors.
    counter stack_nats_jetstream_api_errors_total = |s| s.api().map(|api| api.errors);
    /// CPU use of the server in percent of one core. Source: /varz cpu.
    gauge gnatsd_varz_cpu = |s| s.varz.cpu;
    /// Resident memory of the server in bytes. Source: /varz mem.
    gauge gnatsd_varz_mem [N01] = |s| s.varz.mem;
    /// Open client connections. Source: /varz connections.
    gauge gnatsd_varz_connections [N01] = |s| s.varz.connections;
    /// Client connections since the server started. Source: /varz total_connections.
    gauge gnatsd_varz_total_connections = |s| s.varz.total_connections;
    /// Subscriptions, the server's own included. Source: /varz subscriptions.
    gauge gnatsd_varz_subscriptions = |s| s.varz.subscriptions;
    /// Messages received since the server started; a running total, not a queue depth. Source: /varz in_msgs.
    gauge gnatsd_varz_in_msgs [N01] = |s| s.varz.in_msgs;
    /// Messages sent since the server started. Source: /varz out_msgs.
    gauge gnatsd_varz_out_msgs [N01] = |s| s.varz.out_msgs;
    /// Bytes received since the server started. Source: /varz in_bytes.
    gauge gnatsd_varz_in_bytes [N01] = |s| s.varz.in_bytes;
    /// Bytes sent since the server started. Source: /varz out_bytes.
    gauge gnatsd_varz_out_bytes [N01] = |s| s.varz.out_bytes;
    /// Clients cut off for being slow since the server started. Source: /varz slow_consumers.
    gauge gnatsd_varz_slow_consumers [N01] = |s| s.varz.slow_consumers;
    /// Routes to other servers of the cluster. Source: /varz routes.
    gauge gnatsd_varz_routes = |s| s.varz.routes;
    /// Leaf node connections. Source: /varz leafnodes.
    gauge gnatsd_varz_leafnodes = |s| s.varz.leafnodes;
    /// Bytes that JetStream stores on disk. Source: /varz jetstream.stats.storage.
    gauge gnatsd_varz_jetstream_stats_storage [N05] = |s| s.varz.jetstream.stats.as_ref().map(|stats| stats.storage);
    /// Bytes that JetStream stores in memory. Source: /varz jetstream.stats.memory.
    gauge gnatsd_varz_jetstream_stats_memory = |s| s.varz.jetstream.stats.as_ref().map(|stats| stats.memory);
    /// Accounts that use JetStream. Source: /varz jetstream.stats.accounts.
    gauge gnatsd_varz_jetstream_stats_accounts = |s| s.varz.jetstream.stats.as_ref().map(|stats| stats.accounts);
    /// Failed JetStream API requests since the server started. Source: /varz jetstream.stats.api.errors.
    gauge gnatsd_varz_jetstream_stats_api_errors = |s| s.varz.jetstream.stats.as_ref().and_then(|stats| stats.api.as_ref()).map(|api| api.errors);
    /// Bytes that JetStream may store on disk; absent without a limit. Source: /varz jetstream.config.max_storage.
    gauge gnatsd_varz_jetstream_config_max_storage [N05] = |s| s.varz.jetstream.config.as_ref().map(super::answers::JetStreamLimits::storage);
    /// Bytes that JetStream may store in memory; absent without a limit. Source: /varz jetstream.config.max_memory.
    gauge gnatsd_varz_jetstream_config_max_memory = |s| s.varz.jetstream.config.as_ref().map(super::answers::JetStreamLimits::memory);
} }

metrics! { JetStream {
    labels {
        server_id = |j| &j.names.server_id, server_name = |j| &j.names.server_name,
        cluster = |j| &j.names.cluster, domain = |j| &j.names.domain,
    }
    /// Streams on this server. Source: /jsz streams.
    gauge jetstream_server_total_streams = |j| j.jsz.streams;
    /// Consumers on this server. Source: /jsz consumers.
    gauge jetstream_server_total_consumers = |j| j.jsz.consumers;
    /// Messages stored on this server. Source: /jsz messages.
    gauge jetstream_server_total_messages = |j| j.jsz.messages;
    /// Bytes of the messages stored on this server. Source: /jsz bytes.
    gauge jetstream_server_total_message_bytes = |j| j.jsz.bytes;
} }

metrics! { Stream {
    labels {
        server_id = |s| &s.names.server_id, server_name = |s| &s.names.server_name,
        cluster = |s| &s.names.cluster, domain = |s| &s.names.domain,
        account = |s| &s.account, stream_name = |s| &s.name,
    }
    /// Messages in the stream; acknowledged ones too unless the retention removes them, so this is no queue depth. Source: /jsz state.messages.
    gauge jetstream_stream_total_messages = |s| s.state.messages;
    /// Bytes in the stream. Source: /jsz state.bytes.
    gauge jetstream_stream_total_bytes = |s| s.state.bytes;
    /// Sequence number of the oldest message. Source: /jsz state.first_seq.
    gauge jetstream_stream_first_seq = |s| s.state.first_seq;
    /// Sequence number of the newest message. Source: /jsz state.last_seq.
    gauge jetstream_stream_last_seq = |s| s.state.last_seq;
    /// Consumers of the stream. Source: /jsz state.consumer_count.
    gauge jetstream_stream_consumer_count = |s| s.state.consumer_count;
} }

metrics! { Consumer {
    labels {
        server_id = |c| &c.names.server_id, server_name = |c| &c.names.server_name,
        cluster = |c| &c.names.cluster, domain = |c| &c.names.domain,
        account = |c| &c.account, stream_name = |c| &c.stream, consumer_name = |c| &c.name,
    }
    /// Messages not yet delivered to the consumer. Source: /jsz num_pending.
    gauge jetstream_consumer_num_pending [N02] = |c| c.facts.num_pending;
    /// Messages delivered and not yet acknowledged. Source: /jsz num_ack_pending.
    gauge jetstream_consumer_num_ack_pending [N02] = |c| c.facts.num_ack_pending;
    /// Unacknowledged messages that were delivered more than once. Source: /jsz num_redelivered.
    gauge jetstream_consumer_num_redelivered [N02] = |c| c.facts.num_redelivered;
    /// Pull requests that wait for messages: idle workers. Source: /jsz num_waiting.
    gauge jetstream_consumer_num_waiting [N04] = |c| c.facts.num_waiting;
    /// Deliveries to this consumer so far. Source: /jsz delivered.consumer_seq.
    gauge jetstream_consumer_delivered_consumer_seq = |c| c.facts.delivered.consumer_seq;
    /// Stream sequence of the last delivery. Source: /jsz delivered.stream_seq.
    gauge jetstream_consumer_delivered_stream_seq = |c| c.facts.delivered.stream_seq;
    /// Deliveries below this number are all acknowledged. Source: /jsz ack_floor.consumer_seq.
    gauge jetstream_consumer_ack_floor_consumer_seq = |c| c.facts.ack_floor.consumer_seq;
    /// Stream sequences below this number are all acknowledged. Source: /jsz ack_floor.stream_seq.
    gauge jetstream_consumer_ack_floor_stream_seq = |c| c.facts.ack_floor.stream_seq;
} }
