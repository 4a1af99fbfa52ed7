//! NATS servers, by their monitoring port.
//!
//! | read | from | rights |
//! |---|---|---|
//! | server facts | `GET /varz` | none: the monitoring port has no login, but a proxy before it may |
//! | streams, consumers, what streams may hold, mirrors | `GET /jsz?streams=true&consumers=true&config=true` | none |
//! | health | `GET /healthz` | none |
//! | clients, accounts and, if `endpoints` names them, subscriptions and routes | `GET /connz`, `/accstatz`, `/subsz`, `/routez` | none |
//! | who was cut off for being slow | `GET /connz?state=closed`, once the server has counted one more | none |
//!
//! Cost: five requests at once on one kept connection each; about 500 bytes and 5 µs of the
//! server a consumer. Each endpoint has its own verdict: a full disk hangs `/jsz` alone, while
//! `/varz` and `/healthz` go on saying that all is well. So an endpoint that fails withdraws its
//! own series and sets `stack_nats_endpoint_up` to 0; the target is down only when `/varz` fails.
//!
//! All but `/varz` and `/healthz` have a rest of 20 times as long as their last answer took, a failed one too, in which
//! what was said last is said again: `/jsz` locks the stores of the streams that it counts.
//!
//! In a cluster only the leader of a consumer counts what waits for it. The other servers' numbers are left out, so
//! that a sum over all servers is right.
//!
//! A server without a name of its own has none here either: what it says instead is its id, which is another one
//! after each start.
//!
//! Absent: `JetStream` series where `JetStream` is off or `/jsz` does not answer; limits that are
//! not set; the time of the last delivery after a restart of the server.

mod answers;
mod config;
mod fetch;
mod helm;
mod metrics;
mod more;
mod paced;
mod pick;
mod sample;
mod signals;
mod slow;
mod streams;
mod words;

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

pub use config::Nats;

use crate::catalogue::{Area, Batch, Glance, TableEntry};
use crate::clients::access;
use crate::clients::http::HttpClient;
use crate::config::{Access, Dur, SafeUrl};
use crate::engine::{Collector, Target};
use crate::failure::Failure;
use crate::plan::{Address, Common, Plan};

pub type Section = BTreeMap<String, Nats>;

pub static AREA: Area = Area {
    name: "nats",
    title: "NATS",
    single: false,
    in_service: true,
    tables: &[
        TableEntry::of::<sample::Endpoint>(),
        TableEntry::of::<sample::Server>(),
        TableEntry::of::<sample::JetStream>(),
        TableEntry::of::<sample::Stream>(),
        TableEntry::of::<streams::Room>(),
        TableEntry::of::<streams::Held>(),
        TableEntry::of::<streams::Origin>(),
        TableEntry::of::<sample::Consumer>(),
        TableEntry::of::<sample::Health>(),
        TableEntry::of::<pick::Others>(),
        TableEntry::of::<more::Connections>(),
        TableEntry::of::<more::AccountRow>(),
        TableEntry::of::<more::Subscriptions>(),
        TableEntry::of::<more::Routes>(),
        TableEntry::of::<slow::SlowClient>(),
        TableEntry::of::<helm::HelmServer>(),
        TableEntry::of::<helm::HelmJetStream>(),
        TableEntry::of::<helm::HelmStream>(),
        TableEntry::of::<helm::HelmLimits>(),
        TableEntry::of::<helm::HelmConsumer>(),
    ],
    signals: signals::SIGNALS,
    glance: &[
        Glance::Signal("consumer_pending"),
        Glance::Signal("jetstream_storage"),
        Glance::Signal("endpoint_duration"),
    ],
    reasons: &[],
    words: words::WORDS,
    runbook: include_str!("../../../docs/runbooks/nats.md"),
};

/// Declared servers, else the one that `NATS_MONITOR_URL` names.
pub fn plan(section: Option<&Section>, plan: &mut Plan) {
    let Some(section) = section else {
        match plan.env("NATS_MONITOR_URL") {
            Some(url) => {
                let nats = Nats::at(url);
                if let Some(message) = nats.url.http_mistake() {
                    return plan.missed(
                        format!("NATS_MONITOR_URL: {message}"),
                        "set NATS_MONITOR_URL to its monitoring address, for example http://127.0.0.1:8222",
                    );
                }
                plan.publish("nats", nats.address());
                plan.find(target("nats", &nats), "environment");
            }
            None => plan.missed(
                "no NATS server is named",
                "set NATS_MONITOR_URL to its monitoring address, for example http://127.0.0.1:8222",
            ),
        }
        return;
    };
    for (name, nats) in section {
        if let Some(message) = nats.url.http_mistake() {
            plan.mistake(name, "url", message);
        }
        for (key, message) in access::mistakes(&nats.access, &nats.url, "url") {
            plan.mistake(name, &key, message);
        }
        for (key, message) in nats.consumers.mistakes() {
            plan.mistake(name, key, message);
        }
        plan.publish(name, nats.address());
        let common = Common {
            timeout: nats.timeout,
            thresholds: &nats.thresholds,
            service: nats.service.as_deref(),
        };
        plan.declare(target(name, nats), &common);
    }
}

fn target(name: &str, nats: &Nats) -> Target {
    let hosts = nats.url.hosts(8222);
    let server = Server {
        hosts: hosts.clone(),
        http: HttpClient::new(&nats.url, &nats.access, nats.timeout.map(Dur::get)),
        server_id: nats.url.origin(),
        endpoints: fetch::Endpoints::new(
            nats.endpoints.clone().unwrap_or_else(|| EXTRA.to_vec()),
            nats.timeout.map_or(DEADLINE, Dur::get),
        ),
        pick: pick::Pick::new(&nats.consumers, nats.prefix),
    };
    let consumers = (nats.consumers.clone(), nats.prefix);
    let settings = (nats.address(), nats.endpoints.clone(), consumers);
    let target = Target::new(&AREA, name, nats.url.origin(), settings, server);
    target.at(hosts).read_from(AREA.name, name)
}

/// One monitoring port.
struct Server {
    http: HttpClient,
    /// Where its address leads.
    hosts: Vec<(String, u16)>,
    /// Scheme, host and port, as prometheus-nats-exporter has it.
    server_id: String,
    endpoints: fetch::Endpoints,
    pick: pick::Pick,
}

/// Without `endpoints` and `timeout`.
const EXTRA: &[more::Extra] = &[more::Extra::Connz, more::Extra::Accstatz];
const DEADLINE: Duration = Duration::from_secs(5);

impl Collector for Server {
    type Raw = fetch::Raw;

    async fn fetch(&self) -> Result<fetch::Raw, Failure> {
        fetch::fetch(&self.http, &self.hosts, &self.endpoints).await
    }

    fn sample(&self, raw: fetch::Raw, _now: SystemTime) -> Result<Batch, Failure> {
        sample::sample(&self.server_id, raw, &self.pick)
    }
}

impl Nats {
    fn address(&self) -> Address {
        Address { url: self.url.clone(), access: self.access.clone() }
    }

    fn at(url: String) -> Self {
        Self {
            service: None,
            url: SafeUrl::new(url),
            access: Access::default(),
            endpoints: None,
            consumers: config::Consumers::default(),
            prefix: config::Prefix::Gnatsd,
            timeout: None,
            thresholds: crate::plan::Thresholds::default(),
        }
    }
}

/// See `src/fuzzing.rs`.
#[cfg(fuzzing)]
pub mod fuzzing {
    /// `/varz`, after a NUL `/jsz`.
    pub fn nats(data: &[u8]) {
        let at = data.iter().position(|byte| *byte == 0).unwrap_or(data.len());
        let (varz, jsz) = data.split_at(at);
        use crate::fuzzing::answer;
        let (jsz, healthz) = (Ok(answer(jsz)), Ok(answer(b"2")));
        let (connz, accstatz, subsz, routez) = (None, None, None, None);
        let (varz, slow) = (answer(varz), Vec::new());
        let raw = super::fetch::Raw { varz, jsz, healthz, connz, accstatz, subsz, routez, slow };
        let pick = super::pick::Pick::new(
            &super::config::Consumers::default(),
            super::config::Prefix::Nats,
        );
        let _ = super::sample::sample("http://a", raw, &pick);
    }
}
