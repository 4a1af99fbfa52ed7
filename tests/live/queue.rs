//! Queues, for real: an application that stops, hangs and lies; a consumer, a query and a file.
//! [Q01 Q02 Q03 Q04 Q05]

use serde_json::json;

use crate::servers::kostatus::{KoStatus, Mode, example};
use crate::servers::run;
use crate::servers::wait::PATIENT;
use crate::stage::{Stage, Watched};
use crate::world::world;

const ALAW: Watched =
    Watched { area: "queue", target: "alaw", alert: "QueueUnreadable", severity: "warning" };

#[test]
fn an_application_that_stops_hangs_lies_and_returns() {
    run(async {
        let app = KoStatus::start().await;
        let config = format!("queues:\n  alaw: {{ http: \"{}\", preset: alaw }}\n", app.url());
        let stage = Stage::start(&config).await;
        let scrape = stage.well(ALAW).await;
        for (queue, state, jobs) in [
            ("search", "processing", 1.0),
            ("search", "completed", 15.0),
            ("analysis", "pending", 2.0),
        ] {
            let series =
                format!("stack_queue_jobs{{target=\"alaw\",queue=\"{queue}\",state=\"{state}\"}}");
            assert_eq!(scrape.value(&series), Some(jobs), "{}", scrape.body);
        }
        let memory = scrape.value("stack_queue_memory_used_ratio{target=\"alaw\"}");
        assert_eq!(memory, Some(0.685), "{}", scrape.body);
        for (mode, reason) in [
            (Mode::Closed, "refused"),
            (Mode::Hang, "timeout"),
            (Mode::Rubbish, "parse"),
            (Mode::Http500, "protocol"),
        ] {
            app.set_mode(mode).await;
            stage.sick(ALAW, reason).await;
            app.set_mode(Mode::Normal).await;
            stage.well(ALAW).await;
        }
        let mut sick = example();
        sick["is_running"] = json!(false);
        sick["status"] = json!("degraded");
        sick["queue_stats"]["search"]["pending"] = json!(10);
        app.set_json(&sick);
        for (alert, severity) in [("QueueUnhealthy", "critical"), ("QueueNotRunning", "critical")] {
            let labels = [("target", "alaw"), ("severity", severity)];
            stage.prometheus.wait_alert(alert, &labels, "firing", PATIENT).await;
        }
        stage.prometheus.wait_alert("QueueFull", &[("queue", "search")], "firing", PATIENT).await;
        // A script empties it: nothing has ended, and nothing waits any more.
        sick["queue_stats"]["search"]["pending"] = json!(0);
        app.set_json(&sick);
        let lost = "stack_queue_lost_jobs_total{target=\"alaw\",queue=\"search\"} 10";
        stage.exporter.wait_line(lost, PATIENT).await;
        stage
            .prometheus
            .wait_alert("QueueJobsLost", &[("queue", "search")], "firing", PATIENT)
            .await;
    });
}

#[test]
fn a_consumer_a_query_and_a_file_are_one_model() {
    run(async {
        let scrape = world().await.exporter().scrape().await;
        let jobs = |target: &str, state: &str| {
            scrape.value(&format!(
                "stack_queue_jobs{{target=\"{target}\",queue=\"{target}\",state=\"{state}\"}}"
            ))
        };
        assert_eq!(jobs("worker", "pending"), Some(4.0), "{}", scrape.body);
        assert_eq!(jobs("worker", "processing"), Some(1.0));
        assert_eq!((jobs("jobs", "pending"), jobs("jobs", "processing")), (Some(1.0), Some(1.0)));
        assert_eq!((jobs("tasks", "pending"), jobs("tasks", "processing")), (Some(1.0), Some(1.0)));
        assert_eq!(
            scrape.value("stack_queue_stuck_jobs{target=\"tasks\",queue=\"tasks\"}"),
            Some(1.0)
        );
    });
}
