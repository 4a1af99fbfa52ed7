//! nginx with an access log and an error log of its own.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::Signal;

use super::port::free_port;
use super::process::{Server, Spec};
use super::wait::{PATIENT, http_ok};
use super::{text, watchdog};

#[derive(Debug)]
pub struct Nginx {
    pub server: Server,
    pub port: u16,
    dir: PathBuf,
}

impl Nginx {
    /// `/` answers 200, `/secret` 403, `/broken` 502, and `/limited` ten times a second.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start() -> Self {
        let (port, dir) = (free_port(), watchdog::dir("nginx"));
        let place = text(&dir);
        let config = format!(
            r#"daemon off;
pid {place}/nginx.pid;
error_log {place}/error.log warn;
worker_processes 1;
events {{ worker_connections 256; }}
http {{
  log_format timed '$remote_addr - $remote_user [$time_local] "$request" '
                   '$status $body_bytes_sent "$http_referer" "$http_user_agent" $request_time';
  access_log {place}/access.log timed;
  client_body_temp_path {place}/body; proxy_temp_path {place}/proxy; fastcgi_temp_path {place}/fastcgi;
  uwsgi_temp_path {place}/uwsgi; scgi_temp_path {place}/scgi;
  limit_req_zone $server_name zone=few:64k rate=10r/s;
  server {{
    listen 127.0.0.1:{port};
    location = / {{ return 200 "fine"; }}
    location = /secret {{ return 403; }}
    location = /broken {{ proxy_pass http://127.0.0.1:1; }}
    location = /limited {{ limit_req zone=few burst=1 nodelay; try_files /none =404; }}
  }}
}}
"#
        );
        let file = dir.join("nginx.conf");
        fs::write(&file, config).expect("nginx.conf");
        let error_log = format!("{place}/error.log");
        let mut spec =
            Spec::new(Path::new("nginx"), "nginx", &["-c", text(&file), "-e", &error_log]);
        spec.stop = Signal::TERM;
        let nginx = Self { server: Server::start(spec, &dir), port, dir };
        http_ok(&nginx.url("/"), PATIENT).await;
        nginx
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub fn access_log(&self) -> PathBuf {
        self.dir.join("access.log")
    }

    pub fn error_log(&self) -> PathBuf {
        self.dir.join("error.log")
    }

    /// What logrotate's script does after a rename.
    pub fn reopen(&self) {
        self.server.signal(Signal::USR1);
    }
}
