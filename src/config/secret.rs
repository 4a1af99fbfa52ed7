//! Values that must not reach a log, a page or a message.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value as Json;

use super::url::{Fault, Url};

/// What stands in place of a secret.
pub const HIDDEN: &str = "<secret>";
/// What stands in place of a URL whose parts cannot be told apart.
pub const UNREADABLE: &str = "<unreadable url>";

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

    /// The text as it was written, which nothing but a test should need.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The address, taken apart; what it connects to and what is shown of it are both from this.
    pub fn parse(&self) -> Result<Url, Fault> {
        Url::parse(&self.0)
    }

    /// The hosts and ports that it connects to; `usual` where it names no port.
    pub fn hosts(&self, usual: u16) -> Vec<(String, u16)> {
        let hosts = self.parse().map(|url| url.hosts).unwrap_or_default();
        hosts.into_iter().map(|host| (host.name, host.port.unwrap_or(usual))).collect()
    }
}

impl fmt::Display for SafeUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.parse() {
            Ok(url) => fmt::Display::fmt(&url, f),
            Err(_) => f.write_str(UNREADABLE),
        }
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
}
