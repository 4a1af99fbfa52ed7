//! Alertmanager: accepted by the oldest version we support, and every alert reaches somebody.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::Duration;

use stack_exporter::config::Dur;

use super::rules;
use crate::support::{at, items, keys, root, run, said, succeed, yaml};

pub const CONFIG: &str = "alerts/alertmanager.yml";

/// After half an hour a second person as well.
const CRITICAL: &str = "second-person,chat-and-mail";

#[test]
fn amtool_accepts_it() {
    let said = succeed("amtool", &["check-config", CONFIG]);
    assert!(said.contains("1 templates"), "{said}");
}

/// With each set of ways, and with none.
#[test]
fn amtool_accepts_what_compose_fills_in() {
    let chat = ("CHAT_WEBHOOK_URL", "https://chat.home.test/x");
    let mail = [("MAIL_TO", "me@home.test"), ("MAIL_SERVER", "mx.home.test:25")];
    let telegram = [("TELEGRAM_BOT_TOKEN", "1:x"), ("TELEGRAM_CHAT_ID", "-7")];
    let others = [("WEBHOOK_URL", "https://ntfy.home.test/t"), ("HEARTBEAT_URL", "http://b.test/")];
    let all = [&mail[..], &telegram, &others, &[chat]].concat();
    for set in [&[][..], &[chat], &mail, &telegram, &others, &all] {
        let folder = tempfile::tempdir().unwrap();
        let source = root().join(CONFIG);
        let output = Command::new(env!("CARGO_BIN_EXE_stack-exporter"))
            .args(["compose-setup", "--alertmanager"])
            .arg(&source)
            .arg("--into")
            .arg(folder.path())
            .envs(set.iter().copied())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", said(&output));
        let file = folder.path().join("alertmanager/alertmanager.yml").display().to_string();
        let told = succeed("amtool", &["check-config", &file]);
        assert!(told.contains("2 templates"), "{told}");
        assert!(
            !said(&output).contains("home.test"),
            "an address may be a secret: {}",
            said(&output)
        );
    }
}

/// The receiver that a set of labels leads to.
fn route(labels: &[String], receiver: &str) {
    let config = format!("--config.file={CONFIG}");
    let verify = format!("--verify.receivers={receiver}");
    let mut args = vec!["config", "routes", "test", &config, &verify];
    args.extend(labels.iter().map(String::as_str));
    let output = run("amtool", &args);
    assert!(output.status.success(), "{labels:?} should reach {receiver}:\n{}", said(&output));
}

#[test]
fn routes() {
    for (labels, receiver) in [
        ("alertname=Watchdog severity=none area=exporter", "heartbeat"),
        // Whoever gives it a severity by mistake still gets no page a minute.
        ("alertname=Watchdog severity=critical", "heartbeat"),
        ("alertname=ExporterDown severity=critical area=exporter instance=a", CRITICAL),
        ("alertname=NatsDown severity=critical area=nats signal=up target=main", CRITICAL),
        ("alertname=NatsDown severity=warning area=nats signal=up target=main", "chat"),
        ("alertname=NatsSlow severity=warning area=nats", "chat"),
        // What is broken cannot tell it.
        ("alertname=AlertmanagerCannotNotify severity=critical integration=slack", "mail"),
        ("alertname=AlertmanagerCannotNotify severity=critical integration=mattermost", "mail"),
        ("alertname=AlertmanagerCannotNotify severity=critical integration=email", "chat"),
        ("alertname=AlertmanagerCannotNotify severity=critical integration=webhook", CRITICAL),
        // Of other origin: somebody reads the root.
        ("alertname=DiskWillFill severity=page", "chat"),
        ("alertname=DiskWillFill", "chat"),
    ] {
        let labels: Vec<String> = labels.split(' ').map(ToOwned::to_owned).collect();
        route(&labels, receiver);
    }
}

#[test]
fn every_rule_reaches_somebody() {
    let pairs: BTreeSet<(String, String)> = rules::all()
        .iter()
        .filter(|rule| rule.alert() != "Watchdog")
        .map(|rule| (rule.area.clone(), rule.label("severity").to_owned()))
        .collect();
    for (area, severity) in pairs {
        let receiver = match severity.as_str() {
            "critical" => CRITICAL,
            "info" => "chat-digest",
            _ => "chat",
        };
        route(&[format!("area={area}"), format!("severity={severity}")], receiver);
    }
}

/// Weeks after it was told, an end would be news to nobody.
#[test]
fn the_digest_tells_no_end_and_all_else_does() {
    let config = yaml(CONFIG);
    for receiver in items(&config["receivers"]) {
        let ways = ["slack_configs", "email_configs"];
        for way in ways.iter().filter_map(|way| receiver[way].as_array()).flatten() {
            assert_eq!(way["send_resolved"], receiver["name"] != "chat-digest", "{receiver}");
        }
    }
}

#[test]
fn secrets_are_in_files() {
    let config = yaml(CONFIG);
    let inline = [
        "api_url",
        "slack_api_url",
        "smtp_auth_password",
        "smtp_auth_secret",
        "auth_password",
        "password",
        "credentials",
        "bearer_token",
        "service_key",
        "routing_key",
    ];
    let found: Vec<_> = keys(&config).into_iter().filter(|key| inline.contains(key)).collect();
    assert!(found.is_empty(), "secrets in {CONFIG}: {found:?}");
    assert_eq!(at(&config, "/global/smtp_auth_password_file"), "/run/secrets/smtp_password");
}

/// The heartbeat goes out each minute, and at once.
#[test]
fn the_heartbeat_is_quick() {
    let config = yaml(CONFIG);
    let heartbeat = config.pointer("/route/routes/0").expect("a first route");
    assert_eq!(at(heartbeat, "/receiver"), "heartbeat");
    for (key, value) in
        [("group_wait", "0s"), ("group_interval", "30s"), ("repeat_interval", "50s")]
    {
        assert_eq!(at(heartbeat, &format!("/{key}")), value, "{key}");
    }
}

/// What Alertmanager warns of at each start: a repetition within the interval of its group is none
/// before that is over, and what was sent is forgotten after five days.
#[test]
fn every_repetition_is_one_that_alertmanager_can_keep() {
    const KEPT: Duration = Duration::from_hours(120);
    let config = yaml(CONFIG);
    let root = &config["route"];
    let wait = |route: &serde_json::Value, key: &str| -> Duration {
        let text = [&route[key], &root[key]].into_iter().find_map(serde_json::Value::as_str);
        text.unwrap().parse::<Dur>().unwrap().get()
    };
    let routes = items(&root["routes"]).iter().chain([root]);
    for route in routes {
        let (group, repeat) = (wait(route, "group_interval"), wait(route, "repeat_interval"));
        assert!(group <= repeat && repeat <= KEPT, "{route}");
    }
}
