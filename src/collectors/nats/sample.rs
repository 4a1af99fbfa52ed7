//! What the answers say, as rows.

use std::sync::Arc;
use std::time::Duration;

use serde::de::IgnoredAny;

use super::answers::{ApiStats, ConsumerFacts, Jsz, JszTotals, StreamDetail, StreamState, Varz};
use super::fetch::Raw;
use super::helm::{HelmConsumer, HelmJetStream, HelmLimits, HelmServer, HelmStream};
use super::more::{AccountRow, Accstatz, Connections, Connz, Routes, Routez, Subscriptions, Subsz};
use super::paced::Shared;
use super::pick::{Others, Pick};
use super::streams::{Held, Origin, Room};
use crate::catalogue::{Batch, Row};
use crate::clients::http::{Json, is_success};
use crate::clients::json::Decoded;
use crate::failure::{Failure, Reason};

/// Streams beyond this are left out and counted.
const CAP: usize = 2_000;

/// One endpoint of the monitoring port.
pub struct Endpoint {
    pub endpoint: &'static str,
    pub up: bool,
    pub took: Option<Duration>,
    pub failure: Option<Reason>,
}

impl Endpoint {
    fn of<T>(endpoint: &'static str, said: &Result<(T, Duration), Failure>) -> Self {
        Self {
            endpoint,
            up: said.is_ok(),
            took: said.as_ref().ok().map(|said| said.1),
            failure: said.as_ref().err().map(|failure| failure.reason),
        }
    }
}

/// What the server says of itself.
pub struct Health {
    pub server_id: String,
    pub value: &'static str,
}

#[derive(Clone)]
pub struct Server {
    pub server_id: String,
    pub varz: Varz,
}

impl Server {
    pub fn api(&self) -> Option<&ApiStats> {
        self.varz.jetstream.stats.as_ref()?.api.as_ref()
    }

    #[expect(clippy::unused_self, reason = "as the table calls it")]
    pub fn both(
        &self,
        received: Option<u64>,
        sent: Option<u64>,
    ) -> impl Iterator<Item = (&'static str, u64)> + use<> {
        let both = DIRECTIONS.iter().copied().zip([received, sent]);
        both.filter_map(|(direction, number)| Some((direction, number?)))
    }
}

pub const DIRECTIONS: &[&str] = &["received", "sent"];
pub const HEALTH: &[&str] = &["ok", "unavailable", "error", "unreachable"];

#[derive(Clone)]
pub struct JetStream {
    pub names: Names,
    pub jsz: JszTotals,
}

#[derive(Clone)]
pub struct Stream {
    pub names: Names,
    pub account: String,
    pub name: String,
    pub state: StreamState,
}

#[derive(Clone)]
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

const HINT: &str = "is this the monitoring port of a nats-server (usually 8222)?";

pub fn sample(server_id: &str, raw: Raw, pick: &Pick) -> Result<Batch, Failure> {
    let varz_took = raw.varz.took;
    let varz = raw.varz.good("/varz", HINT)?.value;
    known("/varz", &varz.server_id)?;
    let domain = varz.jetstream.config.as_ref().map(|limits| limits.domain.clone());
    let names = Names {
        server_id: server_id.to_owned(),
        // Without a name the server tells its id instead, which is another one after each start.
        server_name: Some(varz.server_name.clone())
            .filter(|name| *name != varz.server_id)
            .unwrap_or_default(),
        cluster: varz.cluster.name.clone(),
        domain: domain.unwrap_or_default(),
    };
    let health = Health { server_id: server_id.to_owned(), value: health(&raw.healthz) };
    let healthz = raw.healthz.and_then(|answer| Ok(((), healthy(&answer)?)));
    let jsz = raw.jsz.and_then(|answer| {
        let (jsz, took) = good("/jsz", answer)?;
        known("/jsz", &jsz.value.server_id)?;
        Ok((jsz, took))
    });
    let endpoints = vec![
        Endpoint { endpoint: "varz", up: true, took: Some(varz_took), failure: None },
        Endpoint::of("jsz", &jsz),
        Endpoint::of("healthz", &healthz),
    ];
    let server = Server { server_id: server_id.to_owned(), varz };
    let helm = pick.helm.then(|| HelmServer(server.clone()));
    let mut batch = Batch::new()
        .with(endpoints)
        .with(vec![server])
        .with(helm.into_iter().collect())
        .with(vec![health])
        .with(raw.slow);
    if let Err(failure) = healthz {
        batch = batch.gap("health (/healthz)", failure);
    }
    batch = extras(batch, server_id, (raw.connz, raw.accstatz, raw.subsz, raw.routez));
    Ok(match jsz {
        Ok((jsz, _)) if jsz.value.disabled => batch,
        Ok((jsz, _)) => jetstream(cut(batch, jsz.dropped), &names, &jsz.value, pick),
        Err(failure) => batch.gap("JetStream (/jsz)", failure),
    })
}

type Said<T> = Option<Result<Shared<T>, Failure>>;

/// What was asked for beside the three.
fn extras(
    batch: Batch,
    server_id: &str,
    (connz, accstatz, subsz, routez): (Said<Connz>, Said<Accstatz>, Said<Subsz>, Said<Routez>),
) -> Batch {
    let batch = extra(batch, ("connz", "clients (/connz)"), connz, |connz| {
        known("/connz", &connz.server_id)?;
        Ok((vec![Connections::of(server_id, connz)], 0))
    });
    let batch = extra(batch, ("accstatz", "accounts (/accstatz)"), accstatz, |answer| {
        Ok(AccountRow::all(server_id, &answer))
    });
    let id = || server_id.to_owned();
    let batch = extra(batch, ("subsz", "subscriptions (/subsz)"), subsz, |subsz| {
        Ok((vec![Subscriptions { server_id: id(), subsz }], 0))
    });
    extra(batch, ("routez", "routes (/routez)"), routez, |routez| {
        Ok((vec![Routes { server_id: id(), routez }], 0))
    })
}

/// An answer that is a success, and how long it took.
fn good<T>(path: &str, answer: Json<T>) -> Result<(Decoded<T>, Duration), Failure> {
    let took = answer.took;
    Ok((answer.good(path, HINT)?, took))
}

/// Adds an endpoint that is not always asked for.
fn extra<T, R: Row>(
    batch: Batch,
    (endpoint, what): (&'static str, &str),
    said: Said<T>,
    rows: impl FnOnce(Arc<T>) -> Result<(Vec<R>, u64), Failure>,
) -> Batch {
    let Some(said) = said else { return batch };
    let path = format!("/{endpoint}");
    let told = said.and_then(|answer| {
        let (answer, took) = good(&path, answer)?;
        Ok((rows(answer.value)?, took))
    });
    let batch = batch.with(vec![Endpoint::of(endpoint, &told)]);
    match told {
        Ok(((rows, dropped), _)) => batch.with(rows).dropped(endpoint, dropped),
        Err(failure) => batch.gap(what, failure),
    }
}

/// What `/healthz` comes to, in the words of prometheus-nats-exporter.
fn health(said: &Result<Json<IgnoredAny>, Failure>) -> &'static str {
    match said {
        Err(_) => "unreachable",
        Ok(answer) if answer.status == 503 => "unavailable",
        Ok(answer) if !is_success(answer.status) || answer.value.is_err() => "error",
        Ok(_) => "ok",
    }
}

/// An answer without the server's id is another program's.
fn known(path: &str, server_id: &str) -> Result<(), Failure> {
    if !server_id.is_empty() {
        return Ok(());
    }
    let text = format!("{path}: JSON without a `server_id`, which every NATS server has");
    Err(Failure::new(Reason::PARSE, text).hint(HINT))
}

/// Says that an answer was not decoded to its end.
fn cut(batch: Batch, dropped: u64) -> Batch {
    if dropped == 0 {
        return batch;
    }
    let text = format!("/jsz: too much to be decoded, {dropped} entries were left out");
    let failure = Failure::new(Reason::PROTOCOL, text);
    let gap = batch.gap("the rest of JetStream (/jsz)", failure.hint(MANY));
    gap.dropped("decoded", dropped)
}

const MANY: &str = "look for consumers that nobody removes: `nats consumer ls STREAM`";

/// What it says beside its status is of no use, but is JSON, with an end.
fn healthy(answer: &Json<IgnoredAny>) -> Result<Duration, Failure> {
    let status = answer.status;
    match &answer.value {
        _ if !is_success(status) => {}
        Ok(_) => return Ok(answer.took),
        Err(error) => return Err(error.failure("/healthz", HINT)),
    }
    Err(Failure::new(Reason::OTHER, format!("/healthz: the server says it is not well ({status})")))
}

/// The same under the names of the helm chart.
fn helm(
    batch: Batch,
    server: &JetStream,
    streams: &[Stream],
    held: &[Held],
    consumers: &[Consumer],
) -> Batch {
    batch
        .with(vec![HelmJetStream(server.clone())])
        .with(streams.iter().cloned().map(HelmStream).collect())
        .with(held.iter().cloned().map(HelmLimits).collect())
        .with(consumers.iter().cloned().map(HelmConsumer).collect())
}

/// The rows of all streams and consumers, of each kind as many as may be, and how many there were.
#[derive(Default)]
struct Rows {
    streams: Vec<Stream>,
    rooms: Vec<Room>,
    held: Vec<Held>,
    sums: Vec<Others>,
    origins: Vec<Origin>,
    consumers: Vec<Consumer>,
    more_streams: u64,
    more_origins: u64,
    more_consumers: u64,
}

impl Rows {
    fn stream(&mut self, names: &Names, account: &str, stream: &StreamDetail, pick: &Pick) {
        let mut others = Others::of(names, account, &stream.name);
        // What has no name is none.
        for consumer in stream.consumer_detail.iter().filter(|one| !one.name.is_empty()) {
            if !pick.has_own(&stream.name, consumer) {
                others.add(consumer);
            } else if self.consumers.len() >= pick.most {
                self.more_consumers += 1;
            } else {
                self.consumers.push(Consumer {
                    names: names.clone(),
                    account: account.to_owned(),
                    stream: stream.name.clone(),
                    name: consumer.name.clone(),
                    facts: consumer.known_here(),
                });
            }
        }
        let of = (account, stream.name.as_str());
        for origin in Origin::all(names, of, stream.mirror.as_ref(), &stream.sources) {
            if self.origins.len() < CAP {
                self.origins.push(origin);
            } else {
                self.more_origins += 1;
            }
        }
        if self.streams.len() >= CAP {
            self.more_streams += 1;
            return;
        }
        self.sums.push(others);
        let held = Held::of(names, of, stream.config.clone(), stream.cluster.as_ref());
        self.rooms.extend(held.room(&stream.state));
        self.held.push(held);
        self.streams.push(Stream {
            names: names.clone(),
            account: account.to_owned(),
            name: stream.name.clone(),
            state: stream.state.clone(),
        });
    }
}

fn jetstream(batch: Batch, names: &Names, jsz: &Jsz, pick: &Pick) -> Batch {
    let mut rows = Rows::default();
    for account in &jsz.account_details {
        for stream in account.stream_detail.iter().filter(|one| !one.name.is_empty()) {
            rows.stream(names, &account.name, stream, pick);
        }
    }
    let server = JetStream { names: names.clone(), jsz: jsz.totals.clone() };
    let batch = if pick.helm {
        helm(batch, &server, &rows.streams, &rows.held, &rows.consumers)
    } else {
        batch
    };
    batch
        .with(vec![server])
        .with(rows.streams)
        .with(rows.rooms)
        .with(rows.held)
        .with(rows.origins)
        .with(rows.sums)
        .with(rows.consumers)
        .dropped("streams", rows.more_streams)
        .dropped("origins", rows.more_origins)
        .dropped("consumers", rows.more_consumers)
}

#[cfg(test)]
mod tests;
