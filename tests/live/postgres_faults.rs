//! Faults of a PostgreSQL server one by one, with the numbers that the research gave them: what is locked, what ends our
//! sessions, what is reset, what comes and goes, and another server behind the same address. [P01 P16]

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_postgres::Client;

use crate::postgres_peer::programs;
use crate::servers::exporter::{Exporter, Scrape};
use crate::servers::postgres::{DATABASE, MONITOR, MONITOR_PASSWORD, Postgres, connect};
use crate::servers::wait::{PATIENT, until};
use crate::servers::{run, watchdog};
use crate::stage::binary;

const UP: &str = "stack_target_up{target=\"main\",area=\"postgres\"}";

fn config(port: u16, password: &str) -> String {
    let file = watchdog::dir("secret").join("password");
    std::fs::write(&file, password).unwrap();
    format!(
        "docker: {{ enabled: false }}\nhost: {{ enabled: false }}\npostgres:\n  main: {{ url: \
         \"postgresql://{MONITOR}@127.0.0.1:{port}/{DATABASE}\", password_file: {}, login: 1s }}\n",
        file.display(),
    )
}

/// The first reading of an exporter of its own.
async fn first(postgres: &Postgres) -> (Exporter, Scrape) {
    let exporter = Exporter::start(binary(), &config(postgres.port, MONITOR_PASSWORD)).await;
    let scrape = scrape_until(&exporter, "a reading", |scrape| scrape.value(UP).is_some()).await;
    assert_eq!(scrape.value(UP), Some(1.0), "{}", failures(&scrape));
    (exporter, scrape)
}

async fn scrape_until(exporter: &Exporter, what: &str, done: impl Fn(&Scrape) -> bool) -> Scrape {
    until(what, PATIENT, async || {
        let scrape = exporter.scrape().await;
        if done(&scrape) { Ok(scrape) } else { Err(failures(&scrape)) }
    })
    .await
}

fn failures(scrape: &Scrape) -> String {
    let lines =
        scrape.body.lines().filter(|line| line.contains("_failure{") && line.ends_with(" 1"));
    lines.collect::<Vec<_>>().join("\n")
}

fn size(scrape: &Scrape, of: &str, table: &str) -> Option<f64> {
    let (start, name) =
        (format!("pg_stat_user_tables_{of}_size_bytes{{"), format!("relname=\"{table}\""));
    let line = scrape.body.lines().find(|line| line.starts_with(&start) && line.contains(&name))?;
    line.rsplit_once(' ')?.1.parse().ok()
}

async fn done(client: &Client, sql: &str) {
    client.batch_execute(sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
}

/// 14 and 15: a lock that is only waited for, and one on an index alone. 35 and 36: tables that go while their sizes
/// are asked for, and tables of other kinds.
#[test]
fn what_is_locked_or_gone_costs_its_own_sizes() {
    run(async {
        let postgres = Postgres::start_with(None, &[]).await;
        let owner = postgres.client().await;
        done(
            &owner,
            "create table wanted as select generate_series(1, 1000) n; create index on wanted (n);
             create table rebuilt as select generate_series(1, 1000) n; create index on rebuilt (n);
             create unlogged table unlogged (n int); create temp table passing (n int);
             create materialized view seen as select 1; create table split (n int) partition by range (n);
             create table split_1 partition of split for values from (0) to (10)",
        )
        .await;
        let reader = postgres.client().await;
        done(&reader, "begin; select count(*) from wanted").await;
        let waiter = postgres.client().await;
        let waiting = tokio::spawn(async move {
            waiter.batch_execute("alter table wanted add column more int").await
        });
        let is_waiting =
            "select count(*) from pg_locks where mode = 'AccessExclusiveLock' and not granted";
        until("somebody who waits", PATIENT, async || {
            owner.query_one(is_waiting, &[]).await.unwrap().get::<_, i64>(0) == 1
        })
        .await;
        let builder = postgres.client().await;
        done(&builder, "begin; reindex table rebuilt").await;
        let begun = Instant::now();
        let (_exporter, scrape) = first(&postgres).await;
        assert!(begun.elapsed() < PATIENT / 2, "{:?}", begun.elapsed());
        let sizes = ["wanted", "rebuilt"].map(|table| {
            (size(&scrape, "table", table).is_some(), size(&scrape, "index", table).is_some())
        });
        assert_eq!(sizes, [(false, false), (true, false)], "{}", failures(&scrape));
        for (table, told) in [
            ("unlogged", true),
            ("passing", false),
            ("seen", true),
            ("split", false),
            ("split_1", true),
        ] {
            assert_eq!(size(&scrape, "table", table).is_some(), told, "{table}");
        }
        done(&builder, "rollback").await;
        done(&reader, "rollback").await;
        waiting.await.unwrap().unwrap();
        // Tables come and go as fast as the server can, and nothing is an error.
        let going = tokio::spawn(async move {
            loop {
                done(
                    &builder,
                    "create table gone (n int); insert into gone values (1); drop table gone",
                )
                .await;
            }
        });
        for _ in 0..5 {
            let (_exporter, scrape) = first(&postgres).await;
            assert_eq!(failures(&scrape), "");
            assert!(size(&scrape, "table", "rebuilt").is_some());
        }
        going.abort();
    });
}

/// 16: while the catalogue itself is locked, nobody gets in, not even we.
#[test]
fn a_catalogue_that_is_locked_hangs_nothing() {
    run(async {
        let postgres = Postgres::start_with(None, &[]).await;
        let admin = connect(&postgres.config("postgres", DATABASE)).await.unwrap().0;
        let (exporter, _) = first(&postgres).await;
        done(&admin, "begin; lock table pg_catalog.pg_class in access exclusive mode").await;
        let blind = |scrape: &Scrape| failures(scrape).contains("lock_timeout");
        for _ in 0..3 {
            let begun = Instant::now();
            scrape_until(&exporter, "a reason", blind).await;
            assert!(begun.elapsed() < PATIENT, "{:?}", begun.elapsed());
        }
        let ours =
            "select count(*) from pg_stat_activity where application_name = 'stack-exporter'";
        let ours: i64 = admin.query_one(ours, &[]).await.unwrap().get(0);
        assert!(ours <= 3, "{ours} sessions of ours wait");
        done(&admin, "rollback").await;
        let well = |scrape: &Scrape| scrape.value(UP) == Some(1.0) && failures(scrape).is_empty();
        scrape_until(&exporter, "all well", well).await;
    });
}

/// 45: limits on our role that end our sessions. 29: counters that somebody sets back. 5: a wrong password is not tried
/// with each reading.
#[test]
fn what_ends_our_sessions_is_no_flap() {
    run(async {
        let postgres = Postgres::start_with(None, &[]).await;
        let admin = connect(&postgres.config("postgres", DATABASE)).await.unwrap().0;
        done(&admin, "alter role monitor set idle_session_timeout = '50ms'").await;
        done(&admin, "alter role monitor set idle_in_transaction_session_timeout = '50ms'").await;
        let (exporter, scrape) = first(&postgres).await;
        let series = |scrape: &Scrape, name: &str| {
            let (start, own) = (format!("{name}{{"), format!("datname=\"{DATABASE}\""));
            let mut lines = scrape.body.lines();
            let line = lines.find(|line| line.starts_with(&start) && line.contains(&own))?;
            line.rsplit_once(' ')?.1.parse::<f64>().ok()
        };
        let commits = series(&scrape, "pg_stat_database_xact_commit").unwrap();
        let mut readings = 0;
        until("ten readings with sessions that are ended in between", PATIENT, async || {
            let scrape = exporter.scrape().await;
            assert_eq!(scrape.value(UP), Some(1.0), "{}", failures(&scrape));
            assert_eq!(failures(&scrape), "");
            readings += 1;
            readings == 10
        })
        .await;
        done(&admin, "select pg_stat_reset()").await;
        until("counters from the start, and when that was", PATIENT, async || {
            // All that the exposition may be said to have wrong is that counters fall.
            let (scrape, falls) = exporter.try_scrape().await.unwrap();
            assert!(falls.iter().all(|wrong| wrong.starts_with("a counter falls")), "{falls:?}");
            let now = series(&scrape, "pg_stat_database_xact_commit");
            let reset = series(&scrape, "pg_stat_database_stats_reset");
            now.is_some_and(|now| now < commits) && reset.is_some_and(|at| at > 1e9)
        })
        .await;
        let wrong = Exporter::start(binary(), &config(postgres.port, "wrong")).await;
        let refused = |scrape: &Scrape| failures(scrape).contains("auth");
        for _ in 0..10 {
            scrape_until(&wrong, "a refusal", refused).await;
        }
        let attempts = postgres.server.log().matches("password authentication failed").count();
        assert!((1..=2).contains(&attempts), "{attempts} attempts in ten readings");
    });
}

/// 30: another major version behind the same address is read by its own views, without a restart.
#[test]
fn another_version_behind_the_same_address() {
    run(async {
        let old = Postgres::start_with(None, &[]).await;
        let new = Postgres::start_with(programs("17").as_deref(), &[]).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let behind = Arc::new(AtomicU16::new(old.port));
        let leads = Arc::clone(&behind);
        let door = tokio::spawn(async move {
            while let Ok((mut from, _)) = listener.accept().await {
                let leads = Arc::clone(&leads);
                tokio::spawn(async move {
                    let mut to =
                        TcpStream::connect(("127.0.0.1", leads.load(Ordering::Relaxed))).await?;
                    copy_bidirectional(&mut from, &mut to).await
                });
            }
        });
        let exporter = Exporter::start(binary(), &config(port, MONITOR_PASSWORD)).await;
        let of = |major: &'static str| {
            move |scrape: &Scrape| {
                let version = format!("short_version=\"{major}.");
                let checkpoints = "pg_stat_bgwriter_checkpoints_timed_total{";
                scrape.line("pg_static{").is_some_and(|line| line.contains(&version))
                    && scrape.line(checkpoints).is_some()
                    && scrape.line("pg_stat_user_tables_").is_some() == (major == "15")
                    && failures(scrape).is_empty()
            }
        };
        done(&old.client().await, "create table of_old (n int)").await;
        scrape_until(&exporter, "the old one", of("15")).await;
        behind.store(new.port, Ordering::Relaxed);
        old.server.kill();
        tokio::time::timeout(
            Duration::from_mins(1),
            scrape_until(&exporter, "the new one", of("17")),
        )
        .await
        .unwrap();
        door.abort();
    });
}

/// 25 and 26: a chain of locks has one root, which is named, and a prepared transaction is one as well.
#[test]
fn whoever_all_wait_for_is_named() {
    run(async {
        let settings = [("max_prepared_transactions", "5")];
        let postgres = Postgres::start_with(None, &settings).await;
        let owner = postgres.client().await;
        done(
            &owner,
            "create table held as select generate_series(1, 10) n; create table kept (n int)",
        )
        .await;
        done(&owner, "set application_name = 'root-app'; begin; update held set n = 0 where n = 1")
            .await;
        let mut waiting = Vec::new();
        let blocked = |count: i64| {
            let admin = &postgres;
            async move {
                let client = admin.client().await;
                until("those who wait", PATIENT, async || {
                    let sql = "select count(distinct pid) from pg_locks where not granted";
                    client.query_one(sql, &[]).await.unwrap().get::<_, i64>(0) == count
                })
                .await;
            }
        };
        for (sql, count) in [
            ("begin; update held set n = -1 where n = 2; update held set n = 0 where n = 1", 1),
            ("update held set n = 0 where n = 2", 2),
            ("alter table held add column more int", 3),
            ("select count(*) from held", 4),
        ] {
            let client = postgres.client().await;
            waiting.push(tokio::spawn(async move { client.batch_execute(sql).await }));
            blocked(count).await;
        }
        let other = postgres.client().await;
        done(
            &other,
            "begin; lock table kept in access exclusive mode; prepare transaction 'forgotten'",
        )
        .await;
        waiting.push(tokio::spawn(async move { other.batch_execute("select * from kept").await }));
        blocked(5).await;
        let (exporter, _) = first(&postgres).await;
        let series = |of: &str| {
            format!(
                "stack_postgres_blocker_{of}{{target=\"main\",datname=\"{DATABASE}\",holder=\"session\",\
                 application_name=\"root-app\",usename=\"postgres\",state=\"idle in transaction\"}}"
            )
        };
        let root = series("sessions");
        let prepared = "stack_postgres_blocker_sessions{target=\"main\",datname=\"tasktracker\",\
                        holder=\"prepared_transaction\",state=\"other\"}";
        let open = series("transaction_seconds");
        let named = |scrape: &Scrape| {
            (scrape.value(&root), scrape.value(prepared)) == (Some(4.0), Some(1.0))
                && scrape.value(&open).is_some_and(|age| age > 0.0)
        };
        until("both roots", PATIENT, async || {
            let scrape = exporter.scrape().await;
            let lines =
                scrape.body.lines().filter(|line| line.starts_with("stack_postgres_blocker_"));
            let lines: Vec<_> = lines.map(str::to_owned).collect();
            if named(&scrape) { Ok(()) } else { Err(lines) }
        })
        .await;
        done(&owner, "rollback").await;
        done(&owner, "rollback prepared 'forgotten'").await;
        let none = |scrape: &Scrape| scrape.line("stack_postgres_blocker_").is_none();
        scrape_until(&exporter, "nobody who is waited for", none).await;
        for task in waiting {
            task.abort();
        }
    });
}
