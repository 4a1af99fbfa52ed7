//! Everything at once: one exporter with every collector on, real sources, a real Prometheus.

use std::path::Path;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use stack_exporter::catalogue::Unit;
use stack_exporter::collectors::CATALOGUE;
use tokio::sync::OnceCell;

use crate::servers::block_io;
use crate::servers::docker::{Container, ContainerSpec, Docker};
use crate::servers::exporter::Exporter;
use crate::servers::kostatus::KoStatus;
use crate::servers::logwriter::LogFile;
use crate::servers::nats::Nats;
use crate::servers::nvml::Nvml;
use crate::servers::port::free_port;
use crate::servers::postgres::{MONITOR_PASSWORD, Postgres, Session};
use crate::servers::prometheus::Prometheus;
use crate::servers::redis::Redis;
use crate::servers::systemd::Systemd;
use crate::servers::wait::{PATIENT, until};
use crate::servers::watchdog;
use crate::servers::web::Web;
use crate::stage::Stage;

/// Keeps alive what the facts come from.
pub struct World {
    stage: Stage,
    _containers: Vec<Container>,
    _sessions: Vec<Session>,
    _app: KoStatus,
    _systemd: Option<Systemd>,
    _servers: (Nats, Postgres, Docker, Web, Redis, KoStatus),
    counts_block_io: bool,
}

impl World {
    /// Whether this machine's kernel cannot say what a metric asks for; what it is was said when
    /// the world was made.
    pub fn cannot_say(&self, metric: &str) -> bool {
        let of_block_io = ["container_fs_reads_", "container_fs_writes_"];
        !self.counts_block_io && of_block_io.iter().any(|start| metric.starts_with(start))
    }

    pub fn exporter(&self) -> &Exporter {
        &self.stage.exporter
    }

    /// Prometheus, once it has seen enough for rates.
    pub async fn prometheus(&self) -> &Prometheus {
        let seen = "count_over_time(stack_target_up{target=\"host\"}[1m]) > 12";
        self.stage.prometheus.wait_query(seen, PATIENT).await;
        &self.stage.prometheus
    }
}

/// Thresholds for every signal of an area at each of its severities, so that every rule has something to
/// compare with, those that are off by default included.
fn thresholds(area: &str) -> String {
    let area = CATALOGUE.area(area).unwrap();
    let pairs = area.signals.iter().map(|signal| {
        let value = match signal.unit {
            Unit::Seconds => "1s",
            Unit::Bytes => "1MiB",
            Unit::Ratio => "50%",
            Unit::Count | Unit::Rate => "1",
            Unit::Bool => "on",
        };
        let limits = signal.severities().map(|severity| format!("{}: {value}", severity.as_str()));
        let limits = limits.collect::<Vec<_>>().join(", ");
        // Some things have their own: half of what Docker has, and all elsewhere.
        let some = if area.single && area.name != "host" { "*e*" } else { "*" };
        match signal.item {
            [] => format!("{}: {{ {limits} }}", signal.name),
            _ => {
                format!("{}: {{ {limits}, except: {{ \"{some}\": {{ {limits} }} }} }}", signal.name)
            }
        }
    });
    format!("thresholds: {{ {} }}", pairs.collect::<Vec<_>>().join(", "))
}

/// What of a stack is declared: one service is not there, and one waits for the job of another.
/// Limits and reservations are shown beside use. [C09]
const COMPOSE: &str = r#"
name: world
services:
  web:
    image: web
    depends_on: { migrate: { condition: service_completed_successfully } }
    deploy:
      resources:
        limits: { memory: 64M, cpus: "0.5" }
        reservations: { memory: 32M, cpus: "0.1" }
  migrate: { image: migrate }
  fickle: { image: fickle, deploy: { replicas: 2 } }
  gone: { image: gone }
"#;

/// A stand-in for Qdrant: one answer that serves for the list of collections and for each of them.
const QDRANT: &str = r#"{"title": "qdrant", "version": "1.17.0", "result": {"collections": [{"name": "places"}],
    "status": "green", "points_count": 30, "indexed_vectors_count": 30, "segments_count": 2}}"#;

/// Containers in all that can become of one, so that each series and each panel has something to
/// show.
fn containers(docker: &Docker) -> Vec<Container> {
    let of = |service: &str| {
        ContainerSpec::new(&format!("world-{service}")).compose("world", service, 1)
    };
    let web = of("web")
        .memory(64 << 20)
        .cpus(0.5)
        .merge("HostConfig", json!({ "PidsLimit": 100, "MemoryReservation": 32 << 20 }))
        .health("true")
        .publish(8080, "127.0.0.1", 38080)
        .shell(
            "while :; do dd if=/dev/zero of=/f bs=1M count=4 conv=fsync 2>/dev/null; sleep 1; done",
        );
    // Its health check never says a word. Privileged ones may not be had in a container.
    let host = docker.host();
    let socket = host.trim_start_matches("unix://");
    let hour = 3_600_000_000_000_u64;
    let mute = json!({ "Test": ["CMD", "true"], "Interval": hour });
    let starting = of("db")
        .merge("", json!({ "Healthcheck": mute }))
        .merge("HostConfig", json!({ "Binds": [format!("{socket}:/docker.sock")] }))
        .publish(5432, "0.0.0.0", 35432);
    let fickle = of("fickle").health("[ $(( $(date +%s) / 4 % 2 )) = 0 ]");
    // The Engine starts one that lived for ten seconds at once, and others ever later.
    let leaking =
        of("leaking").memory(16 << 20).restart("always", 0).shell("sleep 11; tail /dev/zero");
    let looping = of("looping").restart("always", 0).shell("exit 1");
    let (job, done) = (of("migrate").shell("exit 3"), of("done").shell("true"));
    let running = [web, starting, fickle, leaking, looping, job, done];
    let mut containers: Vec<_> = running.into_iter().map(|spec| docker.run(spec)).collect();
    let broken = docker.create(of("broken").command(&["/not/there"]));
    broken.start().expect_err("a command that is not there");
    let stopped = docker.run(of("stopped"));
    stopped.stop().expect("stop a container");
    containers.extend([broken, stopped]);
    containers
}

/// One world for all tests that only look.
pub async fn world() -> &'static World {
    static WORLD: OnceCell<World> = OnceCell::const_new();
    WORLD.get_or_init(build).await
}

/// Questions of the user's own, in one line.
const QUERIES: &str = "queries: { jobs: { sql: \"select status, count(*) as jobs, sum(1) as total from jobs group by 1\", help: jobs by status, labels: [status], values: { jobs: { above: 0, below: 10 }, total: counter } } }, migrations: { expected_revision: ae1027a6acf, table: public.alembic_version }";

async fn build() -> World {
    // Servers of its own: other tests stop and pause the shared ones.
    let nats = Nats::start(&[]).await;
    let postgres = Postgres::start(None).await;
    let docker = Docker::start().await;
    let web = Web::start().await;
    let redis = Redis::start(None, &["--maxmemory", "100mb"]).await;
    redis.run(&["SET", "key", "value"]);
    redis.run(&["GET", "key"]);
    let qdrant = KoStatus::impostor(free_port(), "application/json", QDRANT).await;
    let gpus = Nvml::new("world-gpus");
    let counts_block_io = block_io::counted(&docker).await.is_ok();
    let mut client = nats.client().await;
    client.create_stream("WORLD", &["world.>"], &Value::Null).await.unwrap();
    let limits = serde_json::json!({ "max_msgs": 100, "max_bytes": 100_000, "discard": "new" });
    client.create_stream("LIMITED", &["limited.>"], &limits).await.unwrap();
    let mirror = serde_json::json!({ "mirror": { "name": "WORLD" }, "subjects": null });
    client.create_stream("COPY", &[], &mirror).await.unwrap();
    client.create_consumer("WORLD", "worker", &Value::Null).await.unwrap();
    for _ in 0..5 {
        client.publish_stored("world.job", b"{}").await.unwrap();
    }
    client.pull("WORLD", "worker", 1).await.unwrap();

    let dir = watchdog::dir("world");
    let sessions = vec![postgres.long_query(600).await, postgres.idle_in_transaction().await];
    let admin = postgres.client().await;
    admin
        .batch_execute(
            "CREATE TABLE jobs (status text); INSERT INTO jobs VALUES ('pending'), ('running');
             CREATE TABLE locked (n int); GRANT SELECT ON jobs TO monitor;
             CREATE TABLE alembic_version (version_num varchar(32) NOT NULL);
             INSERT INTO alembic_version VALUES ('ae1027a6acf'), ('1975ea83b712');
             CREATE TABLE _sqlx_migrations (version bigint, installed_on timestamptz, success bool);
             INSERT INTO _sqlx_migrations VALUES (1, now(), true), (2, now(), false);
             GRANT SELECT ON alembic_version, _sqlx_migrations TO monitor;
             CREATE ROLE guest LOGIN VALID UNTIL '2100-01-01'",
        )
        .await
        .unwrap();
    // A table that nobody cares for.
    for sql in [
        "CREATE TABLE neglected (id serial, n int) WITH (autovacuum_enabled = off); \
         GRANT SELECT ON neglected_id_seq TO monitor; \
         INSERT INTO neglected (n) SELECT generate_series(1, 20000); \
         CREATE INDEX ON neglected (n); CREATE INDEX ON neglected (n)",
        "SELECT setval('neglected_id_seq', 2000000000)",
        "SELECT pg_create_physical_replication_slot('left_behind', true)",
        "VACUUM ANALYZE neglected",
        "DELETE FROM neglected WHERE n <= 9000; SELECT pg_stat_force_next_flush()",
    ] {
        admin.batch_execute(sql).await.unwrap();
    }
    let mut sessions = sessions;
    sessions.push(postgres.hold_lock("locked").await);
    sessions.push(postgres.background("SELECT * FROM locked").await);

    let systemd = crate::systemd::world().await;
    let compose = dir.join("compose.yml");
    std::fs::write(&compose, COMPOSE).unwrap();
    let mut containers = containers(&docker);
    gpus.say(&format!("pid={} xid=13", somebody_in(&containers)));

    let app = KoStatus::start().await;
    let sqlite = dir.join("queue.db");
    let database = rusqlite::Connection::open(&sqlite).unwrap();
    database
        .execute_batch(
            "CREATE TABLE tasks (status text, created_at text);
             INSERT INTO tasks VALUES ('processing', '2024-01-01T00:00:00Z'), ('pending', '2024-01-01T00:00:00Z')",
        )
        .unwrap();
    drop(database);

    let log = LogFile::dated(&dir, "ai_library_bot", SystemTime::now());
    log.append(&["2024-01-01 12:00:00,000 [INFO] bot: before"]);
    // A file of two versions, which is small, exposed, and behind what it is made from.
    let env = dir.join(".env");
    std::fs::write(&env, "TOKEN=a-longer-one").unwrap();
    let password = dir.join("password");
    std::fs::write(&password, MONITOR_PASSWORD).unwrap();
    let folder = dir.display();
    let docker_lines = format!(
        "compose_files: [{folder}/compose.yml]\nprocesses: {{ web: [\"^sh -c\"] }}\n{}",
        thresholds("docker")
    );
    let config = format!(
        "{docker}\
         postgres:\n  main: {{ url: \"{postgres}\", password_file: {folder}/password, {QUERIES}, {postgres_limits} }}\n\
         nats:\n  main: {{ url: \"{nats}\", prefix: nats, endpoints: [connz, accstatz, subsz, routez], {nats_limits} }}\n  sick: {{ url: \"http://127.0.0.1:1\" }}\n\
         queues:\n\
         \x20 alaw: {{ http: \"{app}\", preset: alaw, {queue_limits} }}\n\
         \x20 worker: {{ jetstream: {{ nats: main, stream: WORLD, consumer: worker }}, job_timeout: 1s }}\n\
         \x20 jobs: {{ sql: {{ postgres: main, query: \"select status as state, count(*) as count from jobs group by 1\" }} }}\n\
         \x20 tasks: {{ sqlite: {{ file: {folder}/queue.db }}, job_timeout: 1m }}\n\
         stores:\n\
         \x20 cache: {{ redis: \"{redis}\", {store_limits} }}\n\
         \x20 places: {{ qdrant: \"http://127.0.0.1:{qdrant_port}\", {store_limits} }}\n\
         \x20 away: {{ redis: \"redis://127.0.0.1:1\" }}\n\
         {probes}\
         {logs}\
         host: {{ {host_limits} }}\n\
         processes:\n\
         \x20 groups:\n\
         \x20   servers: {{ cmdline: nats-server, count: {{ min: 1, max: 1000 }}, memory: 1GiB, listen: [{port}, \"127.0.0.1:{port}\"] }}\n\
         \x20   few: {{ cmdline: nats-server, count: 1000 }}\n\
         \x20   many: {{ cmdline: nats-server, count: {{ min: 0, max: 0 }} }}\n\
         \x20 {process_limits}\n\
         files:\n\
         \x20 env: {{ path: {folder}/.env, secret: true, owner: \"0\", mode: \"600\", made_from: {folder}/password, shrunk_against: last, every: 1s, {file_limits} }}\n\
         {backups}    {backup_limits}\n\
         gpu: {{ library: {gpus}, count: 2, dcgm_names: true, processes: {{ tests: {{ cmdline: live }} }}, {gpu_limits} }}\n\
         {units}",
        docker = docker.section(&docker_lines),
        postgres = postgres.url(),
        nats = nats.monitor_url(),
        app = app.url(),
        postgres_limits = thresholds("postgres"),
        nats_limits = thresholds("nats"),
        queue_limits = thresholds("queue"),
        redis = redis.url(),
        qdrant_port = qdrant.port(),
        store_limits = thresholds("store"),
        logs = logs(&dir),
        file_limits = thresholds("files"),
        probes = probes(&web),
        backups = crate::backups::section(&dir),
        backup_limits = thresholds("backup"),
        gpus = gpus.library.display(),
        gpu_limits = thresholds("gpu"),
        host_limits = thresholds("host"),
        process_limits = thresholds("process"),
        port = nats.monitor_port,
        units = systemd.as_ref().map(|it| it.section(&thresholds("systemd"))).unwrap_or_default(),
    );
    let stage = Stage::start(&config).await;
    // How long it takes to be healthy is known only of one that was seen to start.
    let late = ContainerSpec::new("world-late").compose("world", "late", 1).health("true");
    containers.push(docker.run(late));
    log.append(&[
        "2024-01-01 12:00:01,000 [INFO] bot: Запрос от пользователя user=ann",
        "2024-01-01 12:00:02,000 [ERROR] bot: Error: Rate limit exceeded",
        "2024-01-01 12:00:03,000 [CRITICAL] bot: exception",
        "Batch embedding task completed: 148 success, 2 failed, 0 skipped",
        "📡 Broadcasting message.updated to 3 WebSocket clients",
        "2024-01-01 12:00:04,000 [INFO] bot: answered user=ann",
        "2024-01-01 12:00:05,000 [INFO] bot: photo of 700 bytes, bus at 30 km",
        "2024-01-01 12:00:06,000 [ERROR] bot.llm: no answer",
        "Traceback (most recent call last):",
        "  File \"/app/llm.py\", line 3, in ask",
        "TimeoutError: 30 s",
        "2024-01-01 12:00:07,000 [INFO] bot: Запрос от пользователя user=ben",
    ]);
    goes_on(log);
    let seen = "stack_log_matches_total{target=\"bot\",rule=\"requests\"} 2";
    stage.exporter.wait_line(seen, PATIENT).await;
    for ratio in ["stack_log_error_ratio", "stack_log_request_error_ratio"] {
        stage.exporter.wait_line(&format!("{ratio}{{"), PATIENT).await;
    }
    // It was found unchanged once when it has an age.
    let age = "stack_file_newest_age_seconds{target=\"env\"";
    until("a settled version", PATIENT, async || {
        let scrape = stage.exporter.scrape().await;
        let line = scrape.line(age).and_then(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
        line.is_some_and(|age| age > 3.0)
    })
    .await;
    std::fs::write(&env, "TOKEN=b").unwrap();
    stage.exporter.wait_line("stack_file_size_ratio{", PATIENT).await;
    // A share of slow answers is told of ten.
    for series in ["stack_probe_slow_ratio{target=\"page\"", "stack_probe_websocket_cuts_in_a_row{"]
    {
        stage.exporter.wait_line(series, 2 * PATIENT).await;
    }
    stage.exporter.wait_line("container_cpu_usage_seconds_total{", PATIENT).await;
    stage.exporter.wait_line("stack_container_healthy_after_seconds{", PATIENT).await;
    if counts_block_io {
        stage.exporter.wait_line("container_fs_writes_bytes_total{", PATIENT).await;
    }
    tokio::time::timeout(Duration::from_secs(30), stage.prometheus.targets_up(PATIENT))
        .await
        .unwrap();
    World {
        stage,
        _containers: containers,
        _sessions: sessions,
        _app: app,
        _systemd: systemd,
        _servers: (nats, postgres, docker, web, redis, qdrant),
        counts_block_io,
    }
}

/// The number of a process in one of the containers, as the machine counts; else our own.
fn somebody_in(containers: &[Container]) -> u32 {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let mut numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let inside = numbers.find(|pid| {
        let groups = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
        containers.iter().any(|container| groups.contains(&container.id))
    });
    inside.unwrap_or_else(std::process::id)
}

/// The section `probes`: one of each kind, one with all that can be told of a page, and one that fails.
fn probes(web: &Web) -> String {
    let (port, tls, limits) = (web.port, web.port_of("good"), thresholds("probe"));
    let (ca, own) = (web.file("ca.pem"), web.file("renewed.pem"));
    format!(
        "probes:
  page: {{ url: \"https://localhost:{tls}/away\", ca_file: {ca}, certificate_file: {own}, required_headers: [X-None], {limits} }}
  socket: {{ url: \"ws://127.0.0.1:{port}/ws\", hold: 1s, hold_every: 1s, timeout: 1s, {limits} }}
  old: {{ url: \"http://127.0.0.1:{port}/old/page\" }}
  ping: {{ url: \"icmp://127.0.0.1\" }}
  refused: {{ url: \"tcp://127.0.0.1:1\" }}
",
        ca = ca.display(),
        own = own.display(),
    )
}

/// The section `logs`: a bot's log that has a little of everything.
fn logs(folder: &Path) -> String {
    format!(
        r#"logs:
  bot:
    files: ["{}/ai_library_bot_*.log"]
    presets: [python, errors, rate_limit, taskiq, websocket, telegram_bot, nginx_access, nginx_error, postgres, deployment, tts, sheets_sync]
    client_addresses: true
    rules:
      by_user: {{ regex: 'user=(?<user>\w+)', labels: [user] }}
      answers: {{ literal: answered }}
      backup: {{ literal: backup finished, expect: {{ every: 24h }} }}
      speed: {{ regex: '(?<kind>\w+) at (?<rate>\d+) km', split: kind, values: [rate] }}
      size:
        regex: '(?<kind>\w+) of (?<bytes>\d+) bytes'
        split: kind
        values: {{ bytes: {{ unit: bytes, kind: histogram, buckets: [100, 1000], limit: 500 }} }}
    {}
"#,
        folder.display(),
        thresholds("logs"),
    )
}

/// Ratios need events of late: lines and requests for as long as the tests run.
fn goes_on(log: LogFile) {
    let line = "2024-01-01 12:00:10,000 [INFO] bot: alive";
    let request = |status: u16, client: u8| {
        format!(
            "10.0.0.{client} - - [01/Jan/2024:12:00:00 +0000] \"GET / HTTP/1.1\" {status} 12 \"-\" \"curl\" 0.120"
        )
    };
    let (fine, refused, broken) = (request(200, 1), request(401, 2), request(502, 1));
    tokio::spawn(async move {
        loop {
            log.append(&[line, line, &fine, &fine, &fine, &refused, &broken]);
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    });
}
