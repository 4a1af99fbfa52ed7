//! A Redis of its own.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::port::free_port;
use super::process::{Server, Spec};
use super::wait::{PATIENT, until};
use super::{text, watchdog};

#[derive(Debug)]
pub struct Redis {
    pub server: Server,
    pub port: u16,
    /// Where it saves.
    pub dir: PathBuf,
    password: Option<String>,
}

impl Redis {
    /// `extra` settings such as `["--maxmemory", "3mb"]`.
    pub async fn start(password: Option<&str>, extra: &[&str]) -> Self {
        let port = free_port();
        let dir = watchdog::dir("redis");
        let data = dir.join("data");
        std::fs::create_dir(&data).unwrap();
        let number = port.to_string();
        let mut args = vec!["--bind", "127.0.0.1", "--port", &number, "--dir", text(&data)];
        args.extend(["--save", ""]);
        if let Some(password) = password {
            args.extend(["--requirepass", password]);
        }
        args.extend(extra);
        let server =
            Server::start(Spec::new(Path::new("redis-server"), "redis-server", &args), &dir);
        let redis = Self { server, port, dir: data, password: password.map(ToOwned::to_owned) };
        redis.ready().await;
        redis
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// What redis-cli prints for one command.
    pub fn run(&self, words: &[&str]) -> String {
        let mut command = Command::new("redis-cli");
        command.args(["-h", "127.0.0.1", "-p", &self.port.to_string()]);
        if let Some(password) = &self.password {
            command.env("REDISCLI_AUTH", password);
        }
        let output = command.args(words).output().expect("redis-cli");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    pub async fn restart(&self) {
        self.server.restart().await;
        self.ready().await;
    }

    pub async fn ready(&self) {
        until("redis-server", PATIENT, async || {
            self.server.assert_alive();
            let said = self.run(&["PING"]);
            if said == "PONG" { Ok(()) } else { Err(said) }
        })
        .await;
    }
}
