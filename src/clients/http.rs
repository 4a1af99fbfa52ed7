//! HTTP GET with time limits, a bounded body, and failures sorted into reasons.

use std::io::ErrorKind;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::ClientBuilder;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use rustls::ClientConfig;
use serde::de::DeserializeOwned;

use super::access::Proof;
use super::json::{self, Decoded, JsonError};
use super::tls::{Trust, is_refusal};
use crate::config::{Access, SafeUrl, Url};
use crate::failure::{Failure, Reason, lacks_files};

/// Deadline of a reading unless it is configured. Connect < request < reading.
const DEADLINE: Duration = Duration::from_secs(5);

/// A base address and a pooled client for it. It can do nothing but GET.
pub struct HttpClient {
    place: Result<Place, Failure>,
    deadline: Duration,
    proof: Proof,
    trust: Trust,
    /// Made for these TLS settings; others need another.
    client: Mutex<Option<(Arc<ClientConfig>, reqwest::Client)>>,
}

pub(super) struct Place {
    /// Scheme, host, port and path. The host is the name that the certificate must have.
    pub base: String,
    /// What goes with every request.
    pub query: String,
    /// The host of the address and its authority, where `base` has another.
    pub real: Option<(String, String)>,
}

/// An answer in JSON, or why it is none.
pub struct Json<T> {
    pub status: u16,
    pub value: Result<Decoded<T>, JsonError>,
    pub took: Duration,
}

impl<T> Json<T> {
    /// The value of an answer that has to be a success.
    pub fn good(self, what: &str, hint: &str) -> Result<Decoded<T>, Failure> {
        if !is_success(self.status) {
            return Err(refused(what, self.status));
        }
        self.value.map_err(|error| error.failure(what, hint))
    }
}

impl HttpClient {
    /// A client whose requests end a little before the deadline of a reading, so that there is time
    /// left to say what happened.
    pub fn new(url: &SafeUrl, access: &Access, deadline: Option<Duration>) -> Self {
        // The library gets the pieces, never the text: it would read some of them in its own way.
        let wrong = |message| Failure::new(Reason::PROTOCOL, message);
        let parsed = url.http().map_err(wrong);
        let login = parsed.as_ref().ok().and_then(|url| {
            let password = url.password.clone();
            let user = url.user.clone().or_else(|| password.as_ref().map(|_| String::new()));
            user.map(|user| (user, password))
        });
        Self {
            place: parsed.map(|url| Place::of(&url, access.tls.server_name.as_deref())),
            deadline: deadline.unwrap_or(DEADLINE),
            proof: Proof::new(access.clone(), login),
            trust: Trust::new(access.tls.clone()),
            client: Mutex::default(),
        }
    }

    /// A GET of `path` below the base. The address itself is asked as it is written: a last slash
    /// can matter.
    async fn request(&self, path: &str) -> Result<reqwest::RequestBuilder, Failure> {
        let place = self.place.as_ref().map_err(Clone::clone)?;
        let base = if path.is_empty() { &place.base } else { place.base.trim_end_matches('/') };
        let mut text = format!("{base}{path}");
        if !place.query.is_empty() {
            text.push(if path.contains('?') { '&' } else { '?' });
            text.push_str(&place.query);
        }
        let mut request = self.client(place).await?.get(text).headers(self.proof.headers().await?);
        if let Some((_, authority)) = &place.real {
            request = request.header(http::header::HOST, authority);
        }
        Ok(request)
    }

    /// The client for the certificates as they are now.
    async fn client(&self, place: &Place) -> Result<reqwest::Client, Failure> {
        let tls = self.trust.now().await?;
        let mut kept = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, client)) = &*kept
            && Arc::ptr_eq(of, &tls)
        {
            return Ok(client.clone());
        }
        let mut builder = common(self.deadline).timeout(self.deadline.mul_f64(0.8));
        if let Some((host, _)) = &place.real {
            builder = builder.dns_resolver(Arc::new(Named(host.clone())));
        }
        let client = built(builder, (*tls).clone())?;
        *kept = Some((tls, client.clone()));
        Ok(client)
    }

    /// GET of an answer in JSON, decoded as it comes. Any status but 401 and 403 is an answer;
    /// `what` names it in failures.
    pub async fn json<T>(&self, what: &str, path: &str) -> Result<Json<T>, Failure>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let started = Instant::now();
        let mut response = self.send(what, path).await?;
        let status = response.status().as_u16();
        let mut stream = json::Stream::default();
        let value = loop {
            match response.chunk().await.map_err(|error| failure(what, &error))? {
                None => break stream.finish().await,
                Some(piece) => {
                    if let Err(error) = stream.take(piece).await {
                        break Err(error);
                    }
                }
            }
        };
        Ok(Json { status, value, took: started.elapsed() })
    }

    async fn send(&self, what: &str, path: &str) -> Result<reqwest::Response, Failure> {
        let hangs = |_| {
            let text = format!(
                "{what}: the files of the login or the certificates cannot be read in time"
            );
            Failure::new(Reason::TIMEOUT, text).hint("the disk or share that they lie on hangs")
        };
        let request = tokio::time::timeout(self.deadline.mul_f64(0.4), self.request(path));
        let request = request.await.map_err(hangs)??;
        let response = request.send().await.map_err(|error| {
            let failure = failure(what, &error);
            let unknown = failure.reason == Reason::TLS && failure.hint.is_none();
            if unknown { failure.hint(self.trust.advice()) } else { failure }
        })?;
        match response.status().as_u16() {
            401 => Err(refused(what, 401).hint(self.proof.advice())),
            403 => Err(refused(what, 403)),
            _ => Ok(response),
        }
    }
}

impl Place {
    pub fn of(url: &Url, name: Option<&str>) -> Self {
        let origin = url.origin();
        let authority = origin.split_once("://").map_or("", |(_, authority)| authority).to_owned();
        let host = url.hosts.first();
        let own =
            Self { base: format!("{origin}{}", url.path), query: url.query_text(), real: None };
        let (Some(name), Some(host)) = (name, host) else { return own };
        let port = host.port.map_or_else(String::new, |port| format!(":{port}"));
        Self {
            base: format!("{}://{name}{port}{}", url.scheme, url.path),
            real: Some((host.name.trim_matches(['[', ']']).to_owned(), authority)),
            ..own
        }
    }
}

/// Resolves the host of the address, whatever name is asked for: the certificate has another one.
pub(super) struct Named(pub String);

impl Resolve for Named {
    fn resolve(&self, _: Name) -> Resolving {
        let host = self.0.clone();
        Box::pin(async move {
            let found: Vec<_> = tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

pub const fn is_success(status: u16) -> bool {
    matches!(status, 200..=299)
}

/// A status that is no success.
pub fn refused(what: &str, status: u16) -> Failure {
    let reason = match status {
        401 => Reason::AUTH,
        403 => Reason::RIGHTS,
        404 => Reason::NOT_FOUND,
        _ => Reason::PROTOCOL,
    };
    Failure::new(reason, format!("{what}: HTTP status {status}"))
}

pub(super) fn common(deadline: Duration) -> ClientBuilder {
    reqwest::Client::builder()
        .connect_timeout(deadline.mul_f64(0.4))
        .redirect(reqwest::redirect::Policy::none())
        // What is watched is near; a proxy would answer in its place, and see its credentials.
        .no_proxy()
        .user_agent(concat!("stack-exporter/", env!("CARGO_PKG_VERSION")))
}

pub(super) fn built(
    builder: ClientBuilder,
    tls: rustls::ClientConfig,
) -> Result<reqwest::Client, Failure> {
    // Our own, also for plain HTTP: the library has no default without a provider.
    let client = builder.tls_backend_preconfigured(tls).build();
    client.map_err(|_| Failure::new(Reason::TLS, "the HTTP client could not be set up"))
}

/// Never prints the address: it may carry credentials.
pub(super) fn failure(what: &str, error: &reqwest::Error) -> Failure {
    let mut text = String::new();
    let mut source: Option<&dyn std::error::Error> = std::error::Error::source(error);
    let (mut io, mut refusal) = (None, false);
    while let Some(cause) = source {
        refusal |= is_refusal(cause);
        if let Some(error) = cause.downcast_ref::<std::io::Error>() {
            if lacks_files(error) {
                return Failure::no_files(what);
            }
            io = Some(error.kind());
        }
        text = cause.to_string();
        source = cause.source();
    }
    let lower = text.to_lowercase();
    if lower.contains("invalidcontenttype") {
        return Failure::new(Reason::TLS, format!("{what}: the server speaks no TLS there"))
            .hint("write `http://` in the address, or the port where it speaks TLS");
    }
    let (reason, why) = if error.is_timeout() {
        (Reason::TIMEOUT, "no complete answer in time")
    } else if refusal || ["certificate", "tls", "handshake"].iter().any(|word| lower.contains(word))
    {
        // Before the next: a certificate of another name speaks of a DNS name.
        (Reason::TLS, "the TLS handshake failed")
    } else if lower.contains("dns") || lower.contains("lookup") || lower.contains("resolve") {
        (Reason::DNS, "the host name does not resolve")
    } else if io == Some(ErrorKind::ConnectionRefused) {
        (Reason::REFUSED, "connection refused")
    } else if io == Some(ErrorKind::PermissionDenied) {
        (Reason::RIGHTS, "permission denied")
    } else if io == Some(ErrorKind::NotFound) {
        (Reason::NOT_FOUND, "no such socket")
    } else if error.is_builder() {
        (Reason::PROTOCOL, "the address is not usable")
    } else if error.is_connect() {
        (Reason::OTHER, "cannot connect")
    } else {
        (Reason::PROTOCOL, NO_HTTP)
    };
    let failure = Failure::new(reason, format!("{what}: {why}"));
    if why == NO_HTTP && error.is_request() { failure.hint(OTHER_PORT) } else { failure }
}

const NO_HTTP: &str = "the answer is not HTTP, or was cut off";
const OTHER_PORT: &str = "is this the port that speaks HTTP? Where it speaks TLS the address begins \
                          with `https://`";

#[cfg(test)]
mod tests {
    use super::*;

    /// What is asked of an address: the line of the request and its authorization.
    async fn asked(url: &str, path: &str) -> (String, String) {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let url = SafeUrl::new(url.replace("HOST", &format!("127.0.0.1:{port}")));
        let client = HttpClient::new(&url, &Access::default(), None);
        let server = async {
            let (mut peer, _) = listener.accept().await.unwrap();
            let mut head = vec![0; 4096];
            let length = peer.read(&mut head).await.unwrap();
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
            peer.write_all(answer).await.unwrap();
            String::from_utf8_lossy(&head[..length]).into_owned()
        };
        let call = client.json::<serde_json::Value>("it", path);
        let (head, answer) = tokio::join!(server, call);
        assert_eq!(answer.unwrap().status, 200);
        let of = |start: &str| {
            let line = head.lines().find(|line| line.to_lowercase().starts_with(start));
            line.unwrap_or_default().to_owned()
        };
        (of("get "), of("authorization"))
    }

    #[tokio::test]
    async fn the_server_gets_the_pieces_of_the_address() {
        for (url, path, line, login) in [
            ("http://HOST", "/varz", "GET /varz HTTP/1.1", ""),
            ("http://HOST/", "", "GET / HTTP/1.1", ""),
            ("http://HOST/a/", "", "GET /a/ HTTP/1.1", ""),
            ("http://HOST/a/", "/jsz?x=1", "GET /a/jsz?x=1 HTTP/1.1", ""),
            ("http://HOST/?token=a%26b", "/varz", "GET /varz?token=a%26b HTTP/1.1", ""),
            ("http://HOST/?token=c", "/jsz?x=1", "GET /jsz?x=1&token=c HTTP/1.1", ""),
            // `u:p@:` and `tok:` in base64.
            ("http://u:p%40:@HOST", "/", "GET / HTTP/1.1", "authorization: Basic dTpwQDo="),
            ("http://tok@HOST", "/", "GET / HTTP/1.1", "authorization: Basic dG9rOg=="),
        ] {
            let (asked_line, asked_login) = asked(url, path).await;
            assert_eq!((asked_line.as_str(), asked_login.as_str()), (line, login), "{url}");
        }
    }
}
