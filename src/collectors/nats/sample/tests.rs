use std::path::Path;

use serde::de::DeserializeOwned;

use super::*;
use crate::clients::json;
use crate::collectors::nats::paced::shared;
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
fn there<T: DeserializeOwned>(case: &Path, name: &str) -> Option<Result<Shared<T>, Failure>> {
    golden::file(case, &format!("{name}.json")).map(|_| answer(case, name).map(shared))
}

fn all() -> Pick {
    Pick::new(&super::super::config::Consumers::default(), super::super::config::Prefix::Gnatsd)
}

#[test]
fn golden_cases() {
    golden::run("nats", |case| {
        let raw = Raw {
            varz: answer(case, "varz")?,
            jsz: answer(case, "jsz").map(shared),
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
    let (varz, jsz) = (of(varz), Ok(shared(of(jsz))));
    let raw = Raw { varz, jsz, healthz, connz, accstatz, subsz, routez, slow: Vec::new() };
    sample("http://127.0.0.1:8222", raw, &all())
}

/// The same numbers under both, and none of them without the setting.
#[test]
fn names_of_the_helm_chart() {
    let helm = crate::collectors::nats::AREA.tables.iter().flat_map(|table| (table.facts)());
    let helm: Vec<_> = helm.map(|one| one.name).filter(|name| name.starts_with("nats_")).collect();
    for name in [
        "nats_varz_cpu",
        "nats_varz_jetstream_config_max_storage",
        "nats_server_total_streams",
        "nats_stream_last_seq",
        "nats_stream_limit_bytes",
        "nats_consumer_num_pending",
    ] {
        assert!(helm.contains(&name), "{name} {helm:?}");
    }
    assert_eq!(helm.len(), 37);
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
        let of_varz_alone = varz.contains("mem") || varz.contains("_msgs") || varz.contains("jet");
        assert_eq!(gaps, if of_varz_alone { vec![] } else { vec![Reason::PARSE] }, "{varz}");
    }
}

/// 2^64-1 is how the server writes that there is no limit.
#[test]
fn what_stands_for_unlimited_is_no_limit() {
    let varz = |limit: &str| {
        format!("{{\"server_id\":\"N\",\"jetstream\":{{\"config\":{{\"max_storage\":{limit}}}}}}}")
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
