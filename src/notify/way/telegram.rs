//! Telegram's Bot API: `sendMessage` without `parse_mode`, so that no name is markup.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Again, Refused, answer, secret};
use crate::clients::post;
use crate::config::notify::Telegram;
use crate::config::{Access, SafeUrl};
use crate::failure::{Failure, Reason};
use crate::notify::message::{Message, Status};

const SERVER: &str = "https://api.telegram.org";

pub(super) async fn send(telegram: &Telegram, message: &Message) -> Result<(), Refused> {
    let token = secret("token_file", telegram.token.as_ref(), telegram.token_file.as_ref()).await?;
    let server = telegram.url.clone().unwrap_or_else(|| SafeUrl::new(SERVER));
    let wrong = |why| Failure::new(Reason::PROTOCOL, format!("`telegram.url`: {why}"));
    let mut url = server.http().map_err(wrong)?;
    // What is no letter of a token would be another path.
    let token = token.expose().trim();
    if token.is_empty() || !token.chars().all(|c| c.is_ascii_alphanumeric() || "_-:".contains(c)) {
        let failure = Failure::new(Reason::AUTH, "the token of the bot is none");
        return Err(failure.hint(TOKEN).into());
    }
    url.path = format!("{}/bot{token}/sendMessage", url.path.trim_end_matches('/'));
    let document = document(message, &telegram.chat);
    let answer = post::send(&Access::default(), &url, Some(&document)).await?;
    judge(answer.status, &answer.body, &url.origin(), token)
}

fn document(message: &Message, chat: &str) -> Value {
    let text = message.text();
    let gap = if text.is_empty() { "" } else { "\n" };
    json!({
        "chat_id": chat,
        "text": format!("{}{gap}{text}", message.title),
        "link_preview_options": { "is_disabled": true },
        "disable_notification": message.status == Status::Resolved,
    })
}

const TOKEN: &str = "write the token that @BotFather gave, such as 110201543:AAHdqTcv, into the file of `token_file`";
const CHAT: &str = "write to the bot once, or add it to the group, and set `chat` to that chat's number (of a group it is \
                    negative): https://api.telegram.org/bot<token>/getUpdates tells it";

/// It says what is wrong in words.
fn judge(status: u16, body: &str, who: &str, token: &str) -> Result<(), Refused> {
    let answer: Value = serde_json::from_str(body).unwrap_or_default();
    let said = answer.get("description").and_then(Value::as_str).unwrap_or_default();
    let said = answer::said(said, &[token.to_owned()]);
    let wait = answer.pointer("/parameters/retry_after").and_then(Value::as_u64);
    let wait = wait.map(Duration::from_secs);
    let Some(Refused { mut failure, mut again }) = answer::refusal(status, wait, who, &said) else {
        return Ok(());
    };
    let chat = ["chat not found", "chat_id", "upgraded", "deactivated"];
    match status {
        401 | 404 => failure = Failure { reason: Reason::AUTH, ..failure }.hint(TOKEN),
        403 => failure = failure.hint(CHAT),
        400 if chat.iter().any(|word| said.to_lowercase().contains(word)) => {
            failure = Failure { reason: Reason::NOT_FOUND, ..failure }.hint(CHAT);
            // Whoever adds the bot to the chat gets what waits.
            again = Again::Later(None);
        }
        _ => {}
    }
    Err(Refused { failure, again })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_bot_api_says_leads_to_a_remedy() {
        let told = |status, body: &str| judge(status, body, "https://t", "1:SECRET").unwrap_err();
        let wrong = told(401, r#"{"ok":false,"error_code":401,"description":"Unauthorized"}"#);
        assert_eq!(wrong.failure.detail, "https://t: HTTP status 401: Unauthorized");
        assert!(wrong.failure.hint.unwrap().contains("BotFather"));
        let chat = told(400, r#"{"ok":false,"description":"Bad Request: chat not found"}"#);
        assert_eq!(chat.failure.reason, Reason::NOT_FOUND);
        assert!(chat.failure.hint.unwrap().contains("getUpdates"));
        let many = told(
            429,
            r#"{"ok":false,"description":"Too Many Requests: retry after 7","parameters":{"retry_after":7}}"#,
        );
        assert_eq!(many.again, Again::Later(Some(Duration::from_secs(7))));
        let long = told(400, r#"{"ok":false,"description":"Bad Request: message is too long"}"#);
        assert_eq!(long.again, Again::Never);
        assert!(judge(200, r#"{"ok":true}"#, "", "").is_ok());
    }
}
