//! Values that must not reach a log, a page or a message.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value as Json;

/// What stands in place of a secret.
pub const HIDDEN: &str = "<secret>";
/// What stands in place of a URL whose parts cannot be told apart.
pub const UNREADABLE: &str = "<unreadable url>";

/// Names of query parameters that hold a secret, by a part of the name.
const SECRET_NAMES: [&str; 8] = ["pass", "pwd", "token", "key", "secret", "auth", "sig", "cred"];

/// A text that only `expose` gives.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

/// A URL that may carry a password; printing hides it, `expose` does not.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct SafeUrl(String);

impl SafeUrl {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The URL itself, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether the parts of the URL can be told apart.
    pub fn is_readable(&self) -> bool {
        safe_text(&self.0).is_some()
    }

    /// The scheme, of a URL that can be read.
    pub fn scheme(&self) -> Option<&str> {
        self.is_readable().then(|| self.0.split_once("://").map(|(scheme, _)| scheme)).flatten()
    }
}

impl fmt::Display for SafeUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&safe_text(&self.0).unwrap_or_else(|| UNREADABLE.to_owned()))
    }
}

macro_rules! hidden_text {
    ($type:ident, $schema:tt) => {
        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                // By way of any value: the usual error repeats a value of the wrong type.
                match Json::deserialize(deserializer) {
                    Ok(Json::String(text)) => Ok(Self(text)),
                    _ => Err(de::Error::custom("expected a string")),
                }
            }
        }
        impl JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

hidden_text!(Secret, { "type": "string", "minLength": 1, "writeOnly": true });
hidden_text!(SafeUrl, { "type": "string", "minLength": 1 });

/// The URL with its secrets hidden, or None when a secret could hide in any part of it.
fn safe_text(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once("://")?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    if !scheme.starts_with(|c: char| c.is_ascii_alphabetic()) || !scheme.chars().all(plain) {
        return None;
    }
    if text.contains(|c: char| c.is_control() || c.is_whitespace() || matches!(c, '\\' | '<')) {
        return None;
    }
    let (authority, tail) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    // A password with a bare `/`, `?` or `#` ends the host early: the `@` after it tells.
    if tail.contains('@') {
        return None;
    }
    let (user, hosts) = match authority.rsplit_once('@') {
        Some((user, hosts)) => (Some(user), hosts),
        None => (None, authority),
    };
    if !hosts.split(',').all(is_host) {
        return None;
    }
    let database = matches!(scheme, "postgres" | "postgresql");
    let user = user.map(|user| safe_user(user, database)).unwrap_or_default();
    Some(format!("{scheme}://{user}{hosts}{}", safe_tail(tail)))
}

fn safe_user(user: &str, database: bool) -> String {
    match user.split_once(':') {
        Some((name, password)) if !password.is_empty() => format!("{name}:{HIDDEN}@"),
        // A database has a user without a password; elsewhere a lone user is an access token.
        _ if database => format!("{}@", user.trim_end_matches(':')),
        _ => format!("{HIDDEN}@"),
    }
}

/// `host`, `host:port`, `[v6]:port` or nothing. A port that is no number is the start of a
/// password whose `@` was left out.
fn is_host(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[') {
        Some(inner) => match inner.split_once(']') {
            Some((host, port)) => (host, port.strip_prefix(':').or(port.is_empty().then_some(""))),
            None => return false,
        },
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, Some("")),
        },
    };
    let named =
        |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '~' | '%' | ':' | '*');
    host.chars().all(named)
        && port.is_some_and(|port| port.len() <= 5 && port.chars().all(|c| c.is_ascii_digit()))
}

/// Path, query and fragment, with the values of secret parameters hidden.
fn safe_tail(tail: &str) -> String {
    const SEPARATORS: [char; 4] = ['?', '#', '&', ';'];
    let mut rest = tail.find(['?', '#']).map_or("", |at| tail.get(at..).unwrap_or_default());
    let mut safe = tail.strip_suffix(rest).unwrap_or_default().to_owned();
    let mut hiding = false;
    while let Some(separator) = rest.chars().next() {
        let after = rest.get(separator.len_utf8()..).unwrap_or_default();
        let (piece, next) = after.split_at(after.find(SEPARATORS).unwrap_or(after.len()));
        rest = next;
        let pair = piece.split_once('=');
        // Only `&` ends a value for certain, and a piece without `=` after it is likelier the
        // rest of a password that was not encoded than a parameter.
        if hiding && (separator != '&' || pair.is_none()) {
            continue;
        }
        hiding = pair.is_some_and(|(name, value)| !value.is_empty() && is_secret_name(name));
        safe.push(separator);
        match pair {
            Some((name, _)) if hiding => {
                safe.push_str(name);
                safe.push('=');
                safe.push_str(HIDDEN);
            }
            _ => safe.push_str(piece),
        }
    }
    safe
}

fn is_secret_name(name: &str) -> bool {
    let name = decode(name).to_lowercase();
    SECRET_NAMES.iter().any(|part| name.contains(part))
}

/// Percent-decoding for names only, so that `%70assword` is seen for what it is.
fn decode(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let mut ahead = bytes.clone();
        let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
        if byte == b'%'
            && let (Some(high), Some(low)) = (digit(ahead.next()), digit(ahead.next()))
            && let Ok(value) = u8::try_from(high * 16 + low)
        {
            out.push(value);
            bytes = ahead;
        } else {
            out.push(byte);
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_is_never_printed() {
        let secret: Secret = serde_json::from_str("\"hunter2\"").unwrap();
        assert_eq!(secret.expose(), "hunter2");
        assert_eq!(format!("{secret} {secret:?} {secret:#?}"), "<secret> <secret> <secret>");
        assert_eq!(serde_json::to_string(&secret).unwrap(), "\"<secret>\"");
        let error = serde_json::from_str::<Secret>("777123").unwrap_err().to_string();
        assert!(!error.contains("777123"), "{error}");
        let error = serde_json::from_str::<SafeUrl>("[\"hunter2\"]").unwrap_err().to_string();
        assert!(!error.contains("hunter2"), "{error}");
    }

    #[test]
    fn urls() {
        for (text, want) in [
            ("postgresql://u:hunter2@h:5432/db", "postgresql://u:<secret>@h:5432/db"),
            ("postgres://u:hunter2@h1:1,h2:2/db", "postgres://u:<secret>@h1:1,h2:2/db"),
            ("postgres://u@h/db", "postgres://u@h/db"),
            ("postgres:///db?host=/run", "postgres:///db?host=/run"),
            ("postgres://h/db?user=u&password=hunter2", "postgres://h/db?user=u&password=<secret>"),
            ("postgres://h/db?%70assword=hunter2", "postgres://h/db?%70assword=<secret>"),
            ("postgres://u:hun@ter2@h/db", "postgres://u:<secret>@h/db"),
            ("https://u:hunter2@h/x?a=1", "https://u:<secret>@h/x?a=1"),
            ("https://hunter2@h/x", "https://<secret>@h/x"),
            ("https://hunter2:@h/x", "https://<secret>@h/x"),
            ("redis://:hunter2@h:6379/0", "redis://:<secret>@h:6379/0"),
            ("http://h/x?API_KEY=hunter2&b=2;c=3", "http://h/x?API_KEY=<secret>&b=2;c=3"),
            ("http://h/#access_token=hunter2", "http://h/#access_token=<secret>"),
            ("http://[::1]:9090/metrics", "http://[::1]:9090/metrics"),
            ("http://h/x?a=1;token=hunter2", "http://h/x?a=1;token=<secret>"),
            ("postgres://h/?password=a?hunter2;b#c&d&e=1", "postgres://h/?password=<secret>&e=1"),
            ("http://h/x?token=", "http://h/x?token="),
            ("postgres://u:hunter2/3@h/db", UNREADABLE),
            ("postgres://u:hunter2?3@h/db", UNREADABLE),
            ("postgres://u:hunter2#3@h/db", UNREADABLE),
            ("postgres://u:1/hunter2@h/db", UNREADABLE),
            ("postgres://u:hunter2", UNREADABLE),
            ("host=h password=hunter2", UNREADABLE),
            ("hunter2", UNREADABLE),
            ("http://u:hunter2 @h/", UNREADABLE),
            ("", UNREADABLE),
        ] {
            let url = SafeUrl::new(text);
            assert_eq!(url.to_string(), want);
            assert_eq!(format!("{url:?}"), want);
            assert_eq!(serde_json::to_string(&url).unwrap(), format!("\"{want}\""));
            assert_eq!(url.expose(), text);
            assert_eq!(url.is_readable(), want != UNREADABLE);
        }
        assert_eq!(SafeUrl::new("postgres://h/db").scheme(), Some("postgres"));
        assert_eq!(SafeUrl::new("x").scheme(), None);
    }
}
