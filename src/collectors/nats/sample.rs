//! What the answers say, as rows.

use std::time::Duration;

use serde::de::IgnoredAny;

use super::answers::{ApiStats, ConsumerFacts, Jsz, JszTotals, StreamState, Varz};
use super::fetch::Raw;
use super::more::{AccountRow, Connections, Routes, Subscriptions};
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
    let mut batch = Batch::new()
        .with(endpoints)
        .with(vec![Server { server_id: server_id.to_owned(), varz }])
        .with(vec![health])
        .with(raw.slow);
    if let Err(failure) = healthz {
        batch = batch.gap("health (/healthz)", failure);
    }
    batch = extra(batch, ("connz", "clients (/connz)"), raw.connz, |connz| {
        known("/connz", &connz.server_id)?;
        Ok((vec![Connections::of(server_id, connz)], 0))
    });
    batch = extra(batch, ("accstatz", "accounts (/accstatz)"), raw.accstatz, |answer| {
        Ok(AccountRow::all(server_id, answer))
    });
    let id = || server_id.to_owned();
    batch = extra(batch, ("subsz", "subscriptions (/subsz)"), raw.subsz, |subsz| {
        Ok((vec![Subscriptions { server_id: id(), subsz }], 0))
    });
    batch = extra(batch, ("routez", "routes (/routez)"), raw.routez, |routez| {
        Ok((vec![Routes { server_id: id(), routez }], 0))
    });
    Ok(match jsz {
        Ok((jsz, _)) if jsz.value.disabled => batch,
        Ok((jsz, _)) => jetstream(cut(batch, jsz.dropped), &names, jsz.value, pick),
        Err(failure) => batch.gap("JetStream (/jsz)", failure),
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
    said: Option<Result<Json<T>, Failure>>,
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
    let more_streams = too_many(streams.len());
    let more_origins = too_many(origins.len());
    streams.truncate(CAP);
    consumers.truncate(pick.most);
    sums.truncate(CAP);
    rooms.truncate(CAP);
    held.truncate(CAP);
    origins.truncate(CAP);
    batch
        .with(vec![JetStream { names: names.clone(), jsz: jsz.totals }])
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
mod tests {
    use std::path::Path;

    use serde::de::DeserializeOwned;

    use super::*;
    use crate::clients::json;
    use crate::golden;

    /// Files are named after endpoints; a status other than 200 stands in `<name>.status`; a
    /// missing file is an endpoint that did not answer.
    fn answer<T: DeserializeOwned>(case: &Path, name: &str) -> Result<Json<T>, Failure> {
        let status = golden::file(case, &format!("{name}.status"))
            .map_or(200, |text| String::from_utf8_lossy(&text).trim().parse().expect("a status"));
        let body = golden::file(case, &format!("{name}.json"))
            .ok_or_else(|| Failure::new(Reason::TIMEOUT, format!("/{name}: no answer in time")))?;
        Ok(Json { status, value: json::from_slice(&body), took: Duration::from_millis(2) })
    }

    /// An endpoint that is not asked for, without its file.
    fn there<T: DeserializeOwned>(case: &Path, name: &str) -> Option<Result<Json<T>, Failure>> {
        golden::file(case, &format!("{name}.json")).map(|_| answer(case, name))
    }

    fn all() -> Pick {
        Pick::new(&super::super::config::Consumers::default())
    }

    #[test]
    fn golden_cases() {
        golden::run("nats", |case| {
            let raw = Raw {
                varz: answer(case, "varz")?,
                jsz: answer(case, "jsz"),
                healthz: answer(case, "healthz"),
                connz: there(case, "connz"),
                accstatz: there(case, "accstatz"),
                subsz: there(case, "subsz"),
                routez: there(case, "routez"),
                slow: Vec::new(),
            };
            sample("http://127.0.0.1:8222", raw, &all())
        });
    }

    fn told(varz: &str, jsz: &str) -> Result<Batch, Failure> {
        fn of<T: DeserializeOwned>(text: &str) -> Json<T> {
            let value = json::from_slice(text.as_bytes());
            Json { status: 200, value, took: Duration::ZERO }
        }
        let (connz, accstatz, subsz, routez) = (None, None, None, None);
        let healthz = Ok(of("{}"));
        let (varz, jsz) = (of(varz), Ok(of(jsz)));
        let raw = Raw { varz, jsz, healthz, connz, accstatz, subsz, routez, slow: Vec::new() };
        sample("http://127.0.0.1:8222", raw, &all())
    }

    #[test]
    fn what_is_not_a_server_is_not_up() {
        let fine = "{\"server_id\":\"N\"}";
        assert!(told(fine, fine).unwrap().gaps().is_empty());
        for varz in [
            "{}",
            "[]",
            "[\"N\"]",
            "null",
            "1",
            "\"N\"",
            "{\"server_id\":7}",
            "{\"server_id\":\"N\",\"mem\":-1}",
            "{\"server_id\":\"N\",\"mem\":\"1\"}",
            "{\"server_id\":\"N\",\"in_msgs\":1e99}",
            "{\"server_id\":\"N\",\"jetstream\":[]}",
        ] {
            let failure = told(varz, fine).err().unwrap_or_else(|| panic!("{varz} is up"));
            assert_eq!(failure.reason, Reason::PARSE, "{varz}");
            let batch = told(fine, varz).unwrap();
            let gaps: Vec<_> = batch.gaps().iter().map(|gap| gap.failure.reason).collect();
            // Some of these are no field of the other answer.
            let of_varz_alone =
                varz.contains("mem") || varz.contains("_msgs") || varz.contains("jet");
            assert_eq!(gaps, if of_varz_alone { vec![] } else { vec![Reason::PARSE] }, "{varz}");
        }
    }

    /// 2^64-1 is how the server writes that there is no limit.
    #[test]
    fn what_stands_for_unlimited_is_no_limit() {
        let varz = |limit: &str| {
            format!(
                "{{\"server_id\":\"N\",\"jetstream\":{{\"config\":{{\"max_storage\":{limit}}}}}}}"
            )
        };
        for (limit, shown) in [
            ("18446744073709551615", None),
            ("9223372036854775808", Some(9_223_372_036_854_775_808.0)),
            ("-1", None),
            ("0", None),
            ("1024", Some(1024.0)),
        ] {
            let varz: Varz = serde_json::from_str(&varz(limit)).unwrap();
            assert_eq!(varz.jetstream.config.unwrap().storage(), shown, "{limit}");
        }
        assert!(told(&varz("18446744073709551615"), "{\"server_id\":\"N\"}").is_ok());
    }

    #[test]
    fn an_answer_beyond_all_bounds_is_cut_and_told() {
        let streams = "{},".repeat(300_000);
        let jsz = format!(
            "{{\"server_id\":\"N\",\"account_details\":[{{\"stream_detail\":[{streams}{{}}]}}]}}"
        );
        let batch = told("{\"server_id\":\"N\"}", &jsz).unwrap();
        assert!(batch.gaps().iter().any(|gap| gap.what.contains("the rest of JetStream")));
        let dropped: Vec<_> = batch.drops().iter().map(|(cap, count)| (*cap, *count > 0)).collect();
        assert_eq!(
            dropped,
            [("decoded", true), ("streams", false), ("origins", false), ("consumers", false)]
        );
    }
}
