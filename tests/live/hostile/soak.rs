//! Memory over 20,000 scrapes while sources lie each time they are read.
//!
//! A target is read once a second at most, so many of them stand beside each other: each scrape
//! of the run finds some that have just been lied to.

use std::fmt::Write as _;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::engine;
use super::liar::{Liar, Manner, Say};
use super::nats;
use super::report::megabytes;
use super::rig::launch;
use crate::servers::wait::{PATIENT, get_ok, until};

const SCRAPES: u32 = 20_000;
/// Scrapers side by side, who share readings.
const ABREAST: u32 = 40;
const TARGETS: usize = 20;
/// Of the last tenth over the first that is warm.
const GROWTH: u64 = 16 << 20;

/// Another lie each time, small enough that one alone harms nobody.
fn lie(number: u64, path: &str) -> Say {
    let flood = |open: &str| Say::open(open).again("{},", 5_000).last("{}]}");
    let unique = format!("name{number}");
    match number % 8 {
        0 => flood("["),
        1 => flood("{\"server_id\":\"N\",\"account_details\":["),
        2 => Say::json(
            nats::well(path.split('?').next().unwrap_or_default())
                .replace("main", &unique)
                .replace("well", &unique),
        ),
        3 => Say::json(format!(
            "{{\"status\":\"ok\",\"queue_stats\":{{\"{unique}\":{{\"pending\":1}}}}}}"
        )),
        4 => Say::bytes("HTTP/1.1 200 OK\r\n").again("x: aaaaaaaa\r\n", 100),
        5 => Say::json("[".repeat(10_000)),
        6 => Say::json(format!("[{}]", engine::container(&format!("{number:064x}"), &unique))),
        _ => Say::open("{\"a\":\"").again("a", 100_000),
    }
}

/// Without the tests' own client, which costs more than what it asks for.
async fn scrape(port: u16) -> std::io::Result<Duration> {
    let begun = Instant::now();
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let whole = answer.starts_with(b"HTTP/1.1 200 ") && answer.len() > 1000;
    whole.then(|| begun.elapsed()).ok_or_else(|| std::io::Error::other("not a scrape"))
}

pub async fn play() {
    let count = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&count);
    let liar = Liar::start(Manner::Http(Arc::new(move |path| {
        let number = counter.fetch_add(1, Ordering::Relaxed);
        // The Engine is asked for more only if these are true.
        if path.contains("/version") || path.contains("/info") {
            return engine::honest(path);
        }
        if path.contains("/events") {
            let event = format!(r#"{{"Type":"container","Action":"start","Actor":{{"ID":"@@@@@@@@@@@@@@@@{number:016x}","Attributes":{{"name":"n{number}"}}}},"timeNano":1}}"#);
            return Say::headed("", "").again(event + "\n", 1000).counted();
        }
        lie(number, path)
    })))
    .await;
    let url = liar.url();
    let mut config = format!(
        "docker: {{ url: \"tcp://127.0.0.1:{}\", timeout: 1s }}\npostgres: {{}}\nlogs: {{}}\nhost: {{ enabled: true }}\n",
        liar.port
    );
    config.push_str("nats:\n");
    for n in 0..TARGETS {
        let _ = writeln!(config, "  n{n}: {{ url: \"{url}\", timeout: 1s }}");
    }
    config.push_str("queues:\n");
    for n in 0..TARGETS {
        let _ = writeln!(config, "  q{n}: {{ http: \"{url}/q\", preset: alaw, timeout: 1s }}");
    }
    let (exporter, _group) = launch(&config);
    let healthy = format!("{}/-/healthy", exporter.url());
    until("the exporter", PATIENT, async || get_ok(&healthy).await).await;
    let (begun, mut slowest, mut warm, mut last) = (Instant::now(), Duration::ZERO, 0, 0);
    for number in (ABREAST..=SCRAPES).step_by(ABREAST as usize) {
        let scrapes = (0..ABREAST).map(|_| scrape(exporter.port));
        for took in futures_util::future::join_all(scrapes).await {
            slowest = slowest.max(took.expect("a scrape"));
        }
        // Of those side by side nobody knows the order: the next one is looked at to the letter.
        let (_, wrong) = exporter.try_scrape().await.expect("a scrape");
        assert!(wrong.is_empty(), "{wrong:?}");
        if number % (SCRAPES / 10) == 0 {
            last = exporter.resident_bytes().unwrap_or_default();
            // The caps are full by then.
            warm = if number == SCRAPES / 5 { last } else { warm };
            eprintln!(
                "{number:>6} scrapes, {:>4.0} s, {} answers were lies, {} MB, slowest scrape {} ms",
                begun.elapsed().as_secs_f64(),
                count.load(Ordering::Relaxed),
                megabytes(last),
                slowest.as_millis(),
            );
        }
    }
    assert!(last <= warm + GROWTH, "from {} to {} MB", megabytes(warm), megabytes(last));
}
