//! The work that applications give a database: slow statements with their texts, searches for vectors, a change of
//! tables that waits behind somebody, and pools that are used up. [P05 P07 P10 P11 P14 P18]

use tokio::task::JoinHandle;
use tokio_postgres::Client;

use crate::postgres_peer::programs;
use crate::postgres_sql::{config, say, scrape_until};
use crate::servers::exporter::{Exporter, Scrape};
use crate::servers::postgres::{DATABASE, MONITOR, Postgres, connect};
use crate::servers::run;
use crate::servers::wait::PATIENT;
use crate::stage::{Stage, binary};

/// A session of an application of this name.
async fn session(postgres: &Postgres, application: &str) -> (Client, JoinHandle<()>) {
    let mut config = postgres.config("postgres", DATABASE);
    connect(config.application_name(application)).await.unwrap()
}

async fn details(exporter: &Exporter) -> serde_json::Value {
    let body = exporter.get("/api/v1/details/postgres/main", &[]).await.body;
    serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {body}"))
}

/// What is wrong, as people are told.
async fn troubles(exporter: &Exporter) -> String {
    let body = exporter.get("/api/v1/status", &[]).await.body;
    let status: serde_json::Value = serde_json::from_str(&body).unwrap();
    status["troubles"].to_string()
}

fn of(family: &str, labels: &str) -> String {
    format!("stack_postgres_{family}{{target=\"main\",datname=\"{DATABASE}\"{labels}}}")
}

/// Odd, so that it is found wherever it gets to.
const SECRET: &str = "hunter2-of-a-utility-statement";

#[test]
fn a_slow_statement_is_shown_with_its_text_in_no_label_and_a_secret_nowhere() {
    run(async {
        let postgres = Postgres::start_with(None, &[]).await;
        let admin = postgres.client().await;
        say(&admin, "create extension pg_stat_statements; create table job (id int, state text)")
            .await;
        say(&admin, &format!("create role leak password '{SECRET}'")).await;
        say(&admin, &format!("alter role leak password '{SECRET}'")).await;
        say(&admin, &format!("do $$ begin perform '{SECRET}'; end $$")).await;
        say(
            &admin,
            "select pg_sleep(1.2), count(*) /* a remark */ from job where state = 'queued'",
        )
        .await;
        let kept = "select count(*) from pg_stat_statements where query like '%' || $1 || '%'";
        let kept: i64 = admin.query_one(kept, &[&SECRET]).await.unwrap().get(0);
        assert!(kept >= 3, "the server itself keeps the secret: {kept}");
        let exporter = Exporter::start(binary(), &config(&postgres, "    statements: 20\n")).await;
        let there = |scrape: &Scrape| scrape.line("pg_stat_statements_calls_total{").is_some();
        let scrape = scrape_until(&exporter, "statements", there).await;
        let tables = details(&exporter).await;
        let text = "select pg_sleep($1), count(*) from job where state = $2";
        let of_mean = &tables["statements_by_mean"][0];
        assert_eq!(of_mean["statement"], text, "{tables}");
        assert!(of_mean["mean_seconds"].as_f64().unwrap() > 1.1, "{of_mean}");
        assert_eq!((&of_mean["calls"], &of_mean["rows"]), (&1.into(), &1.into()));
        assert_eq!(tables["statements"][0]["statement"], text, "{tables}");
        let id = of_mean["queryid"].as_str().unwrap();
        assert!(scrape.body.contains(&format!("queryid=\"{id}\"")), "the number is the label");
        let all = tables["statements"].to_string() + &tables["statements_by_mean"].to_string();
        assert!(all.contains("CREATE ROLE …") || all.contains("create role …"), "{all}");
        let page = exporter.get("/target/postgres/main", &[]).await.body;
        assert!(page.contains("select pg_sleep($1), count(*) from job"), "{page}");
        assert!(!scrape.body.contains("pg_sleep"), "{}", scrape.body);
        for path in [
            "/metrics",
            "/target/postgres/main",
            "/api/v1/details/postgres/main",
            "/api/v1/status",
            "/api/v1/stack",
            "/debug/postgres/main",
            "/",
        ] {
            let body = exporter.get(path, &[]).await.body;
            assert!(!body.contains("hunter2"), "{path}: {body}");
        }
        assert!(!exporter.log().contains("hunter2"));
        // Without the right to see others' statements that is said, with what gives it.
        say(&admin, &format!("revoke pg_monitor from {MONITOR}")).await;
        let blind = Exporter::start(binary(), &config(&postgres, "    statements: 20\n")).await;
        scrape_until(&blind, "statements of our own", there).await;
        let status = blind.get("/api/v1/status", &[]).await.body;
        for words in ["statements of other roles are hidden", "GRANT pg_read_all_stats TO monitor"]
        {
            assert!(status.contains(words), "{words}: {status}");
        }
        let tables = details(&blind).await.to_string();
        assert!(!tables.contains("from job"), "{tables}");
    });
}

const VECTORS: &str = "
    create extension vector; create extension pg_stat_statements;
    create table docs (id serial primary key, embedding vector(3));
    insert into docs (embedding) select array[g % 7, g % 11, g % 13]::vector from generate_series(1, 2000) g;
    create index docs_hnsw on docs using hnsw (embedding vector_cosine_ops) with (m = 8, ef_construction = 32);
    create table lists (id serial primary key, embedding vector(3));
    insert into lists (embedding) select array[g % 7, g % 11, g % 13]::vector from generate_series(1, 2000) g;
    create index lists_ivf on lists using ivfflat (embedding vector_l2_ops) with (lists = 10);
    create table halves (id int, embedding vector(3), flags bit(8));
    create index on halves using hnsw ((embedding::halfvec(3)) halfvec_l2_ops);
    create table bare (id int, embedding halfvec(3));
    insert into bare select g, array[g % 7, g % 11, g % 13]::halfvec from generate_series(1, 12000) g;
    analyze docs, lists, bare";
const NEAREST: &str = "select id from docs order by embedding <=> '[1,2,3]' limit 5";
const IN_LISTS: &str = "select id from lists order by embedding <-> '[1,2,3]' limit 5";
const FILTER: &str = "select id from docs where 1 - (embedding <=> '[1,2,3]') > 0.9";
const TURNED: &str = "select id from docs order by 1 - (embedding <=> '[1,2,3]') desc limit 3";

fn column(table: &str, column: &str) -> String {
    of(
        "vector_column_indexed",
        &format!(",schemaname=\"public\",relname=\"{table}\",attname=\"{column}\""),
    )
}

fn searches(family: &str, index: &str) -> String {
    of(family, &format!(",index=\"{index}\""))
}

#[test]
fn vectors_their_indexes_and_what_searches_them() {
    run(async {
        let postgres = Postgres::start_with(programs("vector").as_deref(), &[]).await;
        let admin = postgres.client().await;
        say(&admin, VECTORS).await;
        for sql in [NEAREST, IN_LISTS, FILTER, TURNED] {
            say(&admin, sql).await;
        }
        let exporter = Exporter::start(binary(), &config(&postgres, "")).await;
        let first = |scrape: &Scrape| scrape.value(&column("docs", "embedding")).is_some();
        let scrape = scrape_until(&exporter, "vectors", first).await;
        let value = |series: &str| scrape.value(series);
        for (table, indexed) in [("docs", 1.0), ("lists", 1.0), ("halves", 1.0), ("bare", 0.0)] {
            assert_eq!(
                value(&column(table, "embedding")),
                Some(indexed),
                "{table}: {}",
                scrape.body
            );
        }
        assert_eq!(value(&column("halves", "flags")), None, "bits are no vectors");
        let info = |table: &str, index: &str, method: &str, options: &str| {
            let labels = format!(
                ",schemaname=\"public\",relname=\"{table}\",indexrelname=\"{index}\",index=\"{method}\"{options}"
            );
            move |family: &str| of(family, &labels)
        };
        let described = ",options=\"vector_cosine_ops: m=8, ef_construction=32\"";
        assert_eq!(
            value(&info("docs", "docs_hnsw", "hnsw", described)("vector_index_info")),
            Some(1.0),
            "{}",
            scrape.body
        );
        let docs = info("docs", "docs_hnsw", "hnsw", "");
        assert!(value(&docs("vector_index_bytes")) > Some(100_000.0), "{}", scrape.body);
        let before = value(&docs("vector_index_scans_total")).unwrap();
        let lists = info("lists", "lists_ivf", "ivfflat", ",options=\"vector_l2_ops: lists=10\"");
        assert_eq!(value(&lists("vector_index_info")), Some(1.0), "{}", scrape.body);
        // What was before is not counted.
        for index in ["hnsw", "ivfflat"] {
            assert_eq!(
                value(&searches("vector_searches_total", index)),
                Some(0.0),
                "{}",
                scrape.body
            );
        }
        assert!(!scrape.body.contains("embedding <=>"), "no text of a statement");
        let told = troubles(&exporter).await;
        assert!(told.contains("Column embedding of public.bare in tasktracker"), "{told}");

        for _ in 0..7 {
            say(&admin, NEAREST).await;
            say(&admin, IN_LISTS).await;
        }
        for sql in [FILTER, TURNED, FILTER] {
            say(&admin, sql).await;
        }
        say(&admin, "select pg_stat_force_next_flush(); create index on bare using hnsw (embedding halfvec_l2_ops)").await;
        // As a build that was interrupted leaves it.
        say(
            &admin,
            "update pg_index set indisvalid = false where indexrelid = 'lists_ivf'::regclass",
        )
        .await;
        let second =
            |scrape: &Scrape| scrape.value(&searches("vector_searches_total", "hnsw")) > Some(0.0);
        let scrape = scrape_until(&exporter, "searches", second).await;
        let value = |series: &str| scrape.value(series);
        assert_eq!(
            value(&searches("vector_searches_total", "hnsw")),
            Some(10.0),
            "{}",
            scrape.body
        );
        assert_eq!(value(&searches("vector_searches_total", "ivfflat")), Some(7.0));
        let past = |index| value(&searches("vector_searches_past_index_total", index));
        assert_eq!((past("hnsw"), past("ivfflat")), (Some(3.0), Some(0.0)));
        let took = value(&searches("vector_search_seconds_total", "hnsw")).unwrap();
        assert!((1e-6..5.0).contains(&took), "{took}");
        assert_eq!(value(&column("bare", "embedding")), Some(1.0));
        assert_eq!(value(&column("lists", "embedding")), Some(0.0), "an index that is not valid");
        assert!(value(&docs("vector_index_scans_total")) > Some(before), "{}", scrape.body);
        let tables = details(&exporter).await;
        let notes = tables["vector_searches"].to_string();
        assert_eq!(notes.matches("no index can serve this form").count(), 2, "{tables}");
        let told = troubles(&exporter).await;
        assert!(!told.contains("public.bare"), "{told}");
        assert!(told.contains("PostgresVectorSearchPastIndex"), "{told}");
    });
}

#[test]
fn where_pgvector_is_not_nothing_is_said_of_it() {
    run(async {
        let postgres = Postgres::start_with(None, &[]).await;
        say(&postgres.client().await, "create table flags (id int, bits bit(8))").await;
        let exporter = Exporter::start(binary(), &config(&postgres, "")).await;
        let read =
            "stack_target_part_age_seconds{target=\"main\",area=\"postgres\",part=\"vector\"}";
        let scrape = exporter.wait_line(read, PATIENT).await;
        assert!(!scrape.body.contains("\nstack_postgres_vector_"), "{}", scrape.body);
        assert!(!scrape.body.contains("_failure{target=\"main\""), "{}", scrape.body);
    });
}

#[test]
fn a_change_of_tables_that_waits_names_who_is_in_the_way() {
    run(async {
        let postgres = Postgres::start_with(None, &[]).await;
        let admin = postgres.client().await;
        say(&admin, "create table orders (id int); create table other (id int)").await;
        let limits = "    thresholds: { ddl_wait: 1s, lock_wait: off }\n";
        let stage = Stage::start(&config(&postgres, limits)).await;
        let waiting = of("ddl_waiting", "");
        let quiet = |scrape: &Scrape| scrape.value(&waiting) == Some(0.0);
        let scrape = scrape_until(&stage.exporter, "nobody waits", quiet).await;
        assert!(scrape.line("stack_postgres_ddl_wait_seconds{").is_none());

        // An application has forgotten its transaction, with a snapshot.
        let (api, _) = session(&postgres, "api").await;
        say(&api, "begin isolation level repeatable read; select count(*) from orders").await;
        let (alembic, _) = session(&postgres, "alembic").await;
        let change = tokio::spawn(async move {
            alembic.batch_execute("alter table orders add column note text").await
        });
        let who = ",holder=\"session\",application_name=\"api\",usename=\"postgres\",state=\"idle in transaction\"";
        let one = |scrape: &Scrape| scrape.value(&waiting) == Some(1.0);
        scrape_until(&stage.exporter, "the change", one).await;
        // A request queues behind it.
        let (reader, _) = session(&postgres, "web").await;
        let read = tokio::spawn(async move { reader.batch_execute("select * from orders").await });
        let queued = |scrape: &Scrape| {
            scrape.value(&of("ddl_queued_sessions", who)) == Some(1.0)
                && scrape.value(&of("ddl_wait_seconds", who)) > Some(1.0)
        };
        scrape_until(&stage.exporter, "who queues", queued).await;
        let labels = [("datname", DATABASE), ("application_name", "api"), ("severity", "warning")];
        stage.prometheus.wait_alert("PostgresDdlWaits", &labels, "firing", PATIENT).await;
        let status = troubles(&stage.exporter).await;
        let words = "A change of tables in tasktracker (PostgreSQL main) waits behind a session of api (postgres, idle in transaction)";
        assert!(status.contains(words), "{status}");
        // An index that is built beside its table waits for old snapshots.
        let (builder, _) = session(&postgres, "builder").await;
        let build = tokio::spawn(async move {
            builder.batch_execute("create index concurrently on other (id)").await
        });
        let two = |scrape: &Scrape| scrape.value(&waiting) == Some(2.0);
        scrape_until(&stage.exporter, "the index as well", two).await;

        say(&api, "rollback").await;
        for done in [change, read, build] {
            done.await.unwrap().unwrap();
        }
        scrape_until(&stage.exporter, "nobody waits any more", quiet).await;
        // Readers and writers of rows that wait for each other change no table.
        say(&api, "insert into other values (1)").await;
        say(&api, "begin; update other set id = 2").await;
        let (second, _) = session(&postgres, "second").await;
        let update =
            tokio::spawn(async move { second.batch_execute("update other set id = 3").await });
        let blocked = of("blocked_sessions", "");
        let row = |scrape: &Scrape| scrape.value(&blocked) == Some(1.0);
        let scrape = scrape_until(&stage.exporter, "a row that is waited for", row).await;
        assert_eq!(scrape.value(&waiting), Some(0.0), "{}", scrape.body);
        say(&api, "commit").await;
        update.await.unwrap().unwrap();
    });
}

/// `api` by its name, `asyncpg` by its address and role for it has no name.
const POOLS: &str = "    pools:
      api: { application: api, size: 2, overflow: 1 }
      asyncpg: { client: 127.0.0.0/8, user: worker, size: 5, processes: 2 }
";

#[test]
fn a_pool_at_its_limit_is_told_and_what_is_left_of_the_server() {
    run(async {
        let postgres = Postgres::start_with(None, &[]).await;
        let admin = postgres.client().await;
        say(&admin, "create role worker login").await;
        let stage = Stage::start(&config(&postgres, POOLS)).await;
        let pool = |family: &str, pool: &str| of(family, &format!(",pool=\"{pool}\""));
        let mut open = Vec::new();
        for _ in 0..2 {
            open.push(session(&postgres, "api").await);
        }
        let mut worker = postgres.config("worker", DATABASE);
        let worker = connect(worker.application_name("")).await.unwrap();
        let two = |scrape: &Scrape| {
            scrape.value(&pool("pool_connections", "api")) == Some(2.0)
                && scrape.value(&pool("pool_connections", "asyncpg")) == Some(1.0)
        };
        let scrape = scrape_until(&stage.exporter, "two of three", two).await;
        assert_eq!(scrape.value(&pool("pool_limit", "api")), Some(3.0));
        assert_eq!(scrape.value(&pool("pool_limit", "asyncpg")), Some(30.0));
        let number =
            |name: &str| scrape.value(&format!("stack_postgres_{name}{{target=\"main\"}}"));
        let (limit, free) = (number("connections_limit"), number("connections_free"));
        assert_eq!(limit, Some(37.0), "40 less three for superusers");
        assert_eq!(free, limit.zip(number("client_connections")).map(|(all, used)| all - used));
        let labels = [("pool", "api"), ("severity", "warning")];
        stage.prometheus.wait_quiet("PostgresPoolExhausted", &labels, PATIENT).await;

        let last = session(&postgres, "api").await;
        say(&last.0, "begin; select 1").await;
        let full = |scrape: &Scrape| {
            scrape.value(&pool("pool_ratio", "api")) == Some(1.0)
                && scrape.value(&pool("pool_idle_in_transaction", "api")) == Some(1.0)
        };
        scrape_until(&stage.exporter, "three of three", full).await;
        stage.prometheus.wait_alert("PostgresPoolExhausted", &labels, "firing", PATIENT).await;
        let tables = details(&stage.exporter).await;
        let clients = tables["clients"].as_array().unwrap();
        let nameless = clients.iter().find(|row| row["user"] == "worker").unwrap();
        assert_eq!(
            (&nameless["application"], &nameless["address"]),
            (&"".into(), &"127.0.0.1".into())
        );
        assert_eq!(
            clients.iter().find(|row| row["application"] == "api").unwrap()["connections"],
            3
        );
        let others = [("pool", "asyncpg")];
        stage.prometheus.wait_quiet("PostgresPoolExhausted", &others, PATIENT).await;
        drop((last, worker));
        stage.prometheus.wait_quiet("PostgresPoolExhausted", &labels, 2 * PATIENT).await;
    });
}
