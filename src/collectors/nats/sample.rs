//! What the answers say, as rows.

use std::time::Duration;

use serde::de::IgnoredAny;

use super::answers::{ConsumerFacts, Jsz, JszTotals, StreamState, Varz};
use super::fetch::Raw;
use super::streams::{Held, Origin};
use crate::catalogue::Batch;
use crate::clients::http::{Json, is_success};
use crate::failure::{Failure, Reason};

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

const HINT: &str = "is this the monitoring port of a nats-server (usually 8222)?";

pub fn sample(server_id: &str, raw: Raw) -> Result<Batch, Failure> {
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
    let healthz = raw.healthz.and_then(|answer| healthy(&answer));
    let jsz = raw.jsz.and_then(|answer| {
        let took = answer.took;
        let jsz = answer.good("/jsz", HINT)?;
        known("/jsz", &jsz.value.server_id)?;
        Ok((jsz, took))
    });
    let endpoints = vec![
        Endpoint { endpoint: "varz", up: true, took: Some(varz_took) },
        Endpoint { endpoint: "jsz", up: jsz.is_ok(), took: jsz.as_ref().ok().map(|jsz| jsz.1) },
        Endpoint { endpoint: "healthz", up: healthz.is_ok(), took: healthz.as_ref().ok().copied() },
    ];
    let mut batch =
        Batch::new().with(endpoints).with(vec![Server { server_id: server_id.to_owned(), varz }]);
    if let Err(failure) = healthz {
        batch = batch.gap("health (/healthz)", failure);
    }
    Ok(match jsz {
        Ok((jsz, _)) if jsz.value.disabled => batch,
        Ok((jsz, _)) => jetstream(cut(batch, jsz.dropped), &names, jsz.value),
        Err(failure) => batch.gap("JetStream (/jsz)", failure),
    })
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

fn jetstream(batch: Batch, names: &Names, jsz: Jsz) -> Batch {
    let (mut streams, mut consumers) = (Vec::new(), Vec::new());
    let (mut rooms, mut held, mut origins) = (Vec::new(), Vec::new(), Vec::new());
    for account in jsz.account_details {
        // What has no name is none.
        for stream in account.stream_detail.into_iter().filter(|one| !one.name.is_empty()) {
            for consumer in stream.consumer_detail.into_iter().filter(|one| !one.name.is_empty()) {
                consumers.push(Consumer {
                    names: names.clone(),
                    account: account.name.clone(),
                    stream: stream.name.clone(),
                    name: consumer.name,
                    facts: consumer.facts,
                });
            }
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
    let (more_streams, more_consumers) = (too_many(streams.len()), too_many(consumers.len()));
    let more_origins = too_many(origins.len());
    streams.truncate(CAP);
    consumers.truncate(CAP);
    rooms.truncate(CAP);
    held.truncate(CAP);
    origins.truncate(CAP);
    batch
        .with(vec![JetStream { names: names.clone(), jsz: jsz.totals }])
        .with(streams)
        .with(rooms)
        .with(held)
        .with(origins)
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

    #[test]
    fn golden_cases() {
        golden::run("nats", |case| {
            let raw = Raw {
                varz: answer(case, "varz")?,
                jsz: answer(case, "jsz"),
                healthz: answer(case, "healthz"),
            };
            sample("http://127.0.0.1:8222", raw)
        });
    }

    fn told(varz: &str, jsz: &str) -> Result<Batch, Failure> {
        fn of<T: DeserializeOwned>(text: &str) -> Json<T> {
            let value = json::from_slice(text.as_bytes());
            Json { status: 200, value, took: Duration::ZERO }
        }
        let raw = Raw { varz: of(varz), jsz: Ok(of(jsz)), healthz: Ok(of("{}")) };
        sample("http://127.0.0.1:8222", raw)
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
