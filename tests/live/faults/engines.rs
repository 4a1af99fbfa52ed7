//! A machine whose Docker is restarted and stopped, and one whose exporter is killed.

use serde_json::json;

use super::machine::{beats, shows};
use super::watch::{Fault, Watch};
use crate::servers::docker::{Container, ContainerSpec, Docker};
use crate::servers::exporter::Exporter;
use crate::servers::nats::Nats;
use crate::servers::wait::{PATIENT, until};
use crate::stage::binary;

/// Docker with a service that comes back by itself, one that does not, and a server that lives in a service.
pub struct Engines {
    pub exporter: Exporter,
    docker: Docker,
    /// In the service `web`.
    inner: Nats,
    /// In none.
    beside: Nats,
    batch: Container,
    _others: Vec<Container>,
}

impl Engines {
    pub async fn start() -> Option<Self> {
        let docker = Docker::own("stopped and started").await?.plain();
        let (inner, beside) = tokio::join!(Nats::start(&[]), Nats::start(&[]));
        let quick = |spec: ContainerSpec| spec.merge("", json!({ "StopTimeout": 1 }));
        let says = "while :; do echo INFO: alive; sleep 1; done";
        let others = vec![
            docker.run(quick(beats("web", "app").restart("always", 0))),
            docker.run(quick(ContainerSpec::calm("web", "says").shell(says).restart("always", 0))),
        ];
        let batch = docker.run(quick(ContainerSpec::calm("batch", "app")));
        let config = format!(
            "\
docker: {{ url: {engine}, proc_path: {proc}, deploy_window: {window}s, thresholds: {{ list_duration: off, health_check_duration: off }} }}
postgres: {{}}
nats:
  inner: {{ url: \"{inner}\", service: web/app, thresholds: {{ endpoint_duration: off }} }}
  beside: {{ url: \"{beside}\", thresholds: {{ endpoint_duration: off }} }}
queues: {{}}
probes:
  inner: {{ url: \"{inner}/healthz\", service: web/app, thresholds: {{ slow: off, failing: off }} }}
logs:
  says: {{ compose_service: web/says }}
backups: {{}}
processes:
  groups:
    inner: {{ cmdline: \"nats-server .*-m {port} \", service: web/app }}
files: {{}}
systemd: {{ thresholds: {{ up: off }} }}
host: {{ enabled: false }}
",
            window = super::machine::DEPLOY_WINDOW.as_secs(),
            engine = docker.host(),
            proc = docker.engine.proc().display(),
            inner = inner.monitor_url(),
            port = inner.monitor_port,
            beside = beside.monitor_url(),
        );
        let exporter = Exporter::start(binary(), &config).await;
        Some(Self { exporter, docker, inner, beside, batch, _others: others })
    }

    pub async fn play(&self, watch: &Watch) {
        let instance = format!("127.0.0.1:{}", self.exporter.port);
        let runs = "stack_service_state{target=\"docker\",project=\"batch\",service=\"app\",state=\"running\"}";
        shows(&self.exporter, runs).await;
        // As its ends look: all containers are killed at once, those with a policy come back.
        self.docker.restart().await;
        let batch = [("instance", instance.as_str()), ("project", "batch")];
        watch.begins(Fault::new("machine rebooted", "DockerServiceDown", &batch));
        watch.told("machine rebooted", true).await;
        self.batch.start().unwrap();
        watch.ends("machine rebooted");
        watch.told("machine rebooted", false).await;

        // In order, with all that lives in it; and something that does not goes at the same time.
        let server = self.docker.engine.server.as_ref().unwrap();
        server.signal(rustix::process::Signal::TERM);
        until("the end of Docker", PATIENT, async || !server.is_running()).await;
        self.inner.server.stop().await;
        watch.begins(Fault::new("Docker stopped", "DockerDown", &[("instance", &instance)]));
        self.beside.server.stop().await;
        let beside = [("instance", instance.as_str()), ("target", "beside")];
        watch.begins(Fault::new("NATS down beside it", "NatsDown", &beside));
        watch.told("Docker stopped", true).await;
        watch.told("NATS down beside it", true).await;
        watch.lasts("Docker stopped", 17).await;
        self.beside.restart().await;
        watch.ends("NATS down beside it");
        // What was in its containers comes with it: what comes later is told, and rightly.
        tokio::join!(self.docker.restart(), self.inner.restart());
        self.batch.start().unwrap();
        watch.ends("Docker stopped");
        watch.told("Docker stopped", false).await;
        watch.told("NATS down beside it", false).await;
    }
}

/// An exporter that two jobs scrape, with a server that goes at the same time.
pub struct Twice {
    pub exporter: Exporter,
    nats: Nats,
}

impl Twice {
    pub async fn start() -> Self {
        let nats = Nats::start(&[]).await;
        let config = format!(
            "docker: {{ enabled: false }}\nhost: {{ enabled: false }}\nsystemd: {{ thresholds: {{ up: off }} }}\nnats:\n  main: {{ url: \"{}\", thresholds: {{ endpoint_duration: off }} }}\n",
            nats.monitor_url()
        );
        Self { exporter: Exporter::start(binary(), &config).await, nats }
    }

    pub async fn play(&self, watch: &Watch) {
        let instance = format!("127.0.0.1:{}", self.exporter.port);
        self.exporter.server.kill();
        self.nats.server.kill();
        watch.begins(Fault::new("exporter killed", "ExporterDown", &[("instance", &instance)]));
        watch.told("exporter killed", true).await;
        self.nats.restart().await;
        self.exporter.restart().await;
        watch.ends("exporter killed");
        let twice = Fault {
            advice: true,
            ..Fault::new("double scrape", "ExporterScrapedTwice", &[("instance", &instance)])
        };
        watch.begins(twice);
        watch.told("exporter killed", false).await;
        watch.told("double scrape", true).await;
    }
}
