//! PostgreSQL, for real: stopped, hung, answering rubbish, and back; long statements and locks; and
//! nothing of ours left running. [P01 P02 P03 P04 P07 P13 P16 P19]

use std::time::Duration;

use stack_exporter::clients::postgres::PostgresClient;
use stack_exporter::config::{SafeUrl, Secret};

use crate::servers::postgres::{DATABASE, MONITOR_PASSWORD, Postgres};
use crate::servers::wait::{PATIENT, until};
use crate::servers::{Stack, run, watchdog};
use crate::stage::{Stage, Watched};

const MAIN: Watched =
    Watched { area: "postgres", target: "main", alert: "PostgresDown", severity: "critical" };

fn config(postgres: &Postgres, more: &str) -> String {
    let file = watchdog::dir("secret").join("password");
    std::fs::write(&file, format!("{MONITOR_PASSWORD}\n")).unwrap();
    let (url, file) = (postgres.url(), file.display());
    format!("postgres:\n  main: {{ url: \"{url}\", password_file: {file}{more} }}\n")
}

/// Accepts connections and answers each with something that is not PostgreSQL.
async fn liar(port: u16) -> tokio::task::JoinHandle<()> {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            use tokio::io::AsyncWriteExt as _;
            let _ = stream.write_all(b"SSH-2.0-OpenSSH_9.2p1\r\n").await;
        }
    })
}

#[test]
fn a_server_that_stops_hangs_lies_and_returns() {
    run(async {
        let postgres = Stack::postgres_alone().await;
        let stage = Stage::start(&config(&postgres, "")).await;
        let scrape = stage.well(MAIN).await;
        let size = scrape.body.lines().find(|line| {
            line.starts_with("pg_database_size_bytes{")
                && line.contains(&format!("datname=\"{DATABASE}\""))
        });
        assert!(size.is_some(), "{}", scrape.body);

        postgres.server.stop().await;
        stage.sick(MAIN, "refused").await;
        let liar = liar(postgres.port).await;
        stage.sick(MAIN, "protocol").await;
        liar.abort();
        let _ = liar.await;
        postgres.restart().await;
        stage.well(MAIN).await;

        postgres.server.pause().await;
        stage.sick(MAIN, "timeout").await;
        postgres.server.resume();
        stage.well(MAIN).await;
    });
}

#[test]
fn long_statements_and_lock_waits_alert() {
    run(async {
        let postgres = Stack::postgres().await;
        let admin = postgres.client().await;
        admin.batch_execute("CREATE TABLE IF NOT EXISTS held (n int)").await.unwrap();
        let limits = ", thresholds: { longest_query: 1s, lock_wait: 1s, active_queries: 0 }";
        let stage = Stage::start(&config(&postgres, limits)).await;
        let long = postgres.long_query(120).await;
        let holder = postgres.hold_lock("held").await;
        let waiter = postgres.background("SELECT count(*) FROM held").await;
        let database = [("target", "main"), ("datname", DATABASE), ("severity", "warning")];
        stage.prometheus.wait_alert("PostgresLongQuery", &database, "firing", PATIENT).await;
        stage.prometheus.wait_alert("PostgresLockWait", &database, "firing", PATIENT).await;
        let scrape = stage.exporter.scrape().await;
        let active =
            scrape.body.lines().find(|line| line.starts_with("stack_postgres_active_queries{"));
        let count = active.and_then(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
        assert!(count.is_some_and(|count| count >= 2.0), "a sleeper and a waiter: {active:?}");
        let rows: i64 =
            admin.query_one("SELECT count(*) FROM pg_stat_activity", &[]).await.unwrap().get(0);
        let backends =
            scrape.body.lines().filter(|line| line.starts_with("stack_postgres_backends{"));
        let ours: f64 =
            backends.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum();
        let truth = f64::from(i32::try_from(rows).unwrap());
        // Other tests come and go on this server.
        assert!((ours - truth).abs() <= 6.0, "{ours} against {truth}");
        assert!(!scrape.body.contains("pg_sleep"), "no text of a query is exported");
        drop((long, waiter, holder));
    });
}

/// A reading that is given up must not leave its statement behind on the server.
#[test]
fn a_statement_that_is_given_up_is_cancelled_on_the_server() {
    run(async {
        let postgres = Stack::postgres().await;
        let client = PostgresClient::new(&SafeUrl::new(postgres.url()), None)
            .password(Some(Secret::new(MONITOR_PASSWORD)));
        let asleep = client.query("SELECT pg_sleep(25.125)");
        let early = tokio::time::timeout(Duration::from_millis(300), asleep).await;
        assert!(early.is_err(), "it ended by itself: {:?}", early.unwrap().err());
        let admin = postgres.client().await;
        let count = "SELECT count(*) FROM pg_stat_activity \
                     WHERE query LIKE '%pg_sleep(25.125)%' AND state = 'active' AND pid <> pg_backend_pid()";
        until("the end of the statement", Duration::from_secs(1), async || {
            let left: i64 = admin.query_one(count, &[]).await.unwrap().get(0);
            if left == 0 { Ok(()) } else { Err(left) }
        })
        .await;
    });
}

#[test]
fn a_database_that_does_not_exist_is_down_and_says_so() {
    run(async {
        let postgres = Stack::postgres().await;
        let config = config(&postgres, "").replace(&format!("/{DATABASE}"), "/nowhere");
        let stage = Stage::start(&config).await;
        stage.sick(MAIN, "no_database").await;
        assert!(stage.exporter.log().contains("does not exist"), "{}", stage.exporter.log());
    });
}

#[test]
fn a_deadlock_is_counted_and_alerts() {
    run(async {
        let postgres = Postgres::start_with(None, &[("deadlock_timeout", "100ms")]).await;
        let stage = Stage::start(&config(&postgres, "")).await;
        let counted = "increase(pg_stat_database_deadlocks{datname=\"tasktracker\"}[1m]) >= 0";
        stage.prometheus.wait_query(counted, PATIENT).await;
        let admin = postgres.client().await;
        admin.batch_execute("CREATE TABLE a (n int); CREATE TABLE b (n int)").await.unwrap();
        let lock = |first: &str, second: &str| {
            format!("BEGIN; LOCK TABLE {first}; SELECT pg_sleep(0.3); LOCK TABLE {second}; COMMIT")
        };
        let (one, two) = (postgres.client().await, postgres.client().await);
        let (ab, ba) = (lock("a", "b"), lock("b", "a"));
        let (one_ended, two_ended) = tokio::join!(one.batch_execute(&ab), two.batch_execute(&ba));
        assert!(one_ended.is_err() != two_ended.is_err(), "one of the two is the victim");
        // Counters of a session that is idle lag by seconds; they are there once it has gone.
        drop((one, two));
        let labels = [("target", "main"), ("datname", DATABASE)];
        stage.prometheus.wait_alert("PostgresDeadlock", &labels, "firing", PATIENT).await;
    });
}
