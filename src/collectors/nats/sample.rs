//! What the answers say, as rows.

use std::time::Duration;

use serde::de::IgnoredAny;

use super::answers::{ApiStats, ConsumerFacts, Jsz, JszTotals, StreamState, Varz};
use super::fetch::Raw;
use super::helm::{HelmConsumer, HelmJetStream, HelmLimits, HelmServer, HelmStream};
use super::more::{AccountRow, Accstatz, Connections, Connz, Routes, Routez, Subscriptions, Subsz};
use super::pick::{Others, Pick};
use super::streams::{Held, Origin};
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
        Ok((jsz, _)) => jetstream(cut(batch, jsz.dropped), &names, jsz.value, pick),
        Err(failure) => batch.gap("JetStream (/jsz)", failure),
    })
}

type Said<T> = Option<Result<Json<T>, Failure>>;

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
        Ok(AccountRow::all(server_id, answer))
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
    rows: impl FnOnce(T) -> Result<(Vec<R>, u64), Failure>,
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

fn jetstream(batch: Batch, names: &Names, jsz: Jsz, pick: &Pick) -> Batch {
    let (mut streams, mut consumers, mut sums) = (Vec::new(), Vec::new(), Vec::new());
    let (mut rooms, mut held, mut origins) = (Vec::new(), Vec::new(), Vec::new());
    for account in jsz.account_details {
        // What has no name is none.
        for stream in account.stream_detail.into_iter().filter(|one| !one.name.is_empty()) {
            let mut others = Others::of(names, &account.name, &stream.name);
            for mut consumer in
                stream.consumer_detail.into_iter().filter(|one| !one.name.is_empty())
            {
                consumer.only_what_is_known_here();
                if !pick.has_own(&stream.name, &consumer) {
                    others.add(&consumer);
                    continue;
                }
                consumers.push(Consumer {
                    names: names.clone(),
                    account: account.name.clone(),
                    stream: stream.name.clone(),
                    name: consumer.name,
                    facts: consumer.facts,
                });
            }
            sums.push(others);
            let of = (account.name.as_str(), stream.name.as_str());
            origins.extend(Origin::all(names, of, stream.mirror, stream.sources));
            let one = Held::of(names, of, stream.config, stream.cluster);
            rooms.extend(one.room(&stream.state));
            held.push(one);
            streams.push(Stream {
                names: names.clone(),
                account: account.name.clone(),
                name: stream.name,
                state: stream.state,
            });
        }
    }
    let too_many = |count: usize| count.saturating_sub(CAP) as u64;
    let more_consumers = consumers.len().saturating_sub(pick.most) as u64;
    let (more_streams, more_origins) = (too_many(streams.len()), too_many(origins.len()));
    streams.truncate(CAP);
    consumers.truncate(pick.most);
    sums.truncate(CAP);
    rooms.truncate(CAP);
    held.truncate(CAP);
    origins.truncate(CAP);
    let server = JetStream { names: names.clone(), jsz: jsz.totals };
    let batch = if pick.helm { helm(batch, &server, &streams, &held, &consumers) } else { batch };
    batch
        .with(vec![server])
        .with(streams)
        .with(rooms)
        .with(held)
        .with(origins)
        .with(sums)
        .with(consumers)
        .dropped("streams", more_streams)
        .dropped("origins", more_origins)
        .dropped("consumers", more_consumers)
}

#[cfg(test)]
mod tests;
