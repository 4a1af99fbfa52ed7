//! PostgreSQL as it is seldom: very many databases and tables, names that are hard to write, a standby. [P01 P16]

use crate::servers::exporter::{Exporter, Scrape};
use crate::servers::postgres::{DATABASE, MONITOR_PASSWORD, Postgres, connect};
use crate::servers::wait::{PATIENT, until};
use crate::servers::{run, watchdog};
use crate::stage::binary;

fn config(postgres: &Postgres) -> String {
    let file = watchdog::dir("secret").join("password");
    std::fs::write(&file, MONITOR_PASSWORD).unwrap();
    format!(
        "docker: {{ enabled: false }}\nhost: {{ enabled: false }}\npostgres:\n  main: {{ url: \"{}\", password_file: {} }}\n",
        postgres.url(),
        file.display(),
    )
}

async fn scrape_until(exporter: &Exporter, what: &str, done: impl Fn(&Scrape) -> bool) -> Scrape {
    until(what, 2 * PATIENT, async || {
        let scrape = exporter.scrape().await;
        if done(&scrape) { Ok(scrape) } else { Err(scrape.body) }
    })
    .await
}

fn count(scrape: &Scrape, family: &str) -> usize {
    scrape.body.lines().filter(|line| line.starts_with(family)).count()
}

/// Rows of the catalogue alone: made in earnest, 500 databases take a minute.
const DATABASES: &str = "
    set allow_system_table_mods = on;
    insert into pg_database
        select (json_populate_record(d, json_build_object('oid', 100000 + n,
            'datname', case n when 1 then E'a \"b\" \\\\ c\nd' when 2 then 'база-1 %s {x}' else 'db' || n end))).*
        from pg_database d, generate_series(1, 500) n where d.datname = 'postgres'";

#[test]
fn very_many_databases_and_tables_are_cut_and_it_is_said() {
    run(async {
        let postgres = Postgres::start_with(None, &[]).await;
        let admin = postgres.client().await;
        admin.batch_execute(DATABASES).await.unwrap_or_else(|error| panic!("{error:?}"));
        let tables = "do $$ begin for n in 1..10000 loop
            execute format('create table t%s (n int)', n);
            if n % 500 = 0 then commit; end if; end loop; end $$";
        admin.batch_execute(tables).await.unwrap_or_else(|error| panic!("{error:?}"));
        let name = "create table \"Ж \"\"q\"\" %d\\\n{x}\" as select generate_series(1, 9000) n";
        admin.batch_execute(name).await.unwrap();
        // How large it is the catalogue knows from then on.
        admin.batch_execute("analyze").await.unwrap();
        let exporter = Exporter::start(binary(), &config(&postgres)).await;
        let all = |scrape: &Scrape| {
            scrape.line("stack_postgres_other_tables{").is_some()
                && scrape.line("pg_stat_user_tables_n_live_tup{").is_some()
        };
        let scrape = scrape_until(&exporter, "tables and their sizes", all).await;
        assert_eq!(count(&scrape, "pg_stat_user_tables_n_live_tup{"), 100);
        assert_eq!(count(&scrape, "pg_stat_user_tables_table_size_bytes{"), 100);
        let rest = format!("stack_postgres_other_tables{{target=\"main\",datname=\"{DATABASE}\"}}");
        assert_eq!(scrape.value(&rest), Some(9901.0));
        assert_eq!(count(&scrape, "pg_stat_database_xact_commit{"), 200);
        let dropped = "stack_target_series_dropped_total{target=\"main\",area=\"postgres\",cap=\"databases\"}";
        assert!(scrape.value(dropped) >= Some(300.0), "{:?}", scrape.value(dropped));
        for label in [
            "relname=\"Ж \\\"q\\\" %d\\\\\\n{x}\"",
            "datname=\"база-1 %s {x}\"",
            "datname=\"a \\\"b\\\" \\\\ c\\nd\"",
        ] {
            assert!(scrape.body.contains(label), "{label}");
        }
        let up = "stack_target_up{target=\"main\",area=\"postgres\"}";
        assert_eq!(scrape.value(up), Some(1.0));
    });
}

#[test]
fn a_standby_is_read_without_an_error_and_its_promotion_is_seen() {
    run(async {
        let primary = Postgres::start_with(None, &[]).await;
        let standby = primary.standby().await;
        let (of_primary, of_standby) = (
            Exporter::start(binary(), &config(&primary)).await,
            Exporter::start(binary(), &config(&standby)).await,
        );
        let replica = |port: u16| {
            format!("pg_replication_is_replica{{target=\"main\",server=\"127.0.0.1:{port}\"}}")
        };
        let follows = |scrape: &Scrape| {
            scrape.value(&replica(standby.port)) == Some(1.0)
                && scrape.line("pg_stat_walreceiver_latest_end_lsn{").is_some()
                && scrape.line("pg_replication_lag_seconds{").is_some()
                && scrape.line("pg_stat_user_tables").is_none()
        };
        scrape_until(&of_standby, "a standby", follows).await;
        let sends = |scrape: &Scrape| {
            scrape.value(&replica(primary.port)) == Some(0.0)
                && scrape.line("pg_stat_replication_pg_wal_lsn_diff{").is_some()
        };
        scrape_until(&of_primary, "its primary", sends).await;
        let log = standby.server.log();
        assert!(!log.contains("ERROR"), "{log}");
        let admin = connect(&standby.config("postgres", "postgres")).await.unwrap().0;
        admin.batch_execute("select pg_promote()").await.unwrap();
        let promoted = |scrape: &Scrape| scrape.value(&replica(standby.port)) == Some(0.0);
        scrape_until(&of_standby, "a primary", promoted).await;
    });
}
