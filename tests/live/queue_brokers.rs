//! Queues in Redis and RabbitMQ, for real: Celery with workers that are killed, and a stream with its group.
//! [Q01 Q05 Q09 N04]

use std::path::Path;

use crate::servers::exporter::Exporter;
use crate::servers::process::{Server, Spec};
use crate::servers::rabbitmq::RabbitMq;
use crate::servers::redis::Redis;
use crate::servers::wait::{PATIENT, until};
use crate::servers::{run, text, watchdog};
use crate::stage::{Stage, Watched};

const JOBS: Watched =
    Watched { area: "queue", target: "jobs", alert: "QueueUnreadable", severity: "warning" };

/// Tasks that take as long as they are told.
const TASKS: &str = r#"
import os, time
from celery import Celery
app = Celery("tasks", broker=os.environ["BROKER"])
app.conf.broker_connection_retry_on_startup = True

@app.task(acks_late=True)
def work(seconds):
    time.sleep(seconds)
"#;

/// A Celery application.
struct Celery {
    broker: String,
    dir: std::path::PathBuf,
}

impl Celery {
    fn new(broker: String) -> Self {
        let dir = watchdog::dir("celery");
        std::fs::write(dir.join("tasks.py"), TASKS).unwrap();
        Self { broker, dir }
    }

    /// One that works on a task at a time, and holds another.
    fn worker(&self, queue: &str) -> Server {
        let args = ["-m", "celery", "-A", "tasks", "worker", "--pool", "solo", "-l", "warning"];
        let more = ["--prefetch-multiplier", "1", "--without-mingle", "-c", "2", "-Q", queue];
        let args: Vec<&str> = args.into_iter().chain(more).collect();
        let python = Path::new("/usr/bin/python3");
        let env = [
            ("BROKER", self.broker.as_str()),
            ("PYTHONPATH", text(&self.dir)),
            ("C_FORCE_ROOT", "1"),
        ];
        let env = env.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec();
        let spec = Spec { env, ..Spec::new(python, "python3-celery", &args) };
        Server::start(spec, &self.dir)
    }

    fn send(&self, queue: &str, seconds: &[u32], priority: u32) {
        let send = |seconds: &u32| {
            let how = format!("priority={priority}, queue=\"{queue}\"");
            format!("tasks.work.apply_async(({seconds},), {how})")
        };
        let sends = seconds.iter().map(send);
        let code = format!("import tasks\n{}", sends.collect::<Vec<_>>().join("\n"));
        let mut python = std::process::Command::new("/usr/bin/python3");
        python.env("BROKER", &self.broker).env("PYTHONPATH", &self.dir);
        let out = python.args(["-c", &code]).output().expect("python3");
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    }
}

fn jobs(state: &str) -> String {
    format!("stack_queue_jobs{{target=\"jobs\",queue=\"jobs\",state=\"{state}\"}}")
}

/// What is said of queues in an exposition.
fn of_queues(body: &str) -> Vec<String> {
    let lines = body.lines().filter(|line| line.starts_with("stack_queue_"));
    lines.map(ToOwned::to_owned).collect()
}

async fn wait_jobs(exporter: &Exporter, pending: f64, processing: f64) {
    until(&format!("{pending} wait, {processing} in work"), PATIENT, async || {
        let scrape = exporter.scrape().await;
        let found = (scrape.value(&jobs("pending")), scrape.value(&jobs("processing")));
        if found == (Some(pending), Some(processing)) {
            Ok(())
        } else {
            Err(of_queues(&scrape.body))
        }
    })
    .await;
}

async fn wait_condition(exporter: &Exporter, condition: &str) {
    let series = format!(
        "stack_queue_condition{{target=\"jobs\",queue=\"jobs\",condition=\"{condition}\"}} 1"
    );
    exporter.wait_line(&series, PATIENT).await;
}

#[test]
fn celery_whose_worker_is_slow_killed_and_away() {
    run(async {
        let redis = Redis::start(None, &[]).await;
        let celery = Celery::new(format!("{}/3", redis.url()));
        let config = format!(
            "stores:\n  broker: {{ redis: \"{}\" }}\nqueues:\n  jobs: {{ redis: {{ store: broker, \
             database: 3, preset: celery }}, job_timeout: 2s }}\n",
            redis.url()
        );
        let stage = Stage::start(&config).await;
        stage.well(JOBS).await;
        wait_condition(&stage.exporter, "idle").await;

        // Nobody is there: each of the priorities counts.
        celery.send("celery", &[600, 0], 0);
        celery.send("celery", &[0], 6);
        wait_jobs(&stage.exporter, 3.0, 0.0).await;
        wait_condition(&stage.exporter, "no_workers").await;
        let of = [("target", "jobs"), ("queue", "jobs"), ("severity", "critical")];
        stage.prometheus.wait_alert("QueueWithoutWorkers", &of, "firing", PATIENT).await;

        // A worker takes them, works long on the first and holds the next one as well.
        let worker = celery.worker("celery");
        let takes = async |count: f64| {
            until("the worker takes jobs", 2 * PATIENT, async || {
                worker.assert_alive();
                let scrape = stage.exporter.scrape().await;
                let held = scrape.value(&jobs("processing"));
                if held >= Some(count) { Ok(()) } else { Err(scrape.body) }
            })
            .await;
        };
        takes(1.0).await;
        stage.prometheus.wait_quiet("QueueWithoutWorkers", &of[..2], 2 * PATIENT).await;
        let stuck = "stack_queue_stuck_jobs{target=\"jobs\",queue=\"jobs\"} 1";
        stage.exporter.wait_line(stuck, PATIENT).await;
        let of_stuck = [("target", "jobs"), ("severity", "warning")];
        stage.prometheus.wait_alert("QueueJobsStuck", &of_stuck, "firing", PATIENT).await;

        // It is killed with jobs in work: they stay held, and are told to be stuck, not lost.
        worker.kill();
        let scrape = stage.exporter.scrape().await;
        assert!(scrape.value(&jobs("processing")) >= Some(1.0), "{}", scrape.body);
        let age = scrape.value(
            "stack_queue_oldest_age_seconds{target=\"jobs\",queue=\"jobs\",state=\"processing\"}",
        );
        assert!(age > Some(2.0), "{}", scrape.body);

        // The server goes: that is told at the store, and is over with it.
        redis.server.kill();
        stage.sick(JOBS, "refused").await;
        redis.restart().await;
        stage.well(JOBS).await;
    });
}

#[test]
fn a_stream_and_the_group_of_its_workers() {
    run(async {
        let redis = Redis::start(Some("hunter2"), &[]).await;
        redis.run(&[
            "ACL",
            "SETUSER",
            "seer",
            "on",
            ">seen",
            "~*",
            "+auth",
            "+time",
            "+xinfo",
            "+xpending",
            "+xrange",
        ]);
        let folder = watchdog::dir("redis-queue");
        let file = folder.join("password");
        std::fs::write(&file, "seen\n").unwrap();
        let config = format!(
            "queues:\n  jobs: {{ redis: {{ url: \"{}\", username: seer, password_file: {}, \
             stream: tasks, group: workers }}, job_timeout: 1s }}\n",
            redis.url(),
            file.display()
        );
        let stage = Stage::start(&config).await;
        stage.sick(JOBS, "not_found").await;
        redis.run(&["XGROUP", "CREATE", "tasks", "workers", "0", "MKSTREAM"]);
        stage.well(JOBS).await;
        wait_jobs(&stage.exporter, 0.0, 0.0).await;

        let add = |text: &str| redis.run(&["XADD", "tasks", "*", "data", text]);
        for _ in 0..5 {
            add("x");
        }
        wait_jobs(&stage.exporter, 5.0, 0.0).await;
        wait_condition(&stage.exporter, "no_workers").await;
        let read = |count: &str| {
            let words =
                ["XREADGROUP", "GROUP", "workers", "w1", "COUNT", count, "STREAMS", "tasks", ">"];
            redis.run(&words)
        };
        read("2");
        wait_jobs(&stage.exporter, 3.0, 2.0).await;
        let stuck = "stack_queue_stuck_jobs{target=\"jobs\",queue=\"jobs\"} 2";
        stage.exporter.wait_line(stuck, PATIENT).await;

        // What is done is neither, however much of it the stream keeps; a deleted entry leaves a doubt.
        read("9");
        let ids = redis.run(&["XPENDING", "tasks", "workers", "-", "+", "9"]);
        let ids: Vec<&str> = ids.lines().filter(|line| line.contains('-')).collect();
        assert_eq!(ids.len(), 5, "{ids:?}");
        for id in &ids {
            redis.run(&["XACK", "tasks", "workers", id]);
        }
        wait_jobs(&stage.exporter, 0.0, 0.0).await;
        wait_condition(&stage.exporter, "idle").await;
        let idle = "stack_queue_idle_workers{target=\"jobs\",queue=\"jobs\"} 1";
        stage.exporter.wait_line(idle, PATIENT).await;

        let last = add("y");
        add("z");
        redis.run(&["XDEL", "tasks", &last]);
        let doubt = "stack_target_failure{target=\"jobs\",area=\"queue\",reason=\"protocol\"}";
        until("a doubt about those that wait", PATIENT, async || {
            let scrape = stage.exporter.scrape().await;
            let seen = (scrape.value(&jobs("pending")), scrape.value(doubt));
            if seen == (None, Some(1.0)) { Ok(()) } else { Err(scrape.body) }
        })
        .await;
        assert!(!stage.exporter.log().contains("seen"), "{}", stage.exporter.log());
    });
}

#[test]
fn rabbitmq_whose_worker_is_away_busy_and_killed() {
    run(async {
        let rabbit = RabbitMq::start().await;
        let folder = watchdog::dir("rabbitmq-login");
        let file = folder.join("password");
        std::fs::write(&file, "wrong\n").unwrap();
        let config = format!(
            "queues:\n  jobs: {{ rabbitmq: {{ url: \"{}\", username: guest, password_file: {} }}, \
             limits: {{ jobs: {{}} }} }}\n",
            rabbit.management_url(),
            file.display()
        );
        let stage = Stage::start(&config).await;
        stage.sick(JOBS, "auth").await;
        std::fs::write(&file, "guest\n").unwrap();
        stage.well(JOBS).await;
        // A declared queue that is not there is unknown, and no empty one.
        wait_condition(&stage.exporter, "unknown").await;

        let celery = Celery::new(rabbit.amqp_url());
        celery.send("jobs", &[600, 600, 600], 0);
        wait_jobs(&stage.exporter, 3.0, 0.0).await;
        wait_condition(&stage.exporter, "no_workers").await;
        let of = [("target", "jobs"), ("queue", "jobs"), ("severity", "critical")];
        stage.prometheus.wait_alert("QueueWithoutWorkers", &of, "firing", PATIENT).await;

        // One is worked on and one is held for afterwards.
        let worker = celery.worker("jobs");
        wait_jobs(&stage.exporter, 1.0, 2.0).await;
        wait_condition(&stage.exporter, "busy").await;
        stage.prometheus.wait_quiet("QueueWithoutWorkers", &of[..2], 2 * PATIENT).await;
        // The broker takes back what a dead worker held.
        worker.kill();
        wait_jobs(&stage.exporter, 3.0, 0.0).await;
        wait_condition(&stage.exporter, "no_workers").await;
        // Only what stays is told of: what a worker makes for itself goes with it.
        let scrape = stage.exporter.scrape().await;
        assert!(!scrape.body.contains("pidbox"), "{}", scrape.body);
        rabbit.server.kill();
        stage.sick(JOBS, "refused").await;
    });
}
