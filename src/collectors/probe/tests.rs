//! Probes of servers that a test has in its hand: they hang, drip, lie and cut.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::config::Ask;
use super::fetch::Raw;
use super::place::Place;
use super::prober::Prober;
use super::sample::{self, Known};
use super::trace::{Answer, Phase, Session, Trace};
use super::{AREA, certificate, reasons};
use crate::catalogue::{Batch, Known as Labels, Sink};
use crate::config::Url;
use crate::failure::{Failure, Reason};

/// A server for as many connections as come.
async fn server<F>(answer: impl Fn(TcpStream) -> F + Send + Sync + 'static) -> u16
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let Ok((peer, _)) = listener.accept().await else { return };
            tokio::spawn(answer(peer));
        }
    });
    port
}

/// Reads the head of a request.
async fn head(peer: &mut TcpStream) -> String {
    let mut text = Vec::new();
    while !text.ends_with(b"\r\n\r\n") {
        let Ok(byte) = peer.read_u8().await else { break };
        text.push(byte);
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// Answers each request with the same bytes and closes.
async fn says(answer: &'static [u8]) -> u16 {
    server(move |mut peer| async move {
        head(&mut peer).await;
        let _ = peer.write_all(answer).await;
    })
    .await
}

fn prober(url: &str, ask: &str, timeout: u64) -> Prober {
    let ask: Ask = serde_json::from_str(ask).unwrap();
    let url = Url::parse(url).unwrap();
    Prober::new(Place::of(&url).unwrap(), Some(&url), &ask, Some(Duration::from_millis(timeout)))
}

async fn probe(url: &str, ask: &str) -> (Trace, Option<Failure>) {
    prober(url, ask, 5000).run().await
}

/// The phase in which it failed, and the word for why.
async fn fails(url: &str, ask: &str) -> (&'static str, &'static str) {
    let (trace, failure) = probe(url, ask).await;
    let failure = failure.unwrap_or_else(|| panic!("{url} is fine"));
    (trace.phase(), failure.reason.as_str())
}

/// The time of what hangs is of the phase in which it hung. [B01]
#[tokio::test]
async fn what_hangs_has_its_time() {
    let silent = server(|peer| async move {
        let _peer = peer;
        std::future::pending::<()>().await;
    })
    .await;
    let drips = server(|mut peer| async move {
        head(&mut peer).await;
        let _ = peer.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n").await;
        loop {
            let _ = peer.write_all(b"x").await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    for (url, phase, at) in [
        (format!("http://127.0.0.1:{silent}/"), "processing", Phase::Processing),
        (format!("https://127.0.0.1:{silent}/"), "tls", Phase::Tls),
        (format!("http://127.0.0.1:{drips}/"), "transfer", Phase::Transfer),
    ] {
        let (trace, failure) = prober(&url, "{}", 300).run().await;
        assert_eq!(failure.unwrap().reason, Reason::TIMEOUT, "{url}");
        assert_eq!(trace.phase(), phase, "{url}");
        assert!(trace.spent(at) >= Duration::from_millis(200), "{url}: {:?}", trace.spent(at));
        assert!(trace.took() < Duration::from_secs(1), "{:?}", trace.took());
    }
}

#[tokio::test]
async fn reasons_are_told_apart() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let cuts = server(|mut peer| async move {
        head(&mut peer).await;
    })
    .await;
    let slams = server(|mut peer| async move {
        let _ = peer.read_u8().await;
    })
    .await;
    let broken = says(b"HTTP/1.1 502 Bad\r\ncontent-length: 0\r\n\r\n").await;
    let locked = says(b"HTTP/1.1 401 No\r\ncontent-length: 0\r\n\r\n").await;
    let other = says(b"SSH-2.0-OpenSSH\r\n").await;
    let short = says(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nab").await;
    let page = says(b"HTTP/1.1 200 OK\r\ncontent-length: 15\r\n\r\n{\"status\":\"no\"}").await;
    let ask = r#"{"json":{"status":"ok"}}"#;
    for (url, ask, phase, reason) in [
        (format!("http://127.0.0.1:{closed}"), "{}", "connect", "refused"),
        ("http://nowhere.invalid".into(), "{}", "resolve", "dns"),
        (format!("http://127.0.0.1:{cuts}"), "{}", "processing", "cut"),
        (format!("https://127.0.0.1:{slams}"), "{}", "tls", "cut"),
        (format!("http://127.0.0.1:{broken}"), "{}", "transfer", "status"),
        (format!("http://127.0.0.1:{locked}"), "{}", "transfer", "auth"),
        (format!("http://127.0.0.1:{other}"), "{}", "processing", "protocol"),
        (format!("http://127.0.0.1:{short}"), "{}", "transfer", "cut"),
        (format!("http://127.0.0.1:{page}"), ask, "transfer", "json"),
        (format!("http://127.0.0.1:{page}"), r#"{"body":"\"ok\""}"#, "transfer", "body"),
        (format!("http://127.0.0.1:{broken}"), ask, "transfer", "status"),
        (format!("tcp://127.0.0.1:{closed}"), "{}", "connect", "refused"),
        (format!("ws://127.0.0.1:{broken}/ws"), "{}", "transfer", "upgrade"),
    ] {
        assert_eq!(fails(&url, ask).await, (phase, reason), "{url} {ask}");
    }
    let well = format!("http://127.0.0.1:{page}");
    assert_eq!(probe(&well, r#"{"json":{"status":"no"},"body":"sta"}"#).await.1, None);
    assert_eq!(probe(&format!("http://127.0.0.1:{broken}"), r#"{"status":[502]}"#).await.1, None);
}

/// A million headers, a head and a body without end: each ends within bounds.
#[tokio::test]
async fn answers_without_end_end() {
    let headers = server(|mut peer| async move {
        head(&mut peer).await;
        let _ = peer.write_all(b"HTTP/1.1 200 OK\r\n").await;
        for _ in 0..1_000_000 {
            if peer.write_all(b"a: b\r\n").await.is_err() {
                return;
            }
        }
    })
    .await;
    let long = server(|mut peer| async move {
        head(&mut peer).await;
        let _ = peer.write_all(b"HTTP/1.1 200 OK\r\na: ").await;
        while peer.write_all(&[b'x'; 4096]).await.is_ok() {}
    })
    .await;
    let body = server(|mut peer| async move {
        head(&mut peer).await;
        let _ = peer.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
        while peer.write_all(&[b'x'; 4096]).await.is_ok() {}
    })
    .await;
    let words =
        server(|mut peer| async move { while peer.write_all(&[b'x'; 4096]).await.is_ok() {} })
            .await;
    let headers = format!("http://127.0.0.1:{headers}");
    assert_eq!(fails(&headers, "{}").await, ("processing", "too_large"));
    let long = format!("http://127.0.0.1:{long}");
    assert_eq!(fails(&long, "{}").await, ("processing", "too_large"));
    let body = format!("http://127.0.0.1:{body}");
    let (trace, failure) = probe(&body, "{}").await;
    assert_eq!(failure, None, "nothing is expected of the body");
    let length = trace.answer.unwrap().body_length;
    assert!((1 << 20..2 << 20).contains(&length), "{length}");
    assert_eq!(fails(&body, r#"{"body":"y"}"#).await, ("transfer", "too_large"));
    assert_eq!(fails(&body, r#"{"json":{"a":"b"}}"#).await, ("transfer", "too_large"));
    let words = format!("tcp://127.0.0.1:{words}");
    assert_eq!(fails(&words, r#"{"expect":"y"}"#).await, ("transfer", "too_large"));
}

#[tokio::test]
async fn redirects_are_followed_refused_and_told() {
    let circle = says(b"HTTP/1.1 302 F\r\nlocation: /again\r\ncontent-length: 0\r\n\r\n").await;
    let circle = format!("http://127.0.0.1:{circle}/");
    let (trace, failure) = probe(&circle, "{}").await;
    assert_eq!(failure.unwrap().reason, reasons::REDIRECT_LOOP);
    let answer = trace.answer.unwrap();
    assert_eq!((answer.redirects, answer.elsewhere), (10, false));
    assert_eq!(fails(&circle, r#"{"redirects":"refuse"}"#).await.1, "redirect");
    assert_eq!(probe(&circle, r#"{"status":[302]}"#).await.1, None, "it is what is expected");

    // Who is led to gets nothing that was meant for the first.
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let there = Arc::clone(&seen);
    let end = server(move |mut peer| {
        let there = Arc::clone(&there);
        async move {
            let text = head(&mut peer).await;
            there.lock().unwrap().push(text);
            let _ = peer.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
        }
    })
    .await;
    let first = server(move |mut peer| async move {
        let text = head(&mut peer).await;
        assert!(text.contains("authorization: Basic"), "{text}");
        let answer = format!(
            "HTTP/1.1 301 M\r\nlocation: http://localhost:{end}/x\r\ncontent-length: 0\r\n\r\n"
        );
        let _ = peer.write_all(answer.as_bytes()).await;
    })
    .await;
    let url = format!("http://ann:hunter2@127.0.0.1:{first}/");
    let (trace, failure) = probe(&url, r#"{"headers":{"X-Own":"mine"}}"#).await;
    assert_eq!(failure, None);
    let answer = trace.answer.unwrap();
    assert!(answer.elsewhere && answer.redirects == 1 && trace.tries.len() >= 2);
    let text = seen.lock().unwrap().join("");
    assert!(text.starts_with("GET /x HTTP/1.1\r\n"), "{text}");
    assert!(!text.contains("authorization") && !text.contains("x-own"), "{text}");

    let to = |to: &str| format!("{{\"redirects\":\"{to}\"}}");
    assert_eq!(probe(&url, &to(&format!("http://localhost:{end}/"))).await.1, None);
    let elsewhere = probe(&url, &to("https://app.example.com/")).await;
    assert_eq!(elsewhere.1.unwrap().reason, reasons::REDIRECT);
    assert!(elsewhere.0.answer.unwrap().elsewhere);
    let none = format!("http://127.0.0.1:{end}/");
    assert_eq!(
        fails(&none, &to("https://app.example.com/")).await.1,
        "redirect",
        "it leads nowhere"
    );
}

/// What is connected to is what the resolver has said; whatever it says next, it is not asked again.
/// The first address of several that answers is taken, and each try is there to see.
#[tokio::test]
async fn an_address_that_changes_is_not_asked_for_twice() {
    let port = says(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let asked = Arc::new(AtomicU16::new(0));
    let count = Arc::clone(&asked);
    let ask = Ask::default();
    let prober = prober(&format!("http://app.example:{port}/"), "{}", 2000).resolving(
        &ask,
        Arc::new(move |host, port| {
            assert_eq!(host, "app.example");
            let time = count.fetch_add(1, Ordering::Relaxed);
            Box::pin(async move {
                let closed = SocketAddr::from(([127, 0, 0, 1], 1));
                // The second answer would lead elsewhere.
                Ok(if time == 0 {
                    vec![closed, SocketAddr::from(([127, 0, 0, 1], port))]
                } else {
                    vec![closed]
                })
            })
        }),
    );
    let (trace, failure) = prober.run().await;
    assert_eq!(failure, None);
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    let tries: Vec<_> =
        trace.tries.iter().map(|one| (one.address.port(), one.failure.is_none())).collect();
    assert_eq!(tries, [(1, false), (port, true)]);
    // Now it has moved.
    let (trace, failure) = prober.run().await;
    assert_eq!(failure.unwrap().reason, Reason::REFUSED);
    assert_eq!((trace.phase(), trace.tries.len()), ("connect", 1));
}

/// Redis answers a PING, and a server that greets is known by its banner. [B07]
#[tokio::test]
async fn a_port_is_known_by_what_it_says() {
    let redis = server(|mut peer| async move {
        let mut asked = [0; 6];
        let _ = peer.read_exact(&mut asked).await;
        let answer: &[u8] = if &asked == b"PING\r\n" { b"+PONG\r\n" } else { b"-ERR\r\n" };
        let _ = peer.write_all(answer).await;
    })
    .await;
    let url = format!("tcp://127.0.0.1:{redis}");
    assert_eq!(probe(&url, r#"{"send":"PING\r\n","expect":"^\\+PONG"}"#).await.1, None);
    assert_eq!(
        fails(&url, r#"{"send":"PONG\r\n","expect":"^\\+PONG"}"#).await,
        ("transfer", "body")
    );
    assert_eq!(probe(&url, "{}").await.1, None, "it is there");
}

fn certificates() -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let script = "cd \"$1\" && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
                  -subj '/O=Acme/CN=app.example' -addext subjectAltName=DNS:app.example,DNS:www.app.example \
                  -keyout key.pem -out own.pem && openssl x509 -in own.pem -outform DER -out own.der";
    let done = std::process::Command::new("sh")
        .args(["-c", script, "sh"])
        .arg(folder.path())
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let der = folder.path().join("own.der");
    (folder, der)
}

#[test]
fn a_certificate_is_read() {
    let (_folder, der) = certificates();
    let der = std::fs::read(der).unwrap();
    let read = certificate::Certificate::read(&der).unwrap();
    assert_eq!((read.subject.as_str(), read.self_signed), ("CN=app.example,O=Acme", true));
    assert_eq!(read.names, ["app.example", "www.app.example"]);
    assert_eq!(read.not_after - read.not_before, 2 * 86_400);
    assert_eq!(read.fingerprint.len(), 64);
    for length in 0..der.len() {
        assert_eq!(certificate::Certificate::read(&der[..length]), None);
    }
    for at in 0..der.len() {
        let mut wrong = der.clone();
        wrong[at] ^= 0xff;
        let _ = certificate::Certificate::read(&wrong);
    }
}

/// Samples of a batch, by metric.
#[derive(Default)]
struct Count(usize, Vec<f64>);

impl Sink for Count {
    fn sample(&mut self, _: Labels, _: &[(&str, &str)], value: f64) {
        self.0 += 1;
        self.1.push(value);
    }

    fn histogram(&mut self, _: Labels, _: &[(&str, &str)], seen: &crate::catalogue::Histogram) {
        self.0 += seen.buckets().len() + 2;
    }
}

fn series(batch: &Batch) -> usize {
    let mut count = Count::default();
    for set in batch.sets() {
        for metric in 0..set.metrics() {
            set.emit(metric, &mut count);
        }
    }
    count.0
}

/// With everything on there are at most 41 series, be it well or ill.
#[test]
fn a_probe_has_a_bound() {
    let known = || Known {
        limit: Duration::from_secs(4),
        durations: Some(super::times::Times::default().durations().clone()),
        slow: Some(0.1),
        failing: Some(0.1),
        fails_at: None,
    };
    for failure in [None, Some(Failure::new(reasons::BODY, "the body"))] {
        let mut trace = Trace::after([0, 1, 2, 3, 4, 5], Phase::Transfer);
        let missing = Some(vec!["x-frame-options".into()]);
        trace.answer =
            Some(Answer { status: 200, modified: Some(1), missing, ..Answer::default() });
        let certificates = vec![certificate::Certificate {
            not_after: 5,
            fingerprint: "f".into(),
            ..Default::default()
        }];
        trace.regex_failed = Some(false);
        trace.chain =
            Some(certificate::Chain { certificates, refused: None, on_disk: Some("f".into()) });
        trace.session = Some(Session { version: "TLS 1.3", cipher: "x".into() });
        let batch = sample::sample(trace, failure.as_ref(), None, known(), SystemTime::UNIX_EPOCH);
        let count = series(&batch);
        assert!((39..=41).contains(&count), "{count} series");
        assert_eq!(batch.details().len(), 1);
    }
    assert_eq!(AREA.tables.len(), 11);
}

/// A failing one says 0 for the families of its kind, from the first reading on, also if it was never there.
#[tokio::test]
async fn what_was_never_there_has_its_zero() {
    let (trace, failure) = probe("http://nowhere.invalid/", "{}").await;
    let raw = Raw { trace, failure, held: None };
    let known = Known { limit: Duration::from_secs(4), ..Known::default() };
    let batch = sample::sample(raw.trace, raw.failure.as_ref(), None, known, SystemTime::now());
    let (row_type, index) = AREA.locate("probe_http_status_code").unwrap();
    let mut count = Count::default();
    batch
        .sets()
        .filter(|set| set.row_type() == row_type)
        .for_each(|set| set.emit(index, &mut count));
    assert_eq!(count.1, [0.0]);
}

/// Loopback only, and only where the kernel lets us.
#[tokio::test]
async fn a_ping_comes_back_or_the_right_is_missing() {
    for url in ["icmp://127.0.0.1", "icmp://[::1]"] {
        let (trace, failure) = probe(url, "{}").await;
        match failure {
            None => assert!(trace.round_trip.is_some(), "{url}"),
            Some(failure) => assert!(
                failure.reason == Reason::RIGHTS || failure.reason == reasons::UNREACHABLE,
                "{url}: {failure}"
            ),
        }
    }
}
