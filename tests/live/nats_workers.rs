//! Workers of a consumer that are killed, stopped and come back, with jobs in work: real processes. [N04 Q09]

use std::io::Write as _;
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;

use crate::servers::nats::Nats;
use crate::servers::process::{Server, Spec};
use crate::servers::wait::{PATIENT, until};
use crate::servers::{run, watchdog};
use crate::stage::Stage;

/// Two readings, one a second, and what a busy machine takes.
const TWO_READINGS: Duration = Duration::from_secs(4);

/// A worker of `tests/live/servers/nats_worker.py` that has taken its jobs.
async fn worker(nats: &Nats, args: &[&str], has: u64) -> Server {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/live/servers/nats_worker.py");
    let port = nats.port.to_string();
    let mut all = vec![script.to_str().unwrap(), &port];
    all.extend(args);
    let spec = Spec::new(Path::new("/usr/bin/python3"), "python3", &all);
    let server = Server::start(spec, &watchdog::dir("worker"));
    until("a worker with its jobs", PATIENT, async || {
        server.assert_alive();
        let (log, wanted) = (server.log(), format!("has {has}"));
        if log.contains(&wanted) { Ok(()) } else { Err(log) }
    })
    .await;
    server
}

/// Until the queue is in this condition, and says so of no other.
async fn told(stage: &Stage, queue: &str, condition: &str, within: Duration) {
    until(&format!("{queue} {condition}"), within, async || {
        let scrape = stage.exporter.scrape().await;
        let start = format!("stack_queue_condition{{target=\"{queue}\",queue=\"{queue}\"");
        let of_queue = scrape.body.lines().filter(|line| line.starts_with(&start));
        let holds: Vec<_> = of_queue.filter(|line| line.ends_with(" 1")).collect();
        let wanted = format!("condition=\"{condition}\"");
        if holds.len() == 1 && holds[0].contains(&wanted) {
            Ok(())
        } else {
            Err(format!("{holds:?}"))
        }
    })
    .await;
}

async fn connected(stage: &Stage, queue: &str) -> Option<f64> {
    let scrape = stage.exporter.scrape().await;
    scrape.value(&format!("stack_queue_connected_workers{{target=\"{queue}\",queue=\"{queue}\"}}"))
}

/// A server with these settings, and a stream with twelve jobs for each consumer.
async fn server(settings: &str, streams: &[&str]) -> Nats {
    let file = watchdog::dir("nats-settings").join("nats.conf");
    std::fs::write(&file, settings).unwrap();
    let nats = Nats::start(&["-c", file.to_str().unwrap()]).await;
    let mut client = nats.client().await;
    for stream in streams {
        let subject = stream.to_lowercase();
        let queue = json!({ "retention": "workqueue" });
        client.create_stream(stream, &[&subject], &queue).await.unwrap();
        let deliver = if *stream == "PUSH" { json!("jobs.push") } else { json!(null) };
        let mut config = json!({ "ack_wait": 2_000_000_000_u64, "max_ack_pending": 3 });
        if !deliver.is_null() {
            config["deliver_subject"] = deliver;
        }
        client.create_consumer(stream, "workers", &config).await.unwrap();
        for _ in 0..12 {
            client.publish_stored(&subject, b"{}").await.unwrap();
        }
    }
    nats
}

fn queues(nats: &Nats, streams: &[(&str, &str)]) -> String {
    let mut text = "queues:\n".to_owned();
    for (stream, more) in streams {
        text += &format!(
            "  {}: {{ jetstream: {{ url: \"{}\", stream: {stream}, consumer: workers{more} }}, job_timeout: 1h }}\n",
            stream.to_lowercase(),
            nats.monitor_url(),
        );
    }
    text
}

/// Jobs in work, and their workers are killed: it looked as if all were busy, for ever.
#[test]
fn a_killed_worker_is_no_busy_one() {
    run(async {
        let nats = server("", &["PULL", "NAMED", "PUSH"]).await;
        // It is a client that stays, and no worker.
        let mut publisher = nats.client().await;
        let streams = [("PULL", ""), ("NAMED", ", workers: \"crew-*\""), ("PUSH", "")];
        let stage = Stage::start(&queues(&nats, &streams)).await;
        let named = worker(&nats, &["crew-1", "NAMED", "workers", "3"], 3).await;
        let pull = worker(&nats, &["", "PULL", "workers", "3"], 3).await;
        let push = worker(&nats, &["", "PUSH", "workers", "3", "jobs.push"], 3).await;
        for queue in ["pull", "named", "push"] {
            told(&stage, queue, "saturated", PATIENT).await;
        }
        assert_eq!(connected(&stage, "named").await, Some(1.0));
        assert_eq!(connected(&stage, "push").await, Some(1.0));

        // Other clients that could be workers stay, so only a name tells that this one is gone.
        named.signal(Signal::KILL);
        told(&stage, "named", "no_workers", TWO_READINGS).await;
        told(&stage, "pull", "saturated", TWO_READINGS).await;
        let labels = [("queue", "named"), ("severity", "critical")];
        stage.prometheus.wait_alert("QueueWithoutWorkers", &labels, "firing", PATIENT).await;

        push.signal(Signal::KILL);
        told(&stage, "push", "no_workers", TWO_READINGS).await;
        pull.signal(Signal::KILL);
        told(&stage, "pull", "no_workers", TWO_READINGS).await;
        assert_eq!(connected(&stage, "pull").await, Some(0.0));
        // The publisher was connected all along.
        publisher.publish_stored("pull", b"{}").await.unwrap();
        told(&stage, "pull", "no_workers", TWO_READINGS).await;

        // One that comes back gets the jobs of the dead one, and has time for them.
        let back = worker(&nats, &["crew-2", "NAMED", "workers", "3"], 3).await;
        told(&stage, "named", "saturated", TWO_READINGS).await;
        drop(back);
        told(&stage, "named", "no_workers", TWO_READINGS).await;
    });
}

/// A stopped process is a busy one as far as anybody can see, until it does not answer the server's pings.
#[test]
fn a_stopped_worker_is_gone_once_the_server_knows() {
    run(async {
        let nats = server("ping_interval: \"1s\"\nping_max: 2\n", &["PULL"]).await;
        let stage = Stage::start(&queues(&nats, &[("PULL", "")])).await;
        let pull = worker(&nats, &["", "PULL", "workers", "3"], 3).await;
        told(&stage, "pull", "saturated", PATIENT).await;
        pull.pause().await;
        told(&stage, "pull", "no_workers", PATIENT).await;
        let closed = format!("{}/connz?state=closed", nats.monitor_url());
        let closed = crate::servers::wait::get_ok(&closed).await.unwrap();
        assert!(closed.contains("Stale Connection"), "{closed}");
        pull.resume();
    });
}

/// A client that does not read is cut off, and named by what the server says of closed connections. [N01]
#[test]
fn a_client_that_was_cut_off_is_named() {
    run(async {
        let nats =
            server("max_pending: 2MB\nmax_payload: 1MB\nwrite_deadline: \"1s\"\n", &[]).await;
        let config = format!("nats:\n  main: {{ url: \"{}\" }}\n", nats.monitor_url());
        let stage = Stage::start(&config).await;
        let asleep = TcpStream::connect(("127.0.0.1", nats.port)).unwrap();
        let hello = "CONNECT {\"verbose\":false,\"name\":\"asleep\"}\r\nSUB flood 1\r\nPING\r\n";
        (&asleep).write_all(hello.as_bytes()).unwrap();
        let mut client = nats.client().await;
        let piece = vec![0; 900_000];
        let named = "stack_nats_slow_client_cuts{target=\"main\",client=\"asleep\"}";
        until("a client that was cut off", PATIENT, async || {
            for _ in 0..4 {
                client.publish("flood", &piece).await.unwrap();
            }
            let scrape = stage.exporter.scrape().await;
            if scrape.value(named) == Some(1.0) { Ok(()) } else { Err(scrape.body) }
        })
        .await;
        let labels = [("target", "main")];
        let alert = stage.prometheus.wait_alert("NatsSlowConsumer", &labels, "firing", PATIENT);
        drop(alert.await);
        drop(asleep);
    });
}
