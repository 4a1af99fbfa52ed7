use std::time::Instant as Clock;

use super::super::fake::{Reply, Server, Then};
use super::*;

async fn client(server: &Server) -> Client {
    Client::connect(&server.address, within(5000)).await.unwrap().0
}

fn within(millis: u64) -> Instant {
    Instant::now() + Duration::from_millis(millis)
}

type List = Vec<serde_json::Map<String, serde_json::Value>>;

#[test]
fn versions_are_numbers() {
    let of = |text| Api::parse(text).unwrap();
    assert!(of("1.9") < of("1.41") && of("1.55") < of("2.0"));
    assert_eq!(of("1.60").min(NEWEST).to_string(), "1.55", "newer than we know");
    assert_eq!(of("1.41").min(NEWEST).to_string(), "1.41");
    assert!(of("1.44") >= FAST && of("1.43") < FAST);
    assert_eq!((Api::parse(""), Api::parse("1"), Api::parse("1.x")), (None, None, None));
}

#[tokio::test]
async fn millions_of_nothing_become_no_more_than_the_budget() {
    let server = Server::start(|_| Reply::ok(format!("[{}{{}}]", "{},".repeat(2_000_000))));
    let list = client(&server).await.get::<List>("it", "/x", within(20_000)).await.unwrap();
    assert!(list.value.len() * size_of::<List>() <= 8 << 20);
    assert_eq!(list.value.len() as u64 + list.dropped, 2_000_001);
}

/// Neither waits for its deadline, nor takes what comes.
#[tokio::test]
async fn heads_and_interim_answers_without_an_end() {
    let started = Clock::now();
    for endless in ["HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 103 Early Hints\r\nx: y\r\n\r\n"] {
        let server = Server::start(move |_| Reply {
            bytes: Vec::new(),
            then: Then::Repeat(endless.repeat(1000).into_bytes(), Duration::ZERO),
        });
        let client = client(&server).await;
        let failure = client.get::<List>("it", "/x", within(5000)).await.unwrap_err();
        assert_eq!(failure.detail, "it: the answer is over 256 kB");
        let failure = client.stream("it", "/x").await.err().unwrap();
        assert_eq!(failure.reason, Reason::PROTOCOL);
        let failure = client.stats("ab", within(5000)).await.unwrap_err();
        assert_eq!(failure.detail, "stats: the answer is over 64 kB");
    }
    let server = Server::start(move |_| Reply {
        bytes: b"HTTP/1.1 200 OK\r\n".to_vec(),
        then: Then::Repeat(b"x: y\r\n".repeat(1000), Duration::ZERO),
    });
    let failure = client(&server).await.get::<List>("it", "/x", within(5000)).await.unwrap_err();
    assert_eq!(failure.reason, Reason::PROTOCOL, "{failure}");
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_body_without_an_end_runs_into_its_bound() {
    let endless = |bytes: &'static [u8]| {
        Server::start(move |_| Reply::open(Then::Repeat(bytes.repeat(1 << 16), Duration::ZERO)))
    };
    let server = endless(b" ");
    let client = client(&server).await;
    let failure = client.get::<List>("it", "/x", within(20_000)).await.unwrap_err();
    assert_eq!((failure.reason, failure.detail.contains("over 6")), (Reason::PROTOCOL, true));
    assert_eq!(client.stats("ab", within(5000)).await.unwrap_err().reason, Reason::PROTOCOL);
    assert_eq!(client.top("ab", within(5000)).await.unwrap_err().reason, Reason::PROTOCOL);
    let mut stream = client.stream("it", "/x").await.unwrap();
    let mut taken = 0;
    while taken < 80 << 20 {
        taken += stream.next().await.unwrap().unwrap().len();
    }
}

#[tokio::test]
async fn a_drip_ends_at_the_deadline() {
    let pause = Duration::from_millis(50);
    let body = Server::start(move |_| Reply::open(Then::Repeat(b" ".to_vec(), pause)));
    let head = Server::start(move |_| Reply {
        bytes: b"HTTP/1.1 200 OK\r\nx: ".to_vec(),
        then: Then::Repeat(b"y".to_vec(), pause),
    });
    let nothing = Server::start(|_| Reply { bytes: Vec::new(), then: Then::Hang });
    for server in [body, head, nothing] {
        let (client, started) = (client(&server).await, Clock::now());
        let (list, stats, top) = tokio::join!(
            client.get::<List>("it", "/x", within(400)),
            client.stats("ab", within(400)),
            client.top("ab", within(400)),
        );
        let failures = [list.unwrap_err(), stats.unwrap_err(), top.unwrap_err()];
        assert!(failures.iter().all(|failure| failure.reason == Reason::TIMEOUT), "{failures:?}");
        assert!(started.elapsed() < Duration::from_secs(2));
    }
}

#[tokio::test]
async fn a_version_that_is_none() {
    for (body, reason) in [
        ("{}", Reason::PARSE),
        ("[]", Reason::PARSE),
        (r#"{"ApiVersion":"new"}"#, Reason::PARSE),
        ("<html>", Reason::PARSE),
    ] {
        let server = Server::with_version(move || Reply::ok(body));
        let failure = Client::connect(&server.address, within(5000)).await.err().unwrap();
        assert_eq!(failure.reason, reason, "{body}: {failure}");
    }
    let long = format!(r#"{{"ApiVersion":"1.41","Version":"{}"}}"#, "v".repeat(10_000));
    let server = Server::with_version(move || Reply::ok(&long));
    let (_, engine) = Client::connect(&server.address, within(5000)).await.unwrap();
    assert!(engine.version.len() <= LONGEST && engine.api == "1.41");
    let large = format!(r#"{{"ApiVersion":"1.41","x":"{}"}}"#, "v".repeat(100_000));
    let server = Server::with_version(move || Reply::ok(&large));
    let failure = Client::connect(&server.address, within(5000)).await.err().unwrap();
    assert_eq!(failure.detail, "version: the answer is over 64 kB");
}
