//! From a fault to a message: the shipped rules, the shipped Alertmanager configuration, one alert
//! told once and its end told once. [R01]

use crate::servers::alertmanager::{Alertmanager, Sink};
use crate::servers::nats::Nats;
use crate::servers::wait::{PATIENT, until};
use crate::servers::{run, watchdog};
use crate::stage::Stage;

/// The shipped file with its secrets here, its addresses on this machine, and its waits in seconds.
fn shipped(sink: &Sink) -> String {
    let dir = watchdog::dir("secrets");
    std::fs::write(dir.join("chat_webhook_url"), format!("{}/chat", sink.url())).unwrap();
    std::fs::write(dir.join("smtp_password"), "unused").unwrap();
    include_str!("../../alerts/alertmanager.yml")
        .replace("/run/secrets", &dir.display().to_string())
        .replace("smtp.example.org:587", "127.0.0.1:1")
        .replace(
            "https://heartbeat.example.org/ping/change-me",
            &format!("{}/heartbeat", sink.url()),
        )
        .replace("group_wait: 30s", "group_wait: 2s")
        .replace("group_wait: 3m", "group_wait: 2s")
        .replace("group_interval: 5m", "group_interval: 2s")
        // Of the heartbeat and of the digest.
        .replace("group_interval: 30s", "group_interval: 1s")
        .replace("repeat_interval: 50s", "repeat_interval: 1500ms")
        .replace("group_wait: 1m", "group_wait: 2s")
        .replace("group_interval: 30m", "group_interval: 2s")
}

const TEMPLATE: (&str, &str) =
    ("templates/stack.tmpl", include_str!("../../alerts/templates/stack.tmpl"));

/// How many messages of the chat hold this text; the heartbeat has messages of another form.
fn told(sink: &Sink, text: &str) -> usize {
    let messages = sink.notifications();
    let chat = messages.iter().filter(|message| message["attachments"].is_array());
    chat.filter(|message| message.to_string().contains(text)).count()
}

fn heartbeats(sink: &Sink) -> usize {
    sink.notifications().iter().filter(|message| message.to_string().contains("Watchdog")).count()
}

#[test]
fn a_fault_is_told_once_and_its_end_once() {
    run(async {
        let sink = Sink::start().await;
        let alertmanager = Alertmanager::start(&shipped(&sink), &[TEMPLATE]).await;
        let nats = Nats::start(&[]).await;
        // The slow answer is a warning of the same target, which the outage must mute.
        let config = format!(
            "nats:\n  main: {{ url: \"{}\", thresholds: {{ endpoint_duration: 1ms }} }}\ndocker: {{ enabled: false }}\nhost: {{ enabled: false }}\n",
            nats.monitor_url()
        );
        let stage = Stage::start_with(&config, Some(alertmanager.port)).await;
        nats.server.stop().await;
        until("the message", PATIENT, async || {
            if told(&sink, "NatsDown") > 0 { Ok(()) } else { Err(sink.notifications()) }
        })
        .await;
        let beats = heartbeats(&sink);
        until("more heartbeats", PATIENT, async || (heartbeats(&sink) >= beats + 3).then_some(()))
            .await;
        assert_eq!(told(&sink, "NatsDown"), 1, "once: {:?}", sink.notifications());
        let link = "/runbooks/NatsDown";
        assert_eq!(
            told(&sink, link),
            1,
            "the message leads to the runbook: {:?}",
            sink.notifications()
        );
        nats.restart().await;
        until("the end", PATIENT, async || {
            let over = "NATS main answers on its monitoring port again";
            if told(&sink, over) == 1 { Ok(()) } else { Err(sink.notifications()) }
        })
        .await;
        drop(stage);
    });
}

/// Waits that do not fit are told at each start, and then nobody reads the log any more.
#[test]
fn alertmanager_starts_without_a_warning() {
    run(async {
        let sink = Sink::start().await;
        // With the shipped waits.
        let shipped = shipped(&sink);
        let wait = |line: &str| {
            ["group_wait:", "group_interval:", "repeat_interval:"]
                .iter()
                .any(|key| line.trim_start().starts_with(key))
        };
        let waits = include_str!("../../alerts/alertmanager.yml").lines().filter(|line| wait(line));
        let mut waits = waits.map(ToOwned::to_owned);
        let lines = shipped
            .lines()
            .map(|line| if wait(line) { waits.next().unwrap() } else { line.to_owned() });
        let config: Vec<String> = lines.collect();
        assert!(config.contains(&"      group_interval: 30s".to_owned()));
        let alertmanager = Alertmanager::start(&config.join("\n"), &[TEMPLATE]).await;
        let log = alertmanager.server.log().to_lowercase();
        assert!(log.contains("listening on"), "{log}");
        assert!(!log.contains("level=warn") && !log.contains("level=error"), "{log}");
    });
}

/// Advice waits for its hour of the week; nothing else does.
#[test]
fn advice_is_told_in_its_hour_only() {
    run(async {
        let today = jiff::Zoned::now().weekday();
        for (weekdays, expected) in [
            (format!("['{}']", name(today.wrapping_add(3))), 0),
            ("['sunday:saturday']".to_owned(), 1),
        ] {
            let sink = Sink::start().await;
            let config = shipped(&sink)
                .replace("weekdays: [monday]", &format!("weekdays: {weekdays}"))
                .replace(
                    "start_time: \"08:00\", end_time: \"09:00\"",
                    "start_time: \"00:00\", end_time: \"24:00\"",
                );
            let alertmanager = Alertmanager::start(&config, &[TEMPLATE]).await;
            // The title of one alert names its instance, that of several how many of which.
            let raise = async |alert, severity, instance| {
                let labels = [("alertname", alert), ("severity", severity), ("instance", instance)];
                alertmanager.raise(&labels).await;
            };
            raise("DockerPrivileged", "info", "a").await;
            raise("DockerPrivileged", "info", "b").await;
            let advice = "DockerPrivileged, and 1 more";
            until("its group to have waited", PATIENT, async || {
                raise("DockerSlow", "warning", "first").await;
                (told(&sink, "· first") > 0).then_some(())
            })
            .await;
            until("the advice, or another message", PATIENT, async || {
                raise("DockerStatsStale", "warning", "second").await;
                (told(&sink, advice) + told(&sink, "· second") > expected).then_some(())
            })
            .await;
            assert_eq!(told(&sink, advice), expected, "{:?}", sink.notifications());
        }
    });
}

fn name(day: jiff::civil::Weekday) -> String {
    format!("{day:?}").to_lowercase()
}
