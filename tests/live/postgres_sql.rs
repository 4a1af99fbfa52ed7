//! Queries of the user's own, and what tools for migrations have left in the database. [P10 P12 P15]

use std::path::PathBuf;

use tokio_postgres::Client;

use crate::postgres_peer::programs;
use crate::servers::exporter::{Exporter, Scrape};
use crate::servers::postgres::{DATABASE, MONITOR, MONITOR_PASSWORD, Postgres, connect};
use crate::servers::wait::{PATIENT, until};
use crate::servers::{run, text, watchdog};
use crate::stage::{Stage, binary};

pub fn config(postgres: &Postgres, more: &str) -> String {
    let file = watchdog::dir("secret").join("password");
    std::fs::write(&file, MONITOR_PASSWORD).unwrap();
    let (url, file) = (postgres.url(), file.display());
    format!(
        "docker: {{ enabled: false }}\nhost: {{ enabled: false }}\npostgres:\n  main:\n    url: \"{url}\"\n    password_file: {file}\n{more}"
    )
}

pub async fn scrape_until(
    exporter: &Exporter,
    what: &str,
    done: impl Fn(&Scrape) -> bool,
) -> Scrape {
    until(what, 2 * PATIENT, async || {
        let scrape = exporter.scrape().await;
        if done(&scrape) { Ok(scrape) } else { Err(scrape.body) }
    })
    .await
}

pub async fn say(admin: &Client, sql: &str) {
    admin.batch_execute(sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
}

/// A number of a query in the database of the target.
fn number(query: &str, column: &str) -> String {
    format!(
        "stack_postgres_query_value{{target=\"main\",datname=\"{DATABASE}\",query=\"{query}\",column=\"{column}\"}}"
    )
}

fn fact(family: &str, query: &str) -> String {
    format!(
        "stack_postgres_query_{family}{{target=\"main\",datname=\"{DATABASE}\",query=\"{query}\"}}"
    )
}

fn failed(query: &str, reason: &str) -> String {
    format!(
        "stack_postgres_query_failure{{target=\"main\",datname=\"{DATABASE}\",query=\"{query}\",reason=\"{reason}\"}}"
    )
}

/// The block `queries` of the example of the stack that documents them.
fn example() -> String {
    let text = include_str!("../../examples/uk-task-tracker.yml");
    let lines = text.lines().skip_while(|line| *line != "    queries:");
    let block: Vec<&str> = lines
        .enumerate()
        .take_while(|(at, line)| *at == 0 || line.starts_with("      "))
        .map(|(_, line)| line)
        .collect();
    let block = block.join("\n") + "\n";
    assert!(block.contains("stuck_ingestion:") && block.contains("backlog:"), "{block}");
    block.replace("interval: 1m", "interval: 5s").replace("interval: 5m", "interval: 5s")
}

const TABLES: &str = "
    create table message_ingestion_job (id serial primary key, status text not null, started_at timestamptz);
    create table message (id serial primary key, topic_id int, importance_score real, embedding real[]);
    grant select on message_ingestion_job, message to monitor;
    insert into message_ingestion_job (status, started_at) values
        ('completed', now() - interval '5 hours'), ('running', now() - interval '59 minutes');
    insert into message (topic_id, importance_score, embedding) values
        (1, 0.5, '{1}'), (null, 0.5, '{1}'), (null, null, '{1}'), (2, null, null), (null, null, null)";

#[test]
fn the_questions_of_the_guide_are_answered_and_a_stuck_job_is_told() {
    run(async {
        let postgres = Postgres::start_with(None, &[]).await;
        let admin = postgres.client().await;
        say(&admin, TABLES).await;
        let stage = Stage::start(&config(&postgres, &example())).await;
        let jobs = number("stuck_ingestion", "jobs");
        let well = |scrape: &Scrape| scrape.value(&jobs) == Some(0.0);
        let scrape = scrape_until(&stage.exporter, "no stuck job", well).await;
        for (column, count) in
            [("without_topic", 3.0), ("without_score", 3.0), ("without_embedding", 2.0)]
        {
            assert_eq!(scrape.value(&number("backlog", column)), Some(count), "{}", scrape.body);
        }
        // max() over nothing is NULL: absent, and no 0.
        assert_eq!(scrape.value(&number("stuck_ingestion", "oldest_seconds")), None);
        let labels = [("query", "stuck_ingestion"), ("column", "jobs"), ("severity", "warning")];
        stage.prometheus.wait_quiet("PostgresQueryAbove", &labels, PATIENT).await;

        say(&admin, "insert into message_ingestion_job (status, started_at) values ('running', now() - interval '61 minutes')").await;
        stage.prometheus.wait_alert("PostgresQueryAbove", &labels, "firing", 2 * PATIENT).await;
        let scrape = stage.exporter.scrape().await;
        assert_eq!(scrape.value(&jobs), Some(1.0));
        let oldest = scrape.value(&number("stuck_ingestion", "oldest_seconds"));
        assert!(oldest.is_some_and(|age| (3660.0..3800.0).contains(&age)), "{oldest:?}");
        // The backlog is no alert, for the guide has no number.
        let backlog = [("query", "backlog")];
        stage.prometheus.wait_quiet("PostgresQueryAbove", &backlog, PATIENT).await;
        // `check` and the page say the same.
        let status = stage.exporter.get("/api/v1/status", &[]).await.body;
        assert!(
            status.contains("Query stuck_ingestion finds more jobs in tasktracker"),
            "{status}"
        );

        say(&admin, "update message_ingestion_job set status = 'failed' where status = 'running'")
            .await;
        scrape_until(&stage.exporter, "no stuck job again", well).await;
        stage.prometheus.wait_quiet("PostgresQueryAbove", &labels, 2 * PATIENT).await;
    });
}

/// Each of them is wrong in a way of its own, and the last ones are right.
const QUERIES: &str = r#"    queries:
      slow: { sql: "select 1 as n from pg_sleep(20)", values: { n: gauge }, timeout: 200ms, interval: 5s }
      secret: { sql: "select count(*) as n from secret", values: { n: gauge }, interval: 5s }
      text: { sql: "select 'hunter2' as n, 5 as m", values: { n: gauge, m: gauge }, interval: 5s }
      column: { sql: "select 5 as m", values: { n: gauge }, interval: 5s }
      writes: { sql: "with gone as (delete from names returning 1) select count(*) as n from gone", values: { n: gauge }, interval: 5s }
      many: { sql: "select g as id, g as n from generate_series(1, 10) g", values: { n: gauge }, labels: [id], rows: 3, interval: 5s }
      names: { sql: "select name, n from names", values: { n: gauge }, labels: [name], interval: 5s }
      nothing: { sql: "select n from names where n < 0", values: { n: gauge }, interval: 5s }
      total: { sql: "select count(*) as n from names", values: { n: counter }, interval: 5s }
"#;

async fn each_costs_itself_alone(bin: Option<PathBuf>) {
    let postgres = Postgres::start_with(bin.as_deref(), &[]).await;
    let admin = postgres.client().await;
    say(&admin, "create table secret (n int); create table names (name text, n int); grant select, delete on names to monitor").await;
    let names = ["a \"quoted\" \\ name", "two\nlines", "Задача №1 {x} %s", ""];
    for (n, name) in (1..).zip(names) {
        let n: i32 = n;
        admin.execute("insert into names values ($1, $2)", &[&name, &n]).await.unwrap();
    }
    say(&admin, "insert into names values (null, 9)").await;
    let exporter = Exporter::start(binary(), &config(&postgres, QUERIES)).await;
    let all = |scrape: &Scrape| scrape.value(&fact("up", "writes")).is_some();
    let scrape = scrape_until(&exporter, "the last query", all).await;
    let value = |series: &str| scrape.value(series);
    for (query, reason) in
        [("slow", "timeout"), ("secret", "rights"), ("column", "parse"), ("writes", "rights")]
    {
        assert_eq!(value(&fact("up", query)), Some(0.0), "{query}: {}", scrape.body);
        assert_eq!(value(&failed(query, reason)), Some(1.0), "{query}: {}", scrape.body);
        assert_eq!(value(&fact("age_seconds", query)), None, "{query} never answered");
    }
    let took = value(&fact("duration_seconds", "slow")).unwrap();
    assert!((0.2..4.0).contains(&took), "ended by the server: {took}");
    assert_eq!(value("stack_target_up{target=\"main\",area=\"postgres\"}"), Some(1.0));
    // A text is no number; what is one beside it is there.
    assert_eq!((value(&number("text", "n")), value(&number("text", "m"))), (None, Some(5.0)));
    // Three of ten rows, and how many there are.
    assert_eq!(value(&fact("rows", "many")), Some(10.0));
    let of = |query: &str| {
        let label = format!("query=\"{query}\"");
        let lines =
            scrape.body.lines().filter(|line| line.starts_with("stack_postgres_query_value"));
        lines.filter(|line| line.contains(&label)).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(of("many").len(), 3, "{:?}", of("many"));
    let dropped =
        "stack_target_series_dropped_total{target=\"main\",area=\"postgres\",cap=\"query_rows\"}";
    assert!(value(dropped) >= Some(7.0), "{:?}", value(dropped));
    assert_eq!(of("names").len(), 5, "{:?}", of("names"));
    for (row, n) in [
        ("name=a \\\"quoted\\\" \\\\ name", 1.0),
        ("name=two\\nlines", 2.0),
        ("name=Задача №1 {x} %s", 3.0),
        ("name=", 4.0),
        ("name=NULL", 9.0),
    ] {
        let found = scrape.body.lines().find(|one| one.contains(&format!("row=\"{row}\"")));
        let told = found.and_then(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
        assert_eq!(told, Some(n), "{row}: {:?}", of("names"));
    }
    // Nothing found is an answer.
    assert_eq!(
        (value(&fact("rows", "nothing")), value(&fact("up", "nothing"))),
        (Some(0.0), Some(1.0))
    );
    assert!(of("nothing").is_empty());
    let total = number("total", "n").replace("query_value", "query_counted_total");
    assert_eq!(value(&total), Some(5.0), "{}", scrape.body);
    let status = exporter.get("/api/v1/status", &[]).await.body;
    for words in [
        "GRANT SELECT ON secret TO monitor",
        "column `n` is no number in 1 of 1 rows",
        "the answer has no column `n`, it has `m`",
        "only reading is allowed",
    ] {
        assert!(status.contains(words), "{words}: {status}");
    }
    assert!(!status.contains("hunter2") && !scrape.body.contains("hunter2"));
    let rows: i64 = admin.query_one("select count(*) from names", &[]).await.unwrap().get(0);
    assert_eq!(rows, 5, "nothing was deleted");

    // Cured one after the other, without a restart.
    say(&admin, "grant select on secret to monitor; insert into secret values (1)").await;
    let cured = |scrape: &Scrape| {
        scrape.value(&number("secret", "n")) == Some(1.0)
            && scrape.value(&fact("up", "secret")) == Some(1.0)
            && scrape.value(&fact("age_seconds", "secret")).is_some()
    };
    scrape_until(&exporter, "the right", cured).await;
    say(&admin, "revoke select on secret from monitor").await;
    let again = |scrape: &Scrape| {
        scrape.value(&failed("secret", "rights")) == Some(1.0)
            && scrape.value(&number("secret", "n")).is_none()
            && scrape.value(&fact("age_seconds", "secret")).is_some()
    };
    scrape_until(&exporter, "the right is gone", again).await;
}

#[test]
fn a_query_that_fails_costs_itself_alone_on_15() {
    run(each_costs_itself_alone(programs("15")));
}

#[test]
fn a_query_that_fails_costs_itself_alone_on_17() {
    run(each_costs_itself_alone(programs("17")));
}

#[test]
fn a_query_that_fails_costs_itself_alone_on_18() {
    run(each_costs_itself_alone(programs("18")));
}

#[test]
fn what_is_wrong_is_said_before_it_runs() {
    run(async {
        let postgres = Postgres::start_with(None, &[]).await;
        let file = watchdog::dir("queries").join("stack.yml");
        let check = |queries: &str| {
            std::fs::write(&file, config(&postgres, queries)).unwrap();
            let output = std::process::Command::new(binary())
                .args(["config", "check", "--connect", "--config.file", text(&file)])
                .output()
                .unwrap();
            let said = [output.stdout, output.stderr].concat();
            (output.status.code(), String::from_utf8_lossy(&said).into_owned())
        };
        let (code, said) = check(QUERIES);
        assert_eq!(code, Some(0), "read in part: {said}");
        for words in [
            "partly  postgres main",
            "cannot see query `slow` because the query was stopped by the server after 0.2 s",
            "cannot see query `secret` because relation \"secret\" does not exist",
            "cannot see query `column` because the answer has no column `n`, it has `m`",
            "cannot see query `text` because column `n` is no number in 1 of 1 rows",
        ] {
            assert!(said.contains(words), "{words}: {said}");
        }
        let right = "    queries:\n      one: { sql: \"select 1 as n\", values: { n: { above: 0 } } }\n      none: { sql: \"select 1 as n where false\", values: { n: { above: 0 } } }\n";
        let (code, said) = check(right);
        assert!(code == Some(0) && said.contains("works   postgres main"), "{said}");
        assert!(!said.contains("matches nothing"), "{said}");
        let wrong = "    queries:\n      one: { sql: \"drop table x\", values: { n: gauge } }\n";
        let (code, said) = check(wrong);
        assert_eq!(code, Some(2), "{said}");
        assert!(
            said.contains("8: postgres.main.queries.one.sql: expected a query that reads"),
            "{said}"
        );
    });
}

#[test]
fn a_query_runs_in_all_databases_that_are_called_so() {
    run(async {
        let postgres = Postgres::start_with(None, &[]).await;
        let admin = connect(&postgres.config("postgres", "postgres")).await.unwrap().0;
        for name in ["app_1", "app_2", "other"] {
            say(&admin, &format!("create database {name}")).await;
        }
        let query = "    queries:\n      here: { sql: \"select count(*) as n from pg_class where relname = 'here'\", values: { n: gauge }, databases: 'app_*', interval: 5s }\n";
        let exporter = Exporter::start(binary(), &config(&postgres, query)).await;
        let of = |name: &str| {
            format!(
                "stack_postgres_query_value{{target=\"main\",datname=\"{name}\",query=\"here\",column=\"n\"}}"
            )
        };
        let both = |scrape: &Scrape| {
            scrape.value(&of("app_1")) == Some(0.0) && scrape.value(&of("app_2")) == Some(0.0)
        };
        let scrape = scrape_until(&exporter, "both databases", both).await;
        assert!(!scrape.body.contains("datname=\"other\",query"), "{}", scrape.body);
        // One is dropped and another comes, though the queries go on.
        for sql in ["drop database app_2", "create database app_3"] {
            say(&admin, sql).await;
        }
        let moved = |scrape: &Scrape| {
            scrape.value(&of("app_3")) == Some(0.0)
                && scrape.line(&of("app_2")).is_none()
                && scrape.value(&of("app_1")) == Some(0.0)
        };
        scrape_until(&exporter, "the new database", moved).await;
        let count = format!("select count(*) from pg_stat_activity where usename = '{MONITOR}'");
        let sessions: i64 = admin.query_one(&count, &[]).await.unwrap().get(0);
        assert!(sessions <= 3, "{sessions} sessions");
    });
}

fn migration(family: &str, schema: &str, table: &str) -> String {
    format!(
        "stack_postgres_{family}{{target=\"main\",datname=\"{DATABASE}\",schemaname=\"{schema}\",relname=\"{table}\"}}"
    )
}

fn revision(schema: &str, table: &str, revision: &str) -> String {
    let series = migration("migration_info", schema, table);
    series.replace('}', &format!(",revision=\"{revision}\"}}"))
}

/// As the tools make them.
const MADE: &str = r#"
create table alembic_version (version_num varchar(32) not null,
    constraint alembic_version_pkc primary key (version_num));
insert into alembic_version values ('ae1027a6acf'), ('1975ea83b712');
create table django_migrations (id bigint not null primary key generated by default as identity,
    app varchar(255) not null, name varchar(255) not null, applied timestamp with time zone not null);
insert into django_migrations (app, name, applied) values
    ('auth', '0001_initial', now() - interval '2 hours'), ('shop', '0002_price', now() - interval '1 hour');
create schema "Flyway's";
create table "Flyway's".flyway_schema_history (installed_rank int not null, version varchar(50),
    description varchar(200) not null, type varchar(20) not null, script varchar(1000) not null, checksum integer,
    installed_by varchar(100) not null, installed_on timestamp not null default now(),
    execution_time integer not null, success boolean not null,
    constraint flyway_schema_history_pk primary key (installed_rank));
insert into "Flyway's".flyway_schema_history values
    (1, '1', 'init', 'SQL', 'V1__init.sql', 0, 'x', now() - interval '1 day', 1, true),
    (2, '1.1', 'more', 'SQL', 'V1_1__more.sql', 0, 'x', now() - interval '1 hour', 1, true),
    (3, '2', 'bad', 'SQL', 'V2__bad.sql', 0, 'x', now(), 1, false);
create table _sqlx_migrations (version bigint primary key, description text not null,
    installed_on timestamptz not null default now(), success boolean not null, checksum bytea not null,
    execution_time bigint not null);
insert into _sqlx_migrations values (20260101, 'a', now(), true, '', 1), (20260102, 'b', now(), false, '', -1);
create table _prisma_migrations (id varchar(36) primary key not null, checksum varchar(64) not null,
    finished_at timestamptz, migration_name varchar(255) not null, logs text, rolled_back_at timestamptz,
    started_at timestamptz not null default now(), applied_steps_count integer not null default 0);
insert into _prisma_migrations (id, checksum, finished_at, migration_name, rolled_back_at) values
    ('1', '', now() - interval '1 hour', '20260101_init', null),
    ('2', '', null, '20260102_bad', now()), ('3', '', null, '20260103_bad', null);
create table __diesel_schema_migrations (version varchar(50) primary key not null,
    run_on timestamp not null default current_timestamp);
insert into __diesel_schema_migrations values ('20260101000000', now() - interval '1 hour'), ('20260201000000', now());
grant usage on schema "Flyway's" to monitor;
grant select on django_migrations, "Flyway's".flyway_schema_history, _sqlx_migrations, _prisma_migrations,
    __diesel_schema_migrations to monitor;
create schema elsewhere;
create table elsewhere.alembic_version (id int);
"#;

async fn each_tool_is_known(bin: Option<PathBuf>) {
    let postgres = Postgres::start_with(bin.as_deref(), &[]).await;
    let admin = postgres.client().await;
    say(&admin, MADE).await;
    let expected = watchdog::dir("revision").join("head");
    std::fs::write(&expected, "ae1027a6acf (head)\n").unwrap();
    let more = format!(
        "    migrations: {{ expected_revision_file: {}, table: public.alembic_version }}\n",
        expected.display()
    );
    let stage = Stage::start(&config(&postgres, &more)).await;
    let exporter = &stage.exporter;
    let diesel = migration("migrations_applied", "public", "__diesel_schema_migrations");
    let read = |scrape: &Scrape| scrape.value(&diesel) == Some(2.0);
    let scrape = scrape_until(exporter, "the tables of the tools", read).await;
    let flyway = ("Flyway's", "flyway_schema_history");
    for (series, value) in [
        (migration("migrations_applied", "public", "django_migrations"), 2.0),
        (revision("public", "django_migrations", "shop.0002_price"), 1.0),
        (migration("migrations_applied", flyway.0, flyway.1), 2.0),
        (migration("migrations_failed", flyway.0, flyway.1), 1.0),
        (revision(flyway.0, flyway.1, "1.1"), 1.0),
        (migration("migrations_applied", "public", "_sqlx_migrations"), 1.0),
        (migration("migrations_failed", "public", "_sqlx_migrations"), 1.0),
        (revision("public", "_sqlx_migrations", "20260101"), 1.0),
        (migration("migrations_applied", "public", "_prisma_migrations"), 1.0),
        (migration("migrations_failed", "public", "_prisma_migrations"), 1.0),
        (revision("public", "_prisma_migrations", "20260101_init"), 1.0),
        (revision("public", "__diesel_schema_migrations", "20260201000000"), 1.0),
        (migration("migration_readable", "public", "alembic_version"), 0.0),
        (migration("migration_readable", "public", "_sqlx_migrations"), 1.0),
    ] {
        assert_eq!(scrape.value(&series), Some(value), "{series}: {}", scrape.body);
    }
    let age = scrape.value(&migration("migration_age_seconds", "public", "django_migrations"));
    assert!(age.is_some_and(|age| (3600.0..4000.0).contains(&age)), "{age:?}");
    assert!(scrape.line("stack_postgres_migration_heads").is_none(), "nobody may read it");
    let elsewhere = migration("migration_readable", "elsewhere", "alembic_version");
    assert!(scrape.line(&elsewhere).is_none(), "it has not the columns of Alembic");
    // It is asked for by the configuration, so the right that is missing is a reason.
    let rights = "stack_target_part_failure{target=\"main\",area=\"postgres\",part=\"migrations\",reason=\"rights\"}";
    assert_eq!(scrape.value(rights), Some(1.0), "{}", scrape.body);
    let status = exporter.get("/api/v1/status", &[]).await.body;
    assert!(status.contains("GRANT SELECT ON public.alembic_version TO monitor"), "{status}");

    say(&admin, "grant select on alembic_version to monitor").await;
    let heads = migration("migration_heads", "public", "alembic_version");
    let equal = migration("migration_expected", "public", "alembic_version");
    let two =
        |scrape: &Scrape| scrape.value(&heads) == Some(2.0) && scrape.value(&equal) == Some(0.0);
    let scrape = scrape_until(exporter, "two heads", two).await;
    for of in ["ae1027a6acf", "1975ea83b712"] {
        let series = revision("public", "alembic_version", of);
        assert_eq!(scrape.value(&series), Some(1.0), "{}", scrape.body);
    }
    assert_eq!(scrape.value(rights), None, "{}", scrape.body);
    let labels = [("datname", DATABASE), ("severity", "warning")];
    for alert in
        ["PostgresMigrationHeads", "PostgresMigrationUnexpected", "PostgresMigrationFailed"]
    {
        stage.prometheus.wait_alert(alert, &labels, "firing", 2 * PATIENT).await;
    }
    say(&admin, "delete from alembic_version where version_num <> 'ae1027a6acf'").await;
    let one =
        |scrape: &Scrape| scrape.value(&heads) == Some(1.0) && scrape.value(&equal) == Some(1.0);
    let scrape = scrape_until(exporter, "one head", one).await;
    assert!(scrape.line(&revision("public", "alembic_version", "1975ea83b712")).is_none());
    for alert in ["PostgresMigrationHeads", "PostgresMigrationUnexpected"] {
        stage.prometheus.wait_quiet(alert, &labels, 2 * PATIENT).await;
    }
    // A deployment that wants another revision.
    std::fs::write(&expected, "1975ea83b712 (head)\n").unwrap();
    let other = |scrape: &Scrape| scrape.value(&equal) == Some(0.0);
    scrape_until(exporter, "another revision", other).await;
    say(&admin, "delete from alembic_version").await;
    let none = |scrape: &Scrape| scrape.value(&heads) == Some(0.0);
    scrape_until(exporter, "no revision", none).await;
    stage.prometheus.wait_alert("PostgresMigrationNone", &labels, "firing", 2 * PATIENT).await;
}

#[test]
fn the_tables_of_each_tool_are_known_on_15() {
    run(each_tool_is_known(programs("15")));
}

#[test]
fn the_tables_of_each_tool_are_known_on_17() {
    run(each_tool_is_known(programs("17")));
}

#[test]
fn the_tables_of_each_tool_are_known_on_18() {
    run(each_tool_is_known(programs("18")));
}

/// The owner of the database makes his own functions run wherever the table of a tool is read.
const TRAPS: &str = r"
create function public.trap() returns text language plpgsql as
  $$ begin raise log 'SPRUNG as %', current_user; return 'x'; end $$;
grant execute on function public.trap() to public;
create table alembic_version (version_num varchar(32) not null);
insert into alembic_version values ('a');
alter table alembic_version enable row level security;
create policy p on alembic_version using (public.trap() is not null);
create schema viewed;
create view viewed.alembic_version as select public.trap() as version_num;
create schema typed;
create domain typed.word as text;
create function typed.words(typed.word, typed.word) returns bool language plpgsql as
  $$ begin raise log 'SPRUNG < as %', current_user; return true; end $$;
create table typed.alembic_version (version_num typed.word);
insert into typed.alembic_version values ('b'), ('c');
grant usage on schema viewed, typed to public;
grant select on alembic_version, viewed.alembic_version, typed.alembic_version to public;
";

#[test]
fn no_trap_in_the_table_of_a_tool_is_sprung() {
    run(async {
        let postgres = Postgres::start_with(None, &[]).await;
        let admin = postgres.client().await;
        say(&admin, TRAPS).await;
        let sprung = || postgres.server.log().matches("SPRUNG").count();
        // They are sharp.
        let unwary = postgres.monitor().await;
        for table in ["public.alembic_version", "viewed.alembic_version"] {
            let before = sprung();
            unwary.simple_query(&format!("select version_num from {table}")).await.unwrap();
            assert!(sprung() > before, "{table}");
        }
        let before = sprung();
        let exporter = Exporter::start(binary(), &config(&postgres, "")).await;
        let readable = |schema: &str| migration("migration_readable", schema, "alembic_version");
        let seen = |scrape: &Scrape| {
            scrape.value(&readable("public")) == Some(0.0)
                && scrape.value(&readable("typed")) == Some(0.0)
        };
        let scrape = scrape_until(&exporter, "tables that are not read", seen).await;
        assert!(scrape.line(&readable("viewed")).is_none(), "{}", scrape.body);
        assert!(scrape.line("stack_postgres_migration_info").is_none(), "{}", scrape.body);
        assert_eq!(sprung(), before);
        // Nor if one is put there between the look and the read: the proof fails first.
        let plain = include_str!("../../src/collectors/postgres/sql/migrations_plain.sql");
        let read = include_str!("../../src/collectors/postgres/sql/migrations_alembic.sql");
        for schema in ["public", "viewed", "typed"] {
            let table = format!("{schema}.alembic_version");
            let plain = plain.replace("{name}", &format!("'{table}'"));
            let read = read.replace("{table}", &table);
            let message = format!("lock table only {table} in access share mode; {plain}; {read}");
            let error = unwary.simple_query(&message).await.expect_err("no plain table");
            assert_eq!(error.code().map(tokio_postgres::error::SqlState::code), Some("22012"));
        }
        assert_eq!(sprung(), before);
    });
}
