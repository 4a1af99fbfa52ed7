//! A queue's status page that lies.

use std::sync::Arc;

use super::expect::Expect;
use super::liar::{Manner, Say};
use super::rig::Patient;
use super::source::{Lie, Source};
use super::{report, transport};

const WELL: &str = r#"{"status":"healthy","is_running":true,"queue_stats":{
    "search":{"pending":0,"processing":1,"completed":15},"analysis":{"pending":2,"processing":1,"completed":8}},
    "resource_usage":{"memory_percent":68.5,"cpu_percent":35.2}}"#;

const SEARCH: &str = "stack_queue_jobs{target=\"sick\",queue=\"search\"";

fn cases() -> Vec<(&'static str, Say, Expect)> {
    use Expect::{Down, Gap, Lives, Shown};
    let rest: &'static [&'static str] = &[SEARCH];
    let inside = |piece: &str, times: u64| {
        let (before, after) = WELL.split_once("\"analysis\"").unwrap();
        Say::open(before).again(piece, times).last(format!("\"analysis\"{after}")).counted()
    };
    let beside = |piece: &str, times: u64| {
        let rest = WELL.strip_prefix('{').unwrap();
        Say::open("{\"x\":[").again(piece, times).last(format!("0],{rest}"))
    };
    let with = |from: &str, to: &str| Say::json(WELL.replacen(from, to, 1));
    let long = "n".repeat(100_000);
    let digits = "9".repeat(1_000_000);
    vec![
        (
            "8 MB of 0,",
            Say::open("[").again("0,", 4_000_000).last("0]"),
            Down(&["parse", "protocol"]),
        ),
        ("30 MB of 0,", Say::open("[").again("0,", 15_000_000).last("0]"), Down(&[])),
        ("8 MB of 0, beside the queues", beside("0,", 4_000_000), Shown(rest)),
        ("30 MB of 0, beside the queues", beside("0,", 15_000_000), Lives),
        ("8 MB of {}, beside the queues", beside("{},", 2_700_000), Shown(rest)),
        ("8 MB of \"\", beside the queues", beside("\"\",", 2_700_000), Shown(rest)),
        (
            "100,000 queues",
            inside(r#""q@@@@@@@@@@@@@@@@":{"pending":1,"processing":0,"completed":1},"#, 100_000),
            Gap(rest),
        ),
        ("1,000,000 empty queues", inside(r#""@@@@@@@@@@@@@@@@":{},"#, 1_000_000), Lives),
        (
            "one queue 100,000 times",
            inside(r#""q":{"pending":1,"processing":0,"completed":1},"#, 100_000),
            Shown(rest),
        ),
        ("a queue of 1,000,000 keys", inside(r#""q":{"@@@@@@@@@@@@@@@@":0},"#, 100_000), Lives),
        ("a queue's name of 100 kB", with("analysis", &long), Lives),
        (
            "200 queues with names of 100 kB",
            inside(&format!(r#""@@@@@@@@@@@@@@@@{long}":{{"pending":1}},"#), 200),
            Shown(rest),
        ),
        ("a number of 1 MB", with("\"pending\":2", &format!("\"pending\":{digits}")), Lives),
        (
            "a number of 1 MB behind a point",
            with("\"pending\":2", &format!("\"pending\":0.{digits}")),
            Lives,
        ),
        (
            "a number of 1 MB in its exponent",
            with("\"pending\":2", &format!("\"pending\":1e{digits}")),
            Lives,
        ),
        ("a number without an end", Say::open(r#"{"status":"#).forever("9"), Down(&[])),
        ("a text without an end", Say::open(r#"{"status":""#).forever("a"), Down(&[])),
        ("an object without an end", Say::open("{").forever("\"a\":0,"), Down(&[])),
        ("100,000 levels", Say::json("[".repeat(100_000)), Down(&["parse"])),
        ("negative jobs", with("\"pending\":2", "\"pending\":-2"), Lives),
        ("jobs as texts", with("\"pending\":2", "\"pending\":\"2\""), Lives),
        ("{}", Say::json("{}"), Down(&["parse"])),
        ("[]", Say::json("[]"), Down(&["parse"])),
        ("null", Say::json("null"), Down(&["parse"])),
        (
            "a list where the queues should be",
            Say::json(r#"{"queue_stats":[1,2,3]}"#),
            Down(&["parse"]),
        ),
        ("not UTF-8", Say::json(b"{\"status\":\"\xff\xfe\"}"), Down(&["parse"])),
    ]
}

pub async fn play() {
    let source = Source {
        kind: "queue",
        honest: |_| Manner::Http(Arc::new(|_| Say::json(WELL))),
        behind: 0,
        config: |port| {
            format!(
                "queues:\n  sick: {{ http: \"http://127.0.0.1:{port}/s\", preset: alaw, timeout: 2s }}\n"
            )
        },
        patient: Patient { area: "queue", target: "sick", well: &[SEARCH] },
    };
    let slow = ["byte a second", "no end", "without an end"];
    // The same client as NATS has: one of each kind will do.
    let some =
        transport::lies().into_iter().filter(|(name, _)| !slow.iter().any(|s| name.contains(s)));
    let some = some.map(|(name, say)| (name, say, Expect::Down(&[])));
    let all = cases().into_iter().chain(some);
    let lies = all.map(|(name, say, expect)| {
        Lie::new(name, Manner::Http(Arc::new(move |_| say.clone())), expect)
    });
    report::finish("queue", &source.play(3, lies.collect()).await);
}
