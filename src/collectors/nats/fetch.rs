//! The requests, each with its own end, and what is said where nobody answers them.

use std::time::Duration;

use serde::de::IgnoredAny;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::answers::{Jsz, Varz};
use super::more::{Accstatz, CONNZ, Connz, Extra, Routez, Subsz};
use super::paced::{Paced, Shared};
use super::slow::{Slow, SlowClient};
use crate::clients::http::{HttpClient, Json};
use crate::failure::{Failure, Reason};

/// The answers; `/varz` is there or the reading has failed.
pub struct Raw {
    pub varz: Json<Varz>,
    pub jsz: Result<Shared<Jsz>, Failure>,
    /// Its status says it all.
    pub healthz: Result<Json<IgnoredAny>, Failure>,
    /// Those that are not asked for are `None`.
    pub connz: Option<Result<Shared<Connz>, Failure>>,
    pub accstatz: Option<Result<Shared<Accstatz>, Failure>>,
    pub subsz: Option<Result<Shared<Subsz>, Failure>>,
    pub routez: Option<Result<Shared<Routez>, Failure>>,
    pub slow: Vec<SlowClient>,
}

/// The endpoints that have a clock of their own.
pub struct Endpoints {
    pub extra: Vec<Extra>,
    /// How long one of them may take.
    pub limit: Duration,
    pub jsz: Paced<Jsz>,
    pub connz: Paced<Connz>,
    pub accstatz: Paced<Accstatz>,
    pub subsz: Paced<Subsz>,
    pub routez: Paced<Routez>,
    pub slow: Slow,
}

impl Endpoints {
    pub fn new(extra: Vec<Extra>, deadline: Duration) -> Self {
        Self {
            extra,
            limit: deadline.mul_f64(0.4),
            jsz: Paced::new("/jsz"),
            connz: Paced::new("/connz"),
            accstatz: Paced::new("/accstatz"),
            subsz: Paced::new("/subsz"),
            routez: Paced::new("/routez"),
            slow: Slow::default(),
        }
    }

    fn forget(&self) {
        self.jsz.forget();
        self.connz.forget();
        self.accstatz.forget();
        self.subsz.forget();
        self.routez.forget();
    }
}

/// How long the banner of a client port is waited for.
const BANNER: Duration = Duration::from_millis(500);
/// What a NATS server says first to each client.
const INFO: &[u8] = b"INFO {";

/// `hosts` is where the address leads.
pub async fn fetch(
    http: &HttpClient,
    hosts: &[(String, u16)],
    endpoints: &Endpoints,
) -> Result<Raw, Failure> {
    match Box::pin(answers(http, endpoints)).await {
        Err(failure) => {
            endpoints.forget();
            Err(advised(failure, hosts).await)
        }
        answers => answers,
    }
}

/// The failure with what helps where the usual mistakes were made.
async fn advised(failure: Failure, hosts: &[(String, u16)]) -> Failure {
    match failure.reason {
        Reason::REFUSED => failure.hint(
            "is the server running? Its monitoring port is off by default: start it with \
             `-m 8222`, or `http_port: 8222` in its configuration",
        ),
        // The latter for https://, which takes the banner for TLS.
        Reason::PROTOCOL | Reason::TLS => match hosts {
            [(host, port)] if is_client_port(host, *port).await => {
                let detail = format!("{}, for this is the port for clients", failure.detail);
                Failure { detail, ..failure }.hint(
                    "name the monitoring port, usually 8222: http://HOST:8222; it is off by \
                     default: start the server with `-m 8222`, or `http_port: 8222` in its \
                     configuration",
                )
            }
            _ => failure,
        },
        _ => failure,
    }
}

/// Whether the server greets as it does clients.
async fn is_client_port(host: &str, port: u16) -> bool {
    let greeting = async {
        let mut stream = TcpStream::connect((host, port)).await.ok()?;
        let mut said = [0; INFO.len()];
        stream.read_exact(&mut said).await.ok()?;
        Some(said == INFO)
    };
    timeout(BANNER, greeting).await.ok().flatten().unwrap_or(false)
}

async fn answers(http: &HttpClient, all: &Endpoints) -> Result<Raw, Failure> {
    let limit = all.limit;
    let healthz = async {
        let late = |_| Failure::new(Reason::TIMEOUT, "/healthz: no answer in time");
        timeout(limit, http.json("/healthz", "/healthz")).await.unwrap_or_else(|e| Err(late(e)))
    };
    let (varz, jsz, healthz, connz, accstatz, subsz, routez) = tokio::join!(
        http.json::<Varz>("/varz", "/varz"),
        all.jsz.ask(http, "/jsz?streams=true&consumers=true&config=true", limit),
        healthz,
        wanted(all, Extra::Connz, all.connz.ask(http, CONNZ, limit)),
        wanted(all, Extra::Accstatz, all.accstatz.ask(http, "/accstatz", limit)),
        wanted(all, Extra::Subsz, all.subsz.ask(http, "/subsz", limit)),
        wanted(all, Extra::Routez, all.routez.ask(http, "/routez", limit)),
    );
    let varz = varz?;
    let counted = varz.value.as_ref().ok().and_then(|varz| varz.value.slow_consumers);
    let slow = all.slow.clients(http, counted.unwrap_or(0), limit).await;
    Ok(Raw { varz, jsz, healthz, connz, accstatz, subsz, routez, slow })
}

async fn wanted<T>(
    all: &Endpoints,
    extra: Extra,
    answer: impl Future<Output = T> + Send,
) -> Option<T> {
    if all.extra.contains(&extra) { Some(answer.await) } else { None }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::TcpListener;

    use super::*;
    use crate::config::{Access, SafeUrl};

    #[tokio::test]
    async fn the_port_for_clients_is_known_by_its_greeting() {
        for (greeting, is_nats) in
            [("INFO {\"server_id\":\"x\"}\r\n", true), ("220 mail\r\n", false)]
        {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let port = listener.local_addr().unwrap().port();
            let server = tokio::spawn(async move {
                loop {
                    let (mut peer, _) = listener.accept().await.unwrap();
                    let _ = peer.write_all(greeting.as_bytes()).await;
                    let _ = peer.shutdown().await;
                }
            });
            let url = SafeUrl::new(format!("http://127.0.0.1:{port}"));
            let http = HttpClient::new(&url, &Access::default(), None);
            let hosts = [("127.0.0.1".to_owned(), port)];
            let failure = fetch(&http, &hosts, &Endpoints::new(Vec::new(), Duration::from_secs(5)))
                .await
                .err()
                .unwrap();
            server.abort();
            assert_eq!(failure.reason, Reason::PROTOCOL);
            assert_eq!(failure.detail.contains("port for clients"), is_nats, "{failure}");
            let hint = failure.hint.unwrap();
            assert_eq!(hint.contains("-m 8222"), is_nats, "{hint}");
        }
    }

    /// A server of which everything but `/jsz` answers.
    async fn half_a_server(listener: TcpListener) {
        loop {
            let (mut peer, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut head = [0; 2048];
                while let Ok(1..) = peer.read(&mut head).await {
                    if head.starts_with(b"GET /jsz") {
                        std::future::pending::<()>().await;
                    }
                    let body = "{\"server_id\":\"N\"}";
                    let answer =
                        format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
                    peer.write_all(answer.as_bytes()).await.unwrap();
                }
            });
        }
    }

    #[tokio::test]
    async fn an_endpoint_that_hangs_costs_the_others_nothing_and_has_a_rest() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://127.0.0.1:{}", listener.local_addr().unwrap().port());
        let server = tokio::spawn(half_a_server(listener));
        let http = HttpClient::new(&SafeUrl::new(url), &Access::default(), None);
        let endpoints = Endpoints::new(vec![Extra::Connz], Duration::from_secs(2));
        for rests in [false, true] {
            let begun = std::time::Instant::now();
            let raw = fetch(&http, &[], &endpoints).await.unwrap();
            assert_eq!(raw.jsz.err().unwrap().reason, Reason::TIMEOUT);
            assert!(raw.healthz.is_ok() && raw.connz.unwrap().is_ok() && raw.routez.is_none());
            assert_eq!(begun.elapsed() < endpoints.limit, rests, "{:?}", begun.elapsed());
        }
        server.abort();
    }
}
