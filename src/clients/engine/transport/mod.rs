//! The way every request to the Engine takes, whoever makes it.
//!
//! One place refuses whatever is not GET, before it leaves the process; holds TLS; knows no proxy
//! of the environment; and bounds what comes back, in the socket ([`socket`]), below all that
//! would collect it. When a request ends is its caller's to say.

mod connect;
mod socket;

use std::sync::Arc;
use std::time::Duration;

use bollard::errors::Error;
use bollard::{BollardRequest, Docker};
use http::{Method, Request, Response, Uri, header};
use http_body_util::Empty;
use hyper::body::{Bytes, Incoming};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::address::Address;
use crate::clients::tls::is_refusal;
use crate::failure::{Failure, Reason};
use connect::Connector;
use socket::Opened;

/// What an answer that is collected as a whole may be, its head included.
const COLLECTED: u64 = 64 << 10;
/// The same for the command lines of a container: thousands of them.
const LISTED: u64 = 1 << 20;
/// What an answer may be that is decoded as it comes.
const DECODED: u64 = 65 << 20;
/// Connections without a request are kept for so long: some scrapes.
const IDLE: Duration = Duration::from_secs(90);
/// The library's time limit.
const LIBRARY: Duration = Duration::from_hours(1);
/// Kept at once, as many as there are requests at a time.
const KEPT: usize = 8;

/// How much may come as the answer to one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    Collected,
    Listed,
    Decoded,
    /// It goes on; who reads it bounds its parts.
    Endless,
}

impl Bound {
    const fn bytes(self) -> u64 {
        match self {
            Self::Collected => COLLECTED,
            Self::Listed => LISTED,
            Self::Decoded => DECODED,
            Self::Endless => u64::MAX,
        }
    }
}

/// Requests to one address under one bound.
#[derive(Clone)]
pub struct Transport {
    client: Client<Connector, Empty<Bytes>>,
    base: &'static str,
    host: String,
}

impl Transport {
    pub fn new(address: &Address, bound: Bound, connect: Duration) -> Self {
        let (base, host) = match address {
            Address::Unix(_) => ("http", "localhost".to_owned()),
            Address::Tcp(host) => ("http", host.clone()),
            Address::Tls(host, _) => ("https", host.clone()),
        };
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(KEPT)
            .build(Connector::new(address, bound.bytes(), connect));
        Self { client, base, host }
    }

    /// GET of a path with its query. `what` names it in failures.
    pub async fn get(&self, what: &str, path: &str) -> Result<Response<Incoming>, Failure> {
        let request = self.request(path).map_err(|failure| named(what, &failure))?;
        self.answer(request).await.map_err(|failure| named(what, &failure))
    }

    async fn answer(&self, request: Request<Empty<Bytes>>) -> Result<Response<Incoming>, Failure> {
        let answer = self.client.request(request).await.map_err(|error| cause(&error))?;
        if let Some(opened) = answer.extensions().get::<Opened>() {
            opened.set();
        }
        Ok(answer)
    }

    /// The same for the library, which names its requests itself.
    async fn send(
        &self,
        prefix: &str,
        request: BollardRequest,
    ) -> Result<Response<Incoming>, Failure> {
        if request.method() != Method::GET {
            let text = format!("{} is not sent to the Engine, only GET", request.method());
            return Err(Failure::new(Reason::RIGHTS, text));
        }
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        self.answer(self.request(&format!("{prefix}{path}"))?).await
    }

    fn request(&self, path: &str) -> Result<Request<Empty<Bytes>>, Failure> {
        let unusable = |_| Failure::new(Reason::PROTOCOL, "the address is not usable");
        let uri: Uri = format!("{}://{}{path}", self.base, self.host).parse().map_err(unusable)?;
        Request::get(uri)
            .header(header::USER_AGENT, concat!("stack-exporter/", env!("CARGO_PKG_VERSION")))
            .body(Empty::new())
            .map_err(|_| Failure::new(Reason::PROTOCOL, "the address is not usable"))
    }

    /// The library on this transport. It leaves the version of the API out of its requests: they
    /// get the one that was negotiated as their prefix here.
    pub fn docker(&self, prefix: &Arc<str>) -> Result<Docker, Failure> {
        let (transport, prefix) = (self.clone(), Arc::clone(prefix));
        let send = move |request: BollardRequest| {
            let (transport, prefix) = (transport.clone(), Arc::clone(&prefix));
            Box::pin(async move {
                transport
                    .send(&prefix, request)
                    .await
                    .map_err(|failure| Error::IOError { err: std::io::Error::other(failure) })
            })
        };
        // Its own time limit is for the head of an answer alone; ours, for all of it, are shorter.
        let made = Docker::connect_with_custom_transport(
            send,
            Some(format!("{}://{}", self.base, self.host)),
            LIBRARY.as_secs(),
            bollard::API_DEFAULT_VERSION,
        );
        made.map_err(|_| Failure::new(Reason::PROTOCOL, "the address is not usable"))
    }
}

/// Ours where one lies at the bottom of an error: it knows best what happened.
pub fn cause(error: &(dyn std::error::Error + 'static)) -> Failure {
    let mut source = Some(error);
    while let Some(error) = source {
        if let Some(failure) = error.downcast_ref::<Failure>() {
            return failure.clone();
        }
        let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        if let Some(failure) = inner.and_then(|inner| inner.downcast_ref::<Failure>()) {
            return failure.clone();
        }
        if is_refusal(error) {
            return Failure::new(Reason::TLS, "the TLS handshake failed");
        }
        source = error.source();
    }
    Failure::new(Reason::PROTOCOL, "the answer is not HTTP, or was cut off")
}

/// The failure of a call with its name before it.
pub fn named(what: &str, failure: &Failure) -> Failure {
    Failure { detail: format!("{what}: {}", failure.detail), ..failure.clone() }
}
