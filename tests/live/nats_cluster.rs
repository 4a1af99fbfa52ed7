//! Three servers that keep a stream together: whoever leads, it is told once, and under the same names. [N01 N02]

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::servers::exporter::{Exporter, Scrape};
use crate::servers::nats::Nats;
use crate::servers::port::free_port;
use crate::servers::wait::{PATIENT, until};
use crate::servers::{run, watchdog};

const NAMES: [&str; 3] = ["n1", "n2", "n3"];

async fn cluster() -> [Nats; 3] {
    let ports = NAMES.map(|_| free_port());
    let routes: Vec<_> = ports.iter().map(|port| format!("nats://127.0.0.1:{port}")).collect();
    let files = [0, 1, 2].map(|at| {
        let file = watchdog::dir(&format!("cluster-{at}")).join("nats.conf");
        let text = format!(
            "cluster {{ name: three, listen: \"127.0.0.1:{}\", routes: {routes:?} }}\n",
            ports[at]
        );
        std::fs::write(&file, text).unwrap();
        file.to_str().unwrap().to_owned()
    });
    // None is well before there is a majority.
    let start = async |at: usize| Nats::start(&["-n", NAMES[at], "-c", &files[at]]).await;
    let (a, b, c) = tokio::join!(start(0), start(1), start(2));
    [a, b, c]
}

/// Which target says how many messages wait.
fn waiting(scrape: &Scrape) -> Vec<(String, f64)> {
    let mut lines: Vec<_> = Vec::new();
    for line in
        scrape.body.lines().filter(|line| line.starts_with("jetstream_consumer_num_pending{"))
    {
        let target = line.split('"').nth(1).unwrap_or_default().to_owned();
        lines.push((target, line.rsplit_once(' ').unwrap().1.parse().unwrap()));
    }
    lines
}

/// Until exactly one server, and none of these, says that 35 wait; that one.
async fn leader(exporter: &Exporter, but: &[&str]) -> String {
    until("one leader that tells", PATIENT, async || {
        let scrape = exporter.scrape().await;
        for name in NAMES {
            let dead =
                format!("stack_queue_jobs{{target=\"{name}\",queue=\"{name}\",state=\"dead\"}}");
            assert!(scrape.value(&dead).is_none_or(|dead| dead == 0.0), "{}", scrape.body);
            let workers = format!("stack_queue_connected_workers{{target=\"{name}\"");
            assert!(scrape.line(&workers).is_none(), "they may be connected to another server");
        }
        let told = waiting(&scrape);
        let pending = |name: &str| {
            let jobs =
                format!("stack_queue_jobs{{target=\"{name}\",queue=\"{name}\",state=\"pending\"}}");
            scrape.value(&jobs)
        };
        let queues: Vec<_> = NAMES.iter().filter_map(|name| pending(name)).collect();
        match told.as_slice() {
            [(name, 35.0)] if !but.contains(&name.as_str()) && queues == [35.0] => Ok(name.clone()),
            _ => Err(format!("{told:?} {queues:?}")),
        }
    })
    .await
}

/// All series of JetStream of these targets but those that only a leader has.
async fn series(exporter: &Exporter, targets: &[&str]) -> BTreeSet<String> {
    let scrape = exporter.scrape().await;
    let is_ours = |line: &&str| {
        let named = line.starts_with("jetstream_") || line.starts_with("stack_nats_stream_");
        let of_leader = ["num_pending{", "num_waiting{"].iter().any(|part| line.contains(part));
        let target = |name: &&str| line.contains(&format!("{{target=\"{name}\""));
        named && !of_leader && targets.iter().any(target)
    };
    let lines = scrape.body.lines().filter(is_ours);
    lines.filter_map(|line| Some(line.rsplit_once(' ')?.0.to_owned())).collect()
}

#[test]
fn whoever_leads_it_is_told_once_and_under_the_same_names() {
    run(async {
        let servers = cluster().await;
        let mut client = servers[0].client().await;
        let replicated = json!({ "retention": "workqueue", "num_replicas": 3 });
        until("a cluster that makes streams", PATIENT, async || {
            let made = client.create_stream("TASKS", &["tasks"], &replicated).await;
            made.map(drop).map_err(|error| error.to_string())
        })
        .await;
        client.create_consumer("TASKS", "workers", &Value::Null).await.unwrap();
        for _ in 0..40 {
            client.publish_stored("tasks", b"{}").await.unwrap();
        }
        assert_eq!(client.pull("TASKS", "workers", 5).await.unwrap().len(), 5);

        let mut config = "nats:\n".to_owned();
        for (name, nats) in NAMES.iter().zip(&servers) {
            config +=
                &format!("  {name}: {{ url: \"{}\", endpoints: [routez] }}\n", nats.monitor_url());
        }
        config += "queues:\n";
        for name in NAMES {
            config += &format!(
                "  {name}: {{ jetstream: {{ nats: {name}, stream: TASKS, consumer: workers }} }}\n"
            );
        }
        let exporter = Exporter::start(crate::stage::binary(), &config).await;
        let first = leader(&exporter, &[]).await;
        let before = series(&exporter, &NAMES).await;
        assert!(before.iter().any(|name| name.contains("num_ack_pending")), "{before:?}");
        let scrape = exporter.scrape().await;
        let routes = format!(
            "gnatsd_routez_num_routes{{target=\"n1\",server_id=\"{}\"}}",
            servers[0].monitor_url()
        );
        assert!(scrape.value(&routes) >= Some(2.0), "{}", scrape.body);

        client.api("CONSUMER.LEADER.STEPDOWN.TASKS.workers", &Value::Null).await.unwrap();
        let second = leader(&exporter, &[&first]).await;
        assert_eq!(series(&exporter, &NAMES).await, before);

        // The leader is killed: another one knows the same.
        let at = NAMES.iter().position(|name| *name == second).unwrap();
        servers[at].server.kill();
        let third = leader(&exporter, &[&second]).await;
        let left: Vec<_> = NAMES.into_iter().filter(|name| *name != second).collect();
        let of_left =
            |name: &String| left.iter().any(|it| name.contains(&format!("target=\"{it}\"")));
        let kept: BTreeSet<_> = before.iter().filter(|name| of_left(name)).cloned().collect();
        assert_eq!(series(&exporter, &left).await, kept);

        // Without a majority nobody leads, and nobody says a number.
        let at = NAMES.iter().position(|name| *name == third).unwrap();
        servers[at].server.kill();
        let last = left.iter().find(|name| **name != third).unwrap();
        until("a queue that nobody leads", PATIENT, async || {
            let scrape = exporter.scrape().await;
            let unknown = format!(
                "stack_queue_condition{{target=\"{last}\",queue=\"{last}\",condition=\"unknown\"}}"
            );
            let quiet = waiting(&scrape).is_empty() && scrape.value(&unknown) == Some(1.0);
            if quiet { Ok(()) } else { Err(scrape.body) }
        })
        .await;
    });
}
