//! The three requests, and what is said where nobody answers them.

use std::time::Duration;

use serde::de::IgnoredAny;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::answers::{Jsz, Varz};
use crate::clients::http::{HttpClient, Json};
use crate::failure::{Failure, Reason};

/// The answers; `/varz` is there or the reading has failed.
pub struct Raw {
    pub varz: Json<Varz>,
    pub jsz: Result<Json<Jsz>, Failure>,
    /// Its status says it all.
    pub healthz: Result<Json<IgnoredAny>, Failure>,
}

/// How long the banner of a client port is waited for.
const BANNER: Duration = Duration::from_millis(500);
/// What a NATS server says first to each client.
const INFO: &[u8] = b"INFO {";

/// `hosts` is where the address leads.
pub async fn fetch(http: &HttpClient, hosts: &[(String, u16)]) -> Result<Raw, Failure> {
    match answers(http).await {
        Err(failure) => Err(advised(failure, hosts).await),
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

async fn answers(http: &HttpClient) -> Result<Raw, Failure> {
    let (varz, jsz, healthz) = tokio::join!(
        http.json("/varz", "/varz"),
        http.json("/jsz", "/jsz?streams=true&consumers=true&config=true"),
        http.json("/healthz", "/healthz"),
    );
    Ok(Raw { varz: varz?, jsz, healthz })
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
            let failure = fetch(&http, &hosts).await.err().unwrap();
            server.abort();
            assert_eq!(failure.reason, Reason::PROTOCOL);
            assert_eq!(failure.detail.contains("port for clients"), is_nats, "{failure}");
            let hint = failure.hint.unwrap();
            assert_eq!(hint.contains("-m 8222"), is_nats, "{hint}");
        }
    }
}
