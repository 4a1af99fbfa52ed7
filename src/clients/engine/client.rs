//! The way to the Engine. There is no function here that sends anything but GET.

use std::sync::Arc;
use std::time::Duration;

use bollard::models::ContainerStatsResponse;
use http_body_util::BodyExt as _;
use hyper::body::{Bytes, Incoming};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, timeout_at};

use super::address::Address;
use super::api::Info;
use super::failure::{HINT, advised, timeout};
use super::library::Library;
use super::time;
use super::transport::{Bound, Transport, cause, named};
use crate::clients::http::{is_success, refused};
use crate::clients::json::{self, Decoded, JsonError};
use crate::failure::{Failure, Reason};
use crate::text::short;

/// The part of the first reading's time that a connection may take.
const CONNECT: f64 = 0.4;
/// An answer without an end must begin by then.
const OPENING: Duration = Duration::from_secs(10);
/// No version has a longer name.
const LONGEST: usize = 128;

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
    decoded: Transport,
    endless: Transport,
    library: Library,
    prefix: Arc<str>,
}

impl Client {
    /// Asks for the version once; from then on all requests name the one that both sides speak.
    pub async fn connect(address: &Address, until: Instant) -> Result<(Self, Engine), Failure> {
        let limit = until.saturating_duration_since(Instant::now()).mul_f64(CONNECT);
        let transport = |bound| Transport::new(address, bound, limit);
        let library = Library::new(address, limit)?;
        let version = library.version(until).await?;
        let spoken = version.api_version.as_deref().and_then(Api::parse).ok_or_else(|| {
            let failure = Failure::new(Reason::PARSE, "version: no version of an API in it");
            failure.hint("is this a Docker Engine?")
        })?;
        let api = spoken.min(NEWEST);
        let prefix: Arc<str> = format!("/v{api}").into();
        let client = Self {
            decoded: transport(Bound::Decoded),
            endless: transport(Bound::Endless),
            library: library.speaking(&prefix)?,
            prefix,
        };
        let parts = version.components.unwrap_or_default();
        let engine = Engine {
            version: short(&version.version.unwrap_or_default(), LONGEST).into_owned(),
            api: api.to_string(),
            has_fast_stats: api >= FAST,
            sizes_on_request: api >= BRIEF,
            is_podman: parts.iter().any(|part| part.name.contains("Podman")),
        };
        Ok((client, engine))
    }

    /// The machine; a proxy may keep it from us.
    pub async fn about(&self, until: Instant) -> Option<About> {
        let info: Info = self.get("info", "/info", until).await.ok()?.value;
        let ahead = time::seconds(&info.time).map_or(0.0, |theirs| theirs - time::now());
        let some = |count: &i64| *count > 0;
        Some(About {
            cores: info.cores.filter(some),
            memory: info.memory.filter(some),
            root: info.root,
            // The answer itself takes its time.
            ahead: if ahead.abs() < SAME { 0.0 } else { ahead },
        })
    }

    /// One answer, decoded as it comes into no more than its budget, and ended at `until`. `what`
    /// names the call in failures.
    pub async fn get<T>(
        &self,
        what: &'static str,
        path: &str,
        until: Instant,
    ) -> Result<Decoded<T>, Failure>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let wrong = |error: JsonError| error.failure(what, HINT);
        let call = async {
            let path = format!("{}{path}", self.prefix);
            let mut pieces = Pieces::of(&self.decoded, what, &path).await?;
            let mut stream = json::Stream::default();
            while let Some(piece) = pieces.next().await? {
                stream.take(piece).await.map_err(wrong)?;
            }
            stream.finish().await.map_err(wrong)
        };
        let answer = timeout_at(until, call).await.map_err(|_| timeout(what))?;
        answer.map_err(advised)
    }

    /// What a container uses, told once.
    pub async fn stats(&self, id: &str, until: Instant) -> Result<ContainerStatsResponse, Failure> {
        self.library.stats(id, until).await
    }

    /// The processes of a container: a row for each, the command line last.
    pub async fn top(&self, id: &str, until: Instant) -> Result<Vec<Vec<String>>, Failure> {
        self.library.top(id, until).await
    }

    /// An answer without an end. Who takes its pieces bounds what becomes of them.
    pub async fn stream(&self, what: &'static str, path: &str) -> Result<Pieces, Failure> {
        let path = format!("{}{path}", self.prefix);
        let call = Pieces::of(&self.endless, what, &path);
        let answer = tokio::time::timeout(OPENING, call).await.map_err(|_| timeout(what))?;
        answer.map_err(advised)
    }
}

/// The pieces of an answer as they come.
pub struct Pieces {
    what: &'static str,
    body: Incoming,
}

impl Pieces {
    /// Any status but a success is a failure.
    async fn of(way: &Transport, what: &'static str, path: &str) -> Result<Self, Failure> {
        let answer = way.get(what, path).await?;
        let status = answer.status().as_u16();
        if is_success(status) {
            Ok(Self { what, body: answer.into_body() })
        } else {
            Err(refused(what, status))
        }
    }

    /// The next piece; `None` when the other side has ended the answer.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        while let Some(frame) = self.body.frame().await {
            let frame = frame.map_err(|error| named(self.what, &cause(&error)))?;
            // What is no data comes behind all data.
            if let Ok(piece) = frame.into_data() {
                return Ok(Some(piece));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests;
