//! The way to the Engine. There is no function here that sends anything but GET.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::address::Address;
use super::api::{Info, Version};
use super::failure::{advised, timeout};
use super::time;
use crate::clients::http::{HttpClient, Pieces, refused};
use crate::engine::{Failure, Reason};

/// The newest version of the API that is understood here.
const NEWEST: Api = Api { major: 1, minor: 55 };
/// From Engine 25 on, a one-shot reading of stats answers at once; before, after a second.
const FAST: Api = Api { major: 1, minor: 44 };

/// From here on lists are part of `/system/df` only with `verbose`.
const BRIEF: Api = Api { major: 1, minor: 53 };

/// Clocks that differ by less are the same, in seconds.
const SAME: f64 = 2.0;

/// A version of the Engine's API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Api {
    major: u32,
    minor: u32,
}

impl Api {
    fn parse(text: &str) -> Option<Self> {
        let (major, minor) = text.split_once('.')?;
        Some(Self { major: major.parse().ok()?, minor: minor.parse().ok()? })
    }
}

impl std::fmt::Display for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// What is known of the Engine.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Engine {
    pub version: String,
    /// The version of the API that both sides speak.
    pub api: String,
    pub has_fast_stats: bool,
    /// Whether sizes of containers have to be asked for with the disk usage.
    pub sizes_on_request: bool,
    pub is_podman: bool,
}

/// What is known of its machine.
#[derive(Clone, Debug, Default)]
pub struct About {
    pub cores: Option<i64>,
    pub memory: Option<i64>,
    /// Where it keeps images, containers and volumes.
    pub root: String,
    /// How far its clock is ahead of ours, in seconds.
    pub ahead: f64,
}

/// Requests in the version that was negotiated.
#[derive(Clone)]
pub struct Client {
    http: Arc<HttpClient>,
    prefix: Arc<str>,
}

impl Client {
    /// Asks for the version once; from then on all requests name the one that both sides speak.
    pub async fn connect(address: &Address, until: Instant) -> Result<(Self, Engine), Failure> {
        let http = Arc::new(address.http(until.saturating_duration_since(Instant::now())));
        let bare = Self { http, prefix: "".into() };
        let version: Version = bare.get("version", "/version", until).await?;
        let spoken = Api::parse(&version.api_version).ok_or_else(|| {
            let failure = Failure::new(Reason::Parse, "version: no version of an API in it");
            failure.hint("is this a Docker Engine?")
        })?;
        let api = spoken.min(NEWEST);
        let client = Self { prefix: format!("/v{api}").into(), ..bare };
        let engine = Engine {
            version: version.version,
            api: api.to_string(),
            has_fast_stats: api >= FAST,
            sizes_on_request: api >= BRIEF,
            is_podman: version.components.iter().any(|part| part.name.contains("Podman")),
        };
        Ok((client, engine))
    }

    /// The machine; a proxy may keep it from us.
    pub async fn about(&self, until: Instant) -> Option<About> {
        let info: Info = self.get("info", "/info", until).await.ok()?;
        let ahead = time::seconds(&info.time).map_or(0.0, |theirs| theirs - time::now());
        Some(About {
            cores: info.cores,
            memory: info.memory,
            root: info.root,
            // The answer itself takes its time.
            ahead: if ahead.abs() < SAME { 0.0 } else { ahead },
        })
    }

    /// One answer, ended at `until`. `what` names the call in failures.
    pub async fn get<T: DeserializeOwned>(
        &self,
        what: &'static str,
        path: &str,
        until: Instant,
    ) -> Result<T, Failure> {
        let path = format!("{}{path}", self.prefix);
        let call = self.http.get_as(what, &path);
        let answer = tokio::time::timeout_at(until, call).await.map_err(|_| timeout(what))?;
        let answer = answer.map_err(advised)?;
        if !answer.status.is_success() {
            return Err(advised(refused(what, answer.status.as_u16())));
        }
        serde_json::from_slice(&answer.body).map_err(|_| {
            let failure = Failure::new(Reason::Parse, format!("{what}: not the expected JSON"));
            failure.hint("is this a Docker Engine? Others that speak its API may use other words")
        })
    }

    /// An answer without an end.
    pub async fn stream(&self, what: &'static str, path: &str) -> Result<Pieces, Failure> {
        self.http.stream(what, &format!("{}{path}", self.prefix)).await.map_err(advised)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_numbers() {
        let of = |text| Api::parse(text).unwrap();
        assert!(of("1.9") < of("1.41") && of("1.55") < of("2.0"));
        assert_eq!(of("1.60").min(NEWEST).to_string(), "1.55", "newer than we know");
        assert_eq!(of("1.41").min(NEWEST).to_string(), "1.41");
        assert!(of("1.44") >= FAST && of("1.43") < FAST);
        assert_eq!((Api::parse(""), Api::parse("1"), Api::parse("1.x")), (None, None, None));
    }
}
