//! The harness proves itself: every server does one real thing, is disturbed, and comes back.

use std::path::Path;
use std::time::{Duration, Instant};

use bollard::models::ContainerStateStatusEnum;

use crate::servers::docker::{ContainerSpec, Docker};
use crate::servers::kostatus::{KoStatus, Mode};
use crate::servers::prometheus::{Labels, Prometheus, Setup, Target};
use crate::servers::rules::Pace;
use crate::servers::wait::{PATIENT, get_ok, until};
use crate::servers::{
    self, Stack, alertmanager, exporter, logwriter, postgres, process, run, watchdog,
};
use serde_json::{Value, json};

fn lap(name: &str, start: Instant) {
    eprintln!("[time] {name}: {:.2?}", start.elapsed());
}

#[test]
fn nats_keeps_messages_over_a_restart() {
    run(async {
        let start = Instant::now();
        let nats = Stack::nats_alone().await;
        lap("nats up", start);
        let mut client = nats.client().await;
        client.create_stream("JOBS", &["jobs.>"], &Value::Null).await.unwrap();
        client
            .create_consumer("JOBS", "worker", &json!({"ack_wait": 30_000_000_000_u64}))
            .await
            .unwrap();
        for n in 1..=5_u64 {
            assert_eq!(client.publish_stored("jobs.a", b"{}").await.unwrap(), n);
        }
        let messages = client.pull("JOBS", "worker", 3).await.unwrap();
        assert_eq!(messages.len(), 3);
        client.ack(&messages[0]).await.unwrap();
        client.nak(&messages[1]).await.unwrap();
        let info = client.api("CONSUMER.INFO.JOBS.worker", &Value::Null).await.unwrap();
        assert_eq!(
            (&info["num_pending"], &info["ack_floor"]["stream_seq"]),
            (&json!(2), &json!(1))
        );
        // The refused one comes again, then the two new ones; then there is nothing.
        let left = client.pull("JOBS", "worker", 10).await.unwrap();
        assert_eq!(left.len(), 3);
        let error = client.api("STREAM.INFO.NONE", &Value::Null).await.unwrap_err();
        assert!(error.to_string().contains("stream not found"), "{error}");

        nats.server.pause().await;
        get_ok(&format!("{}/varz", nats.monitor_url())).await.unwrap_err();
        nats.server.resume();
        get_ok(&format!("{}/varz", nats.monitor_url())).await.unwrap();
        let start = Instant::now();
        nats.restart().await;
        lap("nats restart", start);
        let mut client = nats.client().await;
        let info = client.api("STREAM.INFO.JOBS", &Value::Null).await.unwrap();
        assert_eq!(info["state"]["messages"], 5);
        // Left stopped on purpose: the next test must find it up.
        nats.server.stop().await;
        drop(nats);
        Stack::nats().await.client().await.delete_stream("JOBS").await.unwrap();
    });
}

#[test]
fn nats_with_a_password_refuses_strangers() {
    run(async {
        let nats = servers::nats::Nats::start(&["--user", "u", "--pass", "p"]).await;
        let connect = servers::nats_client::NatsClient::connect;
        assert!(connect(nats.port, &Value::Null).await.is_err());
        assert!(connect(nats.port, &json!({"user": "u", "pass": "p"})).await.is_ok());
        let pid = nats.server.pid().unwrap();
        drop(nats);
        assert!(rustix::process::test_kill_process(pid).is_err(), "dropped and still there");
    });
}

#[test]
fn postgres_sleeps_locks_pauses_and_restarts() {
    run(async {
        let start = Instant::now();
        let pg = Stack::postgres_alone().await;
        lap("postgres up", start);
        let monitor = pg.monitor().await;
        let row = monitor.query_one("SELECT current_database(), version()", &[]).await.unwrap();
        assert_eq!(row.get::<_, String>(0), postgres::DATABASE);
        let wrong = pg.config(postgres::MONITOR, postgres::DATABASE).password("no").to_owned();
        assert!(postgres::connect(&wrong).await.is_err());

        let client = pg.client().await;
        client.batch_execute("CREATE TABLE task (id int)").await.unwrap();
        let sleeper = pg.long_query(600).await;
        let idle = pg.idle_in_transaction().await;
        let lock = pg.hold_lock("task").await;
        let waiter = pg.background("SELECT * FROM task").await;
        let state = async |pid: i32| {
            let sql =
                "SELECT state, coalesce(wait_event_type, '') FROM pg_stat_activity WHERE pid = $1";
            client
                .query_opt(sql, &[&pid])
                .await
                .unwrap()
                .map(|row| (row.get::<_, String>(0), row.get::<_, String>(1)))
        };
        let is = async |pid: i32, wanted: Option<(&str, &str)>| {
            until(&format!("{wanted:?} of {pid}"), PATIENT, async || {
                let now = state(pid).await;
                let now_ref = now.as_ref().map(|(a, b)| (a.as_str(), b.as_str()));
                if now_ref == wanted { Ok(()) } else { Err(now) }
            })
            .await;
        };
        is(sleeper.pid, Some(("active", "Timeout"))).await;
        is(idle.pid, Some(("idle in transaction", "Client"))).await;
        is(waiter.pid, Some(("active", "Lock"))).await;
        let (lock_pid, sleeper_pid) = (lock.pid, sleeper.pid);
        let start = Instant::now();
        drop(lock);
        is(lock_pid, None).await;
        is(waiter.pid, Some(("idle", "Client"))).await;
        drop(sleeper);
        is(sleeper_pid, None).await;
        lap("postgres sessions gone", start);

        pg.server.pause().await;
        let blocked =
            tokio::time::timeout(Duration::from_millis(300), client.query("SELECT 1", &[]));
        assert!(blocked.await.is_err(), "an old connection answers while paused");
        let config = pg.config(postgres::MONITOR, postgres::DATABASE);
        let refused = tokio::time::timeout(Duration::from_millis(300), postgres::connect(&config));
        assert!(refused.await.is_err(), "a new connection is answered while paused");
        pg.server.resume();
        client.query("SELECT 1", &[]).await.unwrap();
        let start = Instant::now();
        pg.restart().await;
        lap("postgres restart", start);
        pg.client().await.batch_execute("DROP TABLE task").await.unwrap();
        // A crash with stopped backends must leave nobody behind either.
        let pid = pg.server.pid().unwrap();
        pg.server.pause().await;
        let family = process::descendants(pid);
        assert!(family.len() >= 3);
        pg.server.kill();
        for pid in family {
            until("a backend gone", PATIENT, async || {
                rustix::process::test_kill_process(pid).is_err()
            })
            .await;
        }
        drop(pg);
        Stack::postgres().await.client().await;
    });
}

#[test]
fn docker_runs_limits_heals_pauses_and_restarts() {
    run(async {
        let start = Instant::now();
        let Some(docker) = Docker::own("paused and restarted").await else { return };
        lap(&docker.describe(), start);
        let start = Instant::now();
        let failing =
            docker.run(ContainerSpec::new("job").shell("exit 3").compose("shop", "job", 1));
        assert_eq!(failing.wait_exit(PATIENT).await, 3);
        lap("container exit 3", start);
        let web = docker.run(
            ContainerSpec::new("web")
                .compose("shop", "web", 1)
                .env("SECRET", "x")
                .memory(64 << 20)
                .cpus(0.5)
                .health("test -f /tmp/ok")
                .restart("always", 0)
                .shell("dd if=/dev/zero of=/tmp/x bs=1M count=5; touch /tmp/ok; exec sleep 600"),
        );
        web.wait_health("healthy", PATIENT).await;
        lap("container healthy", start);
        let memory = web.stats().memory_stats.unwrap();
        assert_eq!(memory.limit, Some(64 << 20));
        assert!(memory.usage.unwrap() > 0);
        let info = web.inspect();
        let labels = info.config.unwrap().labels.unwrap();
        assert_eq!(labels["com.docker.compose.service"], "web");
        assert_eq!(info.host_config.unwrap().cpu_quota, Some(50_000));
        let greedy = docker.run(
            ContainerSpec::new("greedy").memory(16 << 20).shell("x=a; while :; do x=$x$x; done"),
        );
        assert_eq!(greedy.wait_exit(PATIENT).await, 137);
        assert_eq!(greedy.state().oom_killed, Some(true));
        greedy.remove();
        let loops = docker.run(ContainerSpec::new("loop").restart("always", 0).shell("exit 1"));
        until("3 restarts", PATIENT, async || loops.inspect().restart_count >= Some(3)).await;
        let made = docker.create(ContainerSpec::new("made"));
        assert_eq!(made.state().status, Some(ContainerStateStatusEnum::CREATED));
        lap("five containers", start);
        docker.pause().await;
        let start = Instant::now();
        let client = docker.engine.client().unwrap();
        let ping = tokio::time::timeout(Duration::from_millis(300), client.ping());
        ping.await.expect_err("answers while paused");
        docker.resume();
        docker.engine.ping().unwrap();
        lap("docker pause and resume", start);
        let start = Instant::now();
        docker.restart().await;
        lap("docker restart", start);
        web.wait_health("healthy", PATIENT).await;
        assert_eq!(failing.state().exit_code, Some(3));
        lap("... and web healthy", start);
    });
}

#[test]
fn kostatus_has_moods() {
    run(async {
        let app = KoStatus::start().await;
        let body: Value = serde_json::from_str(&get_ok(&app.url()).await.unwrap()).unwrap();
        assert_eq!(body["queue_stats"]["analysis"]["pending"], 2);
        app.set_mode(Mode::Rubbish).await;
        assert_eq!(get_ok(&app.url()).await.unwrap(), "<html>");
        app.set_mode(Mode::Http500).await;
        assert!(get_ok(&app.url()).await.unwrap_err().starts_with("500"));
        app.set_mode(Mode::Hang).await;
        assert!(get_ok(&app.url()).await.unwrap_err().contains("TimedOut"));
        app.set_mode(Mode::Closed).await;
        assert!(get_ok(&app.url()).await.unwrap_err().contains("ConnectionRefused"));
        app.set_mode(Mode::Normal).await;
        app.set_body("[]");
        assert_eq!(get_ok(&app.url()).await.unwrap(), "[]");
        assert!(app.requests().iter().all(|request| request.method == "GET"));
        let port = app.port();
        app.set_mode(Mode::Closed).await;
        let other = KoStatus::impostor(port, "text/plain", "hello").await;
        assert_eq!(
            get_ok(&format!("http://127.0.0.1:{}/any?x=1", other.port())).await.unwrap(),
            "hello"
        );
    });
}

const RULES: &str = "groups:
  - name: test
    interval: 1m
    rules:
      - alert: QueueAppDown
        expr: max_over_time(up{job=\"app\"}[5m]) == 0 or up{job=\"app\"} == 0
        for: 10m
        labels: { severity: critical }
        annotations: { summary: 'down' }
      - alert: AlwaysFine
        expr: up{job=\"self\"} == 0
";

#[test]
fn an_alert_goes_from_scrape_to_webhook() {
    run(async {
        let start = Instant::now();
        let sink = alertmanager::Sink::start().await;
        let config = alertmanager::simple_config(&sink.url());
        let manager = alertmanager::Alertmanager::start(&config, &[]).await;
        lap("alertmanager up", start);
        let app =
            KoStatus::impostor(servers::port::free_port(), "text/plain", "a_metric 7\n").await;
        let rules = watchdog::dir("rules");
        std::fs::write(rules.join("test.rules.yml"), RULES).unwrap();
        let start = Instant::now();
        let setup = Setup {
            targets: vec![Target::new("app", app.port())],
            rules: Some(rules),
            pace: Pace::Fast,
            alertmanager_port: Some(manager.port),
            program: None,
        };
        let prometheus = Prometheus::start(&setup).await;
        lap("prometheus up", start);
        prometheus.targets_up(PATIENT).await;
        let samples = prometheus.wait_query("a_metric", PATIENT).await;
        assert!((samples[0].1 - 7.0).abs() < 1e-9);
        assert_eq!(samples[0].0["job"], "app");
        assert!(prometheus.alerts().await.is_empty());
        assert!(prometheus.broken_rules().await.is_empty());
        lap("prometheus scraped", start);
        let start = Instant::now();
        app.set_mode(Mode::Closed).await;
        let subset = [("job", "app"), ("severity", "critical")];
        let labels: Labels =
            prometheus.wait_alert("QueueAppDown", &subset, "firing", PATIENT).await;
        assert_eq!(labels["instance"], format!("127.0.0.1:{}", app.port()));
        lap("alert firing", start);
        sink.wait("QueueAppDown", "firing", PATIENT).await;
        lap("webhook told", start);
        let start = Instant::now();
        app.set_mode(Mode::Normal).await;
        prometheus.wait_quiet("QueueAppDown", &[], PATIENT).await;
        sink.wait("QueueAppDown", "resolved", PATIENT).await;
        lap("webhook told resolved", start);
        assert!(manager.alerts().await.len() <= 1);
        manager.raise(&[("alertname", "ByHand")]).await;
        sink.wait("ByHand", "firing", PATIENT).await;

        prometheus.server.pause().await;
        assert!(get_ok(&format!("{}/-/ready", prometheus.url())).await.is_err());
        prometheus.server.resume();
        let start = Instant::now();
        prometheus.restart().await;
        lap("prometheus restart", start);
        manager.restart().await;
        prometheus
            .reconfigure(&Setup { targets: vec![Target::new("self", prometheus.port)], ..setup })
            .await;
        prometheus.wait_query("up{job=\"self\"} == 1", PATIENT).await;
    });
}

/// Prometheus itself has the flags, the reload and the endpoints that the exporter is to have.
#[test]
fn an_exporter_is_scraped_reloaded_and_stopped() {
    run(async {
        let program = process::need_program(Path::new("prometheus"), "prometheus");
        let data = format!("--storage.tsdb.path={}", watchdog::dir("data").display());
        let product = exporter::Exporter::start_with(
            &program,
            "{}",
            &["--web.enable-lifecycle", &data],
            &[("A", "b")],
        )
        .await;
        let scrape = product.wait_line("go_goroutines", PATIENT).await;
        assert_eq!(scrape.status, 200);
        assert!(scrape.value("go_goroutines").unwrap() > 1.0);
        assert!(scrape.header("content-type").unwrap().starts_with("text/plain"));
        assert!(product.resident_bytes().unwrap() > 1 << 20);
        product.write_config("rubbish: 1");
        assert_eq!(product.reload().await.0, 500);
        product.write_config("{}");
        assert_eq!(product.reload().await.0, 200);
        product.hangup();
        until("a logged reload", PATIENT, async || {
            product.log().matches("Completed loading").count() >= 3
        })
        .await;
        assert!(product.stop().await < Duration::from_secs(10));
        assert!(product.log().contains("See you next time"));
        product.restart().await;
        let refused = exporter::Exporter::launch(&program, "rubbish: 1", &[&data], &[]);
        until("a refusal", PATIENT, async || !refused.server.is_running()).await;
    });
}

#[test]
fn logs_grow_and_rotate() {
    let dir = watchdog::dir("logs");
    let day = std::time::UNIX_EPOCH + Duration::from_hours(474_780);
    let log = logwriter::LogFile::dated(&dir, "app", day);
    assert!(log.path().ends_with("app_2024-02-29.log"));
    assert_eq!(logwriter::date(day + Duration::from_hours(24 * 307)), "2025-01-01");
    log.append(&["one", "two"]);
    let old = log.rotate_rename();
    log.append_raw("half");
    assert_eq!(std::fs::read_to_string(old).unwrap(), "one\ntwo\n");
    let copy = log.rotate_truncate();
    assert_eq!(std::fs::read_to_string(copy).unwrap(), "half");
    assert_eq!(std::fs::read_to_string(log.path()).unwrap(), "");
}

#[test]
#[should_panic(expected = "sees-server is not installed: apt-get install sees")]
fn a_missing_program_names_its_package() {
    process::need_program(Path::new("sees-server"), "sees");
}

#[test]
#[should_panic(expected = "for the impossible")]
fn waiting_ends() {
    run(until("the impossible", Duration::from_millis(200), async || Err::<(), _>("a reason")));
}
