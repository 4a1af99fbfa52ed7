//! What the answers say, as rows. Every field is optional: versions differ, and unknown ones are
//! ignored.

use std::time::Duration;

use serde::Deserialize;

use super::fetch::Raw;
use crate::catalogue::Batch;
use crate::clients::http::Answer;
use crate::engine::{Failure, Reason};

/// Streams and consumers beyond this are left out and counted: ephemeral consumers can come by
/// the million.
const CAP: usize = 2_000;

/// One endpoint of the monitoring port.
pub struct Endpoint {
    pub endpoint: &'static str,
    pub up: bool,
    pub took: Option<Duration>,
}

pub struct Server {
    pub server_id: String,
    pub varz: Varz,
}

pub struct JetStream {
    pub names: Names,
    pub jsz: JszTotals,
}

pub struct Stream {
    pub names: Names,
    pub account: String,
    pub name: String,
    pub state: StreamState,
}

pub struct Consumer {
    pub names: Names,
    pub account: String,
    pub stream: String,
    pub name: String,
    pub facts: ConsumerFacts,
}

/// The labels that all `JetStream` series share.
#[derive(Clone, Default)]
pub struct Names {
    pub server_id: String,
    pub server_name: String,
    pub cluster: String,
    pub domain: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Varz {
    server_name: String,
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
    cluster: NamedCluster,
    pub jetstream: VarzJetStream,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct NamedCluster {
    name: String,
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
    domain: String,
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
struct Jsz {
    disabled: bool,
    #[serde(flatten)]
    totals: JszTotals,
    account_details: Vec<Account>,
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
struct Account {
    name: String,
    stream_detail: Vec<StreamDetail>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct StreamDetail {
    name: String,
    state: StreamState,
    consumer_detail: Vec<ConsumerDetail>,
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

#[derive(Default, Deserialize)]
#[serde(default)]
struct ConsumerDetail {
    name: String,
    #[serde(flatten)]
    facts: ConsumerFacts,
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

pub fn sample(server_id: &str, raw: &Raw) -> Result<Batch, Failure> {
    let varz: Varz = parse("/varz", &raw.varz)?;
    let domain = varz.jetstream.config.as_ref().map(|limits| limits.domain.clone());
    let names = Names {
        server_id: server_id.to_owned(),
        server_name: varz.server_name.clone(),
        cluster: varz.cluster.name.clone(),
        domain: domain.unwrap_or_default(),
    };
    let healthz = raw.healthz.as_ref().map_err(Clone::clone).and_then(healthy);
    let jsz = raw
        .jsz
        .as_ref()
        .map_err(Clone::clone)
        .and_then(|answer| Ok((parse::<Jsz>("/jsz", answer)?, answer.took)));
    let endpoints = vec![
        Endpoint { endpoint: "varz", up: true, took: Some(raw.varz.took) },
        Endpoint { endpoint: "jsz", up: jsz.is_ok(), took: jsz.as_ref().ok().map(|jsz| jsz.1) },
        Endpoint { endpoint: "healthz", up: healthz.is_ok(), took: healthz.as_ref().ok().copied() },
    ];
    let mut batch =
        Batch::new().with(endpoints).with(vec![Server { server_id: server_id.to_owned(), varz }]);
    if let Err(failure) = healthz {
        batch = batch.gap("health (/healthz)", failure);
    }
    Ok(match jsz {
        Ok((jsz, _)) if !jsz.disabled => jetstream(batch, &names, jsz),
        Ok(_) => batch,
        Err(failure) => batch.gap("JetStream (/jsz)", failure),
    })
}

fn parse<'a, T: Deserialize<'a>>(path: &str, answer: &'a Answer) -> Result<T, Failure> {
    serde_json::from_slice(&answer.body).map_err(|error| {
        // The line and column only: the text may hold anything.
        let place = format!("line {}, column {}", error.line(), error.column());
        Failure::new(Reason::Parse, format!("{path}: not the expected JSON ({place})"))
            .hint("is this the monitoring port of a nats-server (usually 8222)?")
    })
}

fn healthy(answer: &Answer) -> Result<Duration, Failure> {
    if answer.status.is_success() {
        return Ok(answer.took);
    }
    let status = answer.status.as_u16();
    Err(Failure::new(Reason::Other, format!("/healthz: the server says it is not well ({status})")))
}

fn jetstream(batch: Batch, names: &Names, jsz: Jsz) -> Batch {
    let (mut streams, mut consumers) = (Vec::new(), Vec::new());
    for account in jsz.account_details {
        for stream in account.stream_detail {
            for consumer in stream.consumer_detail {
                consumers.push(Consumer {
                    names: names.clone(),
                    account: account.name.clone(),
                    stream: stream.name.clone(),
                    name: consumer.name,
                    facts: consumer.facts,
                });
            }
            streams.push(Stream {
                names: names.clone(),
                account: account.name.clone(),
                name: stream.name,
                state: stream.state,
            });
        }
    }
    let too_many = |count: usize| count.saturating_sub(CAP) as u64;
    let (more_streams, more_consumers) = (too_many(streams.len()), too_many(consumers.len()));
    streams.truncate(CAP);
    consumers.truncate(CAP);
    batch
        .with(vec![JetStream { names: names.clone(), jsz: jsz.totals }])
        .with(streams)
        .with(consumers)
        .dropped("streams", more_streams)
        .dropped("consumers", more_consumers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden;

    /// Files are named after endpoints; a status other than 200 stands in `<name>.status`; a
    /// missing file is an endpoint that did not answer.
    fn answer(case: &std::path::Path, name: &str) -> Result<Answer, Failure> {
        let status = golden::file(case, &format!("{name}.status"))
            .map_or(200, |text| String::from_utf8_lossy(&text).trim().parse().expect("a status"));
        let body = golden::file(case, &format!("{name}.json"))
            .ok_or_else(|| Failure::new(Reason::Timeout, format!("/{name}: no answer in time")))?;
        let took = Duration::from_millis(2);
        Ok(Answer { status: reqwest::StatusCode::from_u16(status).expect("a status"), body, took })
    }

    #[test]
    fn golden_cases() {
        golden::run("nats", |case| {
            let raw = Raw {
                varz: answer(case, "varz")?,
                jsz: answer(case, "jsz"),
                healthz: answer(case, "healthz"),
            };
            sample("http://127.0.0.1:8222", &raw)
        });
    }
}
