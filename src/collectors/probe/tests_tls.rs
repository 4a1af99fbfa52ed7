//! Certificates of servers that a test has in its hand, and where redirects lead.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::certificate::{Certificate, Chain};
use super::config::Ask;
use super::place::Place;
use super::prober::Prober;
use super::sample::{self, Known};
use super::times::Times;
use super::trace::{Phase, Trace};
use super::{AREA, reasons};
use crate::catalogue::{Batch, Known as Labels, Sink};
use crate::config::Url;
use crate::failure::Failure;

/// An authority that signed itself, as `openssl` makes it, and one for this host and a client's that
/// are none.
fn certificates() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let script = "cd \"$1\" && new='openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes' && \
                  $new -days 5 -subj /CN=app.example -addext subjectAltName=DNS:app.example -keyout own-key.pem -out own.pem && \
                  $new -days 2 -subj /CN=there -addext subjectAltName=DNS:localhost -keyout there-key.pem -out there.pem && \
                  $new -days 2 -subj /CN=us -addext basicConstraints=critical,CA:FALSE -keyout us-key.pem -out us.pem && \
                  cat own.pem there.pem > both.pem";
    let mut shell = std::process::Command::new("sh");
    let done = shell.args(["-c", script, "sh"]).arg(folder.path()).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    folder
}

/// The name that was asked for, and whether the client showed a certificate.
type Seen = Arc<Mutex<Vec<(Option<String>, bool)>>>;

/// A server with this certificate that always answers the same.
async fn server(folder: &Path, name: &str, answer: String) -> (u16, Seen) {
    let pem = |file: String| std::fs::read(folder.join(file)).unwrap();
    let one = |file: &str| CertificateDer::from_pem_slice(&pem(format!("{file}.pem"))).unwrap();
    let key = PrivateKeyDer::from_pem_slice(&pem(format!("{name}-key.pem"))).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(one("us")).unwrap();
    let judge = rustls::server::WebPkiClientVerifier::builder(Arc::new(roots));
    let judge = judge.allow_unauthenticated().build().unwrap();
    let config = rustls::ServerConfig::builder().with_client_cert_verifier(judge);
    let config = config.with_single_cert(vec![one(name)], key).unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let seen = Seen::default();
    let list = Arc::clone(&seen);
    tokio::spawn(async move {
        loop {
            let Ok((peer, _)) = listener.accept().await else { return };
            let Ok(mut peer) = acceptor.accept(peer).await else { continue };
            let connection = peer.get_ref().1;
            let name = connection.server_name().map(ToOwned::to_owned);
            list.lock().unwrap().push((name, connection.peer_certificates().is_some()));
            let mut asked = [0; 4096];
            let _ = peer.read(&mut asked).await;
            let _ = peer.write_all(answer.as_bytes()).await;
            let _ = peer.shutdown().await;
        }
    });
    (port, seen)
}

const FINE: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

fn leads(to: &str) -> String {
    format!("HTTP/1.1 302 F\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n")
}

async fn probe(url: &str, ask: &str) -> (Trace, Option<Failure>) {
    let ask: Ask = serde_json::from_str(ask).unwrap();
    let url = Url::parse(url).unwrap();
    Prober::new(Place::of(&url).unwrap(), Some(&url), &ask, None).run().await
}

/// One that signed itself is trusted if it is in `ca_file` itself, though it is marked as an authority;
/// its name counts. [B05]
#[tokio::test]
async fn one_that_signed_itself_is_trusted_by_its_file() {
    let folder = certificates();
    let file = |name: &str| folder.path().join(name).display().to_string();
    let (port, _) = server(folder.path(), "there", FINE.to_owned()).await;
    let url = format!("https://localhost:{port}/");
    let ca = |name: &str, more: &str| format!("{{\"ca_file\":\"{}\"{more}}}", file(name));
    assert_eq!(probe(&url, &ca("there.pem", "")).await.1, None);
    let (trace, failure) = probe(&url, &ca("there.pem", r#","server_name":"other.example""#)).await;
    assert_eq!(failure.unwrap().reason, reasons::CERT_NAME);
    assert_eq!(trace.chain.unwrap().certificates.len(), 1, "it is told all the same");
    let (_, failure) = probe(&url, &ca("own.pem", "")).await;
    assert_eq!(failure.unwrap().reason, reasons::CERT_SELF_SIGNED);
}

/// Whoever it leads to gets no certificate of ours, is asked for by its own name, and is not held
/// against the file of the first. The first of both to run out is told. [B05]
#[tokio::test]
async fn settings_of_tls_are_of_the_declared_host() {
    let folder = certificates();
    let file = |name: &str| folder.path().join(name).display().to_string();
    let (end, there) = server(folder.path(), "there", FINE.to_owned()).await;
    let (port, first) =
        server(folder.path(), "own", leads(&format!("https://localhost:{end}/"))).await;
    let ask = format!(
        "{{\"ca_file\":\"{}\",\"cert_file\":\"{}\",\"key_file\":\"{}\",\"server_name\":\"app.example\",\"certificate_file\":\"{}\"}}",
        file("both.pem"),
        file("us.pem"),
        file("us-key.pem"),
        file("own.pem"),
    );
    let (trace, failure) = probe(&format!("https://127.0.0.1:{port}/"), &ask).await;
    assert_eq!(failure, None);
    assert_eq!(*first.lock().unwrap(), [(Some("app.example".to_owned()), true)]);
    assert_eq!(*there.lock().unwrap(), [(Some("localhost".to_owned()), false)]);
    assert_eq!(trace.on_disk(), Some(true), "of the first");
    let until = |chain: &Chain| chain.certificates[0].not_after;
    let (own, last) = (until(&trace.before[0]), until(trace.chain.as_ref().unwrap()));
    assert!(last < own);
    assert_eq!(trace.fails_at(SystemTime::now()), Some(last));

    // The other way round, the first is the one to tell of.
    let (port, _) =
        server(folder.path(), "there", leads(&format!("https://127.0.0.1:{port}/"))).await;
    let (trace, _) =
        probe(&format!("https://localhost:{port}/"), &ask.replace("app.example", "localhost"))
            .await;
    assert_eq!(trace.fails_at(SystemTime::now()), Some(last), "of the first, too");
}

/// The end of the way is judged, by its whole name. [B03]
#[tokio::test]
async fn redirects_are_judged_at_their_end() {
    let plain = async |answer: String| {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            loop {
                let Ok((mut peer, _)) = listener.accept().await else { return };
                let _ = peer.read(&mut [0; 4096]).await;
                let _ = peer.write_all(answer.as_bytes()).await;
            }
        });
        port
    };
    let end = plain(FINE.to_owned()).await;
    let middle = plain(leads(&format!("http://localhost:{end}/in?next=https://app/x"))).await;
    let first =
        format!("http://127.0.0.1:{}/", plain(leads(&format!("http://localhost:{middle}/"))).await);
    let to = async |to: &str| {
        let (trace, failure) = probe(&first, &format!("{{\"redirects\":\"{to}\"}}")).await;
        (failure.map(|failure| failure.reason), trace.answer.unwrap().elsewhere)
    };
    assert_eq!(to(&format!("http://localhost:{end}/in")).await, (None, false));
    assert_eq!(to(&format!("http://localhost:{middle}/")).await, (Some(reasons::REDIRECT), true));
    assert_eq!(to(&format!("http://localhost:{end}/out")).await, (Some(reasons::REDIRECT), true));
    // The name that the request gives is the one that is asked.
    let elsewhere = async |ask: &str| probe(&first, ask).await.0.answer.unwrap().elsewhere;
    assert!(elsewhere("{}").await);
    assert!(!elsewhere(r#"{"headers":{"Host":"localhost:80"}}"#).await);
}

fn chain(until: &[i64]) -> Chain {
    let certificates =
        until.iter().map(|at| Certificate { not_after: *at, ..Certificate::default() });
    Chain { certificates: certificates.collect(), ..Chain::default() }
}

/// Servers present certificates that have run out for old clients; nobody needs them. [B05]
#[test]
fn what_nobody_needs_does_not_run_out() {
    let mut presented = chain(&[300, 50, 400]);
    assert_eq!((presented.fails_at(100), presented.earliest()), (Some(300), Some(50)));
    assert_eq!(presented.fails_at(40), Some(50), "that it will run out is told");
    assert_eq!(chain(&[50, 400]).fails_at(100), Some(50), "its own always counts");
    presented.refused = Some(reasons::CERT_UNTRUSTED);
    assert_eq!(presented.fails_at(100), Some(50), "it may be why");
}

/// The seconds that are told to be left, and how many series stand beside them.
#[derive(Default)]
struct Left(Vec<f64>);

impl Sink for Left {
    fn sample(&mut self, _: Labels, _: &[(&str, &str)], value: f64) {
        self.0.push(value);
    }

    fn histogram(&mut self, _: Labels, _: &[(&str, &str)], _: &crate::catalogue::Histogram) {}
}

fn left(batch: &Batch, metric: &str) -> Vec<f64> {
    let (row_type, index) = AREA.locate(metric).unwrap();
    let mut left = Left::default();
    batch
        .sets()
        .filter(|set| set.row_type() == row_type)
        .for_each(|set| set.emit(index, &mut left));
    left.0
}

/// A server that refuses has not renewed its certificate: no all-clear by that. [B05]
#[test]
fn a_date_stands_while_nothing_is_presented() {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(100);
    let mut times = Times::default();
    let mut say = |presented: Option<Chain>| {
        let mut trace = Trace::after([0; 6], Phase::Connect);
        trace.shown(presented);
        let fails_at = times.fails_at(trace.fails_at(now));
        let known = Known { fails_at, ..Known::default() };
        let batch = sample::sample(trace, None, None, known, now);
        let of = |metric| left(&batch, metric);
        (of("stack_probe_certificate_expiry_seconds"), of("probe_ssl_earliest_cert_expiry"))
    };
    assert_eq!(say(None), (vec![], vec![]), "never seen");
    assert_eq!(say(Some(chain(&[300]))), (vec![200.0], vec![300.0]));
    assert_eq!(say(None), (vec![200.0], vec![]));
    assert_eq!(say(Some(chain(&[900]))), (vec![800.0], vec![900.0]), "it was renewed");
}
