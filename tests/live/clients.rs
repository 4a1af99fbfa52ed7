//! Clients that hold on: slow, greedy, silent, many. Whatever they do, a scrape gets its answer.

use std::collections::BTreeMap;
use std::net::Shutdown;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use crate::servers::exporter::{Exporter, Scrape};
use crate::servers::port::free_port;
use crate::servers::wait::{PATIENT, get_ok, until};
use crate::servers::{run, text};
use crate::stage::binary;

const QUIET: &str = "docker: { enabled: false }\npostgres: {}\nnats: {}\nqueues: {}\nlogs: {}\n";

async fn connect(exporter: &Exporter) -> TcpStream {
    TcpStream::connect(("127.0.0.1", exporter.port)).await.unwrap()
}

/// A client that has room for next to nothing of an answer.
async fn small_window(exporter: &Exporter) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(2048).unwrap();
    let address = format!("127.0.0.1:{}", exporter.port).parse().unwrap();
    socket.connect(address).await.unwrap()
}

/// All that comes until the connection is closed; a reset is an end too.
async fn rest(stream: &mut TcpStream, patience: Duration) -> String {
    let mut got = Vec::new();
    let mut piece = [0; 4096];
    let reading = async {
        while let Ok(count) = stream.read(&mut piece).await {
            got.extend_from_slice(&piece[..count]);
            if count == 0 {
                break;
            }
        }
    };
    let closed = tokio::time::timeout(patience, reading).await.is_ok();
    let got = String::from_utf8_lossy(&got).into_owned();
    assert!(closed, "still open after {patience:?}: {got}");
    got
}

async fn said(stream: &mut TcpStream, request: &str) -> String {
    stream.write_all(request.as_bytes()).await.unwrap();
    rest(stream, Duration::from_secs(10)).await
}

fn refused(scrape: &Scrape, reason: &str) -> f64 {
    let series = format!("stack_http_refused_total{{reason=\"{reason}\"}}");
    scrape.value(&series).unwrap_or_else(|| panic!("no {series}"))
}

/// The two that must always come through, each at once.
async fn is_well(exporter: &Exporter) -> Scrape {
    for path in ["/-/healthy", "/metrics"] {
        let start = Instant::now();
        let scrape = exporter.get(path, &[]).await;
        assert_eq!(scrape.status, 200, "{path}");
        assert!(start.elapsed() < Duration::from_secs(3), "{path}: {:?}", start.elapsed());
        if path == "/metrics" {
            return scrape;
        }
    }
    unreachable!("the second is returned");
}

/// A memory group of its own with the limit of the shipped unit; gone with the test.
struct MemoryGroup(PathBuf);

impl MemoryGroup {
    const LIMIT: u64 = 256 << 20;

    /// None where there is no such hierarchy to write: then only the resident memory is looked at.
    fn make(number: u16) -> Option<Self> {
        let name = format!("stack-clients-{number}");
        let version_1 = PathBuf::from("/sys/fs/cgroup/memory").join(&name);
        let version_2 = PathBuf::from("/sys/fs/cgroup").join(&name);
        for (dir, limit) in [(version_1, "memory.limit_in_bytes"), (version_2, "memory.max")] {
            if std::fs::create_dir(&dir).is_ok() {
                if std::fs::write(dir.join(limit), Self::LIMIT.to_string()).is_ok() {
                    return Some(Self(dir));
                }
                let _ = std::fs::remove_dir(&dir);
            }
        }
        None
    }

    fn take(&self, exporter: &Exporter) {
        let pid = exporter.server.pid().unwrap().as_raw_nonzero();
        std::fs::write(self.0.join("cgroup.procs"), pid.to_string()).unwrap();
    }

    fn peak(&self) -> Option<u64> {
        let file = self.0.join("memory.max_usage_in_bytes");
        std::fs::read_to_string(file).ok()?.trim().parse().ok()
    }
}

impl Drop for MemoryGroup {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir(&self.0);
    }
}

#[test]
fn seven_hundred_unfinished_heads_cost_neither_memory_nor_a_scrape() {
    run(async {
        for (size, reason) in [(390_000, "head_size"), (15_000, "connections")] {
            // Made first, as it can go only after the process.
            let group = MemoryGroup::make(free_port());
            let exporter = Exporter::start(binary(), QUIET).await;
            if let Some(group) = &group {
                group.take(&exporter);
            }
            let head = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}", "a".repeat(size));
            let mut clients = Vec::new();
            for _ in 0..700 {
                let stream = connect(&exporter).await;
                // As much as it takes: it may be closed already.
                let head = head.clone();
                clients.push(tokio::spawn(async move {
                    let (mut reader, mut writer) = stream.into_split();
                    let _ = tokio::time::timeout(
                        Duration::from_secs(3),
                        writer.write_all(head.as_bytes()),
                    )
                    .await;
                    let mut got = Vec::new();
                    let _ =
                        tokio::time::timeout(Duration::from_secs(8), reader.read_to_end(&mut got))
                            .await;
                    String::from_utf8_lossy(&got).into_owned()
                }));
            }
            let scrape = is_well(&exporter).await;
            // No more than 256 can be there by now, and of those over the limit none.
            let turned_away = refused(&scrape, "connections") + refused(&scrape, "head_size");
            assert!(turned_away >= 400.0 && refused(&scrape, reason) > 0.0, "{}", scrape.body);
            assert!(scrape.value("stack_http_connections").unwrap() <= 256.0);
            let mut told: BTreeMap<String, usize> = BTreeMap::new();
            for client in clients {
                let first = client.await.unwrap().lines().next().unwrap_or_default().to_owned();
                *told.entry(first).or_default() += 1;
            }
            let resident = exporter.resident_bytes().unwrap();
            let peak = group.as_ref().and_then(MemoryGroup::peak);
            eprintln!(
                "[clients] answers {told:?}, resident {resident}, peak of the group {peak:?}"
            );
            assert!(resident < 64 << 20, "{resident} bytes");
            is_well(&exporter).await;
            assert!(exporter.log().contains("clients are turned away: "), "{}", exporter.log());
            let lines = exporter.log().matches("clients are turned away: ").count();
            assert!(lines <= 3, "once a minute and reason, not {lines} times");
        }
    });
}

/// Who comes again and again does not keep others out either.
#[test]
fn a_flood_of_connections_leaves_a_probe_its_place() {
    run(async {
        let exporter = Exporter::start(binary(), QUIET).await;
        let mut flood = tokio::task::JoinSet::new();
        for worker in 0..4 {
            let port = exporter.port;
            let head = format!(
                "GET / HTTP/1.1\r\nX: {}",
                "a".repeat(if worker == 0 { 60_000 } else { 100 })
            );
            flood.spawn(async move {
                let mut kept = std::collections::VecDeque::new();
                loop {
                    if let Ok(stream) = TcpStream::connect(("127.0.0.1", port)).await {
                        let _ = stream.try_write(head.as_bytes());
                        kept.push_back(stream);
                    }
                    if kept.len() > 150 {
                        kept.pop_front();
                    }
                }
            });
        }
        for _ in 0..20 {
            is_well(&exporter).await;
        }
        flood.shutdown().await;
        let scrape = is_well(&exporter).await;
        let turned_away = refused(&scrape, "connections");
        eprintln!(
            "[clients] a flood: {turned_away} turned away, resident {:?}",
            exporter.resident_bytes()
        );
        assert!(turned_away > 100.0, "{}", scrape.body);
    });
}

#[test]
fn small_heads_that_are_never_finished_are_closed_and_told_why() {
    run(async {
        let exporter = Exporter::start(binary(), QUIET).await;
        let mut silent = connect(&exporter).await;
        let mut half = connect(&exporter).await;
        half.write_all(b"GET / HTTP/1.1\r\nHo").await.unwrap();
        // One that drips: a header line each half second for ever.
        let mut drip = connect(&exporter).await;
        let start = Instant::now();
        let dripping = async {
            let _ = drip.write_all(b"GET / HTTP/1.1\r\n").await;
            let mut tick = tokio::time::interval(Duration::from_millis(500));
            while drip.write_all(b"a: b\r\n").await.is_ok() && start.elapsed() < PATIENT {
                tick.tick().await;
            }
        };
        let quiet = async {
            for stream in [&mut silent, &mut half] {
                let got = rest(stream, Duration::from_secs(10)).await;
                assert!(got.starts_with("HTTP/1.1 408 "), "{got}");
            }
            start.elapsed()
        };
        let ((), took) = tokio::join!(dripping, quiet);
        assert!((4..9).contains(&took.as_secs()), "{took:?}");
        assert!(
            start.elapsed() < Duration::from_secs(9),
            "the one that drips: {:?}",
            start.elapsed()
        );
        let scrape = is_well(&exporter).await;
        assert!((refused(&scrape, "head_time") - 3.0).abs() < 1e-9, "{}", scrape.body);
    });
}

#[test]
fn a_thousand_idle_connections_leave_a_scrape_its_place() {
    run(async {
        let exporter = Exporter::start(binary(), QUIET).await;
        let mut idle = Vec::new();
        for _ in 0..1000 {
            let mut stream = connect(&exporter).await;
            stream.write_all(b"GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
            let mut piece = [0; 512];
            let count = stream.read(&mut piece).await.unwrap();
            assert!(piece[..count].starts_with(b"HTTP/1.1 200 "));
            idle.push(stream);
        }
        let scrape = is_well(&exporter).await;
        assert!(scrape.value("stack_http_connections").unwrap() <= 256.0);
        assert!(refused(&scrape, "connections") >= 744.0);
        // The last ones were not let go: they are still answered.
        for stream in idle.iter_mut().rev().take(50) {
            stream.write_all(b"GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
            let mut piece = [0; 512];
            let count = stream.read(&mut piece).await.unwrap();
            assert!(piece[..count].starts_with(b"HTTP/1.1 200 "));
        }
    });
}

/// Longer than the limit for a head: Prometheus comes back every 15 to 60 s.
#[test]
fn an_idle_connection_outlives_the_limit_of_heads() {
    run(async {
        let exporter = Exporter::start(binary(), QUIET).await;
        let mut stream = connect(&exporter).await;
        let mut piece = [0; 512];
        for _ in 0..2 {
            stream.write_all(b"GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
            let count = stream.read(&mut piece).await.unwrap();
            assert!(piece[..count].starts_with(b"HTTP/1.1 200 "));
            let closed =
                tokio::time::timeout(Duration::from_secs(7), stream.read(&mut piece)).await;
            assert!(closed.is_err(), "closed while idle");
        }
    });
}

#[test]
fn answers_that_are_not_taken_cost_no_scrape_and_end() {
    run(async {
        // Made first, as it can go only after the process.
        let group = MemoryGroup::make(free_port());
        // Each answer a whole one: how many would be turned away by the limit of scrapes at once depends
        // on how busy the machine is.
        let args = ["--web.max-requests", "1000"];
        let exporter = Exporter::start_with(binary(), QUIET, &args, &[]).await;
        if let Some(group) = &group {
            group.take(&exporter);
        }
        let many = "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n".repeat(200);
        let mut clients = Vec::new();
        for _ in 0..256 {
            let mut stream = small_window(&exporter).await;
            let _ =
                tokio::time::timeout(Duration::from_millis(200), stream.write_all(many.as_bytes()))
                    .await;
            clients.push(stream);
        }
        // None of them lets go by itself; room is made all the same.
        let scrape = exporter.scrape().await;
        assert_eq!(scrape.status, 200, "{}", scrape.body);
        assert!(scrape.value("stack_http_connections").unwrap() <= 256.0);
        assert_eq!(exporter.get("/-/healthy", &[]).await.status, 200);
        let peak = group.as_ref().and_then(MemoryGroup::peak);
        eprintln!(
            "[clients] slow readers: resident {:?}, peak {peak:?}",
            exporter.resident_bytes()
        );
        assert!(exporter.resident_bytes().unwrap() < 160 << 20);
        until("their end", PATIENT, async || {
            let scrape = exporter.scrape().await;
            let late = refused(&scrape, "answer_time");
            if late > 100.0 && late + refused(&scrape, "connections") > 200.0 {
                Ok(())
            } else {
                Err(scrape.body)
            }
        })
        .await;
        drop(clients);
    });
}

#[test]
fn without_files_to_spare_it_goes_on_answering() {
    run(async {
        let script = format!("ulimit -n 128; exec {} \"$@\"", text(binary()));
        let exporter = Exporter::through_shell(&script, QUIET).await;
        let mut held = Vec::new();
        for _ in 0..300 {
            held.push(connect(&exporter).await);
        }
        let scrape = is_well(&exporter).await;
        assert!(refused(&scrape, "files") > 100.0, "{}", scrape.body);
        let open = scrape.value("process_open_fds").unwrap();
        assert!(open <= 100.0, "{open} of 128");
        let busy = cpu_ticks(&exporter);
        let start = Instant::now();
        until("a second", PATIENT, async || start.elapsed() > Duration::from_secs(1)).await;
        assert!(cpu_ticks(&exporter) - busy < 50, "it spins");
    });
}

fn cpu_ticks(exporter: &Exporter) -> u64 {
    let pid = exporter.server.pid().unwrap().as_raw_nonzero();
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

/// Whatever clients hold, SIGTERM ends it, and answers under way are given.
#[test]
fn no_client_keeps_it_from_ending() {
    run(async {
        for second in [false, true] {
            let exporter = Exporter::start(binary(), QUIET).await;
            let mut half = connect(&exporter).await;
            half.write_all(b"GET / HTTP/1.1\r\nHo").await.unwrap();
            let mut slow = small_window(&exporter).await;
            let many = "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n".repeat(200);
            let _ =
                tokio::time::timeout(Duration::from_millis(500), slow.write_all(many.as_bytes()))
                    .await;
            let mut idle = connect(&exporter).await;
            idle.write_all(b"GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
            let mut piece = [0; 512];
            assert!(idle.read(&mut piece).await.unwrap() > 0);
            let start = Instant::now();
            exporter.server.signal(if second { Signal::INT } else { Signal::TERM });
            if second {
                // Idle ones are let go at once: the first signal has been heard.
                assert_eq!(rest(&mut idle, Duration::from_secs(2)).await, "");
                exporter.server.signal(Signal::TERM);
            }
            until("its end", PATIENT, async || !exporter.server.is_running()).await;
            let took = start.elapsed();
            let limit = if second { 1500 } else { 4000 };
            assert!(took < Duration::from_millis(limit), "{took:?}");
            assert!(
                second || took > Duration::from_millis(1500),
                "answers get their time: {took:?}"
            );
        }
    });
}

#[test]
fn scrapes_under_way_are_answered_at_the_end() {
    run(async {
        // Accepts connections, for the kernel does, and never answers: a scrape takes its second.
        let hanging = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", hanging.local_addr().unwrap());
        let config = format!(
            "nats: {{ main: {{ url: \"{origin}\" }} }}\ndocker: {{ enabled: false }}\nhost: {{ enabled: false }}\n"
        );
        let exporter = Exporter::launch(binary(), &config, &[], &[]);
        let healthy = format!("{}/-/healthy", exporter.url());
        until("the exporter", PATIENT, async || get_ok(&healthy).await).await;
        let mut scrapes = Vec::new();
        for _ in 0..50 {
            let mut stream = connect(&exporter).await;
            stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
            scrapes.push(stream);
        }
        until("the scrapes to be under way", PATIENT, async || {
            let scrape = exporter.scrape().await;
            scrape.value("stack_scrapes_total{outcome=\"served\"}").unwrap_or(0.0) >= 50.0
        })
        .await;
        let mut more = Vec::new();
        for _ in 0..50 {
            let mut stream = connect(&exporter).await;
            stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
            more.push(stream);
        }
        exporter.server.signal(Signal::TERM);
        for stream in &mut scrapes {
            let got = rest(stream, Duration::from_secs(5)).await;
            assert!(got.starts_with("HTTP/1.1 200 "), "{}", got.len());
        }
        until("its end", PATIENT, async || !exporter.server.is_running()).await;
    });
}

#[test]
fn odd_requests_are_answered_and_hold_nothing() {
    run(async {
        let exporter = Exporter::start(binary(), QUIET).await;
        let one_zero = "GET /-/healthy HTTP/1.0\r\n\r\n";
        let got = said(&mut connect(&exporter).await, one_zero).await;
        assert!(got.starts_with("HTTP/1.0 200 ") && got.ends_with("ok\n"), "{got}");
        // Two requests in one piece, the second of which closes.
        let two = "GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\nHEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        let got = said(&mut connect(&exporter).await, two).await;
        assert_eq!(got.matches("HTTP/1.1 200 ").count(), 2, "{got}");
        assert!(!got.contains("<html"), "{got}");
        // Who has said all may still listen.
        let mut stream = connect(&exporter).await;
        stream.write_all(b"GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        let stream_std = stream.into_std().unwrap();
        stream_std.shutdown(Shutdown::Write).unwrap();
        let mut stream = TcpStream::from_std(stream_std).unwrap();
        let got = rest(&mut stream, Duration::from_secs(5)).await;
        assert!(got.starts_with("HTTP/1.1 200 ") && got.ends_with("ok\n"), "{got}");
        // No other protocol is spoken.
        let upgrade = "GET /-/healthy HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n";
        let got = said(&mut connect(&exporter).await, upgrade).await;
        assert!(got.starts_with("HTTP/1.1 200 "), "{got}");
        let got = said(&mut connect(&exporter).await, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
        assert!(!got.contains(" 200 "), "{got}");
        // A body is not waited for: neither one that is announced, nor one that drips or is huge.
        for head in [
            "Content-Length: 1000000",
            "Transfer-Encoding: chunked",
            "Expect: 100-continue\r\nContent-Length: 9",
        ] {
            let mut stream = connect(&exporter).await;
            let start = Instant::now();
            let request = format!("POST /-/reload HTTP/1.1\r\nHost: a\r\n{head}\r\n\r\n");
            let got = said(&mut stream, &request).await;
            assert!(got.starts_with("HTTP/1.1 200 "), "{head}: {got}");
            assert!(start.elapsed() < Duration::from_secs(4), "{head}: {:?}", start.elapsed());
        }
        let mut stream = connect(&exporter).await;
        let request = format!(
            "POST /-/reload HTTP/1.1\r\nHost: a\r\nContent-Length: 50000000\r\n\r\n{}",
            "x".repeat(200_000)
        );
        let _ = tokio::time::timeout(Duration::from_secs(2), stream.write_all(request.as_bytes()))
            .await;
        let _ = rest(&mut stream, Duration::from_secs(10)).await;
        let scrape = is_well(&exporter).await;
        assert!(exporter.resident_bytes().unwrap() < 64 << 20);
        assert!(scrape.value("stack_http_connections").unwrap() <= 3.0, "{}", scrape.body);
    });
}

#[test]
fn only_our_own_names_are_served_and_every_answer_is_guarded() {
    run(async {
        let exporter = Exporter::start(binary(), QUIET).await;
        let port = exporter.port;
        for (host, status) in [
            (format!("127.0.0.1:{port}"), 200),
            (format!("localhost:{port}"), 200),
            (format!("[::1]:{port}"), 200),
            // As Prometheus asks in Compose, or for another machine.
            (format!("stack-exporter:{port}"), 200),
            (format!("192.0.2.7:{port}"), 200),
            (rustix::system::uname().nodename().to_string_lossy().into_owned(), 200),
            (format!("evil.example:{port}"), 421),
            ("127.0.0.1.evil.example".to_owned(), 421),
        ] {
            for path in
                ["/", "/metrics", "/api/v1/status", "/debug/host/host", "/-/healthy", "/none"]
            {
                let answer = exporter.get(path, &[("host", &host)]).await;
                let wanted = if status == 200 && path == "/none" { 404 } else { status };
                assert_eq!(answer.status, wanted, "{host} {path}");
                assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
                assert_eq!(answer.header("x-frame-options"), Some("DENY"));
                assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
                let policy = answer.header("content-security-policy").unwrap();
                assert!(
                    policy.starts_with("default-src 'none'; script-src 'self'; style-src 'sha256-")
                        && !policy.contains("unsafe"),
                    "{policy}"
                );
                if status == 421 {
                    assert!(answer.body.contains("`allowed_hosts`"), "{}", answer.body);
                    assert!(!answer.body.contains("evil"), "{}", answer.body);
                }
            }
        }
        let scrape = is_well(&exporter).await;
        assert!(refused(&scrape, "host") >= 12.0);
        // Allowed by the configuration, from the next reload on.
        exporter.write_config(&format!("{QUIET}web: {{ allowed_hosts: [\"*.corp.example\"] }}\n"));
        assert_eq!(exporter.reload().await.0, 200);
        let of = async |host: &str| exporter.get("/", &[("host", host)]).await.status;
        assert_eq!(of("metrics.corp.example").await, 200);
        assert_eq!(of("evil.example").await, 421);
        exporter
            .write_config(&format!("{QUIET}web: {{ allowed_hosts: [\"http://a.example\"] }}\n"));
        let (status, told) = exporter.reload().await;
        assert_eq!(status, 400);
        assert!(told.contains("web.allowed_hosts[0]: expected a name such as"), "{told}");
        exporter.write_config(QUIET);
        assert_eq!(exporter.reload().await.0, 200);
        assert_eq!(of("metrics.corp.example").await, 421);
    });
}

/// What is missing is files, not a proc file system.
#[test]
fn too_few_files_are_told_as_such() {
    run(async {
        let mut told_as_such = 0;
        for files in 6..=14 {
            let script = format!("ulimit -n {files}; exec {} \"$@\"", text(binary()));
            let done = std::process::Command::new("sh")
                .args(["-c", &script, "sh", "check", "--only", "host"])
                .env_clear()
                .env("COLUMNS", "10000")
                .output()
                .unwrap();
            let told = String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned();
            for wrong in ["must be a proc file system", "a defect in", "panicked"] {
                assert!(!told.contains(wrong), "{files} files: {told}");
            }
            let such = told.contains("too many files are open")
                && told.contains("raise the limit (`ulimit -n`");
            told_as_such += usize::from(such);
        }
        assert!(told_as_such >= 2, "{told_as_such} times");
    });
}
