use std::time::Duration;

use axum::routing::get;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::places::{CONNECTIONS, HEAD, IDLE, Life, Phase, Place};
use super::*;

fn places(files: u64) -> (Arc<Places>, Arc<Clients>) {
    let clients = Arc::new(Clients::default());
    let turned_away = Arc::new(TurnedAway::new(Arc::clone(&clients)));
    (
        Places::new(Arc::clone(&clients), turned_away, Limits { files, open_files: || Some(101) }),
        clients,
    )
}

fn refused(clients: &Clients, why: Refusal) -> u64 {
    clients.refusals()[why as usize].1
}

fn fill(places: &Arc<Places>, phase: impl Fn(usize) -> Phase) -> Vec<Place> {
    let place = |index| {
        let place = places.take(0).unwrap();
        if phase(index) != Phase::Head {
            place.life.asked();
        }
        if phase(index) == Phase::Idle {
            place.life.complete();
            place.life.flushed();
        }
        assert_eq!(place.life.phase(), phase(index));
        place
    };
    (0..CONNECTIONS).map(place).collect()
}

fn is_let_go(life: &Life) -> bool {
    let ordered = std::pin::pin!(life.ordered());
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    ordered.poll(&mut cx).is_ready()
}

#[test]
fn idle_ones_make_room_first_then_unfinished_heads_and_never_work() {
    let (places, clients) = places(u64::MAX);
    let mut all = fill(&places, |index| match index {
        200 => Phase::Idle,
        7 => Phase::Head,
        _ => Phase::Answer,
    });
    assert_eq!(clients.open(), CONNECTIONS as u64);
    for (turn, expected) in [200, 7].into_iter().enumerate() {
        let place = places.take(0).expect("room is made");
        place.life.asked();
        assert!(is_let_go(&all[expected].life), "{expected}");
        assert_eq!(refused(&clients, Refusal::Connections), turn as u64 + 1);
        all.push(place);
    }
    assert!(places.take(0).is_none(), "256 are being worked on");
    assert_eq!(refused(&clients, Refusal::Connections), 3);
    // Just now an answer has stopped being taken: not yet a reason.
    all[3].life.stalled();
    assert!(places.take(0).is_none());
    drop(all);
    assert_eq!(clients.open(), 0);
    assert!(places.take(0).is_some());
}

#[test]
fn the_one_that_waited_longest_goes() {
    let (places, _) = places(u64::MAX);
    let all = fill(&places, |_| Phase::Head);
    let more: Vec<Place> = (0..3).map(|_| places.take(0).unwrap()).collect();
    let gone: Vec<usize> = (0..CONNECTIONS).filter(|index| is_let_go(&all[*index].life)).collect();
    assert_eq!(gone, [0, 1, 2]);
    assert!(more.iter().all(|place| !is_let_go(&place.life)));
}

#[test]
fn the_last_files_are_not_for_clients() {
    let (places, clients) = places(100);
    // A few are served however scarce files are.
    let few: Vec<Place> = (0..4).map(|_| places.take(100).unwrap()).collect();
    assert_eq!(refused(&clients, Refusal::Files), 0);
    let more = places.take(99).unwrap();
    assert!(!is_let_go(&few[0].life));
    let instead = places.take(100).unwrap();
    assert!(is_let_go(&few[0].life));
    assert_eq!(refused(&clients, Refusal::Files), 1);
    // The number that became free is given again, and still there are too many.
    let again = places.take(7).unwrap();
    assert!(is_let_go(&few[1].life));
    assert_eq!(refused(&clients, Refusal::Files), 2);
    again.life.asked();
    few.iter().skip(1).for_each(|place| place.life.asked());
    more.life.asked();
    instead.life.asked();
    assert!(places.take(100).is_none(), "nobody can be let go for it");
    assert_eq!(refused(&clients, Refusal::Files), 3);
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    assert_eq!(limits().files, limit - 32);
}

#[test]
fn each_wait_has_its_own_time() {
    let (places, _) = places(u64::MAX);
    let place = places.take(0).unwrap();
    let life = &place.life;
    let near = |expected: Duration| {
        let left = life.deadline().saturating_duration_since(tokio::time::Instant::now());
        left <= expected && left + Duration::from_secs(1) > expected
    };
    assert!(near(HEAD));
    // Bytes that drip in win nothing.
    let deadline = life.deadline();
    life.heard();
    assert_eq!(life.deadline(), deadline);
    life.asked();
    assert!(near(Duration::from_mins(1)));
    life.stalled();
    assert!(near(Duration::from_secs(10)));
    life.moved();
    assert!(near(Duration::from_mins(1)));
    // What is flushed before the answer is complete is only a part of it.
    life.flushed();
    assert_eq!(life.phase(), Phase::Answer);
    life.complete();
    life.flushed();
    assert!(near(IDLE));
    life.heard();
    assert!(near(HEAD));
    assert_eq!(life.phase(), Phase::Head);
    places.stop();
    assert!(near(Duration::from_millis(250)));
    // The last places are for those who come at once.
    let _all: Vec<Place> = (0..CONNECTIONS - 18).map(|_| places.take(0).unwrap()).collect();
    let last = places.take(0).unwrap();
    let left = last.life.deadline().saturating_duration_since(tokio::time::Instant::now());
    assert!(left > Duration::from_secs(1), "the 240th: {left:?}");
    let last = places.take(0).unwrap();
    let left = last.life.deadline().saturating_duration_since(tokio::time::Instant::now());
    assert!(left <= Duration::from_secs(1), "the 241st: {left:?}");
}

/// Sends `text`, and returns all that comes until `end` has come, or the connection is closed.
async fn ask(stream: &mut TcpStream, text: &str, end: &str) -> String {
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut got = Vec::new();
    while !String::from_utf8_lossy(&got).ends_with(end) || end.is_empty() {
        let mut piece = [0; 4096];
        let read = tokio::time::timeout(Duration::from_secs(10), stream.read(&mut piece));
        let count = read.await.expect("an answer").unwrap();
        if count == 0 {
            break;
        }
        got.extend_from_slice(&piece[..count]);
    }
    String::from_utf8(got).unwrap()
}

/// A client and the life of its connection.
async fn connection() -> (TcpStream, Arc<Life>) {
    let router = Router::new()
        .route("/", get(|| async { "root" }))
        .route("/empty", get(|| async {}))
        .route("/long", get(|| async { "x".repeat(100_000) + "end" }));
    let (places, _) = places(u64::MAX);
    let rights = rustix::fs::Mode::empty();
    let listener = Listener::bind(&Address::parse("127.0.0.1:0").unwrap(), rights).unwrap();
    let client = TcpStream::connect(listener.address.to_string()).await.unwrap();
    let (stream, peer) = listener.accept().await.unwrap();
    let place = places.take(0).unwrap();
    let life = Arc::clone(&place.life);
    let house = House { router, lock: Arc::new(Lock::open()) };
    tokio::spawn(connection::serve(stream, peer, place, house));
    (client, life)
}

async fn becomes(life: &Life, phase: Phase) {
    let end = std::time::Instant::now() + Duration::from_secs(10);
    while life.phase() != phase {
        assert!(std::time::Instant::now() < end, "still {:?}, not {phase:?}", life.phase());
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn a_connection_is_idle_after_any_answer_and_goes_on() {
    let (mut client, life) = connection().await;
    for (request, end) in [
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "\r\n\r\nroot"),
        ("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", "\r\n\r\n"),
        ("GET /empty HTTP/1.1\r\nHost: a\r\n\r\n", "\r\n\r\n"),
        ("GET /none HTTP/1.1\r\nHost: a\r\n\r\n", "\r\n\r\n"),
        ("GET /long HTTP/1.1\r\nHost: a\r\n\r\n", "end"),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", "\r\n\r\n"),
        ("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", "root"),
    ] {
        assert!(ask(&mut client, request, end).await.starts_with("HTTP/1.1 "), "{request}");
        becomes(&life, Phase::Idle).await;
    }
    // Two at once are answered one after the other.
    let two =
        "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let got = ask(&mut client, two, "").await;
    assert_eq!(got.matches("root").count(), 2, "{got}");
}

#[tokio::test]
async fn a_begun_request_is_no_idle_connection() {
    let (mut client, life) = connection().await;
    becomes(&life, Phase::Head).await;
    ask(&mut client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "root").await;
    becomes(&life, Phase::Idle).await;
    client.write_all(b"GET").await.unwrap();
    becomes(&life, Phase::Head).await;
}

#[tokio::test]
async fn who_has_said_all_still_gets_the_answer() {
    for (request, version) in
        [("GET / HTTP/1.0\r\n\r\n", "HTTP/1.0"), ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1")]
    {
        let (mut client, _) = connection().await;
        client.write_all(request.as_bytes()).await.unwrap();
        client.shutdown().await.unwrap();
        let got = ask(&mut client, "", "").await;
        assert!(got.starts_with(version) && got.ends_with("root"), "{got}");
    }
}

#[tokio::test]
async fn a_head_over_the_limit_is_answered_with_431() {
    let (mut client, _) = connection().await;
    let long = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "a".repeat(20_000));
    let got = ask(&mut client, &long, "").await;
    assert!(got.starts_with("HTTP/1.1 431 "), "{got}");
    let (mut client, _) = connection().await;
    let right = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "a".repeat(14_000));
    let got = ask(&mut client, &right, "root").await;
    assert!(got.starts_with("HTTP/1.1 200 "), "{got}");
}
