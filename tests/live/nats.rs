//! NATS, for real: stopped, hung, answering rubbish, and back. [N01 N02 N05]

use serde_json::Value;

use crate::servers::kostatus::KoStatus;
use crate::servers::nats::Nats;
use crate::servers::wait::{PATIENT, until};
use crate::servers::{Stack, run};
use crate::stage::{Stage, Watched};

const MAIN: Watched =
    Watched { area: "nats", target: "main", alert: "NatsDown", severity: "critical" };

#[test]
fn a_server_that_stops_hangs_lies_and_returns() {
    run(async {
        let nats = Stack::nats_alone().await;
        let config = format!("nats:\n  main: {{ url: \"{}\" }}\n", nats.monitor_url());
        let stage = Stage::start(&config).await;
        let scrape = stage.well(MAIN).await;
        let endpoint = "stack_nats_endpoint_up{target=\"main\",endpoint=\"jsz\"}";
        assert_eq!(scrape.value(endpoint), Some(1.0), "{}", scrape.body);

        nats.server.stop().await;
        stage.sick(MAIN, "refused").await;
        let told = stage.exporter.log().matches("cannot read target").count();
        assert_eq!(told, 1, "one log line per change of state: {}", stage.exporter.log());
        nats.restart().await;
        stage.well(MAIN).await;

        nats.server.pause().await;
        stage.sick(MAIN, "timeout").await;
        nats.server.resume();
        stage.well(MAIN).await;

        nats.server.stop().await;
        let lies =
            KoStatus::impostor(nats.monitor_port, "text/html", "<html>It works!</html>").await;
        stage.sick(MAIN, "parse").await;
        drop(lies);
        nats.restart().await;
        stage.well(MAIN).await;
    });
}

#[test]
fn consumers_and_streams_are_what_the_server_says() {
    run(async {
        let nats = Stack::nats().await;
        let mut client = nats.client().await;
        client.create_stream("ORDERS", &["orders.>"], &Value::Null).await.unwrap();
        client.create_consumer("ORDERS", "packer", &Value::Null).await.unwrap();
        for _ in 0..5 {
            client.publish_stored("orders.new", b"{}").await.unwrap();
        }
        assert_eq!(client.pull("ORDERS", "packer", 2).await.unwrap().len(), 2);
        let config = format!("nats:\n  main: {{ url: \"{}\" }}\n", nats.monitor_url());
        let exporter =
            crate::servers::exporter::Exporter::start(crate::stage::binary(), &config).await;
        let scrape = exporter.scrape().await;
        let consumer = |metric: &str| {
            let mut lines = scrape.body.lines().filter(|line| line.starts_with(metric));
            let line = lines.find(|line| line.contains("consumer_name=\"packer\""));
            line.and_then(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
        };
        assert_eq!(consumer("jetstream_consumer_num_pending{"), Some(3.0), "{}", scrape.body);
        assert_eq!(consumer("jetstream_consumer_num_ack_pending{"), Some(2.0));
        let mut lines = scrape.body.lines();
        let stored = lines.find(|line| line.starts_with("gnatsd_varz_jetstream_stats_storage{"));
        assert!(stored.is_some_and(|line| !line.ends_with(" 0")), "{stored:?}");
        client.delete_stream("ORDERS").await.unwrap();
    });
}

/// Streams near their limits, copies of streams that are gone, and a server without a name. [N01 N05]
#[test]
fn streams_that_are_full_or_copy_what_is_gone() {
    run(async {
        // Without a name of its own.
        let nats = Nats::start(&["-n", ""]).await;
        let mut client = nats.client().await;
        let limits = serde_json::json!({ "max_msgs": 10, "discard": "new" });
        client.create_stream("FULL", &["full.>"], &limits).await.unwrap();
        client.create_stream("ORIGIN", &["origin.>"], &Value::Null).await.unwrap();
        let mirror = serde_json::json!({ "mirror": { "name": "ORIGIN" }, "subjects": null });
        client.create_stream("COPY", &[], &mirror).await.unwrap();
        for _ in 0..9 {
            client.publish_stored("full.one", b"x").await.unwrap();
        }
        let config = format!("nats:\n  main: {{ url: \"{}\" }}\n", nats.monitor_url());
        let stage = Stage::start(&config).await;
        let line = |family: &str, stream: &str, rest: &str| -> (String, String) {
            (format!("{family}{{target=\"main\""), format!("stream_name=\"{stream}\"{rest}"))
        };
        let seen = async |(start, labels): (String, String), value: f64| {
            until(&labels, PATIENT, async || {
                let scrape = stage.exporter.scrape().await;
                let is_it = |line: &&str| line.starts_with(&start) && line.contains(&labels);
                let found: Vec<_> = scrape.body.lines().filter(is_it).collect();
                let values: Vec<f64> =
                    found.iter().filter_map(|line| line.rsplit_once(' ')?.1.parse().ok()).collect();
                if values == [value] { Ok(()) } else { Err(found.join("\n")) }
            })
            .await;
        };
        let full = ",when_full=\"rejects\",limit=\"messages\"";
        seen(line("stack_nats_stream_used_ratio", "FULL", full), 0.9).await;
        seen(
            line("stack_nats_stream_origin_up", "COPY", ",kind=\"mirror\",origin=\"ORIGIN\""),
            1.0,
        )
        .await;
        let of_full = [("stream_name", "FULL"), ("severity", "warning")];
        stage.prometheus.wait_alert("NatsStreamFull", &of_full, "firing", 2 * PATIENT).await;

        client.delete_stream("ORIGIN").await.unwrap();
        seen(
            line("stack_nats_stream_origin_up", "COPY", ",kind=\"mirror\",origin=\"ORIGIN\""),
            0.0,
        )
        .await;
        let of_copy = [("stream_name", "COPY"), ("origin", "ORIGIN")];
        stage.prometheus.wait_alert("NatsMirrorBroken", &of_copy, "firing", 2 * PATIENT).await;

        // All series are the same ones after a restart of the server.
        let names = async || {
            let scrape = stage.exporter.scrape().await;
            let of_jetstream = scrape.body.lines().filter(|line| line.starts_with("jetstream_"));
            let names = of_jetstream.filter_map(|line| Some(line.rsplit_once(' ')?.0.to_owned()));
            names.collect::<std::collections::BTreeSet<_>>()
        };
        let before = names().await;
        assert!(before.iter().any(|name| name.contains("FULL")), "{before:?}");
        nats.restart().await;
        stage.well(MAIN).await;
        assert_eq!(names().await, before);
    });
}
