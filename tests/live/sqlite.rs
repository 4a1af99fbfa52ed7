//! Files of SQLite that others write: read by whoever may, and nothing beside them changes. The
//! application is Python's own SQLite, another one than ours, as another user. [Q04]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::servers::exporter::{Exporter, Scrape};
use crate::servers::process::is_root;
use crate::servers::wait::{PATIENT, until};
use crate::servers::{run, text, watchdog};
use crate::stage::binary;

/// What an application does: `argv` is the database, the journal mode, and what to do.
const APPLICATION: &str = r"
import os, signal, sqlite3, sys, threading, time
path, mode, act = sys.argv[1:4]
db = sqlite3.connect(path, timeout=0, isolation_level=None)
db.execute(f'pragma journal_mode={mode}')
db.execute('create table if not exists tasks(id integer primary key, status text, created_at text)')
put = lambda: db.execute('insert into tasks(status, created_at) values(?, datetime())', ('pending',))
if act == 'once':
    put()
    db.close()
elif act == 'crash':
    for _ in range(3): put()
    os.kill(os.getpid(), signal.SIGKILL)
elif act == 'torn':
    db.execute('pragma cache_size=1')
    db.execute('begin')
    for n in range(3000): db.execute('insert into tasks(status, created_at) values(?, ?)', ('pending', 'x' * 99))
    os.kill(os.getpid(), signal.SIGKILL)
elif act == 'hold':
    put()
    db.execute('begin immediate')
    put()
    print('ready', flush=True)
    sys.stdin.readline()
    db.execute('commit')
    db.close()
else:
    put()
    print('ready', flush=True)
    gone = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.readline(), gone.set()), daemon=True).start()
    done, failed = 0, []
    while not gone.is_set():
        begun = time.monotonic()
        try: put(); done += 1
        except Exception as error: failed.append(str(error))
        # On a disk that is busy with others a write takes long, and would leave no reader a moment.
        time.sleep(max(0.005, time.monotonic() - begun))
    db.close()
    print(done, sorted(set(failed)), flush=True)
";

/// A user: of the folder, of its group, and nobody to it.
#[derive(Clone, Copy, Debug)]
struct User(u32, u32);
const OWNER: User = User(61_001, 61_001);
const MEMBER: User = User(61_002, 61_001);
const OTHER: User = User(61_003, 61_003);
const ROOT: User = User(0, 0);

fn as_user(user: User, program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--reuid", &user.0.to_string()]);
    command.args(["--regid", &user.1.to_string(), "--clear-groups", "--"]).arg(program);
    command
}

fn application(database: &Path, mode: &str, act: &str) -> Command {
    let mut command = as_user(OWNER, Path::new("/usr/bin/python3"));
    command.args(["-c", APPLICATION, text(database), mode, act]).current_dir("/");
    command
}

/// Does it, which works.
fn does(database: &Path, mode: &str, act: &str) {
    let done = application(database, mode, act).output().unwrap();
    let killed = matches!(act, "crash" | "torn");
    assert_eq!(!done.status.success(), killed, "{} {act}: {done:?}", database.display());
}

/// An application that is there.
struct Running {
    child: Child,
    out: BufReader<std::process::ChildStdout>,
}

impl Running {
    fn start(database: &Path, mode: &str, act: &str) -> Self {
        let mut command = application(database, mode, act);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut ready = String::new();
        out.read_line(&mut ready).unwrap();
        assert_eq!(ready, "ready\n", "{}", database.display());
        Self { child, out }
    }

    /// What it says at its end.
    fn end(mut self) -> String {
        writeln!(self.child.stdin.take().unwrap()).unwrap();
        let mut said = String::new();
        self.out.read_line(&mut said).unwrap();
        assert!(self.child.wait().unwrap().success());
        said
    }
}

/// Name, owner, mode, size, times and content of all in a folder.
type Folder = BTreeMap<PathBuf, (u32, u32, u32, i64, i64, i64, i64, Vec<u8>)>;

fn folder(dir: &Path) -> Folder {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let of = |path: PathBuf| {
        let meta = fs::symlink_metadata(&path).unwrap();
        let content = if meta.is_file() { fs::read(&path).unwrap() } else { Vec::new() };
        let (changed, nanos) = (meta.ctime(), meta.ctime_nsec());
        let modified = (meta.mtime(), meta.mtime_nsec());
        (
            path,
            (meta.uid(), meta.gid(), meta.mode(), modified.0, modified.1, changed, nanos, content),
        )
    };
    let itself = dir.to_owned();
    entries.chain([itself]).map(of).collect()
}

/// Names with owner and mode: what must hold while somebody writes.
fn owners(dir: &Path) -> BTreeMap<PathBuf, (u32, u32, u32)> {
    folder(dir).into_iter().map(|(path, it)| (path, (it.0, it.1, it.2))).collect()
}

/// A folder that the group may write, as a shared volume is.
fn shared() -> PathBuf {
    let dir = watchdog::dir("sqlite");
    std::os::unix::fs::chown(&dir, Some(OWNER.0), Some(OWNER.1)).unwrap();
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o2775)).unwrap();
    dir
}

fn config(databases: &[(&str, PathBuf)]) -> String {
    let one = |(name, file): &(&str, PathBuf)| {
        format!("  {name}: {{ sqlite: {{ file: \"{}\" }} }}\n", text(file))
    };
    let queues: String = databases.iter().map(one).collect();
    format!("queues:\n{queues}docker: {{ enabled: false }}\nhost: {{ enabled: false }}\n")
}

async fn exporter(user: User, config: &str) -> Exporter {
    let ids = [user.0.to_string(), user.1.to_string()];
    Exporter::start_with_ids(&ids, binary(), config).await
}

fn jobs(scrape: &Scrape, name: &str) -> Option<f64> {
    scrape
        .value(&format!("stack_queue_jobs{{target=\"{name}\",queue=\"{name}\",state=\"pending\"}}"))
}

fn reason(scrape: &Scrape, name: &str) -> String {
    let start = format!("stack_target_failure{{target=\"{name}\",area=\"queue\",reason=\"");
    let line = scrape.line(&start).unwrap_or_default();
    line.strip_prefix(&start).and_then(|rest| rest.split('"').next()).unwrap_or_default().to_owned()
}

/// Name, how it was left, journal mode of the application, jobs or the reason.
type Case = (&'static str, &'static str, Result<f64, &'static str>);

const AT_REST: [Case; 10] = [
    ("wal", "closed after writing with a log", Ok(1.0)),
    ("walempty", "closed, an empty log left", Ok(1.0)),
    ("shmonly", "closed, an index left without a log", Ok(1.0)),
    ("delete", "closed after writing with a journal", Ok(1.0)),
    ("persist", "closed, an overwritten journal left", Ok(1.0)),
    ("odd name?mode=rwc#%41", "a name that could be an address", Ok(1.0)),
    ("crash", "killed with a log", Ok(3.0)),
    // Root's SQLite would give them to the owner of the database.
    ("others", "killed with a log that belongs to another user", Ok(3.0)),
    ("copied", "a log without its index", Err("protocol")),
    ("torn", "killed in the middle of a write", Err("protocol")),
];

fn make(dir: &Path, (name, ..): &Case) -> PathBuf {
    let database = dir.join(format!("{name}.db"));
    let beside = |ending: &str| PathBuf::from(format!("{}{ending}", text(&database)));
    match *name {
        "delete" | "persist" => does(&database, name, "once"),
        "crash" => does(&database, "wal", "crash"),
        "others" => {
            does(&database, "wal", "crash");
            for ending in ["-wal", "-shm"] {
                fs::set_permissions(beside(ending), fs::Permissions::from_mode(0o666)).unwrap();
                std::os::unix::fs::chown(beside(ending), Some(MEMBER.0), None).unwrap();
            }
        }
        "copied" => {
            does(&database, "wal", "crash");
            fs::remove_file(beside("-shm")).unwrap();
        }
        "torn" => {
            does(&database, "delete", "once");
            does(&database, "delete", "torn");
            assert!(fs::metadata(beside("-journal")).unwrap().len() > 512);
        }
        _ => does(&database, "wal", "once"),
    }
    let left = match *name {
        "walempty" => Some(beside("-wal")),
        "shmonly" => Some(beside("-shm")),
        _ => None,
    };
    if let Some(left) = left {
        fs::write(&left, "").unwrap();
        std::os::unix::fs::chown(&left, Some(OWNER.0), Some(OWNER.1)).unwrap();
    }
    database
}

#[test]
fn at_rest_nothing_beside_a_database_changes_whoever_reads() {
    assert!(is_root(), "this test plays several users and needs root");
    run(async {
        for user in [ROOT, MEMBER, OTHER, OWNER] {
            let dir = shared();
            let made = AT_REST.map(|case| (case, make(&dir, &case)));
            let names: Vec<String> = (0..made.len()).map(|n| format!("q{n}")).collect();
            let databases: Vec<_> =
                made.iter().zip(&names).map(|((_, file), n)| (n.as_str(), file.clone())).collect();
            let before = folder(&dir);
            let exporter = exporter(user, &config(&databases)).await;
            let mut scrape = exporter.scrape().await;
            for _ in 0..3 {
                scrape = exporter.scrape().await;
            }
            assert_eq!(folder(&dir), before, "{user:?} changed something");
            for (((_, how, wanted), _), name) in made.iter().zip(&names) {
                let seen = jobs(&scrape, name).ok_or_else(|| reason(&scrape, name));
                assert_eq!(seen, wanted.map_err(ToOwned::to_owned), "{user:?}: {how}");
            }
            // The application goes on while the exporter runs, and what ailed is cured by that.
            for ((case, file), _) in made.iter().zip(&names) {
                let journal =
                    if matches!(case.0, "delete" | "persist" | "torn") { "delete" } else { "wal" };
                does(file, journal, "once");
            }
            for ((case, _), name) in made.iter().zip(&names) {
                let more = match case.0 {
                    "crash" | "others" | "copied" => 4.0,
                    _ => 2.0,
                };
                until(case.1, PATIENT, async || {
                    let scrape = exporter.scrape().await;
                    if jobs(&scrape, name) == Some(more) { Ok(()) } else { Err(scrape.body) }
                })
                .await;
            }
            for (path, (uid, gid, _)) in owners(&dir) {
                assert_eq!((uid, gid), (OWNER.0, OWNER.1), "{user:?}: {path:?}");
            }
        }
    });
}

#[test]
fn in_use_the_application_never_notices() {
    assert!(is_root(), "this test plays several users and needs root");
    run(async {
        for user in [ROOT, MEMBER, OTHER] {
            let dir = shared();
            let modes = ["wal", "delete", "truncate"];
            let databases = modes.map(|mode| (mode, dir.join(format!("{mode}.db"))));
            let writers = databases.clone().map(|(mode, file)| Running::start(&file, mode, "busy"));
            let held = dir.join("held.db");
            let holder = Running::start(&held, "wal", "hold");
            let all = [databases.to_vec(), vec![("held", held.clone())]].concat();
            let exporter = exporter(user, &config(&all)).await;
            let owned = |path: &Path| {
                let all = owners(path);
                all.into_iter()
                    .filter(|(_, it)| (it.0, it.1) != (OWNER.0, OWNER.1))
                    .collect::<Vec<_>>()
            };
            let mut least = BTreeMap::new();
            for mode in modes {
                // Each is read again and again, and never has fewer than before.
                for _ in 0..10 {
                    let before = least.get(mode).copied().unwrap_or(0.0);
                    let now = until(mode, PATIENT, async || {
                        let scrape = exporter.scrape().await;
                        let seen = jobs(&scrape, mode);
                        seen.ok_or_else(|| reason(&scrape, mode))
                    })
                    .await;
                    assert!(now >= before, "{mode}: {now} after {before}");
                    least.insert(mode, now);
                }
                assert!(least[mode] >= 1.0, "{mode}: {least:?}");
            }
            // What is not committed is not there.
            assert_eq!(jobs(&exporter.scrape().await, "held"), Some(1.0), "{user:?}");
            holder.end();
            until("both", PATIENT, async || jobs(&exporter.scrape().await, "held") == Some(2.0))
                .await;
            for (writer, (mode, _)) in writers.into_iter().zip(&databases) {
                let said = writer.end();
                let (done, failed) = said.trim().split_once(' ').unwrap();
                assert_eq!(failed, "[]", "{user:?}, {mode}: {done} writes went well");
                assert!(done.parse::<u32>().unwrap() > 10, "{mode}: {said}");
            }
            assert_eq!(owned(&dir), [], "{user:?}");
        }
    });
}

/// Each is ill in its own way, told as that, and well one reading after its cure.
#[test]
fn what_is_cured_is_well_without_a_restart() {
    assert!(is_root(), "this test plays several users and needs root");
    run(async {
        let dir = shared();
        let file = dir.join("queue.db");
        let beside = |ending: &str| PathBuf::from(format!("{}{ending}", text(&file)));
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &file,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::from_raw_mode(0o666),
            0,
        )
        .unwrap();
        let config = config(&[("tasks", file.clone())]);
        let exporter = exporter(MEMBER, &config).await;
        let ill = async |wanted: &str| {
            until(wanted, PATIENT, async || {
                let scrape = exporter.scrape().await;
                let seen = reason(&scrape, "tasks");
                if seen == wanted { Ok(()) } else { Err(seen) }
            })
            .await;
        };
        let well = async || {
            until("well", PATIENT, async || {
                let scrape = exporter.scrape().await;
                let seen = jobs(&scrape, "tasks");
                seen.ok_or_else(|| reason(&scrape, "tasks"))
            })
            .await
        };
        ill("other").await;
        fs::remove_file(&file).unwrap();
        ill("not_found").await;
        fs::write(&file, "no database at all").unwrap();
        ill("protocol").await;
        fs::remove_file(&file).unwrap();
        does(&file, "wal", "once");
        assert!(well().await >= 1.0);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        ill("rights").await;
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        well().await;
        // Pipes where the log and its index would be.
        for ending in ["-wal", "-shm", "-journal"] {
            let mode = rustix::fs::Mode::from_raw_mode(0o666);
            let fifo = rustix::fs::FileType::Fifo;
            rustix::fs::mknodat(rustix::fs::CWD, beside(ending), fifo, mode, 0).unwrap();
            ill("protocol").await;
            fs::remove_file(beside(ending)).unwrap();
            well().await;
        }
        // An index that only its owner may read.
        let writer = Running::start(&file, "wal", "busy");
        well().await;
        fs::set_permissions(beside("-shm"), fs::Permissions::from_mode(0o600)).unwrap();
        ill("rights").await;
        fs::set_permissions(beside("-shm"), fs::Permissions::from_mode(0o644)).unwrap();
        well().await;
        assert!(writer.end().contains("[]"));
        // Somebody who has it for himself.
        let holder = Command::new("/usr/bin/python3")
            .args([
                "-c",
                "import sqlite3, sys\ndb = sqlite3.connect(sys.argv[1], timeout=9)\n\
                db.execute('pragma journal_mode=delete')\ndb.execute('begin exclusive')\n\
                print('ready', flush=True)\nsys.stdin.readline()\ndb.rollback()\ndb.close()",
            ])
            .arg(&file)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        ill("busy").await;
        drop(holder.wait_with_output().unwrap());
        well().await;
    });
}
