//! Addresses taken apart: the one reading of them that masks, displays and connections share.
//!
//! An address that programs read in different ways is refused, for one of the readings has a piece
//! of the password where another has the host: `postgresql://u:a@b/c@h/db` is user `u` at host `b`
//! for one driver and password `a@b/c` at host `h` for the next.
//!
//! Nothing here prints: what may be shown is in `show`.

mod keywords;
mod show;
#[cfg(test)]
mod tests;

use std::fmt;

use percent_encoding::percent_decode_str;

use super::Secret;
pub use show::{UNRESERVED, may_be_address};

/// An address, taken apart. Names and values are decoded, path and query are as written.
#[derive(Clone, PartialEq, Eq)]
pub struct Url {
    pub scheme: String,
    pub user: Option<String>,
    pub password: Option<Secret>,
    pub hosts: Vec<Host>,
    /// Empty, or from its first slash on.
    pub path: String,
    pub query: Vec<(String, Option<String>)>,
    pub fragment: Option<String>,
}

/// A host and its port. Without a name it is the usual one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    pub name: String,
    pub port: Option<u16>,
}

/// Why a text is no address. Says nothing of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It does not look like an address at all.
    Shape,
    /// More than one reading.
    Ambiguous,
    /// What stands in the place of host and port is neither.
    Host,
    /// A space, a control character, `\` or `<`.
    Character,
    /// What is encoded is not text.
    Encoding,
}

/// What to do about an address with more than one reading.
pub const AMBIGUOUS: &str = "it can be read in more than one way: percent-encode @ : / # ? in the \
                             password, or use password_file";

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Shape => "this is no address",
            Self::Ambiguous => AMBIGUOUS,
            Self::Host => {
                "its host and port cannot be told, expected `host` or `host:port`; if it has a \
                 password: percent-encode @ : / # ? in the password, or use password_file"
            }
            Self::Character => {
                "it has a space, a control character, a backslash or `<` in it: percent-encode \
                 these as well as @ : / # ? in the password, or use password_file"
            }
            Self::Encoding => "what is percent-encoded in it is not UTF-8 text, or has a NUL in it",
        })
    }
}

impl Url {
    /// Reads an address, or settings as `libpq` takes them: `host=db user=monitor`.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let url = match text.split_once("://") {
            Some((scheme, rest)) => Self::written(scheme, rest)?,
            None => keywords::parse(text)?,
        };
        if url.is_database() && url.says_twice() { Err(Fault::Ambiguous) } else { Ok(url) }
    }

    fn written(scheme: &str, rest: &str) -> Result<Self, Fault> {
        if !is_scheme(scheme) {
            return Err(Fault::Shape);
        }
        let odd = |c: char| c.is_control() || c.is_whitespace() || matches!(c, '\\' | '<');
        if scheme == "unix" {
            return Self::socket(rest);
        }
        if rest.contains(odd) {
            return Err(Fault::Character);
        }
        let (authority, tail) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        // A bare `/`, `?` or `#` in a password ends the host early: the `@` after it tells. A bare
        // `@` ends the password early or late.
        let database = is_database(scheme);
        if tail.contains('@')
            || authority.matches('@').count() > 1
            // No driver of a database knows fragments, and libraries for addresses cut them off; a
            // second slash is part of the name for one and ends it for another.
            || database && (tail.contains('#') || path_of(tail).matches('/').count() > 1)
        {
            return Err(Fault::Ambiguous);
        }
        let (user, hosts) = match authority.split_once('@') {
            Some((user, hosts)) => (Some(user), hosts),
            None => (None, authority),
        };
        let (user, password) = match user.map(|user| user.split_once(':').unwrap_or((user, ""))) {
            Some((user, password)) => (filled(user)?, filled(password)?),
            None => (None, None),
        };
        let (rest, fragment) = match tail.split_once('#') {
            Some((rest, fragment)) => (rest, Some(fragment.to_owned())),
            None => (tail, None),
        };
        let path = path_of(rest);
        let query = rest.get(path.len() + 1..).unwrap_or_default();
        Ok(Self {
            scheme: scheme.to_owned(),
            user,
            password: password.map(Secret::new),
            hosts: hosts_of(hosts, database)?,
            path: path.to_owned(),
            query: query.split('&').filter(|piece| !piece.is_empty()).map(pair).collect(),
            fragment,
        })
    }

    /// A path and nothing else.
    fn socket(path: &str) -> Result<Self, Fault> {
        if path.contains(char::is_control) {
            return Err(Fault::Character);
        }
        // `unix://user:password@host` is none of ours.
        if !path.starts_with('/') {
            return Err(Fault::Host);
        }
        Ok(Self {
            scheme: "unix".to_owned(),
            user: None,
            password: None,
            hosts: Vec::new(),
            path: path.to_owned(),
            query: Vec::new(),
            fragment: None,
        })
    }

    /// Whether something is said twice, of which one driver takes the first and the next one the
    /// last. Behind a bare `&` in a password anything may follow.
    fn says_twice(&self) -> bool {
        let before = [
            ("user", self.user.is_some()),
            ("password", self.password.is_some()),
            ("host", self.hosts.iter().any(|host| !host.name.is_empty())),
            ("port", self.hosts.iter().any(|host| host.port.is_some())),
            ("dbname", self.path.len() > 1),
        ];
        let mut seen: Vec<String> = Vec::new();
        seen.extend(before.iter().filter(|(_, said)| *said).map(|(name, _)| (*name).to_owned()));
        self.query.iter().any(|(name, _)| {
            let name = decode(name).unwrap_or_default();
            let again = seen.contains(&name);
            seen.push(name);
            again
        })
    }

    /// Whether a database's driver takes it: the rules for names and hosts are other ones there.
    pub fn is_database(&self) -> bool {
        is_database(&self.scheme)
    }

    /// Name and value of each parameter, decoded. One without `=` has an empty value.
    pub fn parameters(&self) -> Result<Vec<(String, String)>, Fault> {
        let pairs = self.query.iter();
        pairs
            .map(|(name, value)| Ok((decode(name)?, decode(value.as_deref().unwrap_or_default())?)))
            .collect()
    }

    /// The query as it was written.
    pub fn query_text(&self) -> String {
        let pieces = self.query.iter().map(|(name, value)| match value {
            Some(value) => format!("{name}={value}"),
            None => name.clone(),
        });
        pieces.collect::<Vec<_>>().join("&")
    }
}

/// Text that was percent-encoded. A `%` that encodes nothing stands for itself, as for drivers.
pub fn decode(text: &str) -> Result<String, Fault> {
    let decoded = percent_decode_str(text).decode_utf8().map_err(|_| Fault::Encoding)?;
    if decoded.contains('\0') { Err(Fault::Encoding) } else { Ok(decoded.into_owned()) }
}

/// As for `decode`; nothing for an empty text.
fn filled(text: &str) -> Result<Option<String>, Fault> {
    if text.is_empty() { Ok(None) } else { decode(text).map(Some) }
}

fn is_scheme(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.chars().all(plain)
}

/// `postgresql`, also with the driver of an application behind it.
fn is_database(scheme: &str) -> bool {
    matches!(scheme.split('+').next(), Some("postgres" | "postgresql"))
}

/// What comes before the query.
fn path_of(tail: &str) -> &str {
    tail.split('?').next().unwrap_or_default()
}

fn pair(piece: &str) -> (String, Option<String>) {
    match piece.split_once('=') {
        Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
        None => (piece.to_owned(), None),
    }
}

fn hosts_of(text: &str, database: bool) -> Result<Vec<Host>, Fault> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let several = text.contains(',');
    let read = |text: &str| {
        let host = host_of(text, database)?;
        if several && (host.name.is_empty() || !database) { Err(Fault::Host) } else { Ok(host) }
    };
    text.split(',').map(read).collect()
}

/// `host`, `host:port`, `[v6]:port` or `:port`. A port that is no number is the start of a password
/// whose `@` was left out.
fn host_of(text: &str, database: bool) -> Result<Host, Fault> {
    let (name, port, v6) = match text.strip_prefix('[') {
        Some(inner) => {
            let (name, port) = inner.split_once(']').ok_or(Fault::Host)?;
            let none = port.is_empty().then_some("");
            (name, port.strip_prefix(':').or(none).ok_or(Fault::Host)?, true)
        }
        None => match text.split_once(':') {
            Some((name, port)) => (name, port, false),
            None => (text, "", false),
        },
    };
    let name = decode(name)?;
    let known = if v6 { is_v6(&name) } else { is_host(&name, database) };
    if !known {
        return Err(Fault::Host);
    }
    Ok(Host { name, port: if port.is_empty() { None } else { Some(port_of(port)?) } })
}

pub(super) fn port_of(text: &str) -> Result<u16, Fault> {
    let digits = text.len() <= 5 && text.chars().all(|c| c.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten().filter(|port| *port > 0).ok_or(Fault::Host)
}

/// A name, an address, or for a database the folder of a socket.
pub fn is_host(text: &str, database: bool) -> bool {
    if database && text.starts_with(['/', '@']) {
        return !text.contains(|c: char| c.is_control() || c == ':' || c == '?');
    }
    text.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_'))
}

pub fn is_v6(text: &str) -> bool {
    let (address, zone) = text.split_once('%').unwrap_or((text, ""));
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    address.parse::<std::net::Ipv6Addr>().is_ok() && zone.chars().all(plain)
}
