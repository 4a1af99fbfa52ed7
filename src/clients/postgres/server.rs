//! The servers that an address names, and which of them is wanted.

use std::fmt;
use std::net::IpAddr;

use crate::config::Url;
use crate::config::url::{is_host, is_v6};
use crate::failure::{Failure, Reason};

/// A server: by name, by address or by the folder of its socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub host: String,
    /// Where the name is not to be looked up.
    pub address: Option<IpAddr>,
    pub port: u16,
}

const PORT: u16 = 5432;
const USUAL: &str = "127.0.0.1";

impl Place {
    /// All that an address names, before its path and in its query. What is in the query wins, as
    /// for other drivers.
    pub(super) fn all(
        url: &Url,
        hosts: &[String],
        addresses: &[String],
        ports: &[u16],
    ) -> Result<Vec<Self>, Failure> {
        let wrong = |text: &str| Failure::new(Reason::PROTOCOL, text);
        let named = |name: &str| if name.is_empty() { USUAL } else { name }.to_owned();
        let parsed: Result<Vec<IpAddr>, _> = addresses.iter().map(|text| text.parse()).collect();
        let addresses = parsed.map_err(|_| wrong("`hostaddr` must be a numeric address"))?;
        if !hosts.iter().all(|host| is_host(host, true) || is_v6(host)) {
            return Err(wrong("`host` is neither a name nor an address nor a folder"));
        }
        let before: Vec<(String, Option<u16>)> =
            url.hosts.iter().map(|host| (named(&host.name), host.port)).collect();
        let listed: Vec<(String, Option<u16>)> = match (hosts, addresses.as_slice()) {
            ([], []) if before.is_empty() => vec![(USUAL.to_owned(), None)],
            ([], []) => before,
            ([], addresses) if before.len() == addresses.len() => before,
            ([], addresses) => addresses.iter().map(|it| (it.to_string(), None)).collect(),
            (hosts, _) => hosts.iter().map(|host| (named(host), None)).collect(),
        };
        if !addresses.is_empty() && addresses.len() != listed.len() {
            return Err(wrong("`host` and `hostaddr` must have as many entries"));
        }
        if ports.len() > 1 && ports.len() != listed.len() {
            return Err(wrong("`port` must have one entry, or as many as there are hosts"));
        }
        let places = listed.into_iter().enumerate().map(|(at, (host, port))| Self {
            address: addresses.get(at).copied(),
            port: ports.get(at).or(ports.first()).copied().or(port).unwrap_or(PORT),
            host,
        });
        Ok(places.collect())
    }

    /// Whether it is on this machine: nobody listens in between.
    pub(super) fn is_near(&self) -> bool {
        let address = self.address.or_else(|| self.host.parse().ok());
        address.map_or(self.is_socket() || self.host == "localhost", |it| it.is_loopback())
    }

    /// Whether it is a socket of this machine.
    pub(super) fn is_socket(&self) -> bool {
        self.address.is_none() && self.host.starts_with(['/', '@'])
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            return write!(f, "[{}]:{}", self.host, self.port);
        }
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// Which of several servers is wanted: `target_session_attrs`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Wanted {
    #[default]
    Any,
    ReadWrite,
    ReadOnly,
    Primary,
    Standby,
    PreferStandby,
}

impl Wanted {
    pub const NAMES: &str =
        "`any`, `read-write`, `read-only`, `primary`, `standby`, `prefer-standby`";

    pub fn of(name: &str) -> Option<Self> {
        Some(match name {
            "any" | "" => Self::Any,
            "read-write" => Self::ReadWrite,
            "read-only" => Self::ReadOnly,
            "primary" => Self::Primary,
            "standby" => Self::Standby,
            "prefer-standby" => Self::PreferStandby,
            _ => return None,
        })
    }

    pub fn asks_whether_read_only(self) -> bool {
        matches!(self, Self::ReadWrite | Self::ReadOnly)
    }

    /// What a server is asked, and what a wanted one answers.
    pub fn question(self) -> Option<(&'static str, &'static str)> {
        const READ_ONLY: &str = "SHOW transaction_read_only";
        const RECOVERY: &str = "SELECT pg_catalog.pg_is_in_recovery()";
        match self {
            Self::Any => None,
            Self::ReadWrite => Some((READ_ONLY, "off")),
            Self::ReadOnly => Some((READ_ONLY, "on")),
            Self::Primary => Some((RECOVERY, "f")),
            Self::Standby | Self::PreferStandby => Some((RECOVERY, "t")),
        }
    }

    /// Why a server that answers otherwise is not wanted.
    pub const fn refusal(self) -> &'static str {
        match self {
            Self::Any | Self::ReadWrite => "no server takes writes, as target_session_attrs asks",
            Self::ReadOnly => "no server is read-only, as target_session_attrs asks",
            Self::Primary => "no server is a primary, as target_session_attrs asks",
            Self::Standby | Self::PreferStandby => {
                "no server is a standby, as target_session_attrs asks"
            }
        }
    }
}
