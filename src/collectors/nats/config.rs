//! A NATS server in the configuration file.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
    /// Deadline of a reading; default `5s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Dur>,
    #[serde(default)]
    pub thresholds: Thresholds,
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
