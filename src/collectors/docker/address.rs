//! Where the Engine is.

use std::path::{Path, PathBuf};

use crate::config::SafeUrl;
use crate::plan::Plan;

/// The socket of an Engine that root runs.
const SOCKET: &str = "/var/run/docker.sock";

/// A way to the Engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    Unix(PathBuf),
    /// Host and port. Plain: a proxy on this machine or in this network.
    Tcp(String),
}

impl Address {
    /// What is wrong with the address is said without repeating it.
    pub fn parse(url: &SafeUrl) -> Result<Self, &'static str> {
        const WANTED: &str =
            "expected an address such as `unix:///var/run/docker.sock` or `tcp://127.0.0.1:2375`";
        let text = url.expose();
        match text.split_once("://") {
            Some(("unix", path)) if path.starts_with('/') => Ok(Self::Unix(path.into())),
            Some(("unix", _)) => Err("the path of the socket must be absolute"),
            Some(("tcp" | "http", host)) => {
                let host = host.trim_end_matches('/');
                let plain = !host.is_empty() && !host.contains(['/', '@', '?', '#']);
                if plain { Ok(Self::Tcp(host.to_owned())) } else { Err(WANTED) }
            }
            Some(("https" | "ssh", _)) => {
                Err("neither TLS nor SSH is supported: use the socket, or a proxy by `tcp://`")
            }
            _ => Err(WANTED),
        }
    }

    /// Whether the Engine runs on this machine, so that its devices are ours.
    pub const fn is_local(&self) -> bool {
        matches!(self, Self::Unix(_))
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Tcp(host) => write!(f, "tcp://{host}"),
        }
    }
}

/// The Engine that nobody declared: `DOCKER_HOST`, else a socket that exists. `Err` says why there
/// is none.
pub fn discover(plan: &Plan) -> Result<(Address, &'static str), String> {
    if let Some(host) = plan.env("DOCKER_HOST") {
        return Address::parse(&SafeUrl::new(host))
            .map(|address| (address, "environment"))
            .map_err(|message| format!("DOCKER_HOST: {message}"));
    }
    let rootless = plan.env("XDG_RUNTIME_DIR").map(|folder| Path::new(&folder).join("docker.sock"));
    [Some(PathBuf::from(SOCKET)), rootless]
        .into_iter()
        .flatten()
        .find(|path| path.exists())
        .map(|path| (Address::Unix(path), "found"))
        .ok_or_else(|| format!("no Docker socket at {SOCKET}"))
}

/// Where a declared Engine is looked for when nothing is found: its absence is then shown.
pub fn usual() -> Address {
    Address::Unix(SOCKET.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Memory;

    fn parse(text: &str) -> Result<String, &'static str> {
        Address::parse(&SafeUrl::new(text)).map(|address| address.to_string())
    }

    #[test]
    fn addresses() {
        assert_eq!(parse("unix:///run/d.sock"), Ok("unix:///run/d.sock".into()));
        assert_eq!(parse("tcp://proxy:2375/"), Ok("tcp://proxy:2375".into()));
        assert_eq!(parse("http://[::1]:2375"), Ok("tcp://[::1]:2375".into()));
        for wrong in [
            "/var/run/docker.sock",
            "unix://run/d.sock",
            "ssh://user@host",
            "https://h:2376",
            "tcp://user:hunter2@h:2375",
            "tcp://h/v1.41",
            "tcp://",
        ] {
            let message = parse(wrong).unwrap_err();
            assert!(!message.contains("hunter2"), "{wrong}");
        }
    }

    #[test]
    fn the_environment_comes_first() {
        let memory = Memory::default();
        let host = |name: &str| (name == "DOCKER_HOST").then(|| "tcp://proxy:2375".to_owned());
        let plan = Plan::new(&host, &memory);
        let found = discover(&plan).unwrap();
        assert_eq!((found.0.to_string(), found.1), ("tcp://proxy:2375".into(), "environment"));
        let host = |name: &str| (name == "DOCKER_HOST").then(|| "ssh://u@h".to_owned());
        assert!(discover(&Plan::new(&host, &memory)).unwrap_err().starts_with("DOCKER_HOST: "));
    }
}
