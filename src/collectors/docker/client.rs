//! The way to the Engine. There is no function here that sends anything but GET.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::address::Address;
use super::api::{Info, Version};
use super::failure::{advised, timeout};
use crate::clients::http::{HttpClient, Pieces, refused};
use crate::engine::{Failure, Reason};

/// The newest version of the API that is understood here.
const NEWEST: Api = Api { major: 1, minor: 55 };
/// From Engine 25 on, a one-shot reading of stats answers at once; before, after a second.
const FAST: Api = Api { major: 1, minor: 44 };

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

/// What is known of the Engine and its machine.
#[derive(Clone, Debug, Default)]
pub struct Engine {
    pub version: String,
    /// The version of the API that both sides speak.
    pub api: String,
    pub cores: Option<i64>,
    pub memory: Option<i64>,
    /// Where it keeps images, containers and volumes.
    pub root: String,
    pub has_fast_stats: bool,
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
        // A proxy may keep this from us; then the machine's size is not known.
        let info: Info = client.get("info", "/info", until).await.unwrap_or_default();
        let engine = Engine {
            version: version.version,
            api: api.to_string(),
            cores: info.cores,
            memory: info.memory,
            root: info.root,
            has_fast_stats: api >= FAST,
        };
        Ok((client, engine))
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
