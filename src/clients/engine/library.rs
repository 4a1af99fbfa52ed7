//! The calls that are the library's: version, stats and processes. Its answers are bounded below it,
//! in the transport, and every call ends by a clock of ours: its own would end with the head.
//!
//! What it says of a failure is left out but for the kind: the Engine's text may be among it.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bollard::Docker;
use bollard::errors::Error;
use bollard::models::{ContainerStatsResponse, SystemVersion};
use bollard::query_parameters::{StatsOptions, TopOptions};
use futures_util::StreamExt as _;
use tokio::time::{Instant, timeout_at};

use super::address::Address;
use super::failure::{HINT, advised, timeout};
use super::transport::{Bound, Transport, cause, named};
use crate::clients::http::refused;
use crate::failure::{Failure, Reason};

#[derive(Clone)]
pub struct Library {
    small: Docker,
    /// For processes, which may be many.
    large: Docker,
    ways: [Transport; 2],
}

impl Library {
    pub fn new(address: &Address, connect: Duration) -> Result<Self, Failure> {
        let transport = |bound| Transport::new(address, bound, connect);
        let ways = [transport(Bound::Collected), transport(Bound::Listed)];
        Self::over(ways, &"".into())
    }

    fn over(ways: [Transport; 2], prefix: &Arc<str>) -> Result<Self, Failure> {
        let [small, large] = &ways;
        Ok(Self { small: small.docker(prefix)?, large: large.docker(prefix)?, ways })
    }

    /// The same connections, with another prefix of all paths.
    pub fn speaking(self, prefix: &Arc<str>) -> Result<Self, Failure> {
        Self::over(self.ways, prefix)
    }

    pub async fn version(&self, until: Instant) -> Result<SystemVersion, Failure> {
        ended("version", until, self.small.version()).await
    }

    /// The first answer. What comes behind it is read as well, so that the connection is kept.
    pub async fn stats(&self, id: &str, until: Instant) -> Result<ContainerStatsResponse, Failure> {
        let options = StatsOptions { stream: false, one_shot: true };
        let call = async {
            let mut answers = pin!(self.small.stats(id, Some(options)));
            let nothing = || Error::DockerStreamError { error: String::new() };
            let first = answers.next().await.ok_or_else(nothing)??;
            while let Some(Ok(_)) = answers.next().await {}
            Ok(first)
        };
        let stats = ended("stats", until, call).await?;
        if stats.read.is_some() { Ok(stats) } else { Err(odd("stats")) }
    }

    pub async fn top(&self, id: &str, until: Instant) -> Result<Vec<Vec<String>>, Failure> {
        let options = TopOptions { ps_args: "-eo pid,args".to_owned() };
        let call = self.large.top_processes(id, Some(options));
        ended("processes", until, call).await?.processes.ok_or_else(|| odd("processes"))
    }
}

async fn ended<T>(
    what: &str,
    until: Instant,
    call: impl Future<Output = Result<T, Error>>,
) -> Result<T, Failure> {
    let answer = timeout_at(until, call).await.map_err(|_| timeout(what))?;
    answer.map_err(|error| advised(failure(what, &error)))
}

fn failure(what: &str, error: &Error) -> Failure {
    match error {
        Error::DockerResponseServerError { status_code, .. } => refused(what, *status_code),
        Error::JsonDataError { .. } | Error::JsonSerdeError { .. } => odd(what),
        Error::RequestTimeoutError => timeout(what),
        Error::IOError { err } => named(what, &cause(err)),
        Error::HyperResponseError { err } => named(what, &cause(err)),
        other => named(what, &cause(other)),
    }
}

fn odd(what: &str) -> Failure {
    Failure::new(Reason::PARSE, format!("{what}: not the expected JSON")).hint(HINT)
}

#[cfg(test)]
mod tests;
