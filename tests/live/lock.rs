//! The lock: a real Prometheus scrapes through it, strangers get nothing, keys are changed while it
//! runs, and wrong passwords hurt nobody but who sends them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use reqwest::{Certificate, Client, Identity};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};
use tokio::task::JoinSet;

use crate::servers::exporter::Exporter;
use crate::servers::prometheus::{Prometheus, Setup, Target};
use crate::servers::wait::{PATIENT, pause, until};
use crate::servers::{certificates, run, text, watchdog};
use crate::stage::binary;

const QUIET: &str = "docker: { enabled: false }\npostgres: {}\nnats: {}\nqueues: {}\nlogs: {}\n";

/// The hash of a password, as the program itself makes it.
fn hash(password: &str) -> String {
    let mut child = Command::new(binary());
    child.arg("password-hash").stdin(std::process::Stdio::piped());
    let mut child = child.stdout(std::process::Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), password.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn client(dir: &Path, authority: &str, own: Option<&str>) -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let pem = |name: &str| fs::read(dir.join(name)).unwrap();
    let builder = Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(10))
        .pool_max_idle_per_host(0)
        .tls_certs_only([Certificate::from_pem(&pem(authority)).unwrap()]);
    let builder = match own {
        None => builder,
        Some(name) => {
            let both = [pem(&format!("{name}-key.pem")), pem(&format!("{name}.pem"))].concat();
            builder.identity(Identity::from_pem(&both).unwrap())
        }
    };
    builder.build().unwrap()
}

/// The status of a GET; none where there is no answer, as after a handshake that failed.
async fn status(client: &Client, url: &str, pair: Option<(&str, &str)>) -> Option<u16> {
    let mut request = client.get(url);
    if let Some((user, password)) = pair {
        request = request.basic_auth(user, Some(password));
    }
    request.send().await.ok().map(|answer| answer.status().as_u16())
}

/// What comes to bytes that are sent as they are.
async fn raw(port: u16, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut got = Vec::new();
    let read = stream.read_to_end(&mut got);
    let _ = tokio::time::timeout(Duration::from_secs(10), read).await.expect("it is closed");
    String::from_utf8_lossy(&got).into_owned()
}

struct Locked {
    exporter: Exporter,
    dir: PathBuf,
    file: PathBuf,
}

impl Locked {
    fn start(name: &str, lock: &str) -> Self {
        let dir = certificates::made(name);
        let file = dir.join("web.yml");
        fs::write(&file, lock).unwrap();
        let option = format!("--web.config.file={}", text(&file));
        let exporter = Exporter::launch(binary(), QUIET, &[&option], &[]);
        Self { exporter, dir, file }
    }

    fn url(&self, path: &str) -> String {
        format!("https://127.0.0.1:{}{path}", self.exporter.port)
    }

    /// The exit code of `healthcheck`, and how long it took.
    fn health(&self) -> (Option<i32>, Duration) {
        let begun = Instant::now();
        let done = Command::new(binary())
            .arg("healthcheck")
            .env("STACK_EXPORTER_WEB_LISTEN_ADDRESS", format!("0.0.0.0:{}", self.exporter.port))
            .env("STACK_EXPORTER_WEB_CONFIG_FILE", &self.file)
            .output()
            .unwrap();
        (done.status.code(), begun.elapsed())
    }
}

fn lock(certificate: &str, users: &str) -> String {
    format!(
        "tls_server_config:\n  cert_file: {certificate}.pem\n  key_file: {certificate}-key.pem\n  \
         client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.pem\n  \
         client_allowed_sans: [127.0.0.1]\n\
         http_server_config: {{ headers: {{ Strict-Transport-Security: max-age=60 }} }}\n\
         basic_auth_users:\n{users}"
    )
}

#[test]
fn prometheus_scrapes_with_keys_that_change() {
    run(async {
        let (one, two) = (hash("pass-one"), hash("pass-two\n"));
        let locked = Locked::start("lock", &lock("server", &format!("  prom: {one}\n")));
        let dir = locked.dir.clone();
        let known = client(&dir, "ca.pem", Some("client"));
        let metrics = locked.url("/metrics");
        let right = Some(("prom", "pass-one"));
        until("the exporter", PATIENT, async || {
            status(&known, &metrics, right).await.filter(|status| *status == 200)
        })
        .await;
        assert!(
            locked.exporter.log().contains(&format!("serving {metrics}")),
            "{}",
            locked.exporter.log()
        );

        // Prometheus, with its own file of the password.
        let password = dir.join("password");
        fs::write(&password, "pass-one").unwrap();
        let file = |name: &str| json!(dir.join(name));
        let target = Target {
            more: json!({
                "scheme": "https",
                "tls_config": { "ca_file": file("ca.pem"), "cert_file": file("client.pem"), "key_file": file("client-key.pem") },
                "basic_auth": { "username": "prom", "password_file": password },
            }),
            ..Target::new("stack-exporter", locked.exporter.port)
        };
        let prometheus =
            Prometheus::start(&Setup { targets: vec![target], ..Setup::default() }).await;
        prometheus.targets_up(PATIENT).await;
        prometheus.wait_query("stack_web_config_last_reload_successful == 1", PATIENT).await;

        strangers_get_nothing(&locked, &known).await;

        // A new password and a new certificate, of another authority, while Prometheus goes on with the old.
        fs::write(&locked.file, lock("renewed", &format!("  prom: {two}\n"))).unwrap();
        let renewed = client(&dir, "other-ca.pem", Some("client"));
        until("the new keys", PATIENT, async || {
            status(&renewed, &metrics, Some(("prom", "pass-two")))
                .await
                .filter(|status| *status == 200)
        })
        .await;
        assert_eq!(status(&renewed, &metrics, right).await, Some(401));
        assert_eq!(
            status(&known, &metrics, right).await,
            None,
            "the old authority did not sign this one"
        );
        prometheus.wait_query("up{job=\"stack-exporter\"} == 0", PATIENT).await;

        // A wrong file changes nothing, and is told.
        fs::write(&locked.file, lock("renewed", "  prom: pass-one\n")).unwrap();
        until("the mistake in the log", PATIENT, async || {
            locked.exporter.log().contains("basic_auth_users.prom: expected the bcrypt hash")
        })
        .await;
        assert!(!locked.exporter.log().contains("pass-one"));
        let page = renewed.get(&metrics).basic_auth("prom", Some("pass-two")).send().await.unwrap();
        assert_eq!(page.headers()["strict-transport-security"], "max-age=60");
        assert!(page.text().await.unwrap().contains("stack_web_config_last_reload_successful 0"));
        let reload = renewed.post(locked.url("/-/reload")).basic_auth("prom", Some("pass-two"));
        let refused = reload.send().await.unwrap();
        assert_eq!(refused.status(), 400);
        assert!(
            refused.text().await.unwrap().contains("web.yml:9: basic_auth_users.prom: expected")
        );

        // Back to the first keys: Prometheus finds its way again.
        fs::write(&locked.file, lock("server", &format!("  prom: {one}\n"))).unwrap();
        prometheus.wait_query("up{job=\"stack-exporter\"} == 1", PATIENT).await;
        prometheus.wait_query("stack_web_config_last_reload_successful == 1", PATIENT).await;
        assert!(locked.exporter.stop().await < Duration::from_secs(8));
    });
}

async fn strangers_get_nothing(locked: &Locked, known: &Client) {
    let metrics = locked.url("/metrics");
    let right = Some(("prom", "pass-one"));
    for own in [None, Some("stranger")] {
        let without = client(&locked.dir, "ca.pem", own);
        assert_eq!(status(&without, &metrics, right).await, None, "{own:?}");
    }
    for path in [
        "/",
        "/metrics",
        "/probe?target=x",
        "/api/v1/status",
        "/api/v1/stack",
        "/runbooks",
        "/assets/page.js",
        "/-/healthy",
        "/-/ready",
        "/debug/host/host",
        "/nothing",
    ] {
        for pair in [None, Some(("prom", "wrong")), Some(("nobody", "pass-one"))] {
            assert_eq!(status(known, &locked.url(path), pair).await, Some(401), "{path} {pair:?}");
        }
    }
    let asked = known.get(&metrics).send().await.unwrap();
    assert!(asked.headers()["www-authenticate"].to_str().unwrap().starts_with("Basic realm="));
    assert!(asked.headers().contains_key("content-security-policy"));
    let reload = known.post(locked.url("/-/reload")).send().await.unwrap();
    assert_eq!(reload.status(), 401);
    // Somebody else's name for this address is none of ours, with the right password, too.
    let named =
        known.get(&metrics).header("host", "evil.example").basic_auth("prom", Some("pass-one"));
    assert_eq!(named.send().await.unwrap().status(), 421);
    let plain =
        raw(locked.exporter.port, b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").await;
    assert!(
        plain.starts_with("HTTP/1.1 400 ") && plain.contains("this port speaks HTTPS"),
        "{plain}"
    );
    // Half a handshake ends with the time of a request's head.
    let begun = Instant::now();
    raw(locked.exporter.port, &[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc]).await;
    assert!(begun.elapsed() < Duration::from_secs(9), "{:?}", begun.elapsed());
    let (code, took) = locked.health();
    eprintln!("[measured] healthcheck over TLS, asked for a certificate: {took:?}");
    assert_eq!(code, Some(0), "it has no certificate and no password, and sees that he is there");
}

/// The middle of so many scrapes.
async fn median(url: &str, pair: Option<(&str, &str)>, count: usize) -> Duration {
    let client = Client::builder().no_proxy().timeout(Duration::from_secs(10)).build().unwrap();
    let mut all = Vec::new();
    for _ in 0..count {
        let begun = Instant::now();
        let mut request = client.get(url);
        if let Some((user, password)) = pair {
            request = request.basic_auth(user, Some(password));
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert!(answer.bytes().await.unwrap().len() > 1000);
        all.push(begun.elapsed());
        pause(Duration::from_millis(5)).await;
    }
    all.sort_unstable();
    all[count / 2]
}

#[test]
fn wrong_passwords_hurt_nobody_else() {
    run(async {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let users = format!("basic_auth_users:\n  prom: {}\n", hash("right"));
        let locked = Locked::start("flood", &users);
        let open = Exporter::start(binary(), QUIET).await;
        let metrics = format!("{}/metrics", locked.exporter.url());
        let right = Some(("prom", "right"));
        let client = Client::builder().no_proxy().timeout(Duration::from_secs(10)).build().unwrap();
        until("the exporter", PATIENT, async || {
            status(&client, &metrics, right).await.filter(|status| *status == 200)
        })
        .await;
        let without = median(&format!("{}/metrics", open.url()), None, 40).await;
        let with = median(&metrics, right, 40).await;

        let port = locked.exporter.port;
        let mut flood = JoinSet::new();
        for number in 0..40 {
            let (client, url) = (client.clone(), metrics.clone());
            flood.spawn(async move {
                loop {
                    let wrong = format!("wrong-{number}");
                    status(&client, &url, Some(("prom", &wrong))).await;
                }
            });
        }
        let during = median(&metrics, right, 40).await;
        flood.shutdown().await;
        eprintln!(
            "[measured] scrape: {without:?} open, {with:?} with a password, {during:?} beside 40 clients with wrong ones"
        );
        assert!(during < Duration::from_secs(2), "{during:?}");

        // Whatever else may stand there.
        let head = |value: &[u8]| {
            [
                b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nAuthorization: ",
                value,
                b"\r\n\r\n",
            ]
            .concat()
        };
        for (value, expected) in [
            (b"Basic !!!not base64".to_vec(), "401"),
            (b"Basic cHJvbQ==".to_vec(), "401"),
            (b"Basic cHJvbTo=".to_vec(), "401"),
            (b"Basic cHJvbToAAAA=".to_vec(), "401"),
            (b"Basic cHJvbTpyaWdodAA=".to_vec(), "401"),
            (b"Basic \0".to_vec(), "400"),
            (b"Bearer x".to_vec(), "401"),
            (b"\xff\xfe".to_vec(), "401"),
            ([b"Basic ".to_vec(), b"YWFh".repeat(3400)].concat(), "401"),
            ([b"Basic ".to_vec(), b"YWFh".repeat(4100)].concat(), "431"),
        ] {
            // Passwords of the flood may be looked at still.
            let said = until("an answer", PATIENT, async || {
                let said = raw(port, &head(&value)).await;
                if said.starts_with("HTTP/1.1 503 ") { Err(said) } else { Ok(said) }
            })
            .await;
            let shown = String::from_utf8_lossy(&value[..value.len().min(20)]).into_owned();
            assert!(said.starts_with(&format!("HTTP/1.1 {expected} ")), "{shown}: {said}");
        }
        let long = raw(
            port,
            &head(format!("Basic {}", base64(&format!("{}:x", "u".repeat(10_000)))).as_bytes()),
        )
        .await;
        assert!(long.starts_with("HTTP/1.1 401 "), "{long}");
        let page = client.get(&metrics).basic_auth("prom", Some("right")).send().await.unwrap();
        let page = page.text().await.unwrap();
        let refused = |reason: &str| {
            let start = format!("stack_http_refused_total{{reason=\"{reason}\"}} ");
            let value = page.lines().find_map(|line| line.strip_prefix(&start));
            value.and_then(|value| value.parse::<f64>().ok()).unwrap_or_default()
        };
        assert!(
            refused("login") > 5.0 && refused("logins") > 0.0,
            "{} {}",
            refused("login"),
            refused("logins")
        );
        assert!(!locked.exporter.log().contains("wrong-"));
    });
}

fn base64(text: &str) -> String {
    use ::base64::Engine as _;
    ::base64::engine::general_purpose::STANDARD.encode(text)
}

/// A GET through a socket.
async fn through(path: &Path, request: &str) -> Result<String, String> {
    let mut stream = UnixStream::connect(path).await.map_err(|error| error.to_string())?;
    let head = format!("GET {request} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await.map_err(|error| error.to_string())?;
    let mut got = String::new();
    stream.read_to_string(&mut got).await.map_err(|error| error.to_string())?;
    Ok(got)
}

#[test]
fn a_socket_is_served_replaced_and_taken_away() {
    run(async {
        let socket = watchdog::dir("socket").join("web.sock");
        let listen = format!("unix:{}", text(&socket));
        let start = || {
            let dir = watchdog::dir("socket-state");
            let mut command = Command::new(binary());
            command.arg(format!("--storage.path={}", text(&dir)));
            command.args(["--web.listen-address", &listen]);
            command
        };
        let env = [("STACK_EXPORTER_WEB_LISTEN_ADDRESS", listen.as_str())];
        let flag = format!("--web.listen-address={listen}");
        let exporter = Exporter::launch(binary(), QUIET, &[&flag, "--web.socket-mode=600"], &[]);
        let served = async || {
            until("an answer through the socket", PATIENT, async || {
                through(&socket, "/metrics").await.and_then(|got| {
                    if got.starts_with("HTTP/1.1 200 ") { Ok(got) } else { Err(got) }
                })
            })
            .await
        };
        assert!(served().await.contains("stack_build_info"));
        assert_eq!(fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);
        let health = || {
            let mut command = Command::new(binary());
            let begun = Instant::now();
            let done = command.arg("healthcheck").envs(env).output().unwrap();
            eprintln!("[measured] healthcheck through the socket: {:?}", begun.elapsed());
            done.status.code()
        };
        assert_eq!(health(), Some(0));
        let second = start().output().unwrap();
        let told = String::from_utf8_lossy(&second.stderr).into_owned();
        assert_eq!(second.status.code(), Some(1), "{told}");
        assert!(told.contains("another process listens on this socket; do: stop it"), "{told}");
        assert!(
            through(&socket, "/-/healthy").await.unwrap().ends_with("ok\n"),
            "the first goes on"
        );
        // Killed, it leaves the file behind, and the next one takes its place.
        exporter.server.kill();
        until("the end", PATIENT, async || !exporter.server.is_running()).await;
        assert!(socket.exists());
        assert_eq!(health(), Some(1));
        exporter.server.restart().await;
        served().await;
        exporter.stop().await;
        assert!(!socket.exists(), "it takes its socket away");
    });
}
