//! Where the Engine is.

use std::path::{Path, PathBuf};

use tokio::time::Instant;

use crate::config::url::Host;
use crate::config::{SafeUrl, Tls};

/// The socket of an Engine that root runs.
const SOCKET: &str = "/var/run/docker.sock";
/// The same of Podman, which speaks the Engine's API.
const PODMAN: &str = "/run/podman/podman.sock";

/// The environment, by the name of a variable.
pub type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A way to the Engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    Unix(PathBuf),
    /// Host and port. Plain: a proxy on this machine or in this network.
    Tcp(String),
    /// Host and port, with the Engine's own certificates.
    Tls(String, Tls),
}

impl Address {
    /// What is wrong with the address is said without repeating it.
    pub fn parse(url: &SafeUrl, tls: Option<&Tls>) -> Result<Self, &'static str> {
        const WANTED: &str =
            "expected an address such as `unix:///var/run/docker.sock` or `tcp://127.0.0.1:2375`";
        let url = url.parse().map_err(|_| WANTED)?;
        match url.scheme.as_str() {
            "unix" => Ok(Self::Unix(url.path.into())),
            "ssh" => Err("SSH is not supported: use the socket, or a proxy by `tcp://`"),
            scheme @ ("tcp" | "http" | "https") => {
                let [host] = url.hosts.as_slice() else { return Err(WANTED) };
                let more = url.user.is_some() || url.password.is_some() || !url.query.is_empty();
                if more || url.fragment.is_some() || !url.path.trim_matches('/').is_empty() {
                    return Err(WANTED);
                }
                if host.name.is_empty() {
                    return Err(WANTED);
                }
                let is_tls = tls.is_some() || scheme == "https";
                let host = with_port(host, scheme, is_tls).to_string();
                Ok(if is_tls {
                    Self::Tls(host, tls.cloned().unwrap_or_default())
                } else {
                    Self::Tcp(host)
                })
            }
            _ => Err(WANTED),
        }
    }

    pub fn socket(&self) -> Option<&Path> {
        if let Self::Unix(path) = self { Some(path) } else { None }
    }

    /// The process that listens at the socket, where there is one and we may see it.
    pub async fn peer(&self, until: Instant) -> Option<u32> {
        let Self::Unix(path) = self else { return None };
        let connect = tokio::net::UnixStream::connect(path);
        let stream = tokio::time::timeout_at(until, connect).await.ok()?.ok()?;
        u32::try_from(stream.peer_cred().ok()?.pid()?).ok().filter(|pid| *pid > 0)
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
            Self::Tls(host, _) => write!(f, "https://{host}"),
        }
    }
}

/// As the Docker CLI finds them: `DOCKER_TLS_VERIFY` and `DOCKER_CERT_PATH`.
fn of_environment(env: Env) -> Option<Tls> {
    env("DOCKER_TLS_VERIFY")?;
    let folder = PathBuf::from(env("DOCKER_CERT_PATH")?);
    Some(Tls {
        ca_file: Some(folder.join("ca.pem")),
        cert_file: Some(folder.join("cert.pem")),
        key_file: Some(folder.join("key.pem")),
        server_name: None,
    })
}

/// `tcp://host` means the Engine's own ports, not those of the web.
fn with_port(host: &Host, scheme: &str, tls: bool) -> Host {
    let own = if tls { 2376 } else { 2375 };
    Host { port: host.port.or((scheme == "tcp").then_some(own)), ..host.clone() }
}

/// The Engine that nobody declared: `DOCKER_HOST`, else a socket that exists. `Err` says why there
/// is none.
pub fn discover(env: Env, tls: Option<&Tls>) -> Result<(Address, &'static str), String> {
    if let Some(host) = env("DOCKER_HOST") {
        let of_environment = of_environment(env);
        let tls = tls.or(of_environment.as_ref());
        return Address::parse(&SafeUrl::new(host), tls)
            .map(|address| (address, "environment"))
            .map_err(|message| format!("DOCKER_HOST: {message}"));
    }
    let session = env("XDG_RUNTIME_DIR").map(PathBuf::from);
    let of_session = |name| session.as_ref().map(|folder| folder.join(name));
    [
        Some(PathBuf::from(SOCKET)),
        of_session("docker.sock"),
        Some(PathBuf::from(PODMAN)),
        of_session("podman/podman.sock"),
    ]
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

    fn parse(text: &str) -> Result<String, &'static str> {
        Address::parse(&SafeUrl::new(text), None).map(|address| address.to_string())
    }

    #[test]
    fn addresses() {
        assert_eq!(parse("unix:///run/d.sock"), Ok("unix:///run/d.sock".into()));
        assert_eq!(parse("tcp://proxy:2375/"), Ok("tcp://proxy:2375".into()));
        assert_eq!(parse("http://[::1]:2375"), Ok("tcp://[::1]:2375".into()));
        assert_eq!(parse("https://h:2376"), Ok("https://h:2376".into()));
        assert_eq!(parse("tcp://h"), Ok("tcp://h:2375".into()));
        assert_eq!(parse("tcp://[::1]"), Ok("tcp://[::1]:2375".into()));
        for wrong in [
            "/var/run/docker.sock",
            "unix://run/d.sock",
            "ssh://user@host",
            "tcp://user:hunter2@h:2375",
            "tcp://user:hunt@er/hunter2@h:2375",
            "tcp://hunter2@h",
            "tcp://h?password=hunter2",
            "unix://user:hunter2@h",
            "tcp://h/v1.41",
            "tcp://",
        ] {
            let message = parse(wrong).unwrap_err();
            assert!(!message.contains("hunter2"), "{wrong}");
        }
    }

    #[test]
    fn the_environment_comes_first() {
        let host = |name: &str| (name == "DOCKER_HOST").then(|| "tcp://proxy:2375".to_owned());
        let found = discover(&host, None).unwrap();
        assert_eq!((found.0.to_string(), found.1), ("tcp://proxy:2375".into(), "environment"));
        let host = |name: &str| (name == "DOCKER_HOST").then(|| "ssh://u@h".to_owned());
        assert!(discover(&host, None).unwrap_err().starts_with("DOCKER_HOST: "));
    }
}
