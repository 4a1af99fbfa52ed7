//! Files on a real file system, and on one that hangs. [F03 F06 F09 L11 L17]

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::servers::exporter::{Exporter, Scrape};
use crate::servers::process::{Server, Spec, is_root};
use crate::servers::wait::{PATIENT, pause, until};
use crate::servers::{run, watchdog};
use crate::skip::skip;
use crate::stage::{Stage, binary};

fn write(path: &Path, size: u64) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    // As programs do that know their trade: nobody sees half of it.
    let aside = path.with_extension("aside");
    std::fs::File::create(&aside).unwrap().set_len(size).unwrap();
    std::fs::rename(&aside, path).unwrap();
}

/// `name{target="t",path="p"}`, as it stands in the exposition.
fn series(name: &str, target: &str, path: &str) -> String {
    format!("{name}{{target=\"{target}\",path=\"{path}\"}}")
}

fn exactly(wanted: f64) -> impl Fn(f64) -> bool {
    move |value| (value - wanted).abs() < 1e-9
}

async fn is(exporter: &Exporter, series: &str, good: impl Fn(f64) -> bool) -> Scrape {
    until(series, PATIENT, async || {
        let scrape = exporter.scrape().await;
        let value = scrape.value(series);
        if value.is_some_and(&good) { Ok(scrape) } else { Err((value, scrape.body)) }
    })
    .await
}

#[test]
fn a_file_appears_shrinks_goes_and_comes() {
    run(async {
        let dir = watchdog::dir("files");
        let (index, data) = (dir.join("data/index.faiss"), dir.join("data/books"));
        let path = index.display().to_string();
        let copies = format!("{path}.backup_*");
        let config = format!(
            "files:\n  \
             faiss: {{ path: {path}, every: 1s, min_size: 1kB, shrunk_against: largest, mode: \"644\", made_from: {data}/ }}\n  \
             copies: {{ path: \"{copies}\", every: 1s, required: false, max_count: 1 }}\n",
            data = data.display()
        );
        let stage = Stage::start(&config).await;
        let exporter = &stage.exporter;
        let of = |name: &str| series(name, "faiss", &path);
        // It was never there: that is told from the first reading on.
        let scrape = is(exporter, &of("stack_file_missing_seconds"), |value| value >= 2.0).await;
        let glob = format!("file_glob_match_number{{target=\"faiss\",pattern=\"{path}\"}}");
        assert_eq!(scrape.value(&glob), Some(0.0), "{}", scrape.body);
        assert_eq!(scrape.value(&of("file_stat_size_bytes")), None);
        let missing = [("area", "files"), ("target", "faiss"), ("severity", "critical")];
        stage.prometheus.wait_alert("FileMissing", &missing, "firing", PATIENT).await;
        write(&index, 5000);
        let scrape = is(exporter, &of("file_stat_size_bytes"), exactly(5000.0)).await;
        assert_eq!(scrape.value(&of("stack_file_missing_seconds")), Some(0.0));
        assert_eq!(scrape.value(&of("stack_file_mode")), Some(644.0));
        stage.prometheus.wait_quiet("FileMissing", &missing, PATIENT).await;
        // It is found unchanged once, so that it is a version; then a smaller one comes.
        let age = of("stack_file_newest_age_seconds");
        is(exporter, &age, |age| age > 3.0).await;
        write(&index, 500);
        let ratio = of("stack_file_size_ratio");
        is(exporter, &ratio, |ratio| (ratio - 0.1).abs() < 1e-9).await;
        for alert in ["FileShrunk", "FileTooSmall"] {
            let labels = [("area", "files"), ("target", "faiss"), ("severity", "warning")];
            stage.prometheus.wait_alert(alert, &labels, "firing", PATIENT).await;
        }
        // New data, and copies of odd names.
        write(&data.join("new.txt"), 1);
        is(exporter, &of("stack_file_behind_seconds"), |behind| behind > 1.0).await;
        for name in [&b"index.faiss.backup_\xff\n\"1"[..], b"index.faiss.backup_2"] {
            write(&index.parent().unwrap().join(OsStr::from_bytes(name)), 3);
        }
        is(exporter, &series("stack_file_matches", "copies", &copies), exactly(2.0)).await;
        // It remembers over a restart what it was, and since when it is gone.
        std::fs::remove_file(&index).unwrap();
        is(exporter, &of("stack_file_missing_seconds"), |gone| gone >= 3.0).await;
        is_written(exporter, "absent_since\":1").await;
        exporter.restart().await;
        is(exporter, &of("stack_file_missing_seconds"), |gone| gone >= 3.0).await;
        write(&index, 4000);
        is(exporter, &ratio, |ratio| (ratio - 0.8).abs() < 1e-9).await;
    });
}

/// Until what is remembered has been written down.
async fn is_written(exporter: &Exporter, text: &str) {
    let folder = exporter.storage();
    until("a state with it", Duration::from_mins(1), async || {
        exporter.scrape().await;
        let mut files = Vec::new();
        let mut folders = vec![folder.clone()];
        while let Some(next) = folders.pop() {
            for entry in std::fs::read_dir(next).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { folders.push(path) } else { files.push(path) }
            }
        }
        let read = |path: &PathBuf| std::fs::read(path).unwrap_or_default();
        let holds = |path: &PathBuf| String::from_utf8_lossy(&read(path)).contains(text);
        if files.iter().any(holds) { Ok(()) } else { Err(files) }
    })
    .await;
}

#[test]
fn a_secret_is_exposed_and_closed_again() {
    run(async {
        let dir = watchdog::dir("secret");
        std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o755)).unwrap();
        let env = dir.join(".env");
        std::fs::write(&env, "TOKEN=hunter2\n").unwrap();
        let mode = |mode: u32| {
            std::fs::set_permissions(&env, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        mode(0o644);
        let path = env.display();
        let config = format!("files: {{ env: {{ path: {path}, secret: true, every: 1s }} }}\n");
        let exporter = Exporter::start(binary(), &config).await;
        let of = |how: &str| {
            format!("stack_file_exposed{{target=\"env\",path=\"{path}\",how=\"{how}\"}}")
        };
        // The folders of the tests are closed to none who knows their names.
        let scrape = is(&exporter, &of("readable"), exactly(1.0)).await;
        assert_eq!(scrape.value(&of("tracked")), Some(0.0), "{}", scrape.body);
        assert_eq!(scrape.value(&of("copy")), Some(0.0));
        mode(0o600);
        is(&exporter, &of("readable"), exactly(0.0)).await;
        let git = |words: &[&str]| {
            let done = std::process::Command::new("git").current_dir(&dir).args(words).output();
            assert!(done.unwrap().status.success(), "git {words:?}");
        };
        git(&["init", "-q"]);
        git(&["add", ".env"]);
        std::fs::copy(&env, dir.join(".env.tmp")).unwrap();
        is(&exporter, &of("tracked"), exactly(1.0)).await;
        is(&exporter, &of("copy"), exactly(1.0)).await;
        git(&["rm", "-q", "--cached", ".env"]);
        std::fs::remove_file(dir.join(".env.tmp")).unwrap();
        is(&exporter, &of("tracked"), exactly(0.0)).await;
        let scrape = is(&exporter, &of("copy"), exactly(0.0)).await;
        for page in ["/metrics", "/", "/debug/files/env", "/api/v1/status"] {
            let shown = exporter.get(page, &[]).await;
            assert!(!shown.body.contains("hunter2"), "{page}");
        }
        assert!(!scrape.body.contains("hunter2") && !exporter.log().contains("hunter2"));
    });
}

/// A folder that we may go through and not read: a file of it that is named is seen, and what a pattern
/// would find is not known, which is not the same as nothing.
#[test]
fn what_may_not_be_listed_is_not_missing() {
    if !is_root() {
        return skip("another user can be become by root only");
    }
    run(async {
        let dir = watchdog::dir("passed");
        write(&dir.join("file"), 7);
        std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o711)).unwrap();
        let (file, all) = (dir.join("file").display().to_string(), format!("{}/*", dir.display()));
        let config = format!(
            "host: {{ enabled: false }}\ndocker: {{ enabled: false }}\nfiles: {{ one: {{ path: {file}, every: 1s }}, all: {{ path: \"{all}\", every: 1s }} }}\n"
        );
        let exporter = Exporter::start_as("daemon", binary(), &config).await;
        let size = series("file_stat_size_bytes", "one", &file);
        is(&exporter, &size, exactly(7.0)).await;
        let failure = "stack_target_part_failure{target=\"all\",area=\"files\",part=\"listing\",reason=\"rights\"} 1";
        let scrape = exporter.wait_line(failure, PATIENT).await;
        for name in ["stack_file_matches", "stack_file_missing_seconds", "file_glob_match_number"] {
            let start = format!("{name}{{target=\"all\"");
            assert!(scrape.line(&start).is_none(), "{}", scrape.body);
        }
    });
}

/// CPU of a process in milliseconds, in steps of ten.
fn cpu_ms(exporter: &Exporter) -> u64 {
    let pid = exporter.server.pid().unwrap().as_raw_nonzero();
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    ticks * 10
}

#[test]
fn a_hundred_thousand_files_are_counted_beside_the_readings() {
    run(async {
        let dir = watchdog::dir("many");
        for number in 0..100_000 {
            std::fs::File::create(dir.join(format!("session_{number:06}.json"))).unwrap();
        }
        let path = format!("{}/*.json", dir.display());
        let config = format!(
            "host: {{ enabled: false }}\ndocker: {{ enabled: false }}\nfiles: {{ sessions: {{ path: \"{path}\", every: 2s, max_count: 1000 }} }}\n"
        );
        let exporter = Exporter::start(binary(), &config).await;
        let before = exporter.resident_bytes().unwrap();
        let count = series("stack_file_matches", "sessions", &path);
        is(&exporter, &count, exactly(100_000.0)).await;
        let (begun, cpu) = (std::time::Instant::now(), cpu_ms(&exporter));
        let mut slowest = Duration::ZERO;
        let mut scrapes = 0;
        while begun.elapsed() < Duration::from_secs(8) {
            let scrape = exporter.scrape().await;
            assert_eq!(scrape.value(&count), Some(100_000.0), "{}", scrape.body);
            slowest = slowest.max(scrape.elapsed);
            scrapes += 1;
            pause(Duration::from_millis(100)).await;
        }
        let used = cpu_ms(&exporter) - cpu;
        let after = exporter.resident_bytes().unwrap();
        eprintln!(
            "100,000 files every 2 s: {used} ms of CPU in {scrapes} scrapes over 8 s, the slowest {slowest:?}, memory {before} then {after}"
        );
        assert!(slowest < Duration::from_secs(1), "{slowest:?}");
        assert!(after < before + (24 << 20), "{before} then {after}");
        // One that is gone is one fewer.
        std::fs::remove_file(dir.join("session_000000.json")).unwrap();
        is(&exporter, &count, exactly(99_999.0)).await;
    });
}

/// A file system with one file of nine bytes, which hangs while its server is paused.
struct Fuse {
    server: Server,
    point: PathBuf,
}

impl Fuse {
    async fn mount() -> Self {
        let dir = watchdog::dir("fuse");
        let point = dir.join("mount");
        std::fs::create_dir(&point).unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/live/servers/fuse.py");
        let args = [script.to_str().unwrap(), point.to_str().unwrap(), "index", "some text"];
        let server = Server::start(Spec::new(Path::new("python3"), "python3", &args), &dir);
        watchdog::at_end(&format!("umount -l {}", point.display()));
        until("a mounted file system", PATIENT, async || {
            server.assert_alive();
            server.log().contains("mounted")
        })
        .await;
        Self { server, point }
    }
}

impl Drop for Fuse {
    fn drop(&mut self) {
        // Whoever waits for it gets an error, and no folder is left that hangs.
        self.server.kill();
        let _ = std::process::Command::new("umount").arg("-l").arg(&self.point).status();
    }
}

fn threads(exporter: &Exporter) -> usize {
    let pid = exporter.server.pid().unwrap().as_raw_nonzero();
    std::fs::read_dir(format!("/proc/{pid}/task")).unwrap().count()
}

#[test]
fn a_mount_that_hangs_hurts_its_own_target_only() {
    if !is_root() {
        return skip("a file system can be mounted by root only");
    }
    run(async {
        let fuse = Fuse::mount().await;
        let fine = watchdog::dir("fine").join("file");
        write(&fine, 10);
        let path = fuse.point.join("index").display().to_string();
        let config = |more: &str| {
            format!(
                "host: {{ enabled: false }}\ndocker: {{ enabled: false }}\nfiles:\n  stuck: {{ path: {path}, every: 1s }}\n  fine: {{ path: {}, every: 1s{more} }}\n",
                fine.display()
            )
        };
        let exporter = Exporter::start(binary(), &config("")).await;
        let size = series("file_stat_size_bytes", "stuck", &path);
        let fine_size = series("file_stat_size_bytes", "fine", &fine.display().to_string());
        is(&exporter, &size, exactly(9.0)).await;
        fuse.server.pause().await;
        let failure = "stack_target_part_failure{target=\"stuck\",area=\"files\",part=\"listing\",reason=\"timeout\"} 1";
        let scrape = exporter.wait_line(failure, PATIENT).await;
        // What was read last is still shown, and the other goes on.
        assert_eq!(scrape.value(&size), Some(9.0), "{}", scrape.body);
        write(&fine, 11);
        is(&exporter, &fine_size, exactly(11.0)).await;
        // However often it is tried, and whatever is loaded: one thread waits.
        let waiting = threads(&exporter);
        for round in 0..3 {
            exporter.write_config(&config(&format!(", max_size: {}kB", round + 1)));
            assert_eq!(exporter.reload().await.0, 200);
            pause(Duration::from_secs(2)).await;
            let scrape = exporter.scrape().await;
            assert!(scrape.elapsed < Duration::from_millis(1500), "{:?}", scrape.elapsed);
        }
        // Threads of the pool that have nothing to do come and go.
        let now = threads(&exporter);
        assert!(now <= waiting + 4, "{waiting} threads, then {now}");
        // One that is started meanwhile has nothing to show, and says why.
        let other = Exporter::start(binary(), &config("")).await;
        let down = "stack_target_failure{target=\"stuck\",area=\"files\",reason=\"timeout\"} 1";
        let scrape = other.wait_line(down, PATIENT).await;
        let up = |target: &str| format!("stack_target_up{{target=\"{target}\",area=\"files\"}}");
        assert_eq!(scrape.value(&up("stuck")), Some(0.0), "{}", scrape.body);
        assert_eq!(scrape.value(&up("fine")), Some(1.0));
        assert!(scrape.line("stack_file_missing_seconds{target=\"stuck\"").is_none());
        fuse.server.resume();
        is(&other, &size, exactly(9.0)).await;
        until("no failure any more", PATIENT, async || {
            let scrape = exporter.scrape().await;
            if scrape.line(failure).is_none() { Ok(()) } else { Err(scrape.body) }
        })
        .await;
        // It hangs at the end: that does not keep the exporter.
        fuse.server.pause().await;
        exporter.wait_line(failure, PATIENT).await;
        assert!(exporter.stop().await < Duration::from_secs(9));
    });
}
