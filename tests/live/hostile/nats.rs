//! A monitoring port of NATS that lies.

use std::sync::Arc;

use super::expect::Expect;
use super::liar::{Manner, Say};
use super::rig::Patient;
use super::source::{Lie, Source, lies_about};
use super::{report, transport};

/// What a well server says.
pub fn well(path: &str) -> String {
    match path {
        "/varz" => r#"{"server_id":"NWELL","server_name":"well","version":"2.10.0","cpu":1,"mem":1000000,
            "connections":1,"total_connections":1,"subscriptions":1,"in_msgs":1,"out_msgs":1,"in_bytes":1,
            "out_bytes":1,"slow_consumers":0,"routes":0,"leafnodes":0,
            "jetstream":{"config":{"max_memory":1,"max_storage":1},"stats":{"memory":0,"storage":0,"accounts":1,"api":{"total":1,"errors":0}}}}"#
            .to_owned(),
        "/jsz" => jsz(&stream("main", &consumer("worker"))),
        "/connz" => r#"{"server_id":"NWELL","now":"2026-01-01T00:00:00Z","total":0,"connections":[]}"#.to_owned(),
        "/accstatz" => r#"{"server_id":"NWELL","account_statz":[]}"#.to_owned(),
        _ => r#"{"status":"ok"}"#.to_owned(),
    }
}

fn jsz(streams: &str) -> String {
    account(&format!(r#"{{"name":"$G","id":"$G","stream_detail":[{streams}]}}"#))
}

fn account(accounts: &str) -> String {
    format!(
        r#"{{"server_id":"NWELL","now":"2026-01-01T00:00:00Z","streams":1,"consumers":1,"messages":1,"bytes":1,"account_details":[{accounts}]}}"#
    )
}

fn stream(name: &str, consumers: &str) -> String {
    format!(
        r#"{{"name":"{name}","state":{{"messages":1,"bytes":1,"first_seq":1,"last_seq":1,"consumer_count":1}},"consumer_detail":[{consumers}]}}"#
    )
}

fn consumer(name: &str) -> String {
    format!(
        r#"{{"stream_name":"main","name":"{name}","delivered":{{"consumer_seq":1,"stream_seq":1}},"ack_floor":{{"consumer_seq":1,"stream_seq":1}},"num_pending":0,"num_ack_pending":0,"num_redelivered":0,"num_waiting":1}}"#
    )
}

const VARZ: &str = "gnatsd_varz_connections{target=\"sick\"";
const STREAM: &str = "jetstream_stream_total_messages{target=\"sick\"";
const CONSUMER: &str = "jetstream_consumer_num_pending{target=\"sick\"";

/// The well answer with something in the place of `mark`, so many times.
fn flood(whole: &str, mark: &str, piece: &str, times: u64) -> Say {
    let (before, after) = whole.split_once(mark).expect("the mark");
    Say::open(before).again(piece, times).last(after).counted()
}

const A_STREAM: &str =
    r#"{"name":"s@@@@@@@@@@@@@@@@","state":{"messages":1,"bytes":1,"first_seq":1,"last_seq":1}},"#;
const A_CONSUMER: &str =
    r#"{"name":"c@@@@@@@@@@@@@@@@","num_pending":1,"delivered":{"consumer_seq":1}},"#;

/// Path, case, what is said, what follows.
fn cases() -> Vec<(&'static str, &'static str, Say, Expect)> {
    use Expect::{Down, Gap, Lives, Shown};
    let varz = well("/varz");
    let with = |from: &str, to: &str| Say::json(varz.replacen(from, to, 1));
    let one = stream("main", &consumer("worker"));
    let long = "n".repeat(100_000);
    let many_streams = jsz(&format!("{one},#{}", stream("z", "")));
    let many_consumers =
        jsz(&stream("main", &format!("{},#{}", consumer("worker"), consumer("z"))));
    let many_accounts = account(&format!(
        r#"{{"name":"$G","stream_detail":[{one}]}},#{{"name":"z","stream_detail":[]}}"#
    ));
    let rest: &'static [&'static str] = &[VARZ, STREAM];
    let parse: &'static [&'static str] = &["parse", "protocol"];
    vec![
        ("/varz", "varz {}", Say::json("{}"), Down(parse)),
        ("/varz", "varz []", Say::json("[]"), Down(parse)),
        ("/varz", "varz [\"NWELL\",\"a\",1,2]", Say::json("[\"NWELL\",\"a\",1,2]"), Down(parse)),
        ("/varz", "varz null", Say::json("null"), Down(parse)),
        ("/varz", "varz 17", Say::json("17"), Down(parse)),
        ("/varz", "varz with an empty server_id", with("NWELL", ""), Down(parse)),
        ("/varz", "varz with a server_id of null", with("\"NWELL\"", "null"), Down(parse)),
        ("/varz", "varz with a number as its server_id", with("\"NWELL\"", "1"), Down(parse)),
        ("/varz", "varz with numbers as texts", with("\"in_msgs\":1", "\"in_msgs\":\"1\""), Lives),
        ("/varz", "varz with a negative counter", with("\"in_msgs\":1", "\"in_msgs\":-5"), Lives),
        ("/varz", "varz with a number of 1e400", with("\"cpu\":1", "\"cpu\":1e400"), Lives),
        (
            "/varz",
            "varz with a counter of 2^64",
            with("\"in_msgs\":1", "\"in_msgs\":18446744073709551616"),
            Lives,
        ),
        (
            "/varz",
            "varz with a key twice",
            with("\"in_msgs\":1", "\"in_msgs\":1,\"in_msgs\":2"),
            Lives,
        ),
        (
            "/varz",
            "varz with a name of 100 kB",
            with("\"well\"", &format!("\"{long}\"")),
            Shown(rest),
        ),
        ("/varz", "varz with 100,000 levels", Say::json("[".repeat(100_000)), Down(parse)),
        (
            "/varz",
            "varz with a list of 3 MB in it",
            flood(&varz.replacen('{', r#"{"x":[#{}],"#, 1), "#", "{},", 1_000_000),
            Shown(&[VARZ]),
        ),
        (
            "/varz",
            "varz with a text without an end",
            Say::open(r#"{"server_id":""#).forever("a"),
            Down(&[]),
        ),
        ("/varz", "varz with not UTF-8", Say::json(b"{\"server_id\":\"\xff\xfe\"}"), Down(parse)),
        ("/jsz", "jsz 1.5 MB of {},", flood(&many_streams, "#", "{},", 500_000), Shown(rest)),
        ("/jsz", "jsz 3 MB of {},", flood(&many_streams, "#", "{},", 1_000_000), Shown(rest)),
        ("/jsz", "jsz 30 MB of {},", flood(&many_streams, "#", "{},", 10_000_000), Lives),
        ("/jsz", "jsz streams of null", flood(&many_streams, "#", "null,", 1000), Lives),
        (
            "/jsz",
            "jsz 3 MB of empty consumers",
            flood(&many_consumers, "#", "{},", 1_000_000),
            Shown(rest),
        ),
        (
            "/jsz",
            "jsz 3 MB of empty accounts",
            flood(&many_accounts, "#", "{},", 1_000_000),
            Shown(rest),
        ),
        ("/jsz", "jsz 100,000 streams", flood(&many_streams, "#", A_STREAM, 100_000), Gap(rest)),
        (
            "/jsz",
            "jsz 100,000 consumers",
            flood(&many_consumers, "#", A_CONSUMER, 100_000),
            Gap(&[VARZ, STREAM, CONSUMER]),
        ),
        (
            "/jsz",
            "jsz 100,000 accounts of a stream each",
            flood(
                &many_accounts,
                "#",
                r#"{"name":"a@@@@@@@@@@@@@@@@","stream_detail":[{"name":"x","state":{"messages":1}}]},"#,
                100_000,
            ),
            Gap(rest),
        ),
        ("/jsz", "jsz a stream twice", Say::json(jsz(&format!("{one},{one}"))), Lives),
        (
            "/jsz",
            "jsz a consumer twice",
            Say::json(jsz(&stream("main", &format!("{0},{0}", consumer("worker"))))),
            Lives,
        ),
        (
            "/jsz",
            "jsz an account twice",
            Say::json(account(&format!(
                r#"{{"name":"$G","stream_detail":[{one}]}},{{"name":"$G","stream_detail":[{one}]}}"#
            ))),
            Lives,
        ),
        (
            "/jsz",
            "jsz a stream's name of 100 kB",
            Say::json(jsz(&format!("{one},{}", stream(&long, &consumer(&long))))),
            Shown(rest),
        ),
        (
            "/jsz",
            "jsz 200 streams with names of 100 kB",
            flood(&many_streams, "#", &format!(r#"{{"name":"@@@@@@@@@@@@@@@@{long}"}},"#), 200),
            Shown(rest),
        ),
        ("/jsz", "jsz {}", Say::json("{}"), Gap(&[VARZ])),
        ("/jsz", "jsz []", Say::json("[]"), Gap(&[VARZ])),
        (
            "/jsz",
            "jsz negative counts",
            Say::json(jsz(&one.replace("\"messages\":1", "\"messages\":-1"))),
            Lives,
        ),
        (
            "/jsz",
            "jsz without an end",
            Say::open(r#"{"server_id":"NWELL","account_details":["#).forever("{},"),
            Gap(&[VARZ]),
        ),
        ("/jsz", "jsz 100,000 levels", Say::json(r#"{"a":"#.repeat(100_000)), Gap(&[VARZ])),
        ("/healthz", "healthz without an end", Say::open("").forever("a"), Gap(rest)),
        ("/healthz", "healthz 3 MB of {},", Say::open("[").again("{},", 1_000_000), Lives),
        (
            "/healthz",
            "healthz 503 with 60 MB",
            Say::bytes("HTTP/1.1 503 X\r\n\r\n").again("a", 60_000_000),
            Gap(&[VARZ]),
        ),
    ]
}

fn honest(path: &str) -> Say {
    Say::json(well(path.split('?').next().unwrap_or_default()))
}

pub async fn play() {
    let source = Source {
        kind: "nats",
        honest: |_| Manner::Http(Arc::new(honest)),
        behind: 0,
        config: |port| {
            format!("nats:\n  sick: {{ url: \"http://127.0.0.1:{port}\", timeout: 2s }}\n")
        },
        patient: Patient { area: "nats", target: "sick", well: &[VARZ, STREAM, CONSUMER] },
    };
    let transport = transport::lies().into_iter();
    let transport = transport.map(|(name, say)| ("/varz", name, say, Expect::Down(&[])));
    let all = cases().into_iter().chain(transport);
    let lies =
        all.map(|(part, name, say, expect)| Lie::new(name, lies_about(part, say, honest), expect));
    report::finish("nats", &source.play(4, lies.collect()).await);
}
