//! What has to come back, made ready from the configuration.

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderName, HeaderValue};
use regex::{Regex, RegexBuilder};
use serde_json::Value;

use super::config::{Ask, Proxy};
use super::place::{Kind, Place};
use super::reasons;
use crate::config::Url;
use crate::failure::{Failure, Reason};

/// More headers are none that anybody declares by hand.
const MOST_HEADERS: usize = 16;
const MOST_VALUES: usize = 16;
/// What a pattern may become in memory.
const PATTERN: usize = 1 << 20;

/// Where a redirect may lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Redirects {
    Follow,
    Refuse,
    /// To an address that begins so.
    To(Place),
}

/// A header that must be there, with this value if one is given.
#[derive(Clone, Debug)]
pub struct Required {
    pub name: HeaderName,
    pub value: Option<String>,
}

#[derive(Clone, Debug)]
pub struct Expect {
    pub status: Vec<u16>,
    pub headers: HeaderMap,
    pub body: Option<Regex>,
    /// A JSON pointer, the path as it was written, and what stands there.
    pub json: Vec<(String, String, String)>,
    pub required: Vec<Required>,
    pub redirects: Redirects,
    pub send: Option<String>,
    pub banner: Option<Regex>,
}

/// A mistake at a key.
type Wrong = (String, String);

impl Expect {
    /// Reads the settings; with all that is wrong with them for a place of this kind.
    pub fn of(ask: &Ask, place: Option<&Place>) -> (Self, Vec<Wrong>) {
        let mut wrong: Vec<Wrong> = Vec::new();
        let mut note = |key: &str, message: &str| wrong.push((key.to_owned(), message.to_owned()));
        if ask.status.iter().any(|status| !(100..=599).contains(status)) {
            note("status", "expected codes from 100 to 599");
        }
        let body = pattern(ask.body.as_deref(), "body", &mut note);
        let banner = pattern(ask.expect.as_deref(), "expect", &mut note);
        let redirects = match ask.redirects.as_deref() {
            None | Some("follow") => Redirects::Follow,
            Some("refuse") => Redirects::Refuse,
            Some(to) => wanted(to).map_or_else(
                || {
                    let message = "expected `follow`, `refuse`, or an address such as `https://app.example.com/`";
                    note("redirects", message);
                    Redirects::Follow
                },
                Redirects::To,
            ),
        };
        let headers = sent(&ask.headers, &mut note);
        let required = required(&ask.required_headers, &mut note);
        if ask.json.len() > MOST_VALUES {
            note("json", "has more than 16 values");
        }
        let json = ask.json.iter().take(MOST_VALUES);
        let json = json.map(|(path, value)| (pointer(path), path.clone(), value.clone())).collect();
        if let Some(place) = place {
            for (key, message) in out_of_place(ask, place) {
                note(key, message);
            }
        }
        let (status, send) = (ask.status.clone(), ask.send.clone());
        (Self { status, headers, body, json, required, redirects, send, banner }, wrong)
    }

    pub fn is_well(&self, status: u16) -> bool {
        if self.status.is_empty() {
            (200..=299).contains(&status)
        } else {
            self.status.contains(&status)
        }
    }

    /// Whether the body is looked at.
    pub fn reads_body(&self) -> bool {
        self.body.is_some() || !self.json.is_empty()
    }

    /// The required headers that an answer lacks; nothing where none is required.
    pub fn missing(&self, headers: &HeaderMap) -> Option<Vec<String>> {
        if self.required.is_empty() {
            return None;
        }
        let there = |wanted: &&Required| {
            let mut values = headers.get_all(&wanted.name).iter();
            values.any(|value| {
                let wanted = wanted.value.as_deref();
                wanted.is_none_or(|wanted| value.to_str().is_ok_and(|value| same(value, wanted)))
            })
        };
        let missing = self.required.iter().filter(|wanted| !there(wanted));
        Some(missing.map(|wanted| wanted.name.as_str().to_owned()).collect())
    }

    /// What is wrong with the JSON of a body. Says what was expected and nothing of what was found.
    pub fn json_failure(&self, found: &Value) -> Option<Failure> {
        let (_, path, wanted) = self.json.iter().find(|(pointer, _, wanted)| {
            let found = found.pointer(pointer);
            !found.is_some_and(|found| match found {
                Value::String(text) => text == wanted,
                Value::Null | Value::Bool(_) | Value::Number(_) => {
                    let found = found.to_string();
                    found == *wanted
                }
                Value::Array(_) | Value::Object(_) => false,
            })
        })?;
        let there = if self
            .json
            .iter()
            .any(|(pointer, of, _)| of == path && found.pointer(pointer).is_some())
        {
            "has another value"
        } else {
            "is not there"
        };
        let detail = format!("`{path}` in the JSON of the answer {there}, expected `{wanted}`");
        Some(Failure::new(reasons::JSON, detail).hint("look at what it says: curl -s ADDRESS"))
    }
}

/// Where a redirect has to lead, if that is an address of HTTP.
fn wanted(text: &str) -> Option<Place> {
    let place = Place::of(&Url::parse(text).ok()?).ok()?;
    (place.kind == Kind::Http).then_some(place)
}

/// Whether two values of a header say the same, as far as spaces and capitals go.
fn same(found: &str, wanted: &str) -> bool {
    let plain = |text: &str| -> String {
        text.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect()
    };
    plain(found) == plain(wanted)
}

fn pattern(text: Option<&str>, key: &str, note: &mut impl FnMut(&str, &str)) -> Option<Regex> {
    let made = RegexBuilder::new(text?).size_limit(PATTERN).build();
    if made.is_err() {
        note(key, "is no regular expression that can be used");
    }
    made.ok()
}

fn sent(headers: &BTreeMap<String, String>, note: &mut impl FnMut(&str, &str)) -> HeaderMap {
    let mut sent = HeaderMap::new();
    if headers.len() > MOST_HEADERS {
        note("headers", "has more than 16 headers");
    }
    for (name, value) in headers.iter().take(MOST_HEADERS) {
        let key = format!("headers.{name}");
        let lower = name.to_ascii_lowercase();
        let ours = ["connection", "content-length", "te", "transfer-encoding", "upgrade"];
        match (HeaderName::try_from(name.as_str()), HeaderValue::try_from(value.as_str())) {
            _ if ours.contains(&lower.as_str()) => note(&key, "is a header of the request itself"),
            _ if lower == "authorization" || lower == "cookie" => {
                note(&key, "is a secret: use `username`, `bearer_token_file` or `header_files`");
            }
            (Ok(name), Ok(value)) => {
                sent.insert(name, value);
            }
            _ => note(&key, "is no header"),
        }
    }
    sent
}

fn required(all: &[String], note: &mut impl FnMut(&str, &str)) -> Vec<Required> {
    if all.len() > MOST_HEADERS {
        note("required_headers", "has more than 16 headers");
    }
    let mut required = Vec::new();
    for (index, text) in all.iter().take(MOST_HEADERS).enumerate() {
        let (name, value) = match text.split_once(':') {
            Some((name, value)) => (name.trim(), Some(value.trim().to_owned())),
            None => (text.trim(), None),
        };
        match HeaderName::try_from(name) {
            Ok(name) => required.push(Required { name, value }),
            Err(_) => {
                note(&format!("required_headers[{index}]"), "expected `Name` or `Name: value`");
            }
        }
    }
    required
}

/// A path with dots as a JSON pointer.
fn pointer(path: &str) -> String {
    if path.starts_with('/') {
        return path.to_owned();
    }
    let parts = path.split('.').map(|part| part.replace('~', "~0").replace('/', "~1"));
    parts.fold(String::new(), |pointer, part| pointer + "/" + &part)
}

/// Keys that say nothing to a place of this kind.
fn out_of_place(ask: &Ask, place: &Place) -> Vec<(&'static str, &'static str)> {
    let web = matches!(place.kind, Kind::Http | Kind::WebSocket);
    let (http, tcp) = (place.kind == Kind::Http, place.kind == Kind::Tcp);
    let mut found = Vec::new();
    let mut only = |set: bool, fits: bool, key: &'static str, message: &'static str| {
        if set && !fits {
            found.push((key, message));
        }
    };
    let of_http = "is for `http://` and `https://` only";
    only(!ask.status.is_empty(), http, "status", of_http);
    only(ask.body.is_some(), http, "body", of_http);
    only(!ask.json.is_empty(), http, "json", of_http);
    only(!ask.required_headers.is_empty(), http, "required_headers", of_http);
    only(ask.redirects.is_some(), http, "redirects", of_http);
    only(ask.proxy == Some(Proxy::Environment), http, "proxy", of_http);
    only(!ask.headers.is_empty(), web, "headers", "is for `http` and `ws` only");
    let of_tcp = "is for `tcp://` and `tls://` only";
    only(ask.send.is_some(), tcp, "send", of_tcp);
    only(ask.expect.is_some(), tcp, "expect", of_tcp);
    let of_tls = "is for an address with TLS only: `https://`, `wss://`, `tls://`";
    only(ask.certificate_file.is_some(), place.tls, "certificate_file", of_tls);
    if !http {
        // `clients::access` says so of plain HTTP itself.
        for key in ask.access.tls_keys() {
            only(true, place.tls, key, of_tls);
        }
    }
    for key in
        ask.access.keys().into_iter().filter(|key| !ask.access.tls_keys().any(|tls| tls == *key))
    {
        only(true, web, key, "is for `http` and `ws` only");
    }
    found
}

/// The text of what has come is not what is expected.
pub fn unexpected(what: &str) -> Failure {
    Failure::new(reasons::BODY, format!("{what} is not what is expected"))
}

/// A status that is none of those that are well.
pub fn wrong_status(status: u16) -> Failure {
    let reason = match status {
        401 => Reason::AUTH,
        403 => Reason::RIGHTS,
        _ => reasons::STATUS,
    };
    Failure::new(reason, format!("HTTP status {status}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(text: &str) -> (Expect, Vec<Wrong>) {
        let ask: Ask = serde_json::from_str(text).unwrap();
        Expect::of(&ask, None)
    }

    /// UK's `/api/health` answers `{"status":"ok"}`. [B03]
    #[test]
    fn values_stand_where_a_path_says() {
        let (expect, wrong) = of(r#"{"json":{"status":"ok","a.0.b":"1","/x~1y":"true"}}"#);
        assert_eq!(wrong, []);
        let fine = json!({"status": "ok", "a": [{"b": 1}], "x/y": true, "more": {}});
        assert_eq!(expect.json_failure(&fine), None);
        for (wrong, said) in [
            (
                json!({"status": "hunter2", "a": [{"b": 1}], "x/y": true}),
                "`status` in the JSON of the answer has another",
            ),
            (
                json!({"status": "ok", "a": [], "x/y": true}),
                "`a.0.b` in the JSON of the answer is not there",
            ),
            (json!([]), "is not there"),
            (json!({"status": {}, "a": [{"b": 1}], "x/y": true}), "has another"),
        ] {
            let failure = expect.json_failure(&wrong).unwrap();
            assert!(failure.detail.contains(said), "{failure}");
            assert!(!failure.detail.contains("hunter2"), "{failure}");
            assert_eq!(failure.reason, reasons::JSON);
        }
    }

    /// KO's three. [B01]
    #[test]
    fn required_headers_are_held_with_their_values() {
        let (expect, wrong) = of(
            r#"{"required_headers":["X-Frame-Options: DENY","X-Content-Type-Options","X-XSS-Protection: 1; mode=block"]}"#,
        );
        assert_eq!(wrong, []);
        let mut headers = HeaderMap::new();
        headers.insert("x-frame-options", HeaderValue::from_static("deny"));
        headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
        headers.insert("x-xss-protection", HeaderValue::from_static("1;mode=block"));
        assert_eq!(expect.missing(&headers), Some(vec![]));
        headers.insert("x-frame-options", HeaderValue::from_static("SAMEORIGIN"));
        headers.remove("x-content-type-options");
        let missing = expect.missing(&headers).unwrap();
        assert_eq!(missing, ["x-frame-options", "x-content-type-options"]);
        assert_eq!(of("{}").0.missing(&headers), None);
    }

    #[test]
    fn mistakes_are_told_at_their_keys() {
        let keys = |text: &str| of(text).1.into_iter().map(|(key, _)| key).collect::<Vec<_>>();
        assert_eq!(keys(r#"{"status":[200,700]}"#), ["status"]);
        assert_eq!(keys(r#"{"body":"(","expect":"a{99999}{99999}"}"#), ["body", "expect"]);
        for odd in ["somewhere", "tcp://a:1", "https://", "https://a b/"] {
            assert_eq!(keys(&format!("{{\"redirects\":\"{odd}\"}}")), ["redirects"], "{odd}");
        }
        assert_eq!(
            keys(r#"{"headers":{"Cookie":"a","Upgrade":"b","X-Fine":"c","b d":"e"}}"#).len(),
            3
        );
        assert_eq!(keys(r#"{"required_headers":["a b"]}"#), ["required_headers[0]"]);
    }
}
