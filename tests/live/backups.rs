//! Backups, for real: by pg_dump, gzip, zstd and tar, by a stand-in of Qdrant whose answers are as its
//! API documents them; with each fault. [F01 F02 F04 F05 F07 F08]

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use crate::servers::exporter::{Exporter, Scrape};
use crate::servers::httpd::{Httpd, Reply};
use crate::servers::postgres::Postgres;
use crate::servers::wait::{PATIENT, until};
use crate::servers::{run, text, watchdog};
use crate::stage::{Stage, Watched, binary};

const HOUR: Duration = Duration::from_hours(1);

/// Lets a file have been written so long ago.
fn aged(path: &Path, age: Duration) {
    let file = File::options().write(true).open(path).unwrap();
    file.set_modified(SystemTime::now() - age).unwrap();
}

fn put(path: &Path, bytes: &[u8], age: Duration) {
    // Under another name first, as a careful script does.
    let partial = path.with_extension("part");
    fs::write(&partial, bytes).unwrap();
    aged(&partial, age);
    fs::rename(&partial, path).unwrap();
}

fn shell(script: &str) {
    let done = Command::new("bash").args(["-euo", "pipefail", "-c", script]).output().unwrap();
    assert!(done.status.success(), "{script}: {}", String::from_utf8_lossy(&done.stderr));
}

fn of(scrape: &Scrape, metric: &str, target: &str) -> Option<f64> {
    scrape.value(&format!("stack_backup_{metric}{{target=\"{target}\"}}"))
}

async fn is(exporter: &Exporter, target: &str, metric: &str, wanted: Option<f64>) -> Scrape {
    until(&format!("{metric} of {target}: {wanted:?}"), PATIENT, async || {
        let scrape = exporter.scrape().await;
        let found = of(&scrape, metric, target);
        if found == wanted { Ok(scrape) } else { Err(format!("{found:?}")) }
    })
    .await
}

// [F01 F05 F08]
#[test]
fn what_real_programs_write_is_whole_and_what_is_cut_is_not() {
    run(async {
        let postgres = Postgres::start(None).await;
        let admin = postgres.client().await;
        let rows =
            "CREATE TABLE t AS SELECT n, md5(n::text) AS text FROM generate_series(1, 60000) n";
        admin.batch_execute(rows).await.unwrap();
        let folder = watchdog::dir("backups");
        let bin = text(postgres.bin());
        let cluster =
            format!("{bin}/pg_dumpall -h 127.0.0.1 -p {} -U postgres", text_of(&postgres));
        let dump = format!(
            "{}/pg_dump -h 127.0.0.1 -p {} -U postgres tasktracker",
            text(postgres.bin()),
            text_of(&postgres)
        );
        let at = text(&folder);
        shell(&format!(
            "cd {at}; mkdir sql gz zst custom piped tar cluster clustergz; {cluster} > cluster/a.sql; \
             {cluster} | gzip > clustergz/a.sql.gz; {dump} > sql/a.sql; {dump} | gzip > gz/a.sql.gz; \
             {dump} | zstd -q > zst/a.sql.zst; {dump} -Fc > custom/a.dump; {dump} -Fc | cat > piped/a.dump; \
             tar -czf tar/a.tar.gz sql gz"
        ));
        let kinds = [
            ("sql", "a.sql"),
            ("gz", "a.sql.gz"),
            ("zst", "a.sql.zst"),
            ("custom", "a.dump"),
            ("piped", "a.dump"),
            ("tar", "a.tar.gz"),
            ("cluster", "a.sql"),
            ("clustergz", "a.sql.gz"),
        ];
        let mut config = "backups:\n".to_owned();
        for (kind, name) in kinds {
            aged(&folder.join(kind).join(name), HOUR);
            config += &format!(
                "  {kind}: {{ files: [{at}/{kind}/*], every: 1d, refresh: 1s, verify: {{ speed: 500MB }} }}\n"
            );
        }
        let exporter = Exporter::start(binary(), &config).await;
        for (kind, name) in kinds {
            let scrape = is(&exporter, kind, "verified_generations", Some(1.0)).await;
            assert_eq!(of(&scrape, "valid", kind), Some(1.0), "{kind}");
            let size = fs::metadata(folder.join(kind).join(name)).unwrap().len();
            assert!(kind == "piped" || size > 1 << 20 || kind == "custom", "{kind}: {size}");
        }
        // The newest lacks its last hundred bytes, or its last third.
        for share in [100, 3] {
            for (kind, name) in kinds {
                let bytes = fs::read(folder.join(kind).join(name)).unwrap();
                let left = if share == 100 { bytes.len() - 100 } else { bytes.len() / 3 * 2 };
                let ending = name.split_once('.').unwrap().1;
                let age = (HOUR / 2)
                    .checked_sub(Duration::from_secs(if share == 3 { 60 } else { 0 }))
                    .unwrap();
                put(&folder.join(kind).join(format!("b{share}.{ending}")), &bytes[..left], age);
            }
            for (kind, _) in kinds {
                let scrape = is(&exporter, kind, "valid", Some(0.0)).await;
                assert_eq!(of(&scrape, "empty", kind), Some(0.0), "{kind}");
                let usable = of(&scrape, "usable_age_seconds", kind).unwrap();
                assert!((3500.0..3900.0).contains(&usable), "{kind}: {usable}");
            }
        }
        let page = exporter.get("/api/v1/details/backup/gz", &[]).await.body;
        assert!(page.contains("the gzip stream ends too early"), "{page}");
    });
}

fn text_of(postgres: &Postgres) -> String {
    let url = postgres.url();
    let port = url.rsplit(':').next().and_then(|rest| rest.split('/').next());
    port.unwrap().to_owned()
}

// [F04 F05]
#[test]
fn a_failed_dump_an_old_one_and_one_that_is_too_small_are_told() {
    run(async {
        let folder = watchdog::dir("backups");
        let at = text(&folder);
        let config = format!(
            "backups:\n  db: {{ files: [\"{at}/backup_*.sql.gz\"], every: 1d, refresh: 1s, keep: 3, delete_after: 30d }}\n\
             \x20 never: {{ files: [\"{at}/not/there/*\"], every: 1d, refresh: 1s }}\n"
        );
        let stage = Stage::start(&config).await;
        let fires = async |alert: &str, target: &str, severity: &str| {
            let labels = [("target", target), ("severity", severity)];
            stage.prometheus.wait_alert(alert, &labels, "firing", PATIENT).await;
        };
        fires("BackupMissing", "never", "warning").await;
        let name = |number: u32| folder.join(format!("backup_2026010{number}_020000.sql.gz"));
        let script = format!(
            "seq 1 9000 | gzip > {at}/whole.gz; seq 1 900 | gzip > {at}/small.gz; gzip </dev/null > {at}/none.gz"
        );
        shell(&script);
        let read = |name: &str| fs::read(folder.join(name)).unwrap();
        for number in 1..=4 {
            put(&name(number), &read("whole.gz"), HOUR * 24 * (60 - number));
        }
        // Nobody deletes, and nobody has run it for weeks.
        fires("BackupNotDeleted", "db", "warning").await;
        fires("BackupOverdue", "db", "critical").await;
        for number in 1..=4 {
            aged(&name(number), HOUR * 24 * (6 - number));
        }
        put(&name(5), &read("none.gz"), HOUR / 2);
        fires("BackupEmpty", "db", "critical").await;
        stage.prometheus.wait_quiet("BackupOverdue", &[("target", "db")], PATIENT).await;
        put(&name(6), &read("small.gz"), HOUR / 3);
        fires("BackupShrunk", "db", "warning").await;
        stage.prometheus.wait_quiet("BackupEmpty", &[("target", "db")], PATIENT).await;
        fires("BackupDamagedGenerations", "db", "warning").await;
        put(&name(7), &read("whole.gz"), HOUR / 4);
        stage.prometheus.wait_quiet("BackupShrunk", &[("target", "db")], PATIENT).await;
        for number in 1..=5 {
            fs::remove_file(name(number)).unwrap();
        }
        fires("BackupGenerationsMissing", "db", "warning").await;
        put(&name(8), &read("whole.gz")[..100], HOUR / 5);
        fires("BackupInvalid", "db", "critical").await;
    });
}

#[test]
fn odd_names_and_a_file_that_grows() {
    run(async {
        let folder = watchdog::dir("backups");
        let at = text(&folder);
        let exporter = Exporter::start(
            binary(),
            &format!("backups:\n  odd: {{ files: [\"{at}/db_*\"], every: 1d, refresh: 1s }}\n"),
        )
        .await;
        is(&exporter, "odd", "present", Some(0.0)).await;
        let odd = folder.join(OsStr::from_bytes(b"db_\xff\n\x1b[31m.gz"));
        shell(&format!("seq 1 1000 | gzip > {at}/whole"));
        let whole = fs::read(folder.join("whole")).unwrap();
        fs::write(&odd, &whole).unwrap();
        aged(&odd, HOUR);
        let scrape = is(&exporter, "odd", "valid", Some(1.0)).await;
        assert!(!scrape.body.contains("db_"), "no name of a file in a label");
        let page = exporter.get("/api/v1/details/backup/odd", &[]).await.body;
        assert!(page.contains("u001b[31m.gz") && !page.contains('\u{1b}'), "{page}");
        // While the next one grows, the one before it is judged.
        let growing = folder.join("db_2.gz");
        for part in 1..=40 {
            fs::write(&growing, &whole[..whole.len() * part / 41]).unwrap();
            let scrape = exporter.scrape().await;
            assert_ne!(of(&scrape, "valid", "odd"), Some(0.0), "{}", scrape.body);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let scrape = is(&exporter, "odd", "growing", Some(1.0)).await;
        assert_eq!(of(&scrape, "size_bytes", "odd"), Some(whole.len() as f64));
        // It was never finished.
        aged(&growing, HOUR / 2);
        is(&exporter, "odd", "valid", Some(0.0)).await;
    });
}

/// What was read once is not read again after a restart, and what is known of sizes stays.
#[test]
fn a_restart_forgets_nothing() {
    run(async {
        let folder = watchdog::dir("backups");
        let at = text(&folder);
        let config = format!(
            "backups:\n  one: {{ files: [{at}/db.bin], every: 1d, refresh: 1s, verify: {{}} }}\n"
        );
        let exporter = Exporter::start(binary(), &config).await;
        let path = folder.join("db.bin");
        for (number, size) in [(5, 4000), (4, 4100), (3, 4200), (2, 900)] {
            put(&path, &vec![7; size], HOUR * number);
            is(&exporter, "one", "size_bytes", Some(size as f64)).await;
        }
        let scrape = is(&exporter, "one", "verified_generations", Some(1.0)).await;
        let ratio = of(&scrape, "size_ratio", "one").unwrap();
        assert!((ratio - 900.0 / 4100.0).abs() < 1e-9, "{ratio}");
        let state = exporter.storage();
        let kept = async || {
            // What is known is handed to the disk at a reading.
            let _ = exporter.scrape().await;
            let files = fs::read_dir(&state).unwrap().flatten().map(|entry| entry.path());
            let texts: Vec<_> = files.filter_map(|path| fs::read_to_string(path).ok()).collect();
            let there =
                texts.iter().any(|text| text.contains("\"full\":true") && text.contains(",900]"));
            if there { Ok(()) } else { Err(texts.join("\n")) }
        };
        until("the state is written", PATIENT, kept).await;
        exporter.restart().await;
        let scrape = is(&exporter, "one", "size_bytes", Some(900.0)).await;
        assert_eq!(of(&scrape, "size_ratio", "one"), Some(ratio));
        assert_eq!(of(&scrape, "verified_generations", "one"), Some(1.0));
    });
}

/// The answer of Qdrant's documentation for `GET /collections/{name}/snapshots`.
fn snapshots(now: SystemTime, of: &[(&str, u64, Duration)]) -> Reply {
    let list: Vec<_> = of
        .iter()
        .map(|(name, size, age)| {
            let at = jiff_time(now - *age);
            serde_json::json!({ "name": name, "creation_time": at, "size": size, "checksum": null })
        })
        .collect();
    let answer = serde_json::json!({ "result": list, "status": "ok", "time": 0.000_031 });
    Reply::new(200, "application/json", answer.to_string())
}

/// `2026-01-31T02:00:00`, in UTC and without an end, as Qdrant writes it.
fn jiff_time(at: SystemTime) -> String {
    let at = jiff::Timestamp::try_from(at).unwrap();
    at.strftime("%Y-%m-%dT%H:%M:%S").to_string()
}

const QDRANT: Watched =
    Watched { area: "backup", target: "places", alert: "BackupUnreadable", severity: "warning" };

/// What was listed last is shown for a while: the reason comes at once, and the target goes later.
async fn sick_for(stage: &Stage, reason: &str) {
    let part = format!(
        "stack_target_part_failure{{target=\"places\",area=\"backup\",part=\"look\",reason=\"{reason}\"}} 1"
    );
    stage.exporter.wait_line(&part, PATIENT).await;
    until(&format!("{reason}: down"), PATIENT, async || {
        let scrape = stage.exporter.scrape().await;
        let up = scrape.value("stack_target_up{target=\"places\",area=\"backup\"}");
        let left = of(&scrape, "generations", "places");
        if (up, left) == (Some(0.0), None) { Ok(()) } else { Err(scrape.body) }
    })
    .await;
    let labels = [("target", "places"), ("severity", "warning")];
    stage.prometheus.wait_alert("BackupUnreadable", &labels, "firing", PATIENT).await;
}

// [F02]
#[test]
fn snapshots_of_qdrant_need_a_copy_elsewhere() {
    run(async {
        let folder = watchdog::dir("copies");
        let key = folder.join("key");
        fs::write(&key, "s3cret-key\n").unwrap();
        let mode = std::sync::Arc::new(Mutex::new("normal"));
        let asked = std::sync::Arc::clone(&mode);
        // A snapshot was made once.
        let begun = SystemTime::now();
        let qdrant = Httpd::start(move |request| {
            let key = request.headers.iter().find(|(name, _)| name == "api-key");
            if key.map(|(_, value)| value.as_str()) != Some("s3cret-key") {
                return Reply::new(
                    401,
                    "text/plain",
                    "Must provide an API key or an Authorization bearer token",
                );
            }
            let right = request.path == "/collections/travel%5Flocations/snapshots"
                || request.path == "/collections/travel_locations/snapshots";
            match *asked.lock().unwrap() {
                "normal" if right => snapshots(
                    begun,
                    &[
                        ("travel_locations-1-new.snapshot", 4096, HOUR * 3),
                        ("travel_locations-1-old.snapshot", 4000, HOUR * 24 * 7),
                    ],
                ),
                "hang" => Reply::Hang,
                "rubbish" => Reply::new(200, "text/html", "<html>"),
                _ => Reply::new(
                    404,
                    "application/json",
                    r#"{"status":{"error":"Not found"},"time":0}"#,
                ),
            }
        })
        .await;
        let (at, url) = (text(&folder), qdrant.url());
        let config = format!(
            "backups:\n  places:\n    qdrant: {{ url: \"{url}\", collection: travel_locations, header_files: {{ api-key: {at}/key }} }}\n    \
             every: 7d\n    copies: [{at}]\n    refresh: 1s\n    timeout: 2s\n"
        );
        let stage = Stage::start(&config).await;
        let scrape = stage.well(QDRANT).await;
        assert_eq!(of(&scrape, "generations", "places"), Some(2.0));
        assert_eq!(of(&scrape, "size_bytes", "places"), Some(4096.0));
        assert_eq!(of(&scrape, "overdue_seconds", "places"), Some(0.0));
        assert!(!scrape.body.contains("s3cret-key"));
        stage
            .prometheus
            .wait_alert("BackupNotCopied", &[("target", "places")], "firing", PATIENT)
            .await;
        // A copy of another size is none.
        let copy = folder.join("travel_locations-1-new.snapshot");
        fs::write(&copy, vec![0; 4095]).unwrap();
        is(&stage.exporter, "places", "copies_missing", Some(1.0)).await;
        fs::write(&copy, vec![0; 4096]).unwrap();
        is(&stage.exporter, "places", "copies_missing", Some(0.0)).await;
        stage.prometheus.wait_quiet("BackupNotCopied", &[("target", "places")], PATIENT).await;
        for (sick, reason) in [("hang", "timeout"), ("rubbish", "parse"), ("gone", "not_found")] {
            *mode.lock().unwrap() = sick;
            sick_for(&stage, reason).await;
            *mode.lock().unwrap() = "normal";
            stage.well(QDRANT).await;
        }
        fs::write(&key, "another\n").unwrap();
        sick_for(&stage, "auth").await;
        fs::write(&key, "s3cret-key\n").unwrap();
        stage.well(QDRANT).await;
    });
}

// [F02 F07 F08 F09]
#[test]
fn what_is_asked_for_beside_the_files() {
    run(async {
        let folder = watchdog::dir("backups");
        let at = text(&folder);
        let stage = Stage::start(&section(&folder)).await;
        let exporter = &stage.exporter;
        let scrape = is(exporter, "database", "valid", Some(1.0)).await;
        for (metric, value) in [
            ("restore_tested", 1.0),
            ("copies_missing", 0.0),
            ("behind_seconds", 0.0),
            ("generations_missing", 0.0),
            ("expired_files", 0.0),
            ("growing", 0.0),
        ] {
            assert_eq!(of(&scrape, metric, "database"), Some(value), "{metric}");
        }
        aged(&folder.join("restored"), HOUR * 24 * 91);
        put(&folder.join("migration.py"), b"", HOUR / 2);
        fs::remove_file(folder.join("copies/backup_5.sql.gz")).unwrap();
        for alert in ["BackupRestoreUntested", "BackupOlderThanChange", "BackupNotCopied"] {
            let labels = [("target", "database"), ("severity", "warning")];
            stage.prometheus.wait_alert(alert, &labels, "firing", PATIENT).await;
        }
        fs::remove_file(folder.join("restored")).unwrap();
        is(exporter, "database", "restore_age_seconds", None).await;
        // Nobody but the owner gets through the folder.
        fs::set_permissions(at, fs::Permissions::from_mode(0o700)).unwrap();
        is(exporter, "database", "exposed", Some(0.0)).await;
    });
}

/// A section of the configuration with all there is, and files that go with it.
pub fn section(folder: &Path) -> String {
    let at = text(folder);
    fs::create_dir_all(folder.join("copies")).unwrap();
    shell(&format!("seq 1 9000 | gzip > {at}/whole.gz"));
    let whole = fs::read(folder.join("whole.gz")).unwrap();
    for number in 1..=5 {
        let name: PathBuf = format!("backup_{number}.sql.gz").into();
        put(
            &folder.join(&name),
            &whole,
            (HOUR * 24 * (6 - number)).checked_sub(HOUR * 21).unwrap(),
        );
        put(&folder.join("copies").join(&name), &whole, HOUR);
    }
    put(&folder.join("restored"), b"", HOUR);
    put(&folder.join("migration.py"), b"", HOUR * 24 * 20);
    format!(
        "backups:\n  database:\n    files: [\"{at}/backup_*.sql.gz\"]\n    every: 1d\n    keep: 5\n    delete_after: 30d\n    \
         refresh: 1s\n    verify: {{ speed: 50MB }}\n    copies: [{at}/copies]\n    \
         newer_than: {{ files: [\"{at}/migration*.py\"] }}\n    restore_test: {{ stamp: {at}/restored }}\n"
    )
}
