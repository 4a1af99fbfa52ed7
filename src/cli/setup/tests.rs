//! The shipped file, filled for each set of ways; that Alertmanager itself accepts it is shown by
//! `tests/offline/bundle/alertmanager.rs`.

use serde_json::{Value, json};

use super::ways::Ways;
use super::*;

fn filled_text(text: &str, set: &[(&str, &str)]) -> Value {
    let ways = Ways::read(&|name| {
        set.iter().find(|(one, _)| *one == name).map(|(_, value)| (*value).to_owned())
    });
    let mut config = tree::parse(text).unwrap().to_json();
    receivers::fill(&mut config, &ways.ok().unwrap(), "/etc/alertmanager");
    config
}

fn filled(set: &[(&str, &str)]) -> Value {
    filled_text(include_str!("../../../alerts/alertmanager.yml"), set)
}

/// Receiver and kinds of its ways, as `chat: slack telegram`.
fn ways(config: &Value) -> Vec<String> {
    let receivers = config["receivers"].as_array().unwrap().iter();
    let kinds = |receiver: &Value| {
        let keys = receiver.as_object().unwrap().keys();
        let kinds: Vec<_> = keys.filter_map(|key| key.strip_suffix("_configs")).collect();
        kinds.join(" ")
    };
    receivers
        .map(|one| format!("{}: {}", one["name"].as_str().unwrap(), kinds(one)).trim().to_owned())
        .collect()
}

const MAIL: [(&str, &str); 2] = [("MAIL_TO", "me@home.test"), ("MAIL_SERVER", "mx.home.test:25")];
const TELEGRAM: [(&str, &str); 2] = [("TELEGRAM_BOT_TOKEN", "1:x"), ("TELEGRAM_CHAT_ID", "-7")];
const CHAT: (&str, &str) = ("CHAT_WEBHOOK_URL", "https://chat.home.test/x");

fn receiver<'v>(config: &'v Value, name: &str) -> &'v Value {
    let mut all = config["receivers"].as_array().unwrap().iter();
    all.find(|one| one["name"] == name).unwrap()
}

#[test]
fn nothing_set_is_no_way_and_no_failure_each_minute() {
    let config = filled(&[]);
    let some: Vec<_> = ways(&config).into_iter().filter(|line| !line.ends_with(':')).collect();
    assert!(some.is_empty(), "{some:?}");
    let text = config.to_string();
    for shipped in ["example.org", "/run/secrets"] {
        assert!(!text.contains(shipped), "{shipped} is left: {text}");
    }
    assert_eq!(config["templates"], json!(["/etc/alertmanager/templates/*.tmpl"]));
}

#[test]
fn what_is_set_is_filled_in_where_it_stood() {
    let beat = ("HEARTBEAT_URL", "https://beat.home.test/7");
    let config = filled(&[&MAIL[..], &[CHAT, beat]].concat());
    let all = ways(&config);
    for line in [
        "chat: slack",
        "chat-and-mail: slack email",
        "chat-digest: slack",
        "mail: email",
        "heartbeat: webhook",
    ] {
        assert!(all.iter().any(|one| one == line), "{line}: {all:?}");
    }
    let chat = &receiver(&config, "chat")["slack_configs"][0];
    assert_eq!(chat["api_url"], CHAT.1);
    assert!(chat.get("api_url_file").is_none());
    assert!(chat["title"].as_str().unwrap().contains("stack.title"), "its texts stay");
    assert_eq!(receiver(&config, "chat-and-mail")["email_configs"][0]["to"], "me@home.test");
    assert_eq!(receiver(&config, "heartbeat")["webhook_configs"][0]["url"], beat.1);
    let global = &config["global"];
    assert_eq!(global["smtp_smarthost"], "mx.home.test:25");
    assert_eq!(global["smtp_from"], "me@home.test");
    assert!(global.get("smtp_auth_username").is_none() && global["smtp_require_tls"] == true);
    // What only mail was for is silent without it, and the rest is not.
    let chat_only = filled(&[CHAT]);
    let silent: Vec<_> = ways(&chat_only).into_iter().filter(|line| line.ends_with(':')).collect();
    assert!(silent.iter().any(|line| line == "mail:"), "{silent:?}");
    assert!(!silent.iter().any(|line| line.starts_with("chat")), "{silent:?}");
}

/// Whatever the only way is, all that people are to hear of goes by it; and the digest tells no end.
#[test]
fn one_way_alone_tells_all() {
    for (set, kind) in [
        (&MAIL[..], "email"),
        (&TELEGRAM, "telegram"),
        (&[("WEBHOOK_URL", "http://n/t")], "webhook"),
    ] {
        let config = filled(set);
        let expected = ["chat", "chat-and-mail", "chat-digest"];
        let expected: Vec<_> = expected.iter().map(|name| format!("{name}: {kind}")).collect();
        assert_eq!(ways(&config)[..3], expected, "{kind}");
        for receiver in config["receivers"].as_array().unwrap().iter().take(3) {
            let ways = receiver[format!("{kind}_configs")].as_array().unwrap();
            assert_eq!(ways.len(), 1);
            assert_eq!(ways[0]["send_resolved"], receiver["name"] != "chat-digest", "{receiver}");
        }
    }
    let both = filled(&[&TELEGRAM[..], &[CHAT]].concat());
    assert_eq!(ways(&both)[..2], ["chat: slack telegram", "chat-and-mail: slack telegram"]);
    let text = both["receivers"][0]["telegram_configs"][0]["message"].as_str().unwrap();
    assert!(
        text.starts_with(r#"{{ template "stack.title" . }}{{ "\n" }}{{ template "stack."#),
        "{text}"
    );
}

#[test]
fn links_to_boards_get_the_address() {
    let line =
        r#"{{ define "stack.grafana" }}{{ $address := "" }}{{ template "x" $address }}{{ end }}"#;
    let templates = format!("{{{{ define \"a\" }}}}{{{{ end }}}}\n{line}\n");
    let filled = board_links(&templates, "https://g.home.test").unwrap();
    assert_eq!(filled, line.replace(r#":= """#, r#":= "https://g.home.test""#) + "\n");
    assert_eq!(board_links("no such line", "https://g.home.test"), None);
}

#[test]
fn an_address_of_ones_own_stays() {
    let shipped = include_str!("../../../alerts/alertmanager.yml");
    let own = shipped
        .replace("smtp.example.org:587", "smtp.mine.test:587")
        .replace("operators@example.org", "me@mine.test")
        .replace("/run/secrets/chat_webhook_url", "/run/mine/chat")
        .replace("https://heartbeat.example.org/ping/change-me", "https://beat.mine.test/");
    let as_it_was = tree::parse(&own).unwrap().to_json();
    for set in [&[][..], &MAIL] {
        let config = filled_text(&own, set);
        assert_eq!(config["receivers"], as_it_was["receivers"]);
        assert_eq!(config["global"], as_it_was["global"]);
    }
}

#[test]
fn both_files_are_written_and_the_password_stays() {
    let folder = tempfile::tempdir().unwrap();
    let from = folder.path().join("alertmanager.yml");
    std::fs::write(&from, "receivers: [{ name: chat }]\n").unwrap();
    let arguments = ComposeSetup { alertmanager: from.clone(), into: folder.path().join("into") };
    let place = arguments.into.join("grafana/admin_password");
    assert_eq!(run(&arguments), 0);
    let first = std::fs::read_to_string(&place).unwrap();
    assert_eq!(first.len(), 2 * STRENGTH);
    assert_eq!(run(&arguments), 0);
    assert_eq!(std::fs::read_to_string(&place).unwrap(), first);
    std::fs::remove_file(&place).unwrap();
    assert_eq!(run(&arguments), 0);
    assert_ne!(std::fs::read_to_string(&place).unwrap(), first);
    std::fs::write(&from, "receivers: [").unwrap();
    assert_eq!(run(&arguments), 1);
}
