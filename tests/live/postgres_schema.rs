//! What is wrong with tables, indexes and sequences, whether the log reaches a standby and the archive, and whether
//! the server is still the same one. [P06 P08 P09 P17]

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_postgres::Client;

use crate::postgres_peer::programs;
use crate::servers::exporter::{Exporter, Scrape};
use crate::servers::postgres::{DATABASE, MONITOR, MONITOR_PASSWORD, Postgres};
use crate::servers::wait::{PATIENT, until};
use crate::servers::{run, watchdog};
use crate::stage::binary;

fn config(port: u16) -> String {
    let file = watchdog::dir("secret").join("password");
    std::fs::write(&file, MONITOR_PASSWORD).unwrap();
    format!(
        "docker: {{ enabled: false }}\nhost: {{ enabled: false }}\npostgres:\n  main: {{ url: \
         \"postgresql://{MONITOR}@127.0.0.1:{port}/{DATABASE}\", password_file: {}, login: 1s }}\n",
        file.display(),
    )
}

async fn scrape_until(exporter: &Exporter, what: &str, done: impl Fn(&Scrape) -> bool) -> Scrape {
    until(what, PATIENT, async || {
        let scrape = exporter.scrape().await;
        if done(&scrape) { Ok(scrape) } else { Err(ours(&scrape)) }
    })
    .await
}

/// The first whole look of an exporter of its own: what it asks seldom, it has just asked.
async fn look(port: u16) -> Scrape {
    let exporter = Exporter::start(binary(), &config(port)).await;
    scrape_until(&exporter, "a look at the tables", |scrape| {
        scrape.line("stack_postgres_useless_indexes{").is_some()
    })
    .await
}

fn ours(scrape: &Scrape) -> String {
    let told = |line: &&str| line.starts_with("stack_postgres_") || line.contains("_failure{");
    scrape.body.lines().filter(told).collect::<Vec<_>>().join("\n")
}

fn family(scrape: &Scrape, name: &str) -> Vec<String> {
    let start = format!("{name}{{");
    scrape.body.lines().filter(|line| line.starts_with(&start)).map(str::to_owned).collect()
}

/// A series of the database of the target, with these labels after its name.
fn series(name: &str, labels: &str) -> String {
    let comma = if labels.is_empty() { "" } else { "," };
    format!("stack_postgres_{name}{{target=\"main\",datname=\"{DATABASE}\"{comma}{labels}}}")
}

fn of_server(name: &str) -> String {
    format!("stack_postgres_{name}{{target=\"main\"}}")
}

fn close(value: Option<f64>, wanted: f64) -> bool {
    value.is_some_and(|value| (value - wanted).abs() < 0.001)
}

async fn done(client: &Client, sql: &str) {
    client.batch_execute(sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
}

/// Names as people give them: quotes, a newline, Cyrillic, a percent sign.
const MADE: &str = r#"
create table "Задача ""№1""
%s" (id int, topic int, note text);
insert into "Задача ""№1""
%s" select g, g, 'x' || g from generate_series(1, 20000) g;
create index "по теме" on "Задача ""№1""
%s" (topic);
create index "по ""теме"" 2" on "Задача ""№1""
%s" (topic) with (fillfactor = 70);
create index lower_note on "Задача ""№1""
%s" (lower(note));
create index   lower_note_2   on   "Задача ""№1""
%s" (lower(note));
create index topic_down on "Задача ""№1""
%s" (topic desc);
create index topic_of_few on "Задача ""№1""
%s" (topic) where id < 15000;
alter table "Задача ""№1""
%s" add constraint one_topic unique (topic);
insert into "Задача ""№1""
%s" values (1, 0, 'x1');
create table narrow (id bigserial, n int);
alter table narrow alter id type int;
select setval('narrow_id_seq', 2000000000);
create sequence "счёт %";
create table fed (id smallint default nextval('"счёт %"'));
select setval('"счёт %"', 30000);
create sequence around maxvalue 10 cycle;
select setval('around', 10);
create sequence "не ""видно""";
create sequence moved;
grant select on narrow_id_seq, "счёт %", around, moved to monitor;
create table strict (n int) with (autovacuum_vacuum_threshold = 100, autovacuum_vacuum_scale_factor = 0, autovacuum_enabled = off);
create table mild (n int) with (autovacuum_vacuum_scale_factor = 0.9);
insert into strict select generate_series(1, 20000);
insert into mild select generate_series(1, 20000);
"#;

async fn what_is_wrong_is_told(bin: Option<PathBuf>) {
    // The server's own vacuum would come in between.
    let settings = [("autovacuum", "off"), ("archive_mode", "on"), ("archive_command", "false")];
    let postgres = Postgres::start_with(bin.as_deref(), &settings).await;
    let admin = postgres.client().await;
    done(&admin, MADE).await;
    let refused = admin
        .batch_execute("create unique index concurrently \"сломан \"\"1\"\"\" on \"Задача \"\"№1\"\"\n%s\" (id)")
        .await;
    assert_eq!(
        refused.unwrap_err().code().map(tokio_postgres::error::SqlState::code),
        Some("23505")
    );
    done(&admin, "vacuum analyze strict, mild").await;
    done(&admin, "delete from strict where n <= 1000; delete from mild where n <= 1000").await;
    // Somebody reads the table, and by one of its indexes.
    let by_index = "set enable_seqscan = off; select note from \"Задача \"\"№1\"\"\n%s\" where topic = 77 order by topic desc";
    done(&admin, by_index).await;
    done(&admin, "reset enable_seqscan; create extension hstore version '1.4'").await;
    done(&admin, "select pg_switch_wal()").await;
    // While it is renamed nobody may ask how far it is.
    let mover = postgres.client().await;
    done(&mover, "begin; alter sequence moved rename to elsewhere").await;
    let counted = "select pg_stat_get_dead_tuples('strict'::regclass) = 1000 and pg_stat_get_dead_tuples('mild'::regclass) = 1000
        and (select sum(idx_scan) > 0 from pg_stat_user_indexes)
        and (select count(*) > 0 from pg_ls_archive_statusdir() where name like '%.ready')";
    until("the server's own counts", PATIENT, async || {
        admin.query_one(counted, &[]).await.unwrap().get::<_, Option<bool>>(0) == Some(true)
    })
    .await;

    let scrape = look(postgres.port).await;
    let value = |series: &str| scrape.value(series);
    let all = ours(&scrape);
    for (kind, count) in [("invalid", 1.0), ("duplicate", 3.0)] {
        let found = value(&series("useless_indexes", &format!("kind=\"{kind}\"")));
        assert_eq!(found, Some(count), "{kind}: {all}");
    }
    // One was read, or else that of the constraint, which is never told.
    let unused = value(&series("useless_indexes", "kind=\"unused\"")).unwrap();
    assert!((5.0..=6.0).contains(&unused), "{all}");
    let table = "relname=\"Задача \\\"№1\\\"\\n%s\"";
    let index = |name: &str, kind: &str, same: &str| {
        let same = if same.is_empty() { String::new() } else { format!(",same_as=\"{same}\"") };
        let labels =
            format!("schemaname=\"public\",{table},indexrelname=\"{name}\",kind=\"{kind}\"{same}");
        value(&series("useless_index_bytes", &labels))
    };
    assert!(index("сломан \\\"1\\\"", "invalid", "").is_some(), "{all}");
    assert!(index("по теме", "duplicate", "one_topic") > Some(8192.0), "{all}");
    assert!(index("по \\\"теме\\\" 2", "duplicate", "one_topic").is_some(), "{all}");
    assert!(index("lower_note_2", "duplicate", "lower_note").is_some(), "{all}");
    assert!(index("topic_of_few", "unused", "") > Some(8192.0), "{all}");
    let named = family(&scrape, "stack_postgres_useless_index_bytes");
    assert!(!named.iter().any(|line| line.contains("indexrelname=\"one_topic\"")), "{all}");
    let age = value(&series("statistics_age_seconds", ""));
    assert!(age.is_some_and(|age| (0.0..300.0).contains(&age)), "{all}");

    // By its own settings one is far over its limit, and the other is not.
    assert_eq!(value(&series("tables_vacuum_due", "")), Some(1.0), "{all}");
    assert_eq!(
        value(&series("table_vacuum_due_ratio", "schemaname=\"public\",relname=\"strict\"")),
        Some(10.0),
        "{all}"
    );
    assert_eq!(family(&scrape, "stack_postgres_table_vacuum_due_ratio").len(), 1, "{all}");
    assert_eq!(value(&series("tables_autovacuum_off", "")), Some(1.0), "{all}");
    assert_eq!(
        value(&series("table_autovacuum_off", "schemaname=\"public\",relname=\"strict\"")),
        Some(1.0),
        "{all}"
    );
    assert_eq!(value(&series("autovacuum_enabled", "")), Some(0.0), "{all}");

    let used = |labels: &str| {
        value(&series("sequence_used_ratio", &format!("schemaname=\"public\",{labels}")))
    };
    let narrow = used("sequencename=\"narrow_id_seq\",relname=\"narrow\",column=\"id\"");
    assert!(close(narrow, 2_000_000_000.0 / 2_147_483_647.0), "{all}");
    let fed = used("sequencename=\"счёт %\",relname=\"fed\",column=\"id\"");
    assert!(close(fed, 30_000.0 / 32_767.0), "{all}");
    // One goes round, one may not be read, one is locked: none has a share, and none is 0.
    assert_eq!(family(&scrape, "stack_postgres_sequence_used_ratio").len(), 2, "{all}");
    assert_eq!(value(&series("sequences", "schemaname=\"public\"")), Some(5.0), "{all}");
    assert_eq!(value(&series("sequences_unreadable", "schemaname=\"public\"")), Some(1.0), "{all}");

    assert_eq!(value(&series("extensions_outdated", "")), Some(1.0), "{all}");
    let info = family(&scrape, "stack_postgres_extension_info");
    let old = "extname=\"hstore\",extversion=\"1.4\",available=\"1.8\"";
    assert!(info.iter().any(|line| line.contains(old)), "{all}");
    assert_eq!(value(&of_server("data_checksums")), Some(1.0), "{all}");
    assert!(value(&of_server("archive_ready_files")) >= Some(1.0), "{all}");
    assert!(value(&of_server("archive_ready_age_seconds")) > Some(0.0), "{all}");
    assert!(value(&of_server("wal_written_bytes_total")) > Some(16_777_216.0), "{all}");
    assert_eq!(value(&of_server("receiver_streaming")), None, "it is no standby: {all}");
    assert_eq!(value("stack_target_up{target=\"main\",area=\"postgres\"}"), Some(1.0));
    let gaps: Vec<_> = scrape
        .body
        .lines()
        .filter(|line| line.contains("_failure{") && line.ends_with(" 1"))
        .collect();
    assert!(gaps.is_empty(), "{gaps:?}");
    set_right(&postgres, &admin, &mover).await;
}

/// All of it is set right, and nothing is told any more.
async fn set_right(postgres: &Postgres, admin: &Client, mover: &Client) {
    done(mover, "rollback").await;
    done(admin, "drop index concurrently \"сломан \"\"1\"\"\"").await;
    done(
        admin,
        "drop index \"по теме\"; drop index \"по \"\"теме\"\" 2\"; drop index lower_note_2",
    )
    .await;
    done(admin, "alter table narrow alter id type bigint; grant select on all sequences in schema public to monitor").await;
    done(admin, "alter table strict reset (autovacuum_enabled)").await;
    done(admin, "alter extension hstore update").await;
    done(admin, "vacuum strict").await;
    let vacuumed = "select pg_stat_get_dead_tuples('strict'::regclass) = 0";
    until("a vacuum that is counted", PATIENT, async || {
        admin.query_one(vacuumed, &[]).await.unwrap().get::<_, bool>(0)
    })
    .await;
    let scrape = look(postgres.port).await;
    let all = ours(&scrape);
    for (name, labels, wanted) in [
        ("useless_indexes", "kind=\"invalid\"", 0.0),
        ("useless_indexes", "kind=\"duplicate\"", 0.0),
        ("tables_vacuum_due", "", 0.0),
        ("tables_autovacuum_off", "", 0.0),
        ("sequences_unreadable", "schemaname=\"public\"", 0.0),
        ("extensions_outdated", "", 0.0),
    ] {
        assert_eq!(scrape.value(&series(name, labels)), Some(wanted), "{name} {labels}: {all}");
    }
    for gone in ["stack_postgres_table_vacuum_due_ratio", "stack_postgres_table_autovacuum_off"] {
        assert!(family(&scrape, gone).is_empty(), "{all}");
    }
    // What could not be told is, now that it can be read and is not locked.
    let labels = "schemaname=\"public\",sequencename=\"moved\"";
    assert_eq!(scrape.value(&series("sequence_used_ratio", labels)), Some(0.0), "{all}");
    let wide =
        "schemaname=\"public\",sequencename=\"narrow_id_seq\",relname=\"narrow\",column=\"id\"";
    assert!(close(scrape.value(&series("sequence_used_ratio", wide)), 0.0), "{all}");
}

#[test]
fn what_is_wrong_with_tables_is_told_on_15() {
    run(what_is_wrong_is_told(programs("15")));
}

#[test]
fn what_is_wrong_with_tables_is_told_on_17() {
    run(what_is_wrong_is_told(programs("17")));
}

#[test]
fn what_is_wrong_with_tables_is_told_on_18() {
    run(what_is_wrong_is_told(programs("18")));
}

/// An index that is being built is not valid yet, and that is no trouble.
#[test]
fn a_build_is_told_while_it_runs() {
    run(async {
        let postgres = Postgres::start_with(None, &[]).await;
        let admin = postgres.client().await;
        done(&admin, "create table \"строится %\" as select generate_series(1, 1000) n").await;
        let writer = postgres.client().await;
        done(&writer, "begin; insert into \"строится %\" values (0)").await;
        let builder = postgres.client().await;
        let build = tokio::spawn(async move {
            builder.batch_execute("create index concurrently slow on \"строится %\" (n)").await
        });
        let waits =
            "select count(*) from pg_stat_progress_create_index where phase like 'waiting%'";
        until("a build that waits", PATIENT, async || {
            admin.query_one(waits, &[]).await.unwrap().get::<_, i64>(0) == 1
        })
        .await;
        let scrape = look(postgres.port).await;
        let all = ours(&scrape);
        let labels = "schemaname=\"public\",relname=\"строится %\",indexrelname=\"slow\"";
        let phase = format!("{labels},phase=\"waiting for writers before build\"");
        assert_eq!(scrape.value(&series("index_build_phase", &phase)), Some(1.0), "{all}");
        let age = scrape.value(&series("index_build_age_seconds", labels));
        assert!(age.is_some_and(|age| (0.0..60.0).contains(&age)), "{all}");
        assert_eq!(scrape.value(&series("index_build_ratio", labels)), Some(0.0), "{all}");
        let invalid = series("useless_indexes", "kind=\"invalid\"");
        let not_valid = "select count(*) from pg_index where not indisvalid";
        assert_eq!(admin.query_one(not_valid, &[]).await.unwrap().get::<_, i64>(0), 1);
        assert_eq!(scrape.value(&invalid), Some(0.0), "{all}");
        done(&writer, "rollback").await;
        build.await.unwrap().unwrap();
        let scrape = look(postgres.port).await;
        assert!(
            family(&scrape, "stack_postgres_index_build_phase").is_empty(),
            "{}",
            ours(&scrape)
        );
    });
}

/// 22: a standby whose primary is gone has no delay, and gets nothing. 37: a slot that has lost its log, and one
/// that was never used.
#[test]
fn a_standby_that_is_cut_off_says_so_though_its_delay_is_0() {
    run(async {
        let settings = [("max_wal_size", "32MB"), ("min_wal_size", "32MB")];
        let primary = Postgres::start_with(None, &settings).await;
        let standby = primary.standby().await;
        let exporter = Exporter::start(binary(), &config(standby.port)).await;
        let streaming = of_server("receiver_streaming");
        let follows = |scrape: &Scrape| scrape.value(&streaming) == Some(1.0);
        let scrape = scrape_until(&exporter, "a standby that follows", follows).await;
        assert!(scrape.value(&of_server("wal_written_bytes_total")) > Some(0.0));

        // Vacuum and the use of indexes are its primary's to tell.
        let whole = |scrape: &Scrape| {
            scrape.value(&series("useless_indexes", "kind=\"invalid\"")) == Some(0.0)
        };
        let scrape = scrape_until(&exporter, "a look at the tables", whole).await;
        for (name, labels) in [("useless_indexes", "kind=\"unused\""), ("tables_vacuum_due", "")] {
            assert_eq!(scrape.value(&series(name, labels)), None, "{}", ours(&scrape));
        }

        primary.server.stop().await;
        let cut_off = |scrape: &Scrape| {
            scrape.value(&streaming) == Some(0.0)
                && scrape
                    .line("pg_replication_lag_seconds{")
                    .is_some_and(|line| line.ends_with(" 0"))
        };
        scrape_until(&exporter, "a standby that gets nothing, without a delay", cut_off).await;
        primary.server.restart().await;
        tokio::time::timeout(
            2 * PATIENT,
            scrape_until(&exporter, "a standby that follows again", follows),
        )
        .await
        .unwrap();

        let admin = primary.client().await;
        done(&admin, "alter system set max_slot_wal_keep_size = '1MB'").await;
        done(&admin, "select pg_reload_conf()").await;
        done(&admin, "select pg_create_physical_replication_slot('left_behind', true)").await;
        done(&admin, "select pg_create_physical_replication_slot('never_used')").await;
        let of_primary = Exporter::start(binary(), &config(primary.port)).await;
        let status = |status: &str| {
            format!(
                "stack_postgres_slot_wal_status{{target=\"main\",slot_name=\"left_behind\",wal_status=\"{status}\"}}"
            )
        };
        let kept = |scrape: &Scrape| {
            (scrape.value(&status("reserved")), scrape.value(&status("lost")))
                == (Some(1.0), Some(0.0))
        };
        let scrape = scrape_until(&of_primary, "a slot that is kept", kept).await;
        assert!(
            scrape
                .line("stack_postgres_slot_wal_status{target=\"main\",slot_name=\"never_used\"")
                .is_none()
        );
        for _ in 0..4 {
            done(&admin, "create table if not exists filled (n int); insert into filled values (1); select pg_switch_wal(); checkpoint").await;
        }
        let lost = |scrape: &Scrape| {
            (scrape.value(&status("lost")), scrape.value(&status("reserved")))
                == (Some(1.0), Some(0.0))
                && !family(scrape, "pg_replication_slots_pg_wal_lsn_diff")
                    .iter()
                    .any(|line| line.contains("left_behind"))
        };
        scrape_until(&of_primary, "a slot that is lost, with nothing kept for it", lost).await;
    });
}

/// A volume that is gone and made anew has the same address, and the exporter may have been restarted with it.
#[test]
fn another_server_behind_the_same_address_is_told() {
    run(async {
        let (old, new) =
            (Postgres::start_with(None, &[]).await, Postgres::start_with(None, &[]).await);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let behind = Arc::new(AtomicU16::new(old.port));
        let leads = Arc::clone(&behind);
        let door = tokio::spawn(async move {
            while let Ok((mut from, _)) = listener.accept().await {
                let leads = Arc::clone(&leads);
                tokio::spawn(async move {
                    let port = leads.load(Ordering::Relaxed);
                    let mut to = TcpStream::connect(("127.0.0.1", port)).await?;
                    copy_bidirectional(&mut from, &mut to).await
                });
            }
        });
        let exporter = Exporter::start(binary(), &config(port)).await;
        let changed = of_server("system_changed_age_seconds");
        let id_of = async |postgres: &Postgres| {
            let sql = "select system_identifier::text from pg_control_system()";
            postgres.client().await.query_one(sql, &[]).await.unwrap().get::<_, String>(0)
        };
        let (first, second) = (id_of(&old).await, id_of(&new).await);
        let is = |scrape: &Scrape, id: &str| {
            let series =
                format!("stack_postgres_system_info{{target=\"main\",system_identifier=\"{id}\"}}");
            scrape.value(&series) == Some(1.0)
        };
        scrape_until(&exporter, "the first server", |scrape| is(scrape, &first)).await;
        let state = exporter.storage();
        until("that it is noted", PATIENT, async || {
            exporter.scrape().await;
            let files = std::fs::read_dir(&state).unwrap().flatten();
            files.into_iter().any(|file| file.file_name().to_string_lossy().contains("identity"))
        })
        .await;
        // The same server after a restart is no other one.
        exporter.restart().await;
        let scrape =
            scrape_until(&exporter, "the first server again", |scrape| is(scrape, &first)).await;
        assert_eq!(scrape.value(&changed), None, "{}", ours(&scrape));

        behind.store(new.port, Ordering::Relaxed);
        exporter.restart().await;
        let scrape =
            scrape_until(&exporter, "the second server", |scrape| is(scrape, &second)).await;
        let age = scrape.value(&changed);
        assert!(age.is_some_and(|age| (0.0..60.0).contains(&age)), "{}", ours(&scrape));
        door.abort();
    });
}
