//! Our sessions on a PostgreSQL server: they stand in nobody's way, they are few, and they say which limit
//! was reached. [P01 P02 P19]

use tokio_postgres::{Client, NoTls};

use crate::servers::exporter::{Exporter, Scrape};
use crate::servers::postgres::{DATABASE, MONITOR, MONITOR_PASSWORD, Postgres, connect};
use crate::servers::wait::{PATIENT, until};
use crate::servers::{run, text, watchdog};
use crate::stage::binary;

fn config(targets: &[(&str, String, &str)], more: &str) -> String {
    let file = watchdog::dir("secret").join("password");
    std::fs::write(&file, MONITOR_PASSWORD).unwrap();
    let target = |(name, url, more): &(&str, String, &str)| {
        let file = file.display();
        format!("  {name}: {{ url: \"{url}\", password_file: {file}, login: 1s{more} }}\n")
    };
    let targets: String = targets.iter().map(target).collect();
    format!("docker: {{ enabled: false }}\nhost: {{ enabled: false }}\npostgres:\n{targets}{more}")
}

fn url(postgres: &Postgres, database: &str) -> String {
    postgres.url().replace(DATABASE, database)
}

async fn scrape_until(exporter: &Exporter, what: &str, done: impl Fn(&Scrape) -> bool) -> Scrape {
    until(what, 2 * PATIENT, async || {
        let scrape = exporter.scrape().await;
        if done(&scrape) { Ok(scrape) } else { Err(scrape.body) }
    })
    .await
}

fn up(target: &str, area: &str) -> String {
    format!("stack_target_up{{target=\"{target}\",area=\"{area}\"}}")
}

fn because(target: &str, reason: &str) -> String {
    format!("stack_target_failure{{target=\"{target}\",area=\"postgres\",reason=\"{reason}\"}}")
}

/// A restore script drops, renames and copies databases while they are read as fast as it goes.
#[test]
fn a_watched_database_can_be_dropped_renamed_and_copied() {
    run(async {
        let postgres = Postgres::start_with(None, &[]).await;
        let admin = connect(&postgres.config("postgres", "postgres")).await.unwrap().0;
        for sql in ["create database doomed", "create database named"] {
            admin.batch_execute(sql).await.unwrap();
        }
        let queue = "queues:\n  jobs: { sql: { postgres: doomed, query: \"select 'pending' as state, 1 as count\" } }\n";
        let targets =
            [("doomed", url(&postgres, "doomed"), ""), ("named", url(&postgres, "named"), "")];
        let exporter = Exporter::start(binary(), &config(&targets, queue)).await;
        let well = |scrape: &Scrape| {
            scrape.value(&up("doomed", "postgres")) == Some(1.0)
                && scrape.value(&up("named", "postgres")) == Some(1.0)
                && scrape.line("stack_queue_jobs{target=\"jobs\"").is_some()
        };
        scrape_until(&exporter, "both databases", well).await;
        let work = async {
            for sql in [
                "create database copied template doomed",
                "alter database named rename to other",
                "drop database doomed",
            ] {
                // The server waits five seconds for sessions to end, and gives up.
                admin.batch_execute(sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
            }
        };
        tokio::pin!(work);
        loop {
            tokio::select! {
                () = &mut work => break,
                _ = exporter.scrape() => {}
            }
        }
        let gone = |scrape: &Scrape| {
            scrape.value(&because("doomed", "no_database")) == Some(1.0)
                && scrape.value(&because("named", "no_database")) == Some(1.0)
        };
        scrape_until(&exporter, "databases that are gone", gone).await;
        for sql in ["create database doomed", "alter database other rename to named"] {
            admin.batch_execute(sql).await.unwrap();
        }
        scrape_until(&exporter, "both again", well).await;
    });
}

/// Two targets and eight SQL queues of one server, a hundred scrapers, and a role with the CONNECTION LIMIT
/// that the documents advise.
#[test]
fn many_who_ask_have_few_sessions_and_tell_each_fact_once() {
    run(async {
        let postgres = Postgres::start_with(None, &[]).await;
        let admin = connect(&postgres.config("postgres", "postgres")).await.unwrap().0;
        let advised = stack_exporter::clients::postgres::ADVISED;
        let guide = include_str!("../../docs/how-to/postgres-role.md");
        assert!(
            guide.contains(&format!("CONNECTION LIMIT {advised};")),
            "the guide says otherwise"
        );
        let limit = format!("alter role {MONITOR} connection limit {advised}");
        admin.batch_execute(&limit).await.unwrap();
        admin.batch_execute("create database second").await.unwrap();
        let queue = |n: usize| {
            let database = if n.is_multiple_of(2) { "first" } else { "second" };
            format!(
                "  q{n}: {{ sql: {{ postgres: {database}, query: \"select 'pending' as state, 1 as count\" }} }}\n"
            )
        };
        let queues = (0..8).map(queue).collect::<Vec<_>>().concat();
        let targets =
            [("first", url(&postgres, DATABASE), ""), ("second", url(&postgres, "second"), "")];
        let exporter =
            Exporter::start(binary(), &config(&targets, &format!("queues:\n{queues}"))).await;
        let all_up = |scrape: &Scrape| {
            (0..8).all(|n| scrape.value(&up(&format!("q{n}"), "queue")) == Some(1.0))
                && ["first", "second"]
                    .iter()
                    .all(|name| scrape.value(&up(name, "postgres")) == Some(1.0))
        };
        scrape_until(&exporter, "ten targets", all_up).await;
        let mut most = 0;
        for _ in 0..3 {
            // On a busy machine the exporter may wait too long for a request, and hang up.
            let all = (0..100).map(|_| exporter.try_scrape());
            let scrapes = futures_util::future::join_all(all);
            tokio::pin!(scrapes);
            let scrapes = loop {
                tokio::select! {
                    scrapes = &mut scrapes => break scrapes,
                    now = sessions(&admin) => most = most.max(now),
                }
            };
            let scrapes: Vec<Scrape> = scrapes.into_iter().flatten().map(|(it, _)| it).collect();
            assert!(scrapes.len() > 50, "{} of 100 were answered", scrapes.len());
            // On a busy machine a log-in may come too late; never one too many.
            let refused = |scrape: &Scrape| scrape.body.contains("reason=\"too_many_connections");
            let bad = scrapes.iter().find(|scrape| refused(scrape));
            assert!(bad.is_none(), "{}", bad.map(|it| it.body.as_str()).unwrap_or_default());
        }
        // One may be about to end on the server.
        let bound = i64::try_from(stack_exporter::clients::postgres::BOUND).unwrap();
        assert!((1..=bound + 1).contains(&most), "{most} sessions");
        told_once(&scrape_until(&exporter, "all ten", all_up).await.body);
    });
}

/// Facts of the server by one target, those of a database by the target that has it.
fn told_once(body: &str) {
    let own = "stack_postgres_longest_query_seconds{target=\"second\",datname=\"second\"}";
    assert!(body.contains(own), "each target tells of its own database");
    for (start, label) in [
        ("pg_postmaster_start_time_seconds{", "server="),
        ("stack_postgres_connections_ratio{", "target="),
        ("stack_postgres_uptime_seconds{", "target="),
        ("pg_stat_database_deadlocks{", "datname=\"tasktracker\""),
        ("pg_stat_database_deadlocks{", "datname=\"second\""),
        ("pg_stat_database_deadlocks{", "datname=\"postgres\""),
        ("stack_postgres_longest_query_seconds{", "datname=\"second\""),
    ] {
        let told = body.lines().filter(|line| line.starts_with(start) && line.contains(label));
        assert_eq!(told.count(), 1, "{start} {label}: {body}");
    }
}

async fn sessions(admin: &Client) -> i64 {
    let sql = "select count(*) from pg_stat_activity where usename = $1";
    admin.query_one(sql, &[&MONITOR]).await.unwrap().get(0)
}

/// Clients of an application that is no superuser, as many as get in.
async fn crowd(postgres: &Postgres, most: usize) -> Vec<Client> {
    let mut clients = Vec::new();
    for _ in 0..most {
        match postgres.config("app", DATABASE).connect(NoTls).await {
            Ok((client, connection)) => {
                tokio::spawn(connection);
                clients.push(client);
            }
            Err(error) => {
                assert_eq!(
                    error.code().map(tokio_postgres::error::SqlState::code),
                    Some("53300"),
                    "{error:?}"
                );
                break;
            }
        }
    }
    clients
}

const LOGIN: &str = "stack_postgres_login_up{target=\"main\"}";

/// Whether this limit alone is told, by a target that goes on.
fn full(scrape: &Scrape, which: &str) -> bool {
    let limit = |name: &str| {
        let series = format!("stack_postgres_limit_reached{{target=\"main\",limit=\"{name}\"}}");
        scrape.value(&series)
    };
    ["server", "database", "role"]
        .iter()
        .all(|name| limit(name) == Some(f64::from(u8::from(*name == which))))
        // What is open goes on, and says who holds the connections.
        && scrape.value(&up("main", "postgres")) == Some(1.0)
        && scrape.line("stack_postgres_connections_ratio{").is_some()
}

fn free(scrape: &Scrape) -> bool {
    full(scrape, "") && scrape.value(LOGIN) == Some(1.0)
}

/// Clients of the application until the exporter tells of a limit: a session of ours that has just ended makes
/// room for one more.
async fn filled(
    postgres: &Postgres,
    exporter: &Exporter,
    most: usize,
    told: impl Fn(&Scrape) -> bool,
) -> Vec<Client> {
    let mut held = Vec::new();
    until("a limit", PATIENT, async || {
        held.extend(crowd(postgres, most).await);
        let scrape = exporter.scrape().await;
        if told(&scrape) { Ok(()) } else { Err(scrape.body) }
    })
    .await;
    held
}

/// One SQLSTATE, two limits that hit applications: of the database, and of the server.
#[test]
fn the_limit_that_applications_reach_is_told() {
    run(async {
        let settings = [("max_connections", "12"), ("superuser_reserved_connections", "3")];
        let postgres = Postgres::start_with(None, &settings).await;
        let admin = connect(&postgres.config("postgres", "postgres")).await.unwrap().0;
        // Our own limit is set as well, which once hid those of others.
        let sql = format!("create role app login; alter role {MONITOR} connection limit 5");
        admin.batch_execute(&sql).await.unwrap();
        let targets = [("main", url(&postgres, DATABASE), "")];
        let exporter = Exporter::start(binary(), &config(&targets, "")).await;
        scrape_until(&exporter, "a log-in", free).await;

        let limit = |most: i32| format!("alter database {DATABASE} connection limit {most}");
        admin.batch_execute(&limit(2)).await.unwrap();
        let of_database =
            |scrape: &Scrape| full(scrape, "database") && scrape.value(LOGIN) == Some(0.0);
        let held = filled(&postgres, &exporter, 3, of_database).await;
        let status = exporter.get("/api/v1/status", &[]).await.body;
        assert!(status.contains("its own limit is reached"), "{status}");
        drop(held);
        admin.batch_execute(&limit(-1)).await.unwrap();
        scrape_until(&exporter, "a log-in", free).await;

        let of_server =
            |scrape: &Scrape| full(scrape, "server") && scrape.value(LOGIN) == Some(0.0);
        let held = filled(&postgres, &exporter, 12, of_server).await;
        drop(held);
        scrape_until(&exporter, "a log-in", free).await;
    });
}

/// That our own role is refused says nothing of applications: its limit, and its password that has ended.
#[test]
fn what_hits_our_own_role_alone_is_no_refusal_of_others() {
    run(async {
        let postgres = Postgres::start_with(None, &[]).await;
        let admin = connect(&postgres.config("postgres", "postgres")).await.unwrap().0;
        let targets = [("main", url(&postgres, DATABASE), "")];
        let exporter = Exporter::start(binary(), &config(&targets, "")).await;
        scrape_until(&exporter, "a log-in", free).await;
        let alter = async |what: &str| {
            admin.batch_execute(&format!("alter role {MONITOR} {what}")).await.unwrap();
        };
        alter("connection limit 1").await;
        let of_role = |scrape: &Scrape| full(scrape, "role") && scrape.value(LOGIN).is_none();
        scrape_until(&exporter, "our own limit", of_role).await;
        alter("connection limit 5").await;
        scrape_until(&exporter, "a log-in", free).await;

        alter("valid until '2020-01-01'").await;
        let part = "stack_target_part_failure{target=\"main\",area=\"postgres\",part=\"login\",reason=\"auth\"}";
        let ended = |scrape: &Scrape| {
            scrape.value(part) == Some(1.0)
                && scrape.value(LOGIN).is_none()
                && scrape.value(&up("main", "postgres")) == Some(1.0)
        };
        scrape_until(&exporter, "a password that has ended", ended).await;
        alter("valid until '2126-01-01'").await;
        let left = format!(
            "stack_postgres_role_expires_in_seconds{{target=\"main\",server=\"127.0.0.1:{}\",rolname=\"{MONITOR}\"}}",
            postgres.port
        );
        let far = |scrape: &Scrape| scrape.value(&left) > Some(3e9) && free(scrape);
        scrape_until(&exporter, "the end of the password", far).await;
    });
}

/// Without TLS our role has no line, and another role has none at all.
async fn prepare(admin: &Client) {
    // A program that has ended before it was written to is an error of the server's.
    let program = |what: &str| {
        format!("copy (select 1) to program 'cat > /dev/null; {}'", what.replace('\'', "''"))
    };
    let certificate = "openssl req -x509 -newkey rsa:2048 -nodes -keyout server.key -out server.crt \
                       -days 2 -subj /CN=localhost 2>/dev/null; chmod 600 server.key";
    let lines = "printf '%s\\n' 'hostssl all monitor 127.0.0.1/32 scram-sha-256' \
                 'host all postgres 127.0.0.1/32 trust' > pg_hba.conf";
    for sql in [
        "create role lost login".to_owned(),
        "create database broken".to_owned(),
        "update pg_database set datconnlimit = -2 where datname = 'broken'".to_owned(),
        program(certificate),
        program(lines),
        "alter system set ssl = on".to_owned(),
        "select pg_reload_conf()".to_owned(),
    ] {
        admin.batch_execute(&sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    }
}

/// A folder with the German locale, which Debian does not install.
fn german() -> std::path::PathBuf {
    let folder = watchdog::dir("locale");
    let locale = folder.join("de_DE.UTF-8");
    let mut command = std::process::Command::new("localedef");
    let done = command.args(["-i", "de_DE", "-f", "UTF-8"]).arg(locale).status().unwrap();
    assert!(done.success(), "apt-get install locales");
    folder
}

/// Why one does not get in: no line, a line for TLS alone, a database that is half dropped. None of it by the
/// server's texts. And a table that is locked costs its own sizes, and nothing else.
#[test]
fn reasons_are_told_without_texts() {
    run(async {
        let words = german();
        let settings = [("lc_messages", "de_DE.UTF-8")];
        let env = [("LOCPATH", text(&words))];
        let postgres = Postgres::start_in(None, &settings, &env).await;
        let admin = connect(&postgres.config("postgres", "postgres")).await.unwrap().0;
        prepare(&admin).await;
        let owner = connect(&postgres.config("postgres", DATABASE)).await.unwrap().0;
        let sql = "create table held as select generate_series(1, 1000); create table \"Free, \"\"ü\" (n int)";
        owner.batch_execute(sql).await.unwrap();
        // By itself: a BEGIN makes one transaction of all that stands before it in its message.
        let lock = "begin; lock table held in access exclusive mode";
        owner.batch_execute(lock).await.unwrap();
        let plain = url(&postgres, DATABASE);
        let as_postgres = plain.replace(MONITOR, "postgres");
        let targets = [
            ("tls", format!("{plain}?sslmode=disable"), ""),
            ("line", plain.replace(MONITOR, "lost"), ""),
            ("broken", as_postgres.replace(DATABASE, "broken"), ""),
            ("template", as_postgres.replace(DATABASE, "template0"), ""),
            ("well", as_postgres.clone(), ""),
        ];
        // By itself: its share does not depend on those that are down.
        let wells = config(&targets[4..], "");
        let well = Exporter::start(binary(), &wells).await;
        let sized =
            |scrape: &Scrape| scrape.line("pg_stat_user_tables_table_size_bytes{").is_some();
        locked(&scrape_until(&well, "sizes", sized).await.body);
        let exporter = Exporter::start(binary(), &config(&targets[..4], "")).await;
        let all = |scrape: &Scrape| {
            let reasons = [
                ("tls", "tls_required"),
                ("line", "no_hba"),
                ("broken", "no_database"),
                ("template", "no_database"),
            ];
            reasons
                .iter()
                .all(|(target, reason)| scrape.value(&because(target, reason)) == Some(1.0))
        };
        scrape_until(&exporter, "four reasons", all).await;
        let status = exporter.get("/api/v1/status", &[]).await.body;
        assert!(status.contains("DROP DATABASE broken"), "{status}");
        assert!(status.contains("sslmode=require"), "{status}");
        owner.batch_execute("rollback").await.unwrap();
        let log = postgres.server.log();
        assert!(log.contains("kein pg_hba.conf-Eintrag"), "it speaks German: {log}");
    });
}

fn locked(body: &str) {
    let of = |family: &str, table: &str| {
        body.lines().any(|line| line.starts_with(family) && line.contains(table))
    };
    assert!(!of("pg_stat_user_tables_table_size_bytes{", "relname=\"held\""), "{body}");
    assert!(of("pg_stat_user_tables_table_size_bytes{", "relname=\"Free, \\\"ü\""), "{body}");
    assert!(of("pg_stat_user_tables_n_live_tup{", "relname=\"held\""), "{body}");
    let broken = body.lines().find(|line| {
        line.starts_with("stack_postgres_database_invalid{") && line.contains("\"broken\"")
    });
    assert!(broken.is_some_and(|line| line.ends_with(" 1")), "{broken:?}");
}
