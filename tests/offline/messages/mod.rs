//! What people get: every alert of the bundle, with the annotations that promtool has found them to have,
//! rendered by a real Alertmanager with the shipped file and templates, when it begins and when it is over. [R01]
//!
//! Twenty of them stand in `tests/messages.txt` as they arrive, for people to read. `UPDATE=1` writes it.

mod manager;
mod sinks;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use regex::Regex;
use serde_json::{Value, json};

use self::manager::{ALERTS, GRAFANA, Manager};
use crate::support::{at, entries, files, items, root, yaml};

const GOLDEN: &str = "tests/messages.txt";
/// Those in it.
const READ: [&str; 20] = [
    "BackupOverdue warning",
    "DockerDown critical",
    "DockerImageOutdated info",
    "DockerMemoryNearLimit warning",
    "DockerOomKilled critical",
    "DockerReplicasMissing warning",
    "DockerRestartLoop critical",
    "DockerServiceDown critical",
    "DockerUnhealthy critical",
    "ExporterDown critical",
    "HostDiskFull critical",
    "LogErrorBurst warning",
    "LogTrouble warning",
    "NatsConsumerBacklog warning",
    "PostgresConnectionsExhausted critical",
    "PostgresDown critical",
    "ProbeDown critical",
    "PrometheusRulesFail critical",
    "QueueStalled critical",
    "UnitFailed critical",
];

const BEGIN: &str = "2026-01-02T03:04:05Z";
const END: &str = "2026-01-02T03:16:05Z";
const NEVER: &str = "2099-01-01T00:00:00Z";

/// One message, in each form that it came in.
#[derive(Default)]
struct Message {
    title: String,
    chat: String,
    short: String,
    mail: String,
    html: String,
}

/// "DockerDown critical": the first of its name and severity that the cases expect, as an alert.
fn expected() -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    for file in files("alerts/tests", ".test.yml") {
        for case in
            items(&yaml(&file)["tests"]).iter().flat_map(|test| items(&test["alert_rule_test"]))
        {
            let name = at(case, "/alertname");
            for alert in items(&case["exp_alerts"]) {
                let texts = |of: &str| -> BTreeMap<String, String> {
                    let text = |value: &Value| {
                        value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
                    };
                    entries(&alert[of])
                        .map(|(name, value)| (name.to_owned(), text(value)))
                        .collect()
                };
                let mut labels = texts("exp_labels");
                labels.insert("alertname".to_owned(), name.to_owned());
                let key = format!("{name} {}", labels["severity"]);
                let alert = json!({ "labels": labels, "annotations": texts("exp_annotations") });
                all.entry(key).or_insert(alert);
            }
        }
    }
    // For a program outside, and not for people.
    all.remove("Watchdog none");
    all
}

/// Names that do all they can.
fn hostile() -> Value {
    let name = format!(
        "<script>alert(1)</script> <!channel> @here @all [x](http://evil.example) *b* `c` ~d~ _e_ \\ \" {{{{ .x }}}}\nsecond \u{202e}{}",
        "Ж".repeat(500)
    );
    json!({
        "labels": { "alertname": "Hostile", "severity": "critical", "area": "docker", "instance": "a", "name": name },
        "annotations": {
            "summary": format!("Container {name} fails its health check"),
            "description": format!("Last exit code of {name}: 1."),
            "next": format!("docker inspect {name}"),
            "changed": format!("{name} started 4 min ago"),
            "all_clear": format!("Container {name} no longer fails its health check"),
            "host": "db1",
            "runbook_url": "javascript:alert(1)",
            "page": format!("https://db1.example.org/service/-/{name}"),
            "dashboard": "/d/stack-containers?var-instance=a",
        },
    })
}

/// What has come, by key and status.
fn received(manager: &Manager) -> BTreeMap<String, Message> {
    let mut all: BTreeMap<String, Message> = BTreeMap::new();
    for body in manager.chat.lock().unwrap().iter() {
        let body: Value = serde_json::from_slice(body).unwrap();
        let said = &body["attachments"][0];
        let message = all.entry(at(said, "/title_link").to_owned()).or_default();
        let text = |name: &str| at(said, &format!("/{name}")).to_owned();
        (message.title, message.chat, message.short) =
            (text("title"), text("text"), text("footer"));
    }
    for mail in manager.mail.lock().unwrap().iter() {
        let (head, parts) = sinks::parts(mail);
        let key = head.lines().find_map(|line| line.strip_prefix("X-Key: ")).unwrap();
        let message = all.entry(key.trim().to_owned()).or_default();
        for (kind, text) in parts {
            if kind == "text/html" { message.html = text } else { message.mail = text }
        }
    }
    all
}

/// Whether it came by each way that it should: what is critical by two, that one of them is broken by the
/// other.
fn has_come(key: &str, message: &Message) -> bool {
    let (chat, mail) = (!message.title.is_empty(), !message.mail.is_empty());
    if key.starts_with("AlertmanagerCannotNotify") {
        return chat || mail;
    }
    chat && (mail || !key.ends_with(" critical"))
}

/// Raises all, ends all, and gives back what was told.
fn told(alerts: &BTreeMap<String, Value>) -> BTreeMap<String, Message> {
    let manager = Manager::start();
    let at_times = |end: &str| {
        let dated = alerts.values().map(|alert| {
            let mut alert = alert.clone();
            alert["startsAt"] = json!(BEGIN);
            alert["endsAt"] = json!(end);
            alert
        });
        Value::from(dated.collect::<Vec<_>>())
    };
    let complete = |status: &str, silent: &str| {
        manager.until(status, || {
            let now = received(&manager);
            let mut keys = alerts.keys().filter(|key| !key.ends_with(silent));
            keys.all(|key| {
                now.get(&format!("{key} {status}")).is_some_and(|one| has_come(key, one))
            })
        });
    };
    manager.post(&at_times(NEVER));
    complete("firing", "never");
    manager.post(&at_times(END));
    complete("resolved", " info");
    received(&manager)
}

/// Everything in it that people read.
fn texts(message: &Message) -> [&str; 5] {
    [&message.title, &message.chat, &message.short, &message.mail, &message.html]
}

fn reads_well(key: &str, alert: &Value, message: &Message) {
    let fraction =
        Regex::new(r": -?[0-9]+\.[0-9]+, should be|at (most|least) [0-9]+\.[0-9]+\. ").unwrap();
    for text in texts(message) {
        for never in ["<no value>", "%!", "<error", "1, should be at most 0"] {
            assert!(!text.contains(never), "{key}: {never} in\n{text}");
        }
        // Docker's own templates stand in commands, and this in a name.
        let mut lines =
            text.lines().filter(|line| !line.starts_with("Next: ") && !line.starts_with("<pre>"));
        assert!(
            key.starts_with("Hostile") || lines.all(|line| !line.contains("{{")),
            "{key}\n{text}"
        );
        assert!(!fraction.is_match(text), "{key}: a fraction in a count\n{text}");
    }
    if message.title.is_empty() {
        return;
    }
    let (title, short) =
        (message.title.replace('\u{200b}', ""), message.short.replace('\u{200b}', ""));
    assert!(title.chars().count() <= 120 && !title.contains('\n'), "{key}: {title}");
    assert!(short.chars().count() <= 160 && !short.contains('\n'), "{key}: {short}");
    let host = at(alert, "/annotations/host");
    if !host.is_empty() {
        assert!(title.ends_with(&format!(" · {host}")), "{key}: {title}");
        assert!(short.contains(&format!(" {host}: ")), "{key}: {short}");
    }
}

/// Of one that begins: the links, and in the one to a silence every label that tells it from others.
fn leads_on(key: &str, alert: &Value, message: &Message) {
    let severity = at(alert, "/labels/severity").to_uppercase();
    assert!(message.title.starts_with(&format!("{severity}: ")), "{key}: {}", message.title);
    let chat = &message.chat;
    assert!(
        chat.contains(&format!("<{}|Runbook>", at(alert, "/annotations/runbook_url"))),
        "{key}: {chat}"
    );
    for (name, annotation, start) in [("Board", "dashboard", GRAFANA), ("Page", "page", "")] {
        let to = at(alert, &format!("/annotations/{annotation}"));
        let link = format!("<{start}{to}|{name}>");
        assert!(to.is_empty() || chat.contains(&link), "{key}: no {link} in\n{chat}");
    }
    let silence =
        chat.split(&format!("<{ALERTS}/#/silences/new?filter=")).nth(1).unwrap_or_default();
    let silence = decoded(silence.split('|').next().unwrap_or_default());
    for (name, value) in entries(&alert["labels"]) {
        let matcher = format!("{name}={value}"); // Both have quotes.
        let identifies = !["severity", "signal"].contains(&name);
        assert_eq!(silence.contains(&matcher), identifies, "{key}: {matcher}: {silence}");
    }
    for said in ["description", "next"] {
        let text = at(alert, &format!("/annotations/{said}")).replace('<', "");
        let shown = chat.replace("&lt;", "").replace(['‹', '›'], "");
        let first: String =
            text.split(['@', '>', '`', '*', '~']).next().unwrap().chars().take(40).collect();
        assert!(shown.contains(first.trim()), "{key}: no {said} in\n{chat}");
    }
}

/// What `%XX` stands for.
fn decoded(text: &str) -> String {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(&part[..2], 16).unwrap());
        bytes.extend_from_slice(&part.as_bytes()[2..]);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[test]
fn every_alert_is_a_message_that_can_be_acted_on() {
    let mut alerts = expected();
    assert!(alerts.len() > 300, "{}", alerts.len());
    alerts.insert("Hostile critical".to_owned(), hostile());
    let told = told(&alerts);
    let hostile = alerts.remove("Hostile critical").unwrap();
    for (key, alert) in &alerts {
        let firing = &told[&format!("{key} firing")];
        reads_well(key, alert, firing);
        if !firing.title.is_empty() {
            leads_on(key, alert, firing);
        }
        let Some(over) = told.get(&format!("{key} resolved")) else { continue };
        reads_well(key, alert, over);
        if !over.title.is_empty() {
            let title = &over.title;
            let said = title.starts_with("RESOLVED: ") && title.contains(", after 12m");
            assert!(said && over.chat.contains("2026-01-02 03:16 UTC"), "{key}: {title}");
        }
    }
    nothing_of_a_name_is_more_than_text(&hostile, &told);
    golden(&alerts, &told);
}

fn nothing_of_a_name_is_more_than_text(alert: &Value, told: &BTreeMap<String, Message>) {
    let links = Regex::new(r"<https?://[^|>]*\|(Runbook|Board|Page|Silence)>").unwrap();
    for status in ["firing", "resolved"] {
        let message = &told[&format!("Hostile critical {status}")];
        reads_well("Hostile critical", alert, message);
        let chat = links.replace_all(&message.chat, "");
        for never in ["<", "@here", "@all", "](", "*b*", "~d~", "http://evil", "\u{202e}"] {
            for text in [&message.title, &message.short, chat.as_ref()] {
                // A command is shown as it is, in backquotes.
                let text = text.lines().filter(|line| !line.starts_with("Next: `"));
                let text = text.collect::<Vec<_>>().join("\n");
                assert!(!text.contains(never), "{never:?} in\n{text}");
            }
        }
        assert!(!message.chat.contains("javascript:") && !message.html.contains("javascript:"));
        assert!(!message.html.contains("<script>") && message.html.contains("&lt;script&gt;"));
    }
}

/// The twenty, as they arrive.
fn golden(alerts: &BTreeMap<String, Value>, told: &BTreeMap<String, Message>) {
    let mut text = "Twenty messages as they arrive; written by the test `messages` with UPDATE=1. \
                    Of each: title and text in the chat, short, mail, and in the chat that it is over.\n"
        .to_owned();
    for key in READ {
        assert!(alerts.contains_key(key), "{key}");
        let Message { title, chat, short, mail, .. } = &told[&format!("{key} firing")];
        let _ = write!(text, "\n======== {key}\n{title}\n{chat}\n-------- short\n{short}\n");
        if !mail.is_empty() {
            let _ = write!(text, "-------- mail\n{}\n", mail.trim_end());
        }
        if let Some(Message { title, chat, .. }) = told.get(&format!("{key} resolved")) {
            let _ = write!(text, "-------- over\n{title}\n{chat}\n");
        }
    }
    let text = text.lines().map(|line| line.trim_end().to_owned() + "\n").collect::<String>();
    let file = root().join(GOLDEN);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&file, &text).unwrap();
    }
    let before = std::fs::read_to_string(&file).unwrap_or_default();
    let differs = before.lines().zip(text.lines()).find(|(was, is)| was != is);
    assert!(before == text, "{GOLDEN} is old (UPDATE=1 writes it): {differs:?}");
}
