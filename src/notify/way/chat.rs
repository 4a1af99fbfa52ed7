//! Slack and Mattermost: incoming webhooks, whose texts are markup of two kinds.

use serde_json::{Value, json};

use crate::notify::message::Message;

/// Slack: three signs are escaped, so that nothing is a link or calls everybody, and marks are off.
pub(super) fn slack(message: &Message) -> Value {
    let text = format!("{}\n{}", message.title, message.text());
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    json!({ "text": text.trim_end(), "mrkdwn": false, "unfurl_links": false, "unfurl_media": false })
}

/// Mattermost: Markdown, so each mark of a text is escaped; our links, which have no name in them that
/// is not encoded, stay links.
pub(super) fn mattermost(message: &Message) -> Value {
    let mut text = format!("**{}**", plain(&message.title));
    for line in message.text().lines() {
        let is_link = [("Page", &message.page), ("Runbook", &message.runbook)]
            .iter()
            .any(|(name, link)| line == format!("{name}: {link}"));
        // Two spaces at the end of a line break it.
        text += "  \n";
        text += &if is_link { line.to_owned() } else { plain(line) };
    }
    json!({ "text": text })
}

/// Markdown that shows these signs as they are, and calls nobody.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if "\\`*_{}[]()#+-.!|~><&:".contains(c) {
            out.push('\\');
        }
        out.push(c);
        if c == '@' {
            // A name that begins with what is not seen is nobody's.
            out.push('\u{200b}');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::message::Status;

    fn message(name: &str) -> Message {
        Message {
            status: Status::Firing,
            severity: "critical".into(),
            title: format!("CRITICAL: {name} is down · db1"),
            alert: "DockerServiceDown".into(),
            machine: "db1".into(),
            why: vec![format!("{name} has no running container")],
            next: vec!["docker ps".into()],
            since: None,
            until: None,
            page: "http://db1:10188/service/-/a%2Fb".into(),
            runbook: "http://db1:10188/runbooks/DockerServiceDown".into(),
        }
    }

    #[test]
    fn a_name_is_neither_markup_nor_a_call_to_everybody() {
        let hostile = "<!channel> @here @all <http://evil|*click*> `x` [a](http://b) &lt;";
        let slack = slack(&message(hostile));
        let text = slack["text"].as_str().unwrap();
        assert!(!text.contains('<') && !text.contains('>'), "{text}");
        assert!(text.contains("&lt;!channel&gt;") && text.contains("&amp;lt;"), "{text}");
        assert_eq!(slack["mrkdwn"], false);
        let mattermost = mattermost(&message(hostile));
        let text = mattermost["text"].as_str().unwrap();
        assert!(text.contains("\\<\\!channel\\> @\u{200b}here @\u{200b}all"), "{text}");
        assert!(text.contains("\\[a\\]\\(http\\://b\\)"), "{text}");
        assert!(text.contains("\nRunbook: http://db1:10188/runbooks/DockerServiceDown"), "{text}");
    }
}
