//! Stores that lie: somebody in Redis', Qdrant's and MongoDB's place.

use std::sync::Arc;
use std::time::Duration;

use super::expect::Expect;
use super::liar::{Manner, Say};
use super::report::Outcome;
use super::rig::Patient;
use super::source::{Lie, Source, lies_about};
use super::{report, transport};

const INFO: &str = include_str!("../../fixtures/store/redis_idle_7.0.15/info.txt");
const COLLECTIONS: &str = r#"{"result":{"collections":[{"name":"faq"}]},"status":"ok","time":0.1}"#;
const DESCRIBED: &str =
    r#"{"result":{"status":"green","optimizer_status":"ok","points_count":3},"status":"ok"}"#;

const USED: &str = "redis_memory_used_bytes{target=\"sick\"}";
const FAQ: &str = "stack_store_collection_up{target=\"sick\",collection=\"faq\"} 1";
const ROLE: &str = "stack_store_mongo_role{target=\"sick\"";

type Case = (&'static str, Say, Expect);

fn bulk(text: impl AsRef<[u8]>) -> Say {
    let text = text.as_ref();
    // An end with the question unread would cut off what is on its way.
    Say::bytes([format!("${}\r\n", text.len()).as_bytes(), text, b"\r\n"].concat()).stays()
}

fn redis() -> Vec<Case> {
    use Expect::{Down, Lives, Shown};
    let any = || Down(&[]);
    let rest: &'static [&'static str] = &[USED];
    let with = |line: &str| bulk(format!("{INFO}{line}\r\n"));
    let lines = |line: fn(u32) -> String, count| (0..count).map(line).collect::<String>();
    let digits = "9".repeat(500_000);
    let second = Duration::from_secs(1);
    vec![
        ("redis: a text of 512 MB", Say::bytes("$536870912\r\n").forever("a"), any()),
        ("redis: a text of 1 MB that never comes", Say::bytes("$1000000\r\n").stays(), any()),
        ("redis: a text of 2^64", Say::bytes("$18446744073709551615\r\n").forever("a"), any()),
        ("redis: a line without an end", Say::bytes("").forever("a"), any()),
        ("redis: an error without an end", Say::bytes("-").forever("ERR "), any()),
        ("redis: 100,000 levels", Say::bytes("*1\r\n".repeat(100_000)), any()),
        ("redis: nothing", Say::bytes("$-1\r\n"), any()),
        ("redis: a byte a second", bulk(INFO).drip(second), any()),
        ("redis: never answers", Say::bytes("").stays(), any()),
        ("redis: the end at once", Say::bytes(""), any()),
        ("redis: HTTP", Say::http(200, "{}"), any()),
        ("redis: bytes without any form", Say::bytes("").forever("\0\x01\u{ff}"), any()),
        ("redis: an INFO of nothing", bulk(""), any()),
        (
            "redis: 20,000 kinds of errors",
            with(&lines(|n| format!("errorstat_E{n}:count=0\r\n"), 20_000)),
            Shown(rest),
        ),
        (
            "redis: 20,000 databases",
            with(&lines(|n| format!("db{n}:keys=1,expires=0,avg_ttl=0\r\n"), 20_000)),
            Shown(rest),
        ),
        ("redis: 900 kB of empty lines", with(&"\r\n".repeat(450_000)), Shown(rest)),
        (
            "redis: an error's name of 500 kB",
            with(&format!("errorstat_{}:count=0", "E".repeat(500_000))),
            Shown(rest),
        ),
        ("redis: a number of 500 kB", with(&format!("used_memory:{digits}")), Lives),
        ("redis: negative numbers", bulk(INFO.replace(":1", ":-1")), Lives),
        (
            "redis: not UTF-8",
            bulk([INFO.as_bytes(), b"db0:keys=\xff\xfe\r\n"].concat()),
            Shown(rest),
        ),
    ]
}

fn honest_qdrant(path: &str) -> Say {
    match path {
        "/collections" => Say::json(COLLECTIONS),
        path if path.starts_with("/collections/") => Say::json(DESCRIBED),
        "/readyz" => Say::http(200, "all shards are ready"),
        _ => Say::json(r#"{"title":"qdrant - vector search engine","version":"1.17.0"}"#),
    }
}

fn qdrant() -> Vec<(&'static str, &'static str, Say, Expect)> {
    use Expect::{Down, Gap, Lives};
    const LIST: &str = "/collections";
    const ONE: &str = "/collections/";
    let any = || Down(&[]);
    let named = |name: &str| COLLECTIONS.replace("faq", name);
    let inside = |piece: &str, times| {
        let (before, after) = COLLECTIONS.split_once("{\"name\"").unwrap();
        Say::open(before).again(piece, times).last(format!("{{\"name\"{after}")).counted()
    };
    let digits = "9".repeat(500_000);
    vec![
        (
            LIST,
            "qdrant: 100,000 collections",
            inside("{\"name\":\"c@@@@@@@@@@@@@@@@\"},", 100_000),
            Lives,
        ),
        (LIST, "qdrant: 6 MB of {},", inside("{},", 2_000_000), Lives),
        (LIST, "qdrant: a name of 100 kB", Say::json(named(&"n".repeat(100_000))), Lives),
        (
            LIST,
            "qdrant: a name that leads elsewhere",
            Say::json(named("../../telemetry?x=#")),
            Lives,
        ),
        (
            LIST,
            "qdrant: a list without an end",
            Say::open("{\"result\":{\"collections\":[").forever("{},"),
            any(),
        ),
        (LIST, "qdrant: 100,000 levels", Say::json("[".repeat(100_000)), any()),
        (LIST, "qdrant: a list of nothing", Say::json("null"), any()),
        (
            ONE,
            "qdrant: one without an end",
            Say::open("{\"result\":{\"x\":[").forever("0,"),
            Gap(&[]),
        ),
        (ONE, "qdrant: one that never answers", Say::bytes("").stays(), Gap(&[])),
        (ONE, "qdrant: a status of 500 kB", Say::json(DESCRIBED.replace("green", &digits)), Lives),
        (
            ONE,
            "qdrant: points of 500 kB",
            Say::json(DESCRIBED.replace(":3", &format!(":{digits}"))),
            Lives,
        ),
        (ONE, "qdrant: negative points", Say::json(DESCRIBED.replace(":3", ":-3")), Lives),
        ("/readyz", "qdrant: ready without an end", Say::open("").forever("ready "), Lives),
        ("/readyz", "qdrant: ready never answers", Say::bytes("").stays(), Lives),
    ]
}

/// An element of a document: its kind, its name, its bytes.
fn element(kind: u8, name: &str, bytes: &[u8]) -> Vec<u8> {
    [&[kind], name.as_bytes(), &[0], bytes].concat()
}

fn document(inner: &[u8]) -> Vec<u8> {
    let length = i32::try_from(inner.len() + 5).unwrap();
    [&length.to_le_bytes()[..], inner, &[0]].concat()
}

/// An answer of this length by its own word to the request of this number.
fn answer(number: i32, length: i32, body: &[u8]) -> Vec<u8> {
    let words = [length, 900, number, 2013, 0].map(i32::to_le_bytes);
    [&words.concat()[..], &[0], body].concat()
}

fn whole(number: i32, inner: &[u8]) -> Vec<u8> {
    let body = document(inner);
    answer(number, i32::try_from(body.len() + 21).unwrap(), &body)
}

fn hello() -> Vec<u8> {
    let yes = |name| element(8, name, &[1]);
    let one = 1_f64.to_le_bytes();
    [yes("isWritablePrimary"), element(1, "maxWireVersion", &one), element(1, "ok", &one)].concat()
}

fn well_mongo() -> Say {
    let status = element(1, "ok", &1_f64.to_le_bytes());
    Say::bytes([whole(1, &hello()), whole(3, &status)].concat()).stays()
}

fn mongo() -> Vec<Case> {
    use Expect::{Down, Lives};
    let any = || Down(&[]);
    let say = |bytes: Vec<u8>| Say::bytes(bytes);
    let second = Duration::from_secs(1);
    let nested = (0..10_000).fold(Vec::new(), |inner, _| element(3, "a", &document(&inner)));
    let many: Vec<u8> = (0..60_000).flat_map(|n| element(8, &format!("n{n}"), &[1])).collect();
    let text = |length: i32| element(2, "msg", &[&length.to_le_bytes()[..], b"x\0"].concat());
    let status = |inner: &[u8]| say([whole(1, &hello()), whole(3, inner)].concat()).stays();
    vec![
        ("mongo: an answer of 2 GB", say(answer(1, i32::MAX, b"")).forever("a"), any()),
        ("mongo: an answer of 1 MB that never comes", say(answer(1, 1 << 20, b"")).stays(), any()),
        ("mongo: an answer of less than nothing", say(answer(1, -5, b"")).forever("a"), any()),
        ("mongo: an answer to another question", say(whole(7, &hello())).forever("a"), any()),
        ("mongo: documents without an end", say(Vec::new()).forever(whole(1, &hello())), Lives),
        ("mongo: 10,000 levels", say(whole(1, &nested)).stays(), any()),
        ("mongo: 60,000 names", say(whole(1, &[many.clone(), hello()].concat())).stays(), Lives),
        ("mongo: a status of 60,000 names", status(&many), Lives),
        ("mongo: a text of less than nothing", say(whole(1, &text(-1))), any()),
        ("mongo: a text longer than all", say(whole(1, &text(i32::MAX))), any()),
        ("mongo: a kind that is none", say(whole(1, &element(77, "a", b"xx"))), any()),
        ("mongo: a byte a second", say(whole(1, &hello())).drip(second), any()),
        ("mongo: never answers", say(Vec::new()).stays(), any()),
        ("mongo: the end at once", say(Vec::new()), any()),
        ("mongo: HTTP", Say::http(200, "{}"), any()),
        ("mongo: bytes without any form", say(Vec::new()).forever("\0\x01\u{ff}"), any()),
    ]
}

fn raw(cases: Vec<Case>) -> Vec<Lie> {
    cases.into_iter().map(|(name, say, expect)| Lie::new(name, Manner::Raw(say), expect)).collect()
}

async fn of_qdrant() -> Vec<Outcome> {
    let source = Source {
        kind: "store",
        honest: |_| Manner::Http(Arc::new(honest_qdrant)),
        behind: 0,
        config: |port| {
            format!("stores:\n  sick: {{ qdrant: \"http://127.0.0.1:{port}\", timeout: 2s }}\n")
        },
        patient: Patient { area: "store", target: "sick", well: &[FAQ] },
    };
    let lies = qdrant().into_iter().map(|(part, name, say, expect)| {
        Lie::new(name, lies_about(part, say, honest_qdrant), expect)
    });
    let slow = ["byte a second", "no end", "without an end"];
    // The same client as NATS has: one of each kind will do.
    let some =
        transport::lies().into_iter().filter(|(name, _)| !slow.iter().any(|s| name.contains(s)));
    let some = some.map(|(name, say)| {
        Lie::new(name, Manner::Http(Arc::new(move |_| say.clone())), Expect::Down(&[]))
    });
    source.play(3, lies.chain(some).collect()).await
}

pub async fn play() {
    let redis_source = Source {
        kind: "store",
        honest: |_| Manner::Raw(bulk(INFO)),
        behind: 0,
        config: |port| {
            format!("stores:\n  sick: {{ redis: \"redis://127.0.0.1:{port}\", timeout: 2s }}\n")
        },
        patient: Patient { area: "store", target: "sick", well: &[USED] },
    };
    let mongo_source = Source {
        kind: "store",
        honest: |_| Manner::Raw(well_mongo()),
        behind: 0,
        config: |port| {
            format!("stores:\n  sick: {{ mongo: \"mongodb://127.0.0.1:{port}\", timeout: 2s }}\n")
        },
        patient: Patient { area: "store", target: "sick", well: &[ROLE] },
    };
    let mut outcomes = redis_source.play(3, raw(redis())).await;
    outcomes.extend(of_qdrant().await);
    outcomes.extend(mongo_source.play(3, raw(mongo())).await);
    report::finish("store", &outcomes);
}
