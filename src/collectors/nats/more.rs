//! What `/connz`, `/accstatz`, `/subsz` and `/routez` say: answers and rows.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::catalogue::metrics;

/// Accounts beyond this are left out and counted.
pub const ACCOUNTS: usize = 200;
/// Connections on the page that is asked for.
pub const CONNZ: &str = "/connz?limit=1024";

/// An endpoint that is read beside `/varz`, `/jsz` and `/healthz`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Extra {
    Connz,
    Accstatz,
    Subsz,
    Routez,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct Connz {
    pub server_id: String,
    pub num_connections: Option<u64>,
    pub offset: Option<u64>,
    pub limit: Option<u64>,
    pub connections: Option<Vec<Connection>>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct Connection {
    pending_bytes: u64,
    subscriptions: u64,
    in_bytes: u64,
    out_bytes: u64,
    in_msgs: u64,
    out_msgs: u64,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct Subsz {
    num_subscriptions: Option<u64>,
    num_cache: Option<u64>,
    num_inserts: Option<u64>,
    num_removes: Option<u64>,
    num_matches: Option<u64>,
    cache_hit_rate: Option<f64>,
    max_fanout: Option<u64>,
    avg_fanout: Option<f64>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct Routez {
    num_routes: Option<u64>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct Accstatz {
    pub account_statz: Option<Vec<AccountStat>>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct AccountStat {
    acc: String,
    /// From 2.10.29 and 2.11 on.
    name: String,
    conns: Option<u64>,
    total_conns: Option<u64>,
    num_subscriptions: Option<u64>,
    leafnodes: Option<u64>,
    sent: Flow,
    received: Flow,
    slow_consumers: Option<u64>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Flow {
    msgs: Option<u64>,
    bytes: Option<u64>,
}

/// The sums over the open connections of the first page.
pub struct Connections {
    server_id: String,
    connz: Arc<Connz>,
}

pub struct Subscriptions {
    pub server_id: String,
    pub subsz: Arc<Subsz>,
}

pub struct Routes {
    pub server_id: String,
    pub routez: Arc<Routez>,
}

pub struct AccountRow {
    server_id: String,
    name: String,
    stat: AccountStat,
}

impl Connections {
    pub fn of(server_id: &str, connz: Arc<Connz>) -> Self {
        Self { server_id: server_id.to_owned(), connz }
    }

    fn sum(&self, number: fn(&Connection) -> u64) -> u64 {
        let all = self.connz.connections.iter().flatten();
        all.fold(0, |sum, one| sum.saturating_add(number(one)))
    }

    /// The one before which most lies: who is cut off next.
    fn most_pending(&self) -> u64 {
        let all = self.connz.connections.iter().flatten();
        all.map(|one| one.pending_bytes).max().unwrap_or(0)
    }
}

impl AccountRow {
    /// The rows, and how many were left out. What has no name is none.
    pub fn all(server_id: &str, answer: &Accstatz) -> (Vec<Self>, u64) {
        let stats = answer.account_statz.iter().flatten().filter(|stat| !stat.acc.is_empty());
        let dropped = stats.clone().skip(ACCOUNTS).count() as u64;
        let row = |stat: &AccountStat| Self {
            server_id: server_id.to_owned(),
            name: if stat.name.is_empty() { &stat.acc } else { &stat.name }.clone(),
            stat: stat.clone(),
        };
        (stats.take(ACCOUNTS).map(row).collect(), dropped)
    }
}

metrics! { Connections {
    labels { server_id = |c| &c.server_id }
    /// Open connections of clients on the page that was asked for. Source: /connz num_connections.
    gauge gnatsd_connz_num_connections [N01] = |c| c.connz.num_connections;
    /// Where the page of connections begins. Source: /connz offset.
    gauge gnatsd_connz_offset = |c| c.connz.offset;
    /// Connections that fit on the page. Source: /connz limit.
    gauge gnatsd_connz_limit = |c| c.connz.limit;
    /// Bytes that wait in the server for clients to read them, on the page. Source: /connz pending_bytes.
    gauge gnatsd_connz_pending_bytes [N01] = |c| c.sum(|one| one.pending_bytes);
    /// Subscriptions of the clients on the page. Source: /connz subscriptions.
    gauge gnatsd_connz_subscriptions = |c| c.sum(|one| one.subscriptions);
    /// Bytes received from the clients that are connected now; falls when one goes. Source: /connz in_bytes.
    gauge gnatsd_connz_in_bytes = |c| c.sum(|one| one.in_bytes);
    /// Bytes sent to the clients that are connected now; falls when one goes. Source: /connz out_bytes.
    gauge gnatsd_connz_out_bytes = |c| c.sum(|one| one.out_bytes);
    /// Messages received from the clients that are connected now; falls when one goes. Source: /connz in_msgs.
    gauge gnatsd_connz_in_msgs = |c| c.sum(|one| one.in_msgs);
    /// Messages sent to the clients that are connected now; falls when one goes. Source: /connz out_msgs.
    gauge gnatsd_connz_out_msgs = |c| c.sum(|one| one.out_msgs);
    /// Bytes that wait for the slowest client, on the page: it is cut off when they are too many. Source: /connz pending_bytes.
    gauge stack_nats_slowest_client_pending_bytes [N01] = |c| c.most_pending();
} }

metrics! { Subscriptions {
    labels { server_id = |s| &s.server_id }
    /// Subscriptions in the server's list. Source: /subsz num_subscriptions.
    gauge gnatsd_subsz_num_subscriptions = |s| s.subsz.num_subscriptions;
    /// Subjects in the cache of that list. Source: /subsz num_cache.
    gauge gnatsd_subsz_num_cache = |s| s.subsz.num_cache;
    /// Subscriptions that were added since the server started. Source: /subsz num_inserts.
    gauge gnatsd_subsz_num_inserts = |s| s.subsz.num_inserts;
    /// Subscriptions that were removed since the server started. Source: /subsz num_removes.
    gauge gnatsd_subsz_num_removes = |s| s.subsz.num_removes;
    /// Subjects that were looked up since the server started. Source: /subsz num_matches.
    gauge gnatsd_subsz_num_matches = |s| s.subsz.num_matches;
    /// Part of the look-ups that the cache has answered, as a ratio. Source: /subsz cache_hit_rate.
    gauge gnatsd_subsz_cache_hit_rate = |s| s.subsz.cache_hit_rate;
    /// Most subscriptions that one subject reaches. Source: /subsz max_fanout.
    gauge gnatsd_subsz_max_fanout = |s| s.subsz.max_fanout;
    /// Subscriptions that a subject reaches on average. Source: /subsz avg_fanout.
    gauge gnatsd_subsz_avg_fanout = |s| s.subsz.avg_fanout;
} }

metrics! { Routes {
    labels { server_id = |r| &r.server_id }
    /// Routes to other servers of the cluster. Source: /routez num_routes.
    gauge gnatsd_routez_num_routes = |r| r.routez.num_routes;
} }

metrics! { AccountRow {
    labels {
        server_id = |a| &a.server_id, account = |a| &a.stat.acc, account_id = |a| &a.stat.acc,
        account_name = |a| &a.name,
    }
    /// Open connections of the account. Source: /accstatz conns.
    gauge gnatsd_accstatz_current_connections = |a| a.stat.conns;
    /// Connections of the account since the server started. Source: /accstatz total_conns.
    gauge gnatsd_accstatz_total_connections = |a| a.stat.total_conns;
    /// Subscriptions of the account; absent before 2.10. Source: /accstatz num_subscriptions.
    gauge gnatsd_accstatz_subscriptions = |a| a.stat.num_subscriptions;
    /// Leaf nodes of the account. Source: /accstatz leafnodes.
    gauge gnatsd_accstatz_leaf_nodes = |a| a.stat.leafnodes;
    /// Messages sent to clients of the account. Source: /accstatz sent.msgs.
    gauge gnatsd_accstatz_sent_messages = |a| a.stat.sent.msgs;
    /// Bytes sent to clients of the account. Source: /accstatz sent.bytes.
    gauge gnatsd_accstatz_sent_bytes = |a| a.stat.sent.bytes;
    /// Messages received from clients of the account. Source: /accstatz received.msgs.
    gauge gnatsd_accstatz_received_messages = |a| a.stat.received.msgs;
    /// Bytes received from clients of the account. Source: /accstatz received.bytes.
    gauge gnatsd_accstatz_received_bytes = |a| a.stat.received.bytes;
    /// Clients of the account that were cut off for being slow. Source: /accstatz slow_consumers.
    gauge gnatsd_accstatz_slow_consumers = |a| a.stat.slow_consumers;
} }
