//! Fills the addresses of people into `alertmanager.yml`, and leaves out the ways that nobody has set.
//!
//! Only what still stands as it was shipped is filled or left out: who wrote an address of his own
//! into the file keeps it. The result is JSON, which is YAML too.

use serde_json::{Map, Value, json};

use super::ways::{Mail, Ways};

/// What the shipped file has in the place of addresses.
const CHAT: &str = "/run/secrets/chat_webhook_url";
const MAIL: &str = "@example.org";
const MAIL_SERVER: &str = "smtp.example.org:587";
const HEARTBEAT: &str = "https://heartbeat.example.org/";

/// A way of a receiver: the key of its list, such as `slack_configs`, and its settings.
type Way = (String, Value);

/// The shipped ways of one receiver, or of the whole file, without addresses.
#[derive(Default)]
struct Shipped {
    chat: Option<Way>,
    mail: Option<Way>,
}

/// Fills `config`, a whole `alertmanager.yml`. `folder` is where that lies: templates are found
/// there, wherever the result is put.
pub(super) fn fill(config: &mut Value, ways: &Ways, folder: &str) {
    for file in items(config, "templates") {
        if let Value::String(path) = file
            && !path.starts_with('/')
        {
            *path = format!("{folder}/{path}");
        }
    }
    mail_server(config, ways.mail.as_ref());
    let mut usual = Shipped::default();
    let mut each = Vec::new();
    for receiver in items(config, "receivers") {
        let own = receiver.as_object_mut().map(|receiver| {
            heartbeat(receiver, ways.heartbeat.as_deref());
            take(receiver)
        });
        let own = own.unwrap_or_default();
        usual.chat = usual.chat.or_else(|| own.chat.clone());
        usual.mail = usual.mail.or_else(|| own.mail.clone());
        each.push(own);
    }
    for (receiver, own) in items(config, "receivers").zip(each) {
        if let Value::Object(receiver) = receiver {
            give(receiver, ways, &own, &usual);
        }
    }
}

fn items<'v>(config: &'v mut Value, key: &str) -> impl Iterator<Item = &'v mut Value> {
    config.get_mut(key).and_then(Value::as_array_mut).into_iter().flatten()
}

/// The account that mail is sent by; without one Alertmanager refuses a file that sends mail.
fn mail_server(config: &mut Value, mail: Option<&Mail>) {
    let Some(global) = config.get_mut("global").and_then(Value::as_object_mut) else { return };
    if global.get("smtp_smarthost").is_none_or(|server| server != MAIL_SERVER) {
        return;
    }
    for key in ["smtp_smarthost", "smtp_from", "smtp_auth_username", "smtp_auth_password_file"] {
        global.remove(key);
    }
    let Some(mail) = mail else { return };
    for (key, value) in [
        ("smtp_smarthost", Some(&mail.server)),
        ("smtp_from", Some(&mail.from)),
        ("smtp_auth_username", mail.user.as_ref()),
        ("smtp_auth_password", mail.password.as_ref()),
    ] {
        if let Some(value) = value {
            global.insert(key.to_owned(), json!(value));
        }
    }
}

/// The shipped heartbeat gets its address, or goes.
fn heartbeat(receiver: &mut Map<String, Value>, address: Option<&str>) {
    let Some(Value::Array(hooks)) = receiver.get_mut("webhook_configs") else { return };
    hooks.retain_mut(|hook| {
        let url = hook.get_mut("url");
        let Some(Value::String(url)) = url.filter(|url| begins(url, HEARTBEAT)) else {
            return true;
        };
        address.is_some_and(|address| {
            address.clone_into(url);
            true
        })
    });
    if hooks.is_empty() {
        receiver.shift_remove("webhook_configs");
    }
}

fn begins(value: &Value, text: &str) -> bool {
    value.as_str().is_some_and(|value| value.starts_with(text))
}

/// Takes the shipped ways out of a receiver. What is left is its owner's.
fn take(receiver: &mut Map<String, Value>) -> Shipped {
    let mut shipped = Shipped::default();
    for (key, list) in receiver.iter_mut() {
        let Value::Array(list) = list else { continue };
        list.retain(|way| {
            let Some(settings) = way.as_object() else { return true };
            let is_mail =
                settings.get("to").and_then(Value::as_str).is_some_and(|to| to.ends_with(MAIL));
            if settings.values().any(|value| value == CHAT) {
                shipped.chat = Some((key.clone(), way.clone()));
            } else if is_mail {
                shipped.mail = Some((key.clone(), way.clone()));
            } else {
                return true;
            }
            false
        });
    }
    // An empty list says nothing.
    receiver.retain(|_, list| list.as_array().is_none_or(|list| !list.is_empty()));
    shipped
}

/// Gives a receiver the ways that are set, of the kinds that it had. Where the only way is mail, a
/// chat gets that: no warning is for nobody. What only mail was for stays without one.
fn give(receiver: &mut Map<String, Value>, ways: &Ways, own: &Shipped, usual: &Shipped) {
    let Some((_, first)) = own.chat.as_ref().or(own.mail.as_ref()) else { return };
    let resolved = first.get("send_resolved").cloned().unwrap_or(Value::Bool(true));
    let mut chats = chats(ways, own.chat.as_ref(), usual.mail.as_ref());
    if own.chat.is_none() {
        chats.clear();
    }
    let has_none = chats.is_empty() && !receiver.values().any(Value::is_array);
    let mails = mails(ways, own.mail.as_ref().or(usual.mail.as_ref()));
    let mails = mails.filter(|_| own.mail.is_some() || has_none);
    for (key, mut way) in chats.into_iter().chain(mails) {
        if let Value::Object(settings) = &mut way {
            settings.insert("send_resolved".to_owned(), resolved.clone());
        }
        if let Value::Array(list) = receiver.entry(key).or_insert_with(|| json!([])) {
            list.push(way);
        }
    }
}

/// What speaks in a chat. The shipped mail has the text in plain words.
fn chats(ways: &Ways, shipped: Option<&Way>, mail: Option<&Way>) -> Vec<Way> {
    let mut out = Vec::new();
    if let (Some(address), Some((key, way))) = (&ways.chat, shipped) {
        let settings = way.as_object().into_iter().flatten();
        // `api_url_file` becomes `api_url`.
        let filled = settings.map(|(name, value)| {
            if value == CHAT {
                (name.trim_end_matches("_file").to_owned(), json!(address))
            } else {
                (name.clone(), value.clone())
            }
        });
        out.push((key.clone(), Value::Object(filled.collect())));
    }
    if let Some(telegram) = &ways.telegram {
        let text = mail.and_then(|(_, mail)| mail.get("text")?.as_str()).unwrap_or_default();
        // Without a mode nothing in a name is markup.
        let way = json!({ "bot_token": telegram.token, "chat_id": telegram.chat, "parse_mode": "",
            "message": format!(r#"{{{{ template "stack.title" . }}}}{{{{ "\n" }}}}{text}"#) });
        out.push(("telegram_configs".to_owned(), way));
    }
    if let Some(url) = &ways.webhook {
        out.push(("webhook_configs".to_owned(), json!({ "url": url })));
    }
    out
}

fn mails(ways: &Ways, shipped: Option<&Way>) -> Option<Way> {
    let (mail, (key, way)) = ways.mail.as_ref().zip(shipped)?;
    let mut way = way.clone();
    if let Value::Object(settings) = &mut way {
        settings.insert("to".to_owned(), json!(mail.to));
    }
    Some((key.clone(), way))
}
