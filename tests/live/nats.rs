//! NATS, for real: stopped, hung, answering rubbish, and back. [N01 N02 N05]

use serde_json::Value;

use crate::servers::kostatus::KoStatus;
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
