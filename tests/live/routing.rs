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
        .replace("group_interval: 5m", "group_interval: 2s")
        .replace("group_interval: 1m", "group_interval: 2s")
        .replace("repeat_interval: 50s", "repeat_interval: 1s")
}

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
        let template = include_str!("../../alerts/templates/stack.tmpl");
        let alertmanager =
            Alertmanager::start(&shipped(&sink), &[("templates/stack.tmpl", template)]).await;
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
