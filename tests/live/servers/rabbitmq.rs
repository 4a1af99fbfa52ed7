//! RabbitMQ with its management plugin.

use std::path::Path;

use super::port::free_port;
use super::process::{Server, Spec};
use super::wait::{PATIENT, until};
use super::{http_client, text, watchdog};

#[derive(Debug)]
pub struct RabbitMq {
    pub server: Server,
    /// Erlang's own name service, which would else outlive the server.
    _names: Server,
    port: u16,
    management: u16,
}

impl RabbitMq {
    pub async fn start() -> Self {
        let [port, management, names, nodes] = [(); 4].map(|()| free_port());
        let number = names.to_string();
        let epmd = Spec::new(
            Path::new("epmd"),
            "rabbitmq-server",
            &["-port", &number, "-address", "127.0.0.1"],
        );
        let names_server = Server::start(epmd, &watchdog::dir("epmd"));

        let dir = watchdog::dir("rabbitmq");
        let config = dir.join("rabbitmq.conf");
        let plugins = dir.join("plugins");
        let settings = format!(
            "listeners.tcp.1 = 127.0.0.1:{port}\nmanagement.tcp.ip = 127.0.0.1\n\
             management.tcp.port = {management}\ncollect_statistics_interval = 1000\n"
        );
        std::fs::write(&config, settings).unwrap();
        std::fs::write(&plugins, "[rabbitmq_management].").unwrap();
        let node = format!("t{port}@localhost");
        let env = [
            ("HOME", text(&dir).to_owned()),
            ("RABBITMQ_MNESIA_BASE", text(&dir.join("data")).to_owned()),
            ("RABBITMQ_LOG_BASE", text(&dir.join("logs")).to_owned()),
            ("RABBITMQ_CONFIG_FILE", text(&config).to_owned()),
            ("RABBITMQ_ENABLED_PLUGINS_FILE", text(&plugins).to_owned()),
            ("RABBITMQ_NODENAME", node),
            ("RABBITMQ_DIST_PORT", nodes.to_string()),
            ("ERL_EPMD_PORT", number),
            // The script becomes the server, which is then the one to be stopped.
            ("RUNNING_UNDER_SYSTEMD", "1".to_owned()),
            ("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "+S 1:1".to_owned()),
        ];
        let env = env.map(|(key, value)| (key.to_owned(), value)).to_vec();
        let program = Path::new("/usr/lib/rabbitmq/bin/rabbitmq-server");
        let spec = Spec { env, ..Spec::new(program, "rabbitmq-server", &[]) };
        let server = Server::start(spec, &dir);
        let rabbit = Self { server, _names: names_server, port, management };
        rabbit.ready().await;
        rabbit
    }

    /// Where its user `guest` with the same password may do all.
    pub fn amqp_url(&self) -> String {
        format!("amqp://guest:guest@127.0.0.1:{}//", self.port)
    }

    pub fn management_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.management)
    }

    async fn ready(&self) {
        let client = http_client();
        until("rabbitmq-server", 2 * PATIENT, async || {
            self.server.assert_alive();
            let url = format!("{}/api/overview", self.management_url());
            let asked = client.get(url).basic_auth("guest", Some("guest")).send().await;
            match asked {
                Ok(answer) if answer.status().is_success() => Ok(()),
                other => Err(format!("{other:?}")),
            }
        })
        .await;
    }
}
