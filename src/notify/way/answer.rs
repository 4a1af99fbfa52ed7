//! What the answer of a receiver means: whether it took the message, and what to do if not.

use std::time::Duration;

use super::{Again, Refused};
use crate::clients::post::Answer;
use crate::config::Url;
use crate::engine::{LIMITED, REFUSES};
use crate::failure::{Failure, Reason};
use crate::text::printable;

/// Signs of what the receiver has said.
const SAID: usize = 160;
/// Shorter pieces of an address are no secret.
const SHORT: usize = 6;

/// Of a web service that knows its business by the status.
pub(super) fn judge(answer: &Answer, url: &Url) -> Result<(), Refused> {
    let said = said(&answer.body, &secrets(url));
    refusal(answer.status, answer.retry_after, &url.origin(), &said)
        .map_or(Ok(()), |refused| Err(advised(refused, answer)))
}

fn advised(mut refused: Refused, answer: &Answer) -> Refused {
    if refused.failure.reason == Reason::AUTH {
        refused.failure = refused.failure.hint(answer.advice.clone());
    }
    refused
}

/// `None` for success.
pub(super) fn refusal(
    status: u16,
    retry_after: Option<Duration>,
    who: &str,
    said: &str,
) -> Option<Refused> {
    let later = Again::Later(retry_after);
    let (reason, again, hint) = match status {
        200..=299 => return None,
        300..=399 => (
            Reason::PROTOCOL,
            later,
            "write the address that it leads to into the configuration: nothing follows it, as it would take the message elsewhere",
        ),
        401 => (Reason::AUTH, later, "the login is missing or wrong"),
        403 => (Reason::RIGHTS, later, "this login or webhook may not write there"),
        404 => (
            Reason::NOT_FOUND,
            later,
            "there is no such webhook or topic: make a new one and write its address where the configuration has it",
        ),
        408 | 425 | 429 => (LIMITED, later, "it is tried again by itself"),
        400..=499 => {
            (REFUSES, Again::Never, "`stack-exporter notify test` shows whether it takes any")
        }
        _ => (Reason::PROTOCOL, later, "it is tried again by itself"),
    };
    let said = if said.is_empty() { String::new() } else { format!(": {said}") };
    let detail = format!("{who}: HTTP status {status}{said}");
    Some(Refused { failure: Failure::new(reason, detail).hint(hint), again })
}

/// The beginning of what the receiver has said, without what it should not repeat.
pub(super) fn said(body: &str, secrets: &[String]) -> String {
    // A page for a browser says nothing that helps.
    if body.trim_start().starts_with('<') {
        return String::new();
    }
    let mut text = body.trim().to_owned();
    for secret in secrets.iter().filter(|secret| secret.len() >= SHORT) {
        text = text.replace(secret.as_str(), crate::config::secret::HIDDEN);
    }
    printable(&text.chars().take(SAID).collect::<String>()).into_owned()
}

/// The pieces of an address that may be one.
fn secrets(url: &Url) -> Vec<String> {
    let pieces = url.path.split('/').map(ToOwned::to_owned);
    let query = url.query.iter().filter_map(|(_, value)| value.clone());
    let password = url.password.iter().map(|password| password.expose().to_owned());
    pieces.chain(query).chain(password).chain(url.user.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::SafeUrl;

    #[test]
    fn an_answer_says_whether_it_is_worth_another_attempt() {
        for (status, reason, again) in [
            (301, "protocol", true),
            (401, "auth", true),
            (403, "rights", true),
            (404, "not_found", true),
            (429, "limited", true),
            (400, "refuses", false),
            (413, "refuses", false),
            (500, "protocol", true),
        ] {
            let refused = refusal(status, None, "https://a", "no").unwrap();
            assert_eq!(refused.failure.reason.as_str(), reason, "{status}");
            assert_eq!(refused.again == Again::Never, !again, "{status}");
            assert_eq!(refused.failure.detail, format!("https://a: HTTP status {status}: no"));
            assert!(refused.failure.hint.is_some());
        }
        assert!(refusal(204, None, "", "").is_none());
        let wait = Some(Duration::from_secs(7));
        assert_eq!(refusal(429, wait, "", "").unwrap().again, Again::Later(wait));
    }

    #[test]
    fn what_a_receiver_repeats_of_the_address_is_not_told() {
        let url = SafeUrl::new("https://u:hunter22@h/services/T0SECRET/B0SECRET?token=verysecret");
        let url = url.http().unwrap();
        let body = "no B0SECRET at /services/T0SECRET with verysecret, hunter22\u{1b}";
        let told = said(body, &secrets(&url));
        assert!(!told.contains("SECRET") && !told.contains("verysecret"), "{told}");
        assert!(!told.contains("hunter22") && told.ends_with("\\u001b"), "{told}");
        assert_eq!(said("<!doctype html>...", &[]), "");
    }
}
