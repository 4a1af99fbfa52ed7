//! nginx as a site has it: pages, certificates of several kinds, and WebSockets behind it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustix::process::Signal;
use sha1::{Digest as _, Sha1};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::port::free_port;
use super::process::{Server, Spec, need_program};
use super::wait::{PATIENT, http_ok};
use super::{text, watchdog};

/// An authority of our own and what it signed: one for this host, one that has run out, one for another
/// name; one that signed itself; and one for this host that was renewed.
const CERTIFICATES: &str = r#"
set -e
cd "$1"
curve="-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
openssl req -x509 $curve -days 400 -subj "/CN=ca" -keyout ca-key.pem -out ca.pem
openssl req -x509 $curve -days 400 -subj "/CN=stranger" -keyout stranger-key.pem -out stranger.pem
sign() {
    openssl req $curve -subj "/CN=$2" -keyout $2-key.pem -out $2.csr
    printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth\n' "$4" > $2.ext
    openssl x509 -req -in $2.csr -CA $1.pem -CAkey $1-key.pem -CAcreateserial -days $3 -extfile $2.ext -out $2.pem
}
sign ca good 90 DNS:localhost,IP:127.0.0.1
sign ca soon 5 DNS:localhost,IP:127.0.0.1
sign ca expired -1 DNS:localhost,IP:127.0.0.1
sign ca named 90 DNS:other.example
sign ca renewed 90 DNS:localhost,IP:127.0.0.1
sign stranger untrusted 90 DNS:localhost,IP:127.0.0.1
openssl req -x509 $curve -days 90 -subj "/CN=self" -addext subjectAltName=DNS:localhost -keyout self-key.pem -out self.pem
chmod a+r *.pem
"#;

/// The ones that are presented, each on a port of its own.
pub const PRESENTED: [&str; 6] = ["good", "soon", "expired", "named", "untrusted", "self"];

pub struct Web {
    pub server: Server,
    pub port: u16,
    /// A port for each of `PRESENTED`.
    tls: Vec<u16>,
    dir: PathBuf,
    _sockets: JoinHandle<()>,
}

impl Web {
    /// # Panics
    /// When it does not start.
    pub async fn start() -> Self {
        need_program("openssl".as_ref(), "openssl");
        let (port, dir) = (free_port(), watchdog::dir("web"));
        let place = text(&dir);
        let made = Command::new("sh").args(["-c", CERTIFICATES, "sh", place]).output().expect("sh");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let (sockets, behind) = sockets().await;
        let tls: Vec<u16> = PRESENTED.iter().map(|_| free_port()).collect();
        let mut secure = String::new();
        for (name, port) in PRESENTED.iter().zip(&tls) {
            secure += &format!(
                "  server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {place}/{name}.pem; \
                 ssl_certificate_key {place}/{name}-key.pem; include {place}/site; }}\n"
            );
        }
        let site = format!(
            r#"
    location = / {{ return 200 "fine\n"; add_header X-Frame-Options DENY; add_header X-Content-Type-Options nosniff;
                    add_header X-XSS-Protection "1; mode=block"; }}
    location = /bare {{ return 200 "fine\n"; add_header X-Frame-Options SAMEORIGIN; }}
    location = /health {{ return 200 "ok\n"; }}
    location = /nginx-health {{ return 200 "healthy\n"; }}
    location = /api/queue/health {{ return 200 "ok\n"; }}
    location = /api/health {{ default_type application/json; return 200 '{{"status":"ok"}}'; }}
    location = /dashboard {{ return 200 "<html></html>"; }}
    location = /there {{ return 302 /health; }}
    location = /away {{ return 302 http://localhost:{port}/health; }}
    location = /circle {{ return 302 /circle; }}
    location /old {{ root {place}; }}
    location = /ws {{ proxy_pass http://127.0.0.1:{behind}; proxy_http_version 1.1; proxy_read_timeout 86400s;
                      proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; }}
    location = /ws-wrong {{ proxy_pass http://127.0.0.1:{behind}; proxy_http_version 1.1; proxy_read_timeout 3s;
                      proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; }}
    location = /ws-plain {{ proxy_pass http://127.0.0.1:{behind}; }}
"#
        );
        fs::write(dir.join("site"), site).expect("site");
        fs::create_dir(dir.join("old")).expect("a folder");
        fs::write(dir.join("old/page"), "old\n").expect("a page");
        let config = format!(
            "daemon off;\npid {place}/nginx.pid;\nerror_log {place}/error.log warn;\nworker_processes 1;\n\
             events {{ worker_connections 256; }}\nhttp {{\n  access_log {place}/access.log;\n\
             client_body_temp_path {place}/body; proxy_temp_path {place}/proxy; fastcgi_temp_path {place}/fastcgi;\n\
             uwsgi_temp_path {place}/uwsgi; scgi_temp_path {place}/scgi;\n\
             server {{ listen 127.0.0.1:{port}; include {place}/site; }}\n{secure}}}\n"
        );
        let file = dir.join("nginx.conf");
        fs::write(&file, config).expect("nginx.conf");
        let error_log = format!("{place}/error.log");
        let mut spec =
            Spec::new(Path::new("nginx"), "nginx", &["-c", text(&file), "-e", &error_log]);
        spec.stop = Signal::TERM;
        let web = Self { server: Server::start(spec, &dir), port, tls, dir, _sockets: sockets };
        http_ok(&web.url("/"), PATIENT).await;
        web
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// The port that presents this certificate.
    ///
    /// # Panics
    /// When there is none.
    pub fn port_of(&self, name: &str) -> u16 {
        let at = PRESENTED.iter().position(|one| *one == name).expect("a certificate");
        self.tls[at]
    }

    /// A file with a certificate: `ca.pem`, `good.pem`, `renewed.pem`.
    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
}

/// A server of WebSockets that takes each and says nothing.
async fn sockets() -> (JoinHandle<()>, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let task = tokio::spawn(async move {
        loop {
            let Ok((mut peer, _)) = listener.accept().await else { return };
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    let Ok(byte) = peer.read_u8().await else { return };
                    head.push(byte);
                }
                let head = String::from_utf8_lossy(&head).into_owned();
                let field = |name: &str| {
                    let lines = head.lines().filter_map(|line| line.split_once(": "));
                    let mut found = lines.filter(|(field, _)| field.eq_ignore_ascii_case(name));
                    found.next().map(|(_, value)| value.to_owned())
                };
                let (Some(key), Some(_)) = (field("sec-websocket-key"), field("upgrade")) else {
                    let no =
                        b"HTTP/1.1 426 Upgrade\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
                    let _ = peer.write_all(no).await;
                    return;
                };
                let digest = Sha1::digest(format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11"));
                let answer = format!(
                    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                     Sec-WebSocket-Accept: {}\r\n\r\n",
                    STANDARD.encode(digest)
                );
                let _ = peer.write_all(answer.as_bytes()).await;
                // Until the other side ends it.
                let mut rest = [0; 256];
                while peer.read(&mut rest).await.is_ok_and(|length| length > 0) {}
            });
        }
    });
    (task, port)
}
