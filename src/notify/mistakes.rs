//! What is wrong with the section `notify`, files included.

use super::way::{mail_mistakes, topic};
use crate::clients::access;
use crate::config::notify::{Notify, Post, Telegram};
use crate::config::{SafeUrl, Secret};

/// Shorter sign-of-life periods are of no use to anybody.
const LEAST_BEAT: std::time::Duration = std::time::Duration::from_secs(10);

/// All mistakes, each with its path in the section.
pub fn mistakes(notify: &Notify) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let posts = [
        ("ntfy", &notify.ntfy),
        ("slack", &notify.slack),
        ("mattermost", &notify.mattermost),
        ("webhook", &notify.webhook),
    ];
    for (name, post) in posts {
        if let Some(post) = post {
            found.extend(below(name, of_post(post, name == "ntfy")));
        }
    }
    if let Some(telegram) = &notify.telegram {
        found.extend(below("telegram", of_telegram(telegram)));
    }
    if let Some(mail) = &notify.mail {
        found.extend(below("mail", mail_mistakes(mail)));
    }
    if let Some(heartbeat) = &notify.heartbeat {
        found.extend(below("heartbeat", of_post(&heartbeat.to, false)));
        if heartbeat.every.get() < LEAST_BEAT {
            found.push(("heartbeat.every".to_owned(), "must be at least `10s`".to_owned()));
        }
    }
    if super::way::Way::all(notify).is_empty() && notify.heartbeat.is_none() {
        let message = "names no way: add `ntfy`, `telegram`, `slack`, `mattermost`, `webhook` or `mail`, or take it out";
        found.push((String::new(), message.to_owned()));
    }
    found
}

fn below(name: &str, mistakes: Vec<(String, String)>) -> impl Iterator<Item = (String, String)> {
    mistakes.into_iter().map(move |(key, message)| (format!("{name}.{key}"), message))
}

/// Exactly one of a value and its file; the value, if it can be had.
fn one_of(
    (key, value): (&str, Option<&Secret>),
    (file_key, file): (&str, Option<&std::path::PathBuf>),
    found: &mut Vec<(String, String)>,
) -> Option<Secret> {
    match (value, file) {
        (Some(_), Some(_)) => {
            found.push((key.to_owned(), format!("must not be set together with `{file_key}`")));
            None
        }
        (None, None) => {
            found.push((
                file_key.to_owned(),
                format!("is missing: a file with one line, or `{key}`"),
            ));
            None
        }
        (Some(value), None) => Some(value.clone()),
        (None, Some(file)) => match access::secret_mistake(file) {
            Some(message) => {
                found.push((file_key.to_owned(), message));
                None
            }
            None => access::read_secret(file_key, file).ok(),
        },
    }
}

fn of_post(post: &Post, with_topic: bool) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let (url, file) = (post.url.as_ref(), post.url_file.as_ref());
    let key = if file.is_some() { "url_file" } else { "url" };
    let text = one_of(("url", url), ("url_file", file), &mut found);
    let url = SafeUrl::new(text.as_ref().map_or("", Secret::expose));
    if text.is_some() {
        match url.http() {
            Err(why) => found.push((
                key.to_owned(),
                why.replace("http://127.0.0.1:8222", "https://ntfy.sh/my-topic"),
            )),
            Ok(mut url) if with_topic => {
                if let Err(failure) = topic(&mut url) {
                    found.push((key.to_owned(), failure.hint.unwrap_or(failure.detail)));
                }
            }
            Ok(_) => {}
        }
    }
    found.extend(access::mistakes(&post.access, &url, key));
    found
}

fn of_telegram(telegram: &Telegram) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let token = (telegram.token.as_ref(), telegram.token_file.as_ref());
    one_of(("token", token.0), ("token_file", token.1), &mut found);
    let number = telegram.chat.parse::<i64>().is_ok();
    let name = telegram.chat.strip_prefix('@').is_some_and(|name| !name.is_empty());
    if !number && !name {
        found.push((
            "chat".to_owned(),
            "expected the number of a chat between quotes, such as \"-1001234567890\", or `@channel`"
                .to_owned(),
        ));
    }
    if let Some(why) = telegram.url.as_ref().and_then(SafeUrl::http_mistake) {
        found.push(("url".to_owned(), why));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collectors::Config;
    use crate::config;

    const HOW_TO: &str = include_str!("../../docs/how-to/messages.md");

    fn wrong(section: &str) -> Vec<String> {
        let loaded = config::load::<Config>("x.yml", section, &|_| None);
        assert!(loaded.problems.is_empty(), "{section}: {:?}", loaded.problems);
        let config = loaded.config.and_then(|config| config.notify).unwrap();
        mistakes(&config).into_iter().map(|(key, message)| format!("{key}: {message}")).collect()
    }

    #[test]
    fn the_examples_of_the_how_to_are_right() {
        let dir = tempfile::tempdir().unwrap();
        let mut seen = 0;
        for block in HOW_TO.split("```yaml\n").skip(1) {
            let text = block.split("```").next().unwrap();
            for name in text.split("/run/secrets/").skip(1) {
                let name = name.split_whitespace().next().unwrap();
                let secret =
                    if name.contains("url") { "https://ntfy.sh/my-stack" } else { "secret" };
                std::fs::write(dir.path().join(name), secret).unwrap();
            }
            let text = text.replace("/run/secrets", &dir.path().display().to_string());
            assert_eq!(wrong(&text), Vec::<String>::new(), "{text}");
            seen += 1;
        }
        assert_eq!(seen, 6);
    }

    #[test]
    fn mistakes_name_their_key() {
        for (section, said) in [
            ("notify: {}", ": names no way"),
            ("notify: { ntfy: {} }", "ntfy.url_file: is missing"),
            ("notify: { ntfy: { url: 'https://ntfy.sh/' } }", "ntfy.url: write it with the topic"),
            ("notify: { slack: { url: 'x' } }", "slack.url: expected an address"),
            ("notify: { slack: { url_file: /no/such } }", "slack.url_file: there is no such file"),
            (
                "notify: { webhook: { url: 'http://h', ca_file: /x } }",
                "webhook.ca_file: is for an address",
            ),
            ("notify: { telegram: { chat: me, token: t } }", "telegram.chat: expected the number"),
            (
                "notify: { heartbeat: { url: 'http://h', every: 1s } }",
                "heartbeat.every: must be at least",
            ),
        ] {
            let all = wrong(section);
            assert!(all.iter().any(|one| one.starts_with(said)), "{section}: {all:?}");
        }
    }
}
