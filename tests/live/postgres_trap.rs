//! A database whose owner lays traps: operators, aggregates, functions and types of its own with the
//! names that the catalogue has, and a search path that finds them first. None of them may run as our
//! role. [CVE-2018-1058] And which of several servers is wanted.

use stack_exporter::clients::postgres::{Address, PostgresClient, Rows, SearchPath};
use stack_exporter::config::{SafeUrl, Secret};
use stack_exporter::failure::{Failure, Reason};

use crate::servers::exporter::Exporter;
use crate::servers::postgres::{DATABASE, MONITOR, MONITOR_PASSWORD, Postgres, connect};
use crate::servers::wait::{PATIENT, until};
use crate::servers::{Stack, run, watchdog};
use crate::stage::binary;

/// Each trap does what it should and leaves a line in the server's log.
const TRAPS: &str = r"
create function public.trap(what text) returns void language plpgsql as
  $$ begin raise log 'SPRUNG % as %', what, current_user; end $$;
create function public.same(int4, int4) returns bool language plpgsql as
  $$ begin perform public.trap('=int4'); return $1 operator(pg_catalog.=) $2; end $$;
create operator public.= (leftarg = int4, rightarg = int4, function = public.same);
create function public.same(oid, oid) returns bool language plpgsql as
  $$ begin perform public.trap('=oid'); return $1 operator(pg_catalog.=) $2; end $$;
create operator public.= (leftarg = oid, rightarg = oid, function = public.same);
create function public.same(name, name) returns bool language plpgsql as
  $$ begin perform public.trap('=name'); return $1 operator(pg_catalog.=) $2; end $$;
create operator public.= (leftarg = name, rightarg = name, function = public.same);
create function public.same(text, text) returns bool language plpgsql as
  $$ begin perform public.trap('=text'); return $1 operator(pg_catalog.=) $2; end $$;
create operator public.= (leftarg = text, rightarg = text, function = public.same);
create function public.less(timestamptz, timestamptz) returns interval language plpgsql as
  $$ begin perform public.trap('-'); return $1 operator(pg_catalog.-) $2; end $$;
create operator public.- (leftarg = timestamptz, rightarg = timestamptz, function = public.less);
create function public.has(jsonb, text) returns bool language plpgsql as
  $$ begin perform public.trap('?'); return $1 operator(pg_catalog.?) $2; end $$;
create operator public.? (leftarg = jsonb, rightarg = text, function = public.has);
create function public.step(int8) returns int8 language plpgsql as
  $$ begin perform public.trap('count'); return $1 operator(pg_catalog.+) 1::int8; end $$;
create aggregate public.count(*) (sfunc = public.step, stype = int8, initcond = '0');
create function public.checked(pg_catalog.timestamptz) returns bool language plpgsql as
  $$ begin perform public.trap('cast'); return true; end $$;
create domain public.timestamptz as pg_catalog.timestamptz check (public.checked(value));
create function public.lower(text) returns text language plpgsql as
  $$ begin perform public.trap('lower'); return pg_catalog.lower($1); end $$;
create function public.age(xid) returns int4 language plpgsql as
  $$ begin perform public.trap('age'); return pg_catalog.age($1); end $$;
create function public.current_setting(text) returns text language plpgsql as
  $$ begin perform public.trap('current_setting'); return pg_catalog.current_setting($1); end $$;
grant execute on all functions in schema public to public;
create table public.jobs (id int4, status text);
insert into public.jobs values (1, 'pending'), (2, 'pending'), (3, 'processing');
create schema app;
create table app.work (status text);
insert into app.work values ('pending');
grant usage on schema app to public;
grant select on public.jobs, app.work to public;
";

/// A server whose watched database belongs to somebody else, with all his traps.
async fn trapped() -> Postgres {
    let postgres = Postgres::start_with(None, &[]).await;
    let admin = postgres.client().await;
    let sql = format!("create role owner login; alter database {DATABASE} owner to owner");
    admin.batch_execute(&sql).await.unwrap();
    admin.batch_execute("alter schema public owner to owner").await.unwrap();
    let owner = connect(&postgres.config("owner", DATABASE)).await.unwrap().0;
    owner.batch_execute(TRAPS).await.unwrap();
    for (whose, sql) in [
        (&owner, format!("alter database {DATABASE} set search_path = public, pg_catalog")),
        (&admin, format!("alter role {MONITOR} set search_path = public, pg_catalog")),
    ] {
        whose.batch_execute(&sql).await.unwrap();
    }
    // They are sharp: an ordinary session of our role runs them.
    let unwary = postgres.monitor().await;
    let sql = "select count(*) from pg_stat_activity a where a.pid = pg_backend_pid()";
    unwary.simple_query(sql).await.unwrap();
    let locks = "select pg_catalog.now()::timestamptz, lower('A'), age(1::text::xid)";
    unwary.simple_query(locks).await.unwrap();
    let sprung = sprung(&postgres);
    for what in ["=int4", "count", "cast", "lower", "age"] {
        assert!(
            sprung.iter().any(|line| line.contains(&format!("{what} as {MONITOR}"))),
            "{what}: {sprung:?}"
        );
    }
    postgres
}

fn sprung(postgres: &Postgres) -> Vec<String> {
    let log = postgres.server.log();
    log.lines().filter(|line| line.contains("SPRUNG")).map(str::to_owned).collect()
}

fn config(postgres: &Postgres) -> String {
    let file = watchdog::dir("secret").join("password");
    std::fs::write(&file, MONITOR_PASSWORD).unwrap();
    let (url, file) = (postgres.url(), file.display());
    let query = "select status as state, count(*) as count from";
    format!(
        "docker: {{ enabled: false }}\nhost: {{ enabled: false }}\n\
         postgres:\n  main: {{ url: \"{url}\", password_file: {file} }}\n\
         queues:\n\
         \x20 jobs: {{ sql: {{ postgres: main, query: \"{query} jobs where id = 1 or id = 3 group by 1\" }} }}\n\
         \x20 work: {{ sql: {{ postgres: main, search_path: [app], query: \"{query} work group by 1\" }} }}\n\
         \x20 lost: {{ sql: {{ postgres: main, query: \"{query} work group by 1\" }} }}\n"
    )
}

#[test]
fn no_trap_of_the_owner_is_sprung() {
    run(async {
        let postgres = trapped().await;
        let before = sprung(&postgres).len();
        let exporter = Exporter::start(binary(), &config(&postgres)).await;
        let ok = "stack_target_reads_total{target=\"main\",area=\"postgres\",outcome=\"ok\"}";
        let scrape = until("three readings", PATIENT, async || {
            let scrape = exporter.scrape().await;
            if scrape.value(ok) >= Some(3.0) { Ok(scrape) } else { Err(scrape.body) }
        })
        .await;
        assert_eq!(scrape.value("stack_target_up{target=\"main\",area=\"postgres\"}"), Some(1.0));
        for start in [
            "pg_stat_database_xact_commit{target=\"main\"",
            "pg_database_size_bytes{target=\"main\"",
            "pg_locks_count{target=\"main\"",
            "stack_postgres_backends{target=\"main\"",
            "stack_postgres_login_up{target=\"main\"",
        ] {
            assert!(scrape.line(start).is_some(), "{start}: {}", scrape.body);
        }
        let jobs = |queue: &str, state: &str| {
            scrape.value(&format!(
                "stack_queue_jobs{{target=\"{queue}\",queue=\"{queue}\",state=\"{state}\"}}"
            ))
        };
        // A user's query: the catalogue first, then the schemas that it names, else `public`.
        assert_eq!((jobs("jobs", "pending"), jobs("jobs", "processing")), (Some(1.0), Some(1.0)));
        assert_eq!(jobs("work", "pending"), Some(1.0), "{}", scrape.body);
        let lost = "stack_target_failure{target=\"lost\",area=\"queue\",reason=\"not_found\"}";
        assert_eq!(scrape.value(lost), Some(1.0), "{}", scrape.body);
        let status = exporter.get("/api/v1/status", &[]).await.body;
        assert!(
            status.contains("names are looked for in the schemas of `search_path`"),
            "{status}"
        );
        let sprung = sprung(&postgres);
        assert_eq!(sprung.len(), before, "{:?}", sprung.get(before..));
    });
}

/// An owner could put another schema in the place of his own between our look at it and our call: statements are read
/// in a schema of a superuser alone.
#[test]
fn statements_in_a_schema_of_the_owner_are_not_read() {
    run(async {
        let postgres = trapped().await;
        let admin = postgres.client().await;
        admin.batch_execute("create extension pg_stat_statements schema public").await.unwrap();
        let before = sprung(&postgres).len();
        let wanted = config(&postgres).replace("password_file", "statements: 5, password_file");
        let of_all = "stack_postgres_statements_seconds_total{target=\"main\"";
        let single = "pg_stat_statements_calls_total{target=\"main\"";
        let ok = "stack_target_reads_total{target=\"main\",area=\"postgres\",outcome=\"ok\"}";
        let exporter = Exporter::start(binary(), &wanted).await;
        let scrape = until("two readings", PATIENT, async || {
            let scrape = exporter.scrape().await;
            if scrape.value(ok) >= Some(2.0) { Ok(scrape) } else { Err(scrape.body) }
        })
        .await;
        assert!(scrape.line(of_all).is_none() && scrape.line(single).is_none(), "{}", scrape.body);
        let part = "stack_target_part_failure{target=\"main\",area=\"postgres\",part=\"statements\",reason=\"not_found\"}";
        assert_eq!(scrape.value(part), Some(1.0), "{}", scrape.body);
        assert_eq!(sprung(&postgres).len(), before);
        drop(exporter);
        let moved = "create schema monitoring; grant usage on schema monitoring to public; alter extension pg_stat_statements set schema monitoring";
        admin.batch_execute(moved).await.unwrap();
        let exporter = Exporter::start(binary(), &wanted).await;
        let scrape = exporter.wait_line(single, PATIENT).await;
        assert!(scrape.line(of_all).is_some(), "{}", scrape.body);
        assert_eq!(sprung(&postgres).len(), before);
    });
}

/// Whoever names a schema trusts those who may create things in it: the docs say so, and it is so.
#[test]
fn a_search_path_of_the_user_is_the_one_in_force() {
    run(async {
        let postgres = trapped().await;
        let before = sprung(&postgres).len();
        let client = |path: &[&str]| {
            PostgresClient::new(&SafeUrl::new(postgres.url()), None)
                .password(Some(Secret::new(MONITOR_PASSWORD)))
                .search_path(SearchPath::of(path.iter().map(ToString::to_string)))
        };
        let sql = "select count(*) as n, current_setting('search_path') as path from public.jobs where id = 1";
        for (path, want) in
            [(&[][..], "pg_catalog, pg_temp"), (&["public"], "pg_catalog, public, pg_temp")]
        {
            let rows = client(path).query(sql).await.unwrap();
            let row = rows.first().unwrap();
            assert_eq!((row.text("n"), row.text("path")), (Some("1"), Some(want)));
        }
        assert_eq!(sprung(&postgres).len(), before);
        client(&["public", "pg_catalog"]).query(sql).await.unwrap();
        assert!(sprung(&postgres).len() > before, "named first, theirs comes first");
    });
}

/// On a busy machine a log-in may come too late; what the server says is asked for until it says something.
async fn answered(client: &PostgresClient, sql: &str) -> Result<Rows, Failure> {
    until("an answer in time", PATIENT, async || {
        let answer = client.query(sql).await;
        let late = answer.as_ref().is_err_and(|failure| failure.reason == Reason::TIMEOUT);
        if late { Err(answer) } else { Ok(answer) }
    })
    .await
}

#[test]
fn the_wanted_server_of_several_is_taken() {
    run(async {
        let postgres = Stack::postgres().await;
        let base = postgres.url();
        let client = |more: &str| {
            let url = base.replace("127.0.0.1:", "127.0.0.1:1,127.0.0.1:");
            PostgresClient::new(&SafeUrl::new(format!("{url}{more}")), None)
                .password(Some(Secret::new(MONITOR_PASSWORD)))
        };
        for wanted in ["any", "read-write", "primary", "prefer-standby"] {
            let client = client(&format!("?target_session_attrs={wanted}"));
            // The first one is down, and no label says that it was this one.
            let server = client.address().map(Address::server);
            assert_eq!(server, Some(format!("127.0.0.1:1,127.0.0.1:{}", postgres.port)));
            let rows = answered(&client, "show default_transaction_read_only").await;
            assert_eq!(rows.map(|rows| rows.len()), Ok(1), "{wanted}");
            assert!(answered(&client, "create table public.t ()").await.is_err(), "{wanted}");
        }
        for wanted in ["read-only", "standby"] {
            let client = client(&format!("?target_session_attrs={wanted}"));
            let failure = answered(&client, "select 1").await.expect_err(wanted);
            assert!(failure.detail.contains("no server is "), "{failure}");
            assert!(failure.detail.contains("as target_session_attrs asks"), "{failure}");
        }
        let clear = client("?require_auth=password");
        let failure = answered(&clear, "select 1").await.expect_err("SCRAM");
        assert!(failure.detail.contains("another log-in than `require_auth` allows"), "{failure}");
        let scram = client("?require_auth=scram-sha-256");
        assert!(answered(&scram, "select 1").await.is_ok());
    });
}
