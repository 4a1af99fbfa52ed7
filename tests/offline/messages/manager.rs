//! A real Alertmanager with the shipped file and templates, each alert told by itself and at once.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::sinks::{self, Taken};
use crate::support::read;

pub const GRAFANA: &str = "https://grafana.example.org";
pub const ALERTS: &str = "https://alerts.example.org";
/// For all messages, on a machine that has other work.
const PATIENT: Duration = Duration::from_mins(4);

pub struct Manager {
    process: Child,
    port: u16,
    pub chat: Taken,
    pub mail: Taken,
    folder: tempfile::TempDir,
}

impl Drop for Manager {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Manager {
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (chat_port, chat) = sinks::start(sinks::chat);
        let (mail_port, mail) = sinks::start(sinks::mail);
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("chat_webhook_url"), format!("http://127.0.0.1:{chat_port}/")).unwrap();
        std::fs::create_dir(at("templates")).unwrap();
        let template = read("alerts/templates/stack.tmpl");
        let with_grafana =
            template.replacen("$address := \"\"", &format!("$address := \"{GRAFANA}\""), 1);
        assert_ne!(template, with_grafana, "the place for Grafana's address");
        std::fs::write(at("templates/stack.tmpl"), with_grafana).unwrap();
        std::fs::write(at("alertmanager.yml"), config(folder.path(), mail_port)).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let process = Command::new("prometheus-alertmanager")
            .arg(format!("--config.file={}", at("alertmanager.yml").display()))
            .arg(format!("--storage.path={}", at("data").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .arg(format!("--web.external-url={ALERTS}"))
            .args(["--web.route-prefix=/", "--cluster.listen-address="])
            .stderr(std::fs::File::create(at("log")).unwrap())
            .stdout(Stdio::null())
            .spawn()
            .expect("prometheus-alertmanager (sh .ci/setup)");
        let manager = Self { process, port, chat, mail, folder };
        manager.until("it answers", || manager.ask("GET", "/-/ready", ""));
        manager
    }

    /// Raises alerts, or ends them.
    pub fn post(&self, alerts: &Value) {
        assert!(self.ask("POST", "/api/v2/alerts", &alerts.to_string()), "{}", self.log());
    }

    /// Waits for a condition.
    pub fn until(&self, what: &str, holds: impl Fn() -> bool) {
        let begin = Instant::now();
        while !holds() {
            assert!(begin.elapsed() < PATIENT, "never: {what}\n{}", self.log());
            // No worker is here that could be blocked.
            #[allow(clippy::disallowed_methods)]
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> bool {
        use std::io::{Read as _, Write as _};
        let Ok(mut stream) = std::net::TcpStream::connect(("127.0.0.1", self.port)) else {
            return false;
        };
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: stack\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        let mut answer = String::new();
        let sent =
            stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
        sent.and_then(|()| stream.read_to_string(&mut answer)).is_ok()
            && answer.starts_with("HTTP/1.1 200")
    }
}

/// The shipped file: with addresses of this machine, without waiting, without muting, and with what tells
/// the messages apart in places that people do not read.
fn config(folder: &Path, mail_port: u16) -> String {
    let key = "{{ .CommonLabels.alertname }} {{ .CommonLabels.severity }} {{ .Status }}";
    let shipped = read("alerts/alertmanager.yml");
    let (before, rest) = shipped.split_once("inhibit_rules:").unwrap();
    let (_, receivers) = rest.split_once("\nreceivers:").unwrap();
    let mut text = format!("{before}\nreceivers:{receivers}");
    let folder = folder.display().to_string();
    let smtp = format!("127.0.0.1:{mail_port}");
    for (was, is) in [
        ("/run/secrets", folder.as_str()),
        ("smtp.example.org:587", smtp.as_str()),
        ("smtp_require_tls: true", "smtp_require_tls: false"),
        ("smtp_auth_", "# smtp_auth_"),
        ("group_by: [alertname, instance, area, target]", "group_by: [\"...\"]"),
        (
            "group_by: [alertname]\n      group_wait: 1m",
            "group_by: [\"...\"]\n      group_wait: 0s",
        ),
        ("group_wait: 30s", "group_wait: 0s"),
        ("group_interval: 5m", "group_interval: 1s"),
        ("group_interval: 30m", "group_interval: 1s"),
        ("      active_time_intervals: [digest]\n", ""),
        ("title_link: \"{{ .ExternalURL }}/#/alerts\"", &format!("title_link: '{key}'")),
        ("footer: stack-exporter", "footer: '{{ template \"stack.short\" . }}'"),
        ("        headers:\n", &format!("        headers:\n          X-Key: '{key}'\n")),
    ] {
        assert!(text.contains(was), "alertmanager.yml has no {was}");
        text = text.replace(was, is);
    }
    text
}
