use super::*;
use crate::collectors::docker::ledger::RUNS;

#[test]
fn what_is_repeated_is_not_new() {
    let mut past = Past::default();
    assert!(!past.path().contains("since"));
    let event = |nanos, action: &str| Event { nanos, action: action.into(), ..Event::default() };
    assert!(past.note(&event(5_000_000_007, "die")));
    assert!(past.note(&event(5_000_000_007, "start")), "at the same time, but another");
    assert!(!past.note(&event(5_000_000_007, "die")));
    assert!(past.note(&event(4_999_999_999, "oom")), "the order of events is not strict");
    assert!(past.path().ends_with("&since=5.000000007"));
    for nanos in 0..2000 {
        past.note(&event(nanos, "x"));
    }
    assert_eq!(past.seen.len(), REMEMBERED);
}

fn live() -> Live {
    Live {
        ledger: Arc::default(),
        changes: Mutex::default(),
        connected: AtomicBool::new(true),
        failure: Mutex::default(),
        cut: AtomicBool::new(false),
        received: Arc::default(),
    }
}

fn started(id: String, nanos: i64) -> Event {
    let attributes = [("name".to_owned(), format!("n{id}"))].into();
    let actor = crate::collectors::docker::api::Actor { id, attributes };
    Event { kind: "container".into(), action: "start".into(), actor, nanos, ..Event::default() }
}

#[test]
fn ever_new_containers_are_not_all_remembered() {
    let live = live();
    let at = |n: i64| 1_700_000_000_000_000_000 + n;
    for n in 0..5000 {
        live.hear(&started(format!("{n:064x}"), at(n)));
    }
    let changes = std::mem::take(&mut *lock(&live.changes));
    assert!(changes.all && changes.containers.len() == CHANGED);
    assert_eq!(changes.lost, 5000 - RUNS as u64, "what the ledger has no room for");
    assert_eq!(live.received.events.load(Ordering::Relaxed), 5000);
    // Those that are known are told of as before.
    live.hear(&started(format!("{:064x}", 7), at(9999)));
    let changes = std::mem::take(&mut *lock(&live.changes));
    assert_eq!((changes.all, changes.containers.len(), changes.lost), (false, 1, 0));
    // A reading that has seen that they are gone makes room.
    lock(&live.ledger).keep(&[], time::now());
    live.hear(&started("f".repeat(64), at(10_000)));
    assert!(!lock(&live.changes).all);
}

#[test]
fn an_event_that_makes_no_sense_is_lost() {
    let live = live();
    let wrong = [
        ("../..", 1_700_000_000_000_000_000),
        ("", 1_700_000_000_000_000_000),
        ("a", i64::MAX),
        ("a", 0),
        ("a", i64::MIN),
    ];
    for (id, nanos) in wrong {
        live.hear(&started(id.to_owned(), nanos));
    }
    let changes = std::mem::take(&mut *lock(&live.changes));
    assert_eq!((changes.lost, changes.all), (5, true));
    assert_eq!(lock(&live.received.past).newest, 0, "the next stream begins where it should");
}

#[test]
fn the_filters_are_an_encoded_json() {
    let mut bytes = Vec::new();
    let mut rest = FILTERS.as_bytes().iter().copied();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next().unwrap(), rest.next().unwrap()];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
        } else {
            bytes.push(byte);
        }
    }
    let filters: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(filters["type"], serde_json::json!(["container", "image"]));
    let actions = filters["event"].as_array().unwrap();
    assert!(!actions.iter().any(|action| action.as_str().unwrap().starts_with("exec")));
}
