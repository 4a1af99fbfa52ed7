//! A real Alertmanager, and a webhook that keeps what it sends.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::httpd::{Httpd, Reply};
use super::port::free_port;
use super::process::{Server, Spec};
use super::wait::{PATIENT, get_ok, until};
use super::{http_client, text, watchdog};

#[derive(Debug)]
pub struct Alertmanager {
    pub server: Server,
    pub port: u16,
}

impl Alertmanager {
    /// `config` is the text of `alertmanager.yml`; `files` (name and text) are put beside it,
    /// where its relative paths (`templates/*.tmpl`) find them.
    ///
    /// # Panics
    /// When it does not accept the configuration, with its log.
    pub async fn start(config: &str, files: &[(&str, &str)]) -> Self {
        let (port, dir) = (free_port(), watchdog::dir("alertmanager"));
        let file = dir.join("alertmanager.yml");
        fs::write(&file, config).expect("alertmanager.yml");
        for (name, content) in files {
            let path = dir.join(name);
            fs::create_dir_all(path.parent().unwrap_or(&dir)).expect("a folder");
            fs::write(path, content).expect("a file beside alertmanager.yml");
        }
        let args = [
            format!("--config.file={}", text(&file)),
            format!("--storage.path={}", text(&dir.join("data"))),
            format!("--web.listen-address=127.0.0.1:{port}"),
            // One alone: no port for gossip, and no waiting for peers.
            "--cluster.listen-address=".to_owned(),
        ];
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let program = Path::new("prometheus-alertmanager");
        let spec = Spec::new(program, "prometheus-alertmanager", &args);
        let alertmanager = Self { server: Server::start(spec, &dir), port };
        alertmanager.ready().await;
        alertmanager
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Active, also silenced and inhibited alerts, as `/api/v2/alerts` has them.
    ///
    /// # Panics
    /// When it does not answer.
    pub async fn alerts(&self) -> Vec<Value> {
        let url = format!("{}/api/v2/alerts", self.url());
        let answer = http_client().get(&url).send().await.expect("the alerts");
        answer.json().await.expect("the alerts as JSON")
    }

    /// Raises an alert without Prometheus.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn raise(&self, labels: &[(&str, &str)]) {
        let labels: serde_json::Map<String, Value> =
            labels.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        let url = format!("{}/api/v2/alerts", self.url());
        let body = json!([{ "labels": labels }]);
        let answer = http_client().post(&url).json(&body).send().await.expect("an answer");
        assert_eq!(answer.status(), 200, "{:?}", answer.text().await);
    }

    pub async fn restart(&self) {
        self.server.restart().await;
        self.ready().await;
    }

    async fn ready(&self) {
        let url = format!("{}/-/ready", self.url());
        until("alertmanager", PATIENT, async || {
            self.server.assert_alive();
            get_ok(&url).await
        })
        .await;
    }
}

/// Records notifications.
pub struct Sink {
    http: Httpd,
}

impl Sink {
    pub async fn start() -> Self {
        Self { http: Httpd::start(|_| Reply::new(200, "text/plain", "ok")).await }
    }

    /// For `webhook_configs`; any path below it is the sink's too.
    pub fn url(&self) -> String {
        self.http.url()
    }

    /// The bodies of all notifications so far, in order; bodies that are no JSON as strings.
    pub fn notifications(&self) -> Vec<Value> {
        let requests = self.http.requests();
        requests
            .iter()
            .map(|request| {
                serde_json::from_slice(&request.body)
                    .unwrap_or_else(|_| json!(String::from_utf8_lossy(&request.body)))
            })
            .collect()
    }

    /// Waits for a notification ("firing", "resolved") about an alert and returns that alert.
    pub async fn wait(&self, alertname: &str, status: &str, deadline: Duration) -> Value {
        until(&format!("a notification: {alertname} {status}"), deadline, async || {
            let all = self.notifications();
            let alerts = all.iter().filter_map(|one| one["alerts"].as_array()).flatten();
            let mut fitting = alerts.filter(|alert| {
                alert["status"] == status && alert["labels"]["alertname"] == alertname
            });
            fitting.next().cloned().ok_or_else(|| all.clone())
        })
        .await
    }
}

/// The least configuration: everything to the webhook, at once.
pub fn simple_config(webhook: &str) -> String {
    json!({
        "route": {
            "receiver": "sink", "group_by": ["..."],
            "group_wait": "0s", "group_interval": "1s", "repeat_interval": "1h",
        },
        "receivers": [{
            "name": "sink",
            "webhook_configs": [{ "url": webhook, "send_resolved": true }],
        }],
    })
    .to_string()
}
