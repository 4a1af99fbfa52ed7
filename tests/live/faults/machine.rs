//! A machine with a whole stack: Docker and its services, servers beside it, probes, backups, units, a disk.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};

use super::watch::MINUTE;
use crate::servers::docker::{Container, ContainerSpec, Docker};
use crate::servers::exporter::Exporter;
use crate::servers::nats::Nats;
use crate::servers::postgres::{MONITOR_PASSWORD, Postgres};
use crate::servers::systemd::{Systemd, service};
use crate::servers::wait::{PATIENT, until};
use crate::servers::web::Web;
use crate::servers::{text, watchdog};
use crate::stage::binary;

/// A deployment takes as much less time as the rules: the two minutes by default.
pub const DEPLOY_WINDOW: Duration = Duration::from_secs(2 * MINUTE.as_secs());

pub struct Machine {
    pub exporter: Exporter,
    pub docker: Docker,
    pub postgres: Postgres,
    /// Beside Docker, in nobody's service.
    pub bus: Nats,
    /// In the service `worker`, of which the queue tells.
    pub jobs: Nats,
    /// In the service `crash`.
    pub inner: Nats,
    pub web: Web,
    pub systemd: Systemd,
    pub disk: Disk,
    pub backups: PathBuf,
}

impl Machine {
    /// `None` where we may not.
    pub async fn start() -> Option<Self> {
        let docker = Docker::own("services in trouble").await?.plain();
        let unit = "ExecStart=/bin/sh -c 'while [ ! -e /run/broken ]; do sleep 0.2; done; exit 3'";
        let unit = service(unit);
        let units = [("steady.service", unit.as_str())];
        let (systemd, postgres, bus, jobs, inner, web) = tokio::join!(
            Systemd::start(&units, "steady.service", &[]),
            Postgres::start(None),
            with_stream("BUS"),
            with_stream("JOBS"),
            Nats::start(&[]),
            Web::start(),
        );
        let systemd = systemd?;
        let admin = postgres.client().await;
        let table = "CREATE TABLE jobs (status text); GRANT SELECT ON jobs TO monitor";
        admin.batch_execute(table).await.unwrap();
        let backups = watchdog::dir("backups");
        let (disk, folder) = (Disk::mount(), watchdog::dir("machine"));
        let password = folder.join("password");
        fs::write(&password, MONITOR_PASSWORD).unwrap();
        let config = format!(
            "\
docker: {{ url: {engine}, proc_path: {proc}, deploy_window: {window}s, thresholds: {{ list_duration: off, health_check_duration: off }} }}
postgres:
  main: {{ url: \"{postgres}\", password_file: {password}, service: shop/db }}
nats:
  bus: {{ url: \"{bus}\", {quick} }}
  jobs: {{ url: \"{jobs}\", {quick} }}
  inner: {{ url: \"{inner}\", service: crash/app, {quick} }}
queues:
  worker: {{ jetstream: {{ nats: jobs, stream: JOBS, consumer: work }}, job_timeout: 1s, service: worker/app }}
  events: {{ jetstream: {{ nats: bus, stream: BUS, consumer: work }} }}
  table: {{ sql: {{ postgres: main, query: \"select status as state, count(*) as count from jobs group by 1\" }} }}
probes:
  site: {{ url: \"https://localhost:{tls}/\", ca_file: {ca}, {steady} }}
  inner: {{ url: \"{inner}/healthz\", service: crash/app, {steady} }}
logs:
  crash: {{ compose_service: crash/app, presets: [python, errors], start: beginning }}
  web: {{ files: [{web_log}] }}
backups:
  db: {{ files: [\"{backups}/db_*.sql.gz\"], every: 1d, refresh: 1s }}
processes:
  groups:
    inner: {{ cmdline: \"nats-server .*-m {inner_port} \", service: crash/app, listen: [{inner_port}] }}
files: {{}}
systemd:
  address: {bus_of_systemd}
  units: {{ steady.service: {{}} }}
host:
  thresholds: {{ cpu: off, memory: off, inodes: off, disk: {{ except: {{ \"{mount}\": {{ warning: 80%, critical: 90% }}, \"*\": off }} }} }}
",
            // Nothing is judged by how fast a busy machine answers, nor what the exporter itself takes over
            // a quarter of an hour, which goes no faster here.
            quick = "thresholds: { endpoint_duration: off }",
            steady = "thresholds: { slow: off, failing: off }",
            window = DEPLOY_WINDOW.as_secs(),
            engine = docker.host(),
            proc = docker.engine.proc().display(),
            postgres = postgres.url(),
            password = password.display(),
            bus = bus.monitor_url(),
            jobs = jobs.monitor_url(),
            inner = inner.monitor_url(),
            inner_port = inner.monitor_port,
            tls = web.port_of("good"),
            ca = web.file("ca.pem").display(),
            web_log = web.file("error.log").display(),
            backups = backups.display(),
            bus_of_systemd = systemd.bus().display(),
            mount = disk.path.display(),
        );
        let storage = format!("--storage.path={}/state", text(&disk.path));
        let exporter = Exporter::start_with(binary(), &config, &[&storage], &[]).await;
        Some(Self { exporter, docker, postgres, bus, jobs, inner, web, systemd, disk, backups })
    }

    /// The certificate of the web server: one of the names that it has.
    pub fn present(&self, name: &str) {
        for end in [".pem", "-key.pem"] {
            let (from, kept, to) = (
                self.web.file(&format!("{name}{end}")),
                self.web.file(&format!("kept{end}")),
                self.web.file(&format!("good{end}")),
            );
            if name != "kept" {
                fs::copy(&to, &kept).unwrap();
            }
            fs::copy(from, to).unwrap();
        }
        self.web.server.signal(Signal::HUP);
    }

    /// Lets the unit end with an error, or start again.
    pub fn unit(&self, runs: bool) {
        let broken = self.systemd.bus().parent().unwrap().with_file_name("broken");
        if runs {
            fs::remove_file(&broken).unwrap();
            self.systemd.call("StartUnit", "steady.service");
        } else {
            fs::write(&broken, "").unwrap();
        }
    }

    /// A backup by the database's own program, so many hours old; or what a shell makes of one that failed.
    pub fn back_up(&self, name: &str, hours: u64, works: bool) {
        let (bin, port) = (text(self.postgres.bin()), self.postgres.port);
        let dump = format!("{bin}/pg_dump -h 127.0.0.1 -p {port} -U postgres tasktracker");
        let dump = if works { dump } else { "true".to_owned() };
        let folder = text(&self.backups);
        let script = format!(
            "{dump} | gzip > {folder}/new; touch -d '{hours} hours ago' {folder}/new; mv {folder}/new {folder}/db_{name}.sql.gz"
        );
        let done = Command::new("sh").args(["-c", &script]).output().unwrap();
        assert!(done.status.success() && done.stderr.is_empty(), "{done:?}");
    }
}

/// A server with a stream and a consumer.
async fn with_stream(stream: &str) -> Nats {
    let nats = Nats::start(&[]).await;
    let mut client = nats.client().await;
    let subject = format!("{stream}.>");
    client.create_stream(stream, &[&subject], &Value::Null).await.unwrap();
    client.create_consumer(stream, "work", &Value::Null).await.unwrap();
    nats
}

/// A small file system.
pub struct Disk {
    pub path: PathBuf,
}

impl Disk {
    fn mount() -> Self {
        let path = watchdog::dir("disk");
        let place = text(&path);
        watchdog::at_end(&format!(
            "umount -l {place}; rmdir {place} {}",
            text(watchdog::run_dir())
        ));
        let args = ["-t", "tmpfs", "-o", "size=8m", "tmpfs", place];
        let done = Command::new("mount").args(args).output().unwrap();
        assert!(done.status.success(), "{done:?}");
        Self { path }
    }

    /// Until nothing more can be written.
    pub fn fill(&self) {
        let full = fs::write(self.path.join("full"), vec![0; 16 << 20]);
        assert!(full.is_err(), "it took more than there is room for");
    }

    pub fn clear(&self) {
        fs::remove_file(self.path.join("full")).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").args(["-l", text(&self.path)]).output();
    }
}

/// A service that beats while it works, and a health check that looks how long ago that was.
pub fn beats(project: &str, name: &str) -> ContainerSpec {
    ContainerSpec::calm(project, name)
        .shell("while :; do touch /beat; sleep 0.5; done")
        .health("[ $(($(date +%s) - $(stat -c %Y /beat))) -lt 4 ]")
}

/// One that does as it is told: on `USR1` it does `then`. Where there is a file `/broken` it ends at once.
pub fn obedient(project: &str, then: &str) -> ContainerSpec {
    let script =
        format!("[ ! -e /broken ] || exit 3; trap '{then}' USR1; while :; do sleep 0.1; done");
    ContainerSpec::calm(project, "app").shell(&script).merge("", json!({ "StopSignal": "SIGTERM" }))
}

/// Until its health check passes.
pub async fn healthy(container: &Container) {
    container.wait_health("healthy", PATIENT).await;
}

/// Until the exporter has a line that begins so.
pub async fn shows(exporter: &Exporter, start: &str) {
    until(start, PATIENT, async || {
        let (scrape, _) = exporter.try_scrape().await?;
        scrape.line(start).map(|_| ()).ok_or_else(|| scrape.body.clone())
    })
    .await;
}
