//! A NATS server in the configuration file.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::more::Extra;
use crate::config::{Access, Dur, SafeUrl};
use crate::plan::Thresholds;

/// A NATS server's monitoring port.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("additionalProperties" = false))]
pub struct Nats {
    /// Address of the monitoring port, for example `http://127.0.0.1:8222`.
    pub url: SafeUrl,
    #[serde(flatten)]
    pub access: Access,
    /// The Compose service in which it runs, as `db` or `shop/db`: while that service is down, the alert
    /// that it does not answer is muted. Default: found by its address among the services of the section `docker`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// What is read beside `/varz`, `/jsz` and `/healthz`; default `[connz, accstatz]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoints: Option<Vec<Extra>>,
    /// Which consumers have series of their own.
    #[serde(default, skip_serializing_if = "Consumers::is_default")]
    pub consumers: Consumers,
    /// What the established names begin with. With `nats` they are there also as the helm chart of NATS has them
    /// (`nats_varz_mem`, `nats_stream_total_messages`); those of the rules and boards stay. Default `gnatsd`.
    #[serde(default)]
    pub prefix: Prefix,
    /// Deadline of a reading; default `5s`. `/jsz` and what `endpoints` names have two fifths of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Dur>,
    #[serde(default)]
    pub thresholds: Thresholds,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Prefix {
    /// `gnatsd_` and `jetstream_`, as prometheus-nats-exporter has them by itself.
    #[default]
    Gnatsd,
    /// Also `nats_` for both.
    Nats,
}

/// Which consumers have series of their own: durable ones that are allowed and not denied. The others are a sum for
/// each stream.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Consumers {
    /// Patterns such as `analysis-*` or `TASKS/*`, for the name or for stream and name; default all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<String>,
    /// Patterns of those that have none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deny: Vec<String>,
    /// Most that have; what is more is left out and counted. Default 2000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub most: Option<usize>,
}

impl Consumers {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Keys with a pattern that is none, and why.
    pub fn mistakes(&self) -> impl Iterator<Item = (&'static str, String)> {
        let all = [("consumers.allow", &self.allow), ("consumers.deny", &self.deny)];
        all.into_iter().flat_map(|(key, patterns)| {
            let wrong = |pattern: &String| Some(globset::Glob::new(pattern).err()?.to_string());
            patterns.iter().filter_map(wrong).map(move |message| (key, message))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::Section;
    use crate::config::load;

    /// The keys of the login are the section's own, and so is the nearest valid one.
    #[test]
    fn a_login_stands_beside_the_address() {
        let read = |text: &str| load::<Section>("c.yaml", text, &|_| None).finish();
        let section = read(
            "main: { url: 'http://h', username: u, password: hunter2, ca_file: /ca.pem, \
             header_files: { X-Key: /key }, timeout: 2s }\n",
        );
        let main = &section.unwrap()["main"];
        assert_eq!(main.access.keys(), ["username", "password", "header_files", "ca_file"]);
        let shown = serde_json::to_string(main).unwrap();
        assert!(shown.contains("\"password\":\"<secret>\"") && !shown.contains("hunter2"));
        assert!(
            shown.contains("\"ca_file\":\"/ca.pem\"") && !shown.contains("cert_file"),
            "{shown}"
        );
        let text = "main:\n  url: http://h\n  bearer_token_fil: /x\n  pasword: hunter2\n  ca_file: [1]\n  urll: x\n";
        assert_eq!(
            read(text).unwrap_err(),
            [
                "c.yaml:3: main.bearer_token_fil: unknown key (did you mean `bearer_token_file`?)",
                "c.yaml:4: main.pasword: unknown key (did you mean `password`?)",
                "c.yaml:5: main.ca_file: expected a string, found a list",
                "c.yaml:6: main.urll: unknown key (did you mean `url`?)",
            ]
        );
    }
}
