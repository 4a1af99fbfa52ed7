//! What arrives at the people: the shipped Alertmanager file with sinks in place of its addresses, and the
//! count of what came.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use serde_json::Value;

use crate::servers::httpd::{Httpd, Reply, Request};
use crate::servers::mailbox::Mailbox;
use crate::servers::rules::Pace;
use crate::servers::watchdog;
use crate::stage::rules;

/// The receivers of the shipped file, and whether they are told that something is over.
const RECEIVERS: [(&str, bool); 3] =
    [("chat", true), ("chat-and-mail", true), ("chat-digest", false)];

/// One message of a receiver.
#[derive(Clone, Debug)]
pub struct Message {
    pub at: Instant,
    pub receiver: String,
    pub alerts: Vec<Alert>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Alert {
    pub fires: bool,
    pub labels: BTreeMap<String, String>,
}

pub struct Post {
    http: Httpd,
    mailbox: Mailbox,
    seen: Arc<Mutex<Vec<(Instant, Request)>>>,
}

impl Post {
    pub async fn open() -> Self {
        let seen: Arc<Mutex<Vec<(Instant, Request)>>> = Arc::default();
        let kept = seen.clone();
        let http = Httpd::start(move |request| {
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.push((Instant::now(), request.clone()));
            Reply::new(200, "text/plain", "ok")
        })
        .await;
        Self { http, mailbox: Mailbox::start().await, seen }
    }

    /// The shipped file at a pace. Chat and mail come to us; beside each stands a webhook that gets the same
    /// messages as labels, so that no text is needed to know them. Advice is told at any hour.
    pub fn config(&self, pace: Pace) -> String {
        let dir = watchdog::dir("secrets");
        std::fs::write(dir.join("chat_webhook_url"), format!("{}/text", self.http.url())).unwrap();
        std::fs::write(dir.join("smtp_password"), "unused").unwrap();
        let shipped = std::fs::read_to_string(rules().join("alertmanager.yml")).unwrap();
        let mut config = pace
            .of_waits(&shipped)
            .replace("/run/secrets", &dir.display().to_string())
            .replace("smtp.example.org:587", &format!("127.0.0.1:{}", self.mailbox.port))
            .replace("smtp_require_tls: true", "smtp_require_tls: false")
            .replace("https://heartbeat.example.org/ping", &format!("{}/beat", self.http.url()))
            .replace("weekdays: [monday]", "weekdays: ['sunday:saturday']")
            .replace(
                "start_time: \"08:00\", end_time: \"09:00\"",
                "start_time: \"00:00\", end_time: \"24:00\"",
            );
        for (name, ends) in RECEIVERS {
            let head = format!("  - name: {name}\n");
            assert!(config.contains(&head), "no receiver {name}");
            let hook = format!(
                "{head}    webhook_configs: [{{ url: \"{}/told/{name}\", send_resolved: {ends} }}]\n",
                self.http.url()
            );
            config = config.replace(&head, &hook);
        }
        config
    }

    /// All messages so far, the heartbeat left out.
    pub fn messages(&self) -> Vec<Message> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let hooks = seen.iter().filter_map(|(at, request)| {
            let receiver = request.path.strip_prefix("/told/")?;
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            let alerts = body["alerts"].as_array().unwrap();
            let mut alerts: Vec<_> = alerts.iter().map(alert).collect();
            alerts.sort();
            Some(Message { at: *at, receiver: receiver.to_owned(), alerts })
        });
        hooks.collect()
    }

    /// How many texts came into the chat, and how many mails.
    pub fn texts(&self) -> (usize, usize) {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let chat = seen.iter().filter(|(_, request)| request.path == "/text").count();
        (chat, self.mailbox.mails().len())
    }
}

fn alert(value: &Value) -> Alert {
    let labels = value["labels"].as_object().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Alert {
        fires: value["status"] == "firing",
        labels: labels.map(|(name, value)| (name.clone(), text(value))).collect(),
    }
}
