//! What may be shown of an address: a closed list of names and forms, and nothing else of it.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{Host, Url, decode, is_host, is_v6, port_of};
use crate::config::secret::HIDDEN;

/// All but these is encoded, so that every reader reads the same.
pub const UNRESERVED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// Folders of sockets and files are shown with their slashes.
const SLASHES: &AsciiSet = &UNRESERVED.remove(b'/').remove(b',').remove(b':');

/// Parameters whose value is a secret: their name says what is hidden.
const SECRETS: [&str; 16] = [
    "access_token",
    "api_key",
    "apikey",
    "auth",
    "key",
    "oauth_client_secret",
    "pass",
    "passwd",
    "password",
    "pwd",
    "secret",
    "sig",
    "signature",
    "sslpassword",
    "token",
    "x-api-key",
];

/// Parameters whose value is one of `WORDS` or a short number.
const CHOICES: [&str; 15] = [
    "channel_binding",
    "command_timeout",
    "connect_timeout",
    "gssencmode",
    "load_balance_hosts",
    "max_overflow",
    "pool_size",
    "pool_timeout",
    "require_auth",
    "ssl",
    "sslmode",
    "sslnegotiation",
    "target_session_attrs",
    "tcp_user_timeout",
    "timeout",
];
const WORDS: [&str; 26] = [
    "allow",
    "any",
    "direct",
    "disable",
    "false",
    "gss",
    "md5",
    "none",
    "off",
    "on",
    "password",
    "postgres",
    "prefer",
    "prefer-standby",
    "primary",
    "random",
    "read-only",
    "read-write",
    "require",
    "scram-sha-256",
    "sspi",
    "standby",
    "true",
    "verify-ca",
    "verify-full",
    "system",
];

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.name.contains(':') {
            write!(f, "[{}]", self.name)?;
        } else {
            f.write_str(&self.name)?;
        }
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

impl Url {
    /// Scheme, hosts and ports: what may stand in labels and messages.
    pub fn origin(&self) -> String {
        if self.scheme == "unix" {
            return format!("unix://{}", self.path);
        }
        format!("{}://{}", self.scheme, self.shown_hosts())
    }

    fn shown_hosts(&self) -> String {
        let shown = self.hosts.iter().map(|host| {
            // The folder of a socket cannot stand before a slash as it is.
            let folder = self.is_database() && host.name.starts_with(['/', '@']);
            let name = if folder {
                utf8_percent_encode(&host.name, UNRESERVED).to_string()
            } else {
                host.name.clone()
            };
            Host { name, port: host.port }.to_string()
        });
        shown.collect::<Vec<_>>().join(",")
    }

    fn shown_user(&self) -> String {
        let user = |user: &Option<String>| {
            utf8_percent_encode(user.as_deref().unwrap_or_default(), UNRESERVED).to_string()
        };
        match (&self.user, &self.password) {
            (None, None) => String::new(),
            // A database has users; elsewhere what looks like one may be half an access token.
            _ if !self.is_database() => format!("{HIDDEN}@"),
            (name, Some(_)) => format!("{}:{HIDDEN}@", user(name)),
            (name, None) => format!("{}@", user(name)),
        }
    }

    /// The name of a database, the path of a socket; of other paths the segments that are words.
    fn shown_path(&self) -> String {
        if self.scheme == "unix" {
            return self.path.clone();
        }
        let shown = self.path.split('/').map(|segment| match decode(segment) {
            Ok(text) if self.is_database() && !may_be_address(&text) => {
                utf8_percent_encode(&text, UNRESERVED).to_string()
            }
            Ok(_) if !self.is_database() && is_word(segment) => segment.to_owned(),
            _ => HIDDEN.to_owned(),
        });
        shown.collect::<Vec<_>>().join("/")
    }

    fn shown_query(&self) -> String {
        let mut pieces: Vec<String> = Vec::new();
        for (name, value) in &self.query {
            let piece = match value {
                Some(value) => self.shown_pair(name, value),
                None => HIDDEN.to_owned(),
            };
            // Several that are hidden are shown as one.
            if piece != HIDDEN || pieces.last().is_none_or(|last| last != HIDDEN) {
                pieces.push(piece);
            }
        }
        if pieces.is_empty() { String::new() } else { format!("?{}", pieces.join("&")) }
    }

    fn shown_pair(&self, name: &str, value: &str) -> String {
        let lower = name.to_ascii_lowercase();
        let Ok(text) = decode(value) else { return HIDDEN.to_owned() };
        if SECRETS.contains(&lower.as_str()) {
            let hidden = if value.is_empty() { "" } else { HIDDEN };
            return format!("{name}={hidden}");
        }
        let encoded = || utf8_percent_encode(&text, SLASHES).to_string();
        let known = match name {
            "host" | "hostaddr" => text.split(',').all(|host| is_host(host, true) || is_v6(host)),
            "port" => text.split(',').all(|port| port_of(port).is_ok()),
            "user" | "dbname" => !may_be_address(&text),
            "sslrootcert" => text.starts_with('/') || WORDS.contains(&text.as_str()),
            name if CHOICES.contains(&name) => text.split(',').all(is_choice),
            _ => false,
        };
        if known && self.is_database() {
            format!("{name}={}", encoded())
        } else {
            HIDDEN.to_owned()
        }
    }
}

/// The address without its secrets.
impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (user, hosts) = (self.shown_user(), self.shown_hosts());
        if self.scheme == "unix" {
            return write!(f, "unix://{}", self.path);
        }
        write!(f, "{}://{user}{hosts}{}{}", self.scheme, self.shown_path(), self.shown_query())?;
        match &self.fragment {
            Some(fragment) if !fragment.is_empty() => write!(f, "#{HIDDEN}"),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// `libpq` takes a name of a database that looks like an address, or like settings, as such.
pub fn may_be_address(name: &str) -> bool {
    name.contains("://") || name.contains('=')
}

fn is_choice(text: &str) -> bool {
    let number = text.len() <= 4 && text.chars().all(|c| c.is_ascii_digit());
    number || WORDS.contains(&text.trim_start_matches('!'))
}

/// A segment of a path that is a word, as in `/api/v1/queue_stats`, and no token.
fn is_word(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    text.len() <= 24
        && text.chars().all(plain)
        && text.chars().filter(char::is_ascii_digit).count() <= 2
        && text.chars().filter(char::is_ascii_uppercase).count() <= 2
}
