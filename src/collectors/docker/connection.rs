//! The way to the Engine: its version is asked for once, and again after a failed reading.

use std::time::Duration;

use bollard::{API_DEFAULT_VERSION, ClientVersion, Docker};
use tokio::time::Instant;

use super::address::Address;
use super::failure::{failure, timeout};
use crate::engine::Failure;

/// From Engine 25 on, a one-shot reading of stats answers at once; before, after a second.
const FAST: (usize, usize) = (1, 44);

/// What is known of the Engine and its machine.
#[derive(Clone, Debug, Default)]
pub struct Engine {
    pub version: String,
    /// The version of the API that both sides speak.
    pub api: String,
    pub cores: Option<i64>,
    pub memory: Option<i64>,
    pub has_fast_stats: bool,
}

pub async fn connect(address: &Address, until: Instant) -> Result<(Docker, Engine), Failure> {
    let left = until.saturating_duration_since(Instant::now());
    let seconds = left.max(Duration::from_secs(1)).as_secs() + 1;
    let opened = match address {
        Address::Unix(path) => {
            Docker::connect_with_unix(&path.to_string_lossy(), seconds, API_DEFAULT_VERSION)
        }
        Address::Tcp(host) => Docker::connect_with_http(host, seconds, API_DEFAULT_VERSION),
    };
    let docker = opened.map_err(|error| failure("connection", &error))?;
    let docker = within("version", until, docker.negotiate_version()).await?;
    let version = within("version", until, docker.version()).await?;
    // A proxy may keep this from us; then the machine's size is not known.
    let about = within("info", until, docker.info()).await.ok();
    let api = docker.client_version();
    let docker = versioned(docker, api);
    let engine = Engine {
        version: version.version.unwrap_or_default(),
        api: api.to_string(),
        cores: about.as_ref().and_then(|about| about.ncpu),
        memory: about.as_ref().and_then(|about| about.mem_total),
        has_fast_stats: is_fast(api),
    };
    Ok((docker, engine))
}

/// `bollard` negotiates a version and then leaves it out of its requests, so that the Engine would
/// answer in its newest one.
fn versioned(docker: Docker, api: ClientVersion) -> Docker {
    docker.with_request_modifier(move |mut request| {
        let uri = request.uri();
        let parts = (uri.scheme_str(), uri.authority(), uri.path_and_query());
        if let (Some(scheme), Some(authority), Some(path)) = parts
            && let Ok(uri) = format!("{scheme}://{authority}/v{api}{path}").parse()
        {
            *request.uri_mut() = uri;
        }
        request
    })
}

fn is_fast(api: ClientVersion) -> bool {
    (api.major_version, api.minor_version) >= FAST
}

/// One call, ended at `until`.
pub async fn within<T>(
    what: &'static str,
    until: Instant,
    call: impl Future<Output = Result<T, bollard::errors::Error>>,
) -> Result<T, Failure> {
    match tokio::time::timeout_at(until, call).await {
        Ok(result) => result.map_err(|error| failure(what, &error)),
        Err(_) => Err(timeout(what)),
    }
}
