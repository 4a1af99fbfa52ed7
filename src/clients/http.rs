//! HTTP GET with time limits, a bounded body, and failures sorted into reasons.

use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use reqwest::StatusCode;

use crate::config::SafeUrl;
use crate::engine::{Failure, Reason};

/// Deadline of a reading unless it is configured. Connect < request < reading.
const DEADLINE: Duration = Duration::from_secs(5);
/// No monitoring answer that we read is larger; 10,000 JetStream consumers are 9 MB.
const BODY: usize = 64 << 20;

/// TLS settings are the same for all clients and dear to make.
static TLS: LazyLock<Arc<rustls::ClientConfig>> = LazyLock::new(|| {
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    Arc::new(rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth())
});

/// The certificate authorities that all clients trust.
pub fn tls() -> rustls::ClientConfig {
    (**TLS).clone()
}

/// A base address and a pooled client for it.
pub struct HttpClient {
    client: Result<reqwest::Client, Failure>,
    base: String,
}

/// A whole answer.
pub struct Answer {
    pub status: StatusCode,
    pub body: Vec<u8>,
    pub took: Duration,
}

impl HttpClient {
    /// A client whose requests end a little before the deadline of a reading, so that there is time
    /// left to say what happened.
    pub fn new(url: &SafeUrl, deadline: Option<Duration>) -> Self {
        let deadline = deadline.unwrap_or(DEADLINE);
        let builder = reqwest::Client::builder()
            .connect_timeout(deadline.mul_f64(0.4))
            .timeout(deadline.mul_f64(0.8))
            .redirect(reqwest::redirect::Policy::none())
            // What is watched is near; a proxy would answer in its place, and see its credentials.
            .no_proxy()
            .user_agent(concat!("stack-exporter/", env!("CARGO_PKG_VERSION")))
            // Our own, also for plain HTTP: the library has no default without a provider.
            .tls_backend_preconfigured(tls());
        let client = builder
            .build()
            .map_err(|_| Failure::new(Reason::Tls, "the HTTP client could not be set up"));
        Self { client, base: url.expose().to_owned() }
    }

    /// GET of `path` below the base address. Any status is an answer.
    pub async fn get(&self, path: &str) -> Result<Answer, Failure> {
        let started = Instant::now();
        let client = self.client.as_ref().map_err(Clone::clone)?;
        let what = if path.is_empty() { "the address" } else { path };
        // The address itself is asked as it is written: a last slash can matter.
        let base = if path.is_empty() { &self.base } else { self.base.trim_end_matches('/') };
        let request = client.get(format!("{base}{path}"));
        let mut response = request.send().await.map_err(|error| failure(what, &error))?;
        let status = response.status();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| failure(what, &error))? {
            if body.len() + chunk.len() > BODY {
                return Err(Failure::new(Reason::Protocol, format!("{what}: answer over 64 MiB")));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status, body, took: started.elapsed() })
    }

    /// GET that must end in 200.
    pub async fn get_ok(&self, path: &str) -> Result<Answer, Failure> {
        let answer = self.get(path).await?;
        if answer.status.is_success() {
            return Ok(answer);
        }
        let reason = match answer.status.as_u16() {
            401 => Reason::Auth,
            403 => Reason::Rights,
            404 => Reason::NotFound,
            _ => Reason::Protocol,
        };
        Err(Failure::new(reason, format!("{path}: HTTP status {}", answer.status.as_u16())))
    }
}

/// Never prints the address: it may carry credentials.
fn failure(what: &str, error: &reqwest::Error) -> Failure {
    let mut text = String::new();
    let mut source: Option<&dyn std::error::Error> = std::error::Error::source(error);
    let mut io = None;
    while let Some(cause) = source {
        if let Some(error) = cause.downcast_ref::<std::io::Error>() {
            io = Some(error.kind());
        }
        text = cause.to_string();
        source = cause.source();
    }
    let lower = text.to_lowercase();
    let (reason, why) = if error.is_timeout() {
        (Reason::Timeout, "no complete answer in time")
    } else if lower.contains("dns") || lower.contains("lookup") || lower.contains("resolve") {
        (Reason::Dns, "the host name does not resolve")
    } else if lower.contains("certificate") || lower.contains("tls") || lower.contains("handshake")
    {
        (Reason::Tls, "the TLS handshake failed")
    } else if io == Some(std::io::ErrorKind::ConnectionRefused) {
        (Reason::Refused, "connection refused")
    } else if error.is_builder() {
        (Reason::Protocol, "the address is not usable")
    } else if error.is_connect() {
        (Reason::Other, "cannot connect")
    } else {
        (Reason::Protocol, "the answer is not HTTP, or was cut off")
    };
    Failure::new(reason, format!("{what}: {why}"))
}
