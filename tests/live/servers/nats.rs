//! nats-server with `JetStream` and the monitoring port.

use std::path::Path;

use serde_json::Value;

use super::nats_client::NatsClient;
use super::port::free_port;
use super::process::{Server, Spec};
use super::wait::{PATIENT, get_ok, until};
use super::{Mend, text, watchdog};

#[derive(Debug)]
pub struct Nats {
    pub server: Server,
    pub port: u16,
    pub monitor_port: u16,
}

impl Nats {
    /// The `nats-server` in `PATH`; `extra` arguments such as `["--user", "u", "--pass", "p"]`.
    pub async fn start(extra: &[&str]) -> Self {
        Self::start_version(Path::new("nats-server"), extra).await
    }

    /// Another version's binary.
    pub async fn start_version(program: &Path, extra: &[&str]) -> Self {
        let (port, monitor_port) = (free_port(), free_port());
        let dir = watchdog::dir("nats");
        let store = dir.join("jetstream");
        let (client, monitor) = (port.to_string(), monitor_port.to_string());
        let mut args = vec!["-a", "127.0.0.1", "-p", &client, "-m", &monitor, "-n", "live"];
        args.extend(["-js", "-sd", text(&store)]);
        args.extend(extra);
        let server = Server::start(Spec::new(program, "nats-server", &args), &dir);
        let nats = Self { server, port, monitor_port };
        nats.ready().await;
        nats
    }

    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    pub fn monitor_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.monitor_port)
    }

    /// A connection without credentials.
    ///
    /// # Panics
    /// When the server refuses it.
    pub async fn client(&self) -> NatsClient {
        NatsClient::connect(self.port, &Value::Null).await.expect("a NATS connection")
    }

    pub async fn restart(&self) {
        self.server.restart().await;
        self.ready().await;
    }

    /// `/healthz` is 200 only when `JetStream` has recovered its streams.
    pub async fn ready(&self) {
        let health = format!("{}/healthz", self.monitor_url());
        until("nats-server", PATIENT, async || {
            self.server.assert_alive();
            get_ok(&health).await
        })
        .await;
    }
}

impl Mend for Nats {
    async fn mend(&self) {
        self.server.resume();
        if !self.server.is_running() {
            self.server.restart().await;
        }
        self.ready().await;
    }
}
