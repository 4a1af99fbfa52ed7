//! systemd in the configuration file.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::Dur;
use crate::plan::Thresholds;

/// Where the system bus is.
const SYSTEM_BUS: &str = "/run/dbus/system_bus_socket";

/// Units of systemd that must be there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Systemd {
    /// The units that matter, by their full name, as `chatbot.service` or `backup.timer`. Each has
    /// series from the first reading on, also when it does not exist.
    pub units: BTreeMap<String, Unit>,
    /// Socket of the bus; default `/run/dbus/system_bus_socket`. Not systemd's own
    /// `/run/systemd/private`, which is made for `systemctl` alone.
    pub address: PathBuf,
    /// Whether a failed unit that is not declared is told of as well; default `true`.
    pub any_failed: bool,
    /// User managers, by a name of your own: each has a bus and units of its own. Timeout,
    /// `any_failed` and thresholds are those of the section.
    pub users: BTreeMap<String, User>,
    /// Deadline of a reading; default `5s`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Dur>,
    pub thresholds: Thresholds,
}

impl Default for Systemd {
    fn default() -> Self {
        Self {
            units: BTreeMap::new(),
            address: SYSTEM_BUS.into(),
            any_failed: true,
            users: BTreeMap::new(),
            timeout: None,
            thresholds: Thresholds::default(),
        }
    }
}

/// The manager of a user (`systemctl --user`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("additionalProperties" = false))]
pub struct User {
    /// Socket of the user's bus, such as `/run/user/1000/bus`. Only that user is let in.
    pub address: PathBuf,
    /// The units that matter.
    #[serde(default)]
    pub units: BTreeMap<String, Unit>,
}

/// A declared unit.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Unit {
    /// Of a timer: how far apart its runs may be. Default: what the timer itself has planned, by which
    /// a run that hangs is never late, since nothing is planned while it lasts: only `every` finds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every: Option<Dur>,
    /// Whether something else starts it when it is wanted (a socket, a timer, a path), so that it may be
    /// inactive; default `false`. A service of `Type=oneshot` may be anyway.
    pub on_demand: bool,
}

/// Kinds of units.
const KINDS: [&str; 11] = [
    "service",
    "timer",
    "socket",
    "target",
    "mount",
    "automount",
    "swap",
    "path",
    "slice",
    "scope",
    "device",
];

/// What is wrong with the name of a unit.
pub fn mistake(name: &str) -> Option<String> {
    let Some((stem, kind)) = name.rsplit_once('.').filter(|(_, kind)| KINDS.contains(kind)) else {
        let why = "a unit's name ends in its kind";
        return Some(format!("{why}, as in `{}.service`", escape(name)));
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || ":-_.\\@".contains(c);
    if stem.is_empty() || !stem.chars().all(plain) {
        let fit = format!("{}.{kind}", escape(stem));
        return Some(format!("no name that systemd has: it writes this one `{fit}`"));
    }
    if name.len() > 255 {
        return Some("a unit's name has at most 255 letters".to_owned());
    }
    if stem.starts_with('@') {
        return Some("a name before the `@` is missing".to_owned());
    }
    stem.ends_with('@')
        .then(|| format!("a template never runs: name one of it, as `{stem}1.{kind}`"))
}

/// As `systemd-escape` writes it.
fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for (at, byte) in text.bytes().take(255).enumerate() {
        match byte {
            b'/' => escaped.push('-'),
            b'.' if at == 0 => escaped.push_str("\\x2e"),
            b':' | b'_' | b'.' | b'@' => escaped.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() => escaped.push(char::from(byte)),
            _ => escaped.push_str(&format!("\\x{byte:02x}")),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_systemd() {
        for good in
            ["chatbot.service", "getty@tty1.service", "a\\x20b.timer", "-.mount", "a:b_c.socket"]
        {
            assert_eq!(mistake(good), None, "{good}");
        }
        for (bad, said) in [
            ("chatbot", "`chatbot.service`"),
            ("my bot", "`my\\x20bot.service`"),
            ("my bot.service", "`my\\x20bot.service`"),
            ("a/b.mount", "`a-b.mount`"),
            ("бот.service", "`\\xd0\\xb1\\xd0\\xbe\\xd1\\x82.service`"),
            ("worker@.service", "`worker@1.service`"),
            (".service", "`.service`"),
            ("@1.service", "before the `@`"),
            ("@.service", "before the `@`"),
        ] {
            let why = mistake(bad).unwrap_or_else(|| panic!("{bad} is fine"));
            assert!(why.contains(said), "{bad}: {why}");
        }
        assert!(mistake(&format!("{}.service", "a".repeat(250))).is_some());
    }
}
