//! An SQLite file whose owner means harm: what it holds, and what it is.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::expect::Expect;
use super::liar::joined;
use super::report::{self, Outcome};
use super::rig::{Patient, Rig};
use crate::servers::process::command;
use crate::servers::{text, watchdog};

const WELL: &str = "create table tasks(status text, created_at text, queue text);
    insert into tasks values ('pending','2024-01-01 00:00:00','q'), ('done','2024-01-01 00:00:00','q')";
const JOBS: &str = "stack_queue_jobs{target=\"sick\",queue=\"q\"";

/// A database beside the file, then in its place.
fn put(file: &Path, sql: &str) {
    let fresh = file.with_extension("new");
    let _ = fs::remove_file(&fresh);
    let connection = Connection::open(&fresh).unwrap();
    connection.execute_batch(sql).unwrap();
    drop(connection);
    clear(file);
    fs::rename(fresh, file).unwrap();
}

fn clear(file: &Path) {
    let _ = fs::remove_file(file);
    let _ = fs::remove_dir(file);
}

/// Statements that make the database; all of them lead to some end.
fn contents() -> Vec<(&'static str, String)> {
    let view = |select: &str| format!("create view tasks as {select}");
    let numbers = |count: &str, select: &str| {
        format!(
            "create view tasks as with recursive n(i) as (select 1 union all select i+1 from n {count}) {select}"
        )
    };
    let columns = joined(1990, |n| format!(", c{n} text"));
    let names = "n".repeat(100_000);
    vec![
        ("a word of 800 MB", view("select hex(zeroblob(400000000)) as status, 'x' as created_at, 'q' as queue")),
        ("a word of 1 GB of zeros", view("select cast(zeroblob(999999999) as text) as status, 'x' as created_at, 'q' as queue")),
        ("a word of 1 GB by printf", view("select printf('%.999999999c','x') as status, 'x' as created_at, 'q' as queue")),
        ("a time of 800 MB", view("select 'pending' as status, hex(zeroblob(400000000)) as created_at, 'q' as queue")),
        ("1,000 words of 1 MB", numbers("where i < 1000", "select hex(randomblob(500000)) as status, 'x' as created_at, 'q' as queue from n")),
        ("9,000 words of 50 kB", numbers("where i < 9000", "select i || hex(zeroblob(25000)) as status, 'x' as created_at, 'q' as queue from n")),
        ("a word that is concatenated without an end", numbers("", "select group_concat(i) as status, 'x' as created_at, 'q' as queue from n")),
        ("rows without an end", numbers("", "select i as status, 'x' as created_at, 'q' as queue from n")),
        ("rows of one state without an end", numbers("", "select 'pending' as status, 'x' as created_at, 'q' as queue from n")),
        ("100,000 states", numbers("where i < 100000", "select 's' || i as status, 'x' as created_at, 'q' as queue from n")),
        ("100,000 queues", numbers("where i < 100000", "select 'pending' as status, 'x' as created_at, 'q' || i as queue from n")),
        ("9,000 queues", numbers("where i < 9000", "select 'pending' as status, 'x' as created_at, 'q' || i as queue from n")),
        ("100 queues with names of 100 kB", numbers("where i < 100", &format!("select 'pending' as status, 'x' as created_at, i || '{names}' as queue from n"))),
        ("100,000 jobs that are worked on", numbers("where i < 100000", "select 'processing' as status, '2024-01-01' as created_at, 'q' as queue from n")),
        ("a sort of 10,000,000 rows", numbers("where i < 10000000", "select hex(randomblob(20)) as status, 'x' as created_at, 'q' as queue from n order by 1")),
        ("a product of tables without an end", "create table t(i); with recursive n(i) as (select 1 union all select i+1 from n where i<2000) insert into t select i from n; create view tasks as select max(a.i*b.i*c.i*d.i) as status, 'x' as created_at, 'q' as queue from t a, t b, t c, t d".to_owned()),
        ("2,000 columns", format!("create table tasks(status text, created_at text, queue text{columns})")),
        ("no such column", "create table tasks(a text)".to_owned()),
        ("no such table", "create table t(a text)".to_owned()),
        ("bytes where words should be", "create table tasks(status, created_at, queue); insert into tasks values (x'fffe00', x'ff', x'00ff')".to_owned()),
        ("numbers where words should be", "create table tasks(status, created_at, queue); insert into tasks values (9e999, -9e999, 1), (null, null, null)".to_owned()),
        ("a view of itself", "create table t(a); create view tasks as select * from u; create view u as select * from tasks".to_owned()),
    ]
}

type Make = Box<dyn Fn()>;

/// What may stand there in its place.
fn things(file: &Path) -> Vec<(&'static str, Make)> {
    let file = file.to_owned();
    let thing = |make: fn(&Path)| -> Make {
        let file = file.clone();
        Box::new(move || {
            clear(&file);
            make(&file);
        })
    };
    vec![
        (
            "a FIFO",
            thing(|file| {
                let made = command(Path::new("mkfifo"), None).arg(file).status().unwrap();
                assert!(made.success());
            }),
        ),
        ("a folder", thing(|file| fs::create_dir(file).unwrap())),
        ("/dev/zero", thing(|file| symlink("/dev/zero", file).unwrap())),
        ("/dev/random", thing(|file| symlink("/dev/random", file).unwrap())),
        ("/dev/tty", thing(|file| symlink("/dev/tty", file).unwrap())),
        ("a link to itself", thing(|file| symlink(file, file).unwrap())),
        ("an empty file", thing(|file| fs::write(file, "").unwrap())),
        ("a text", thing(|file| fs::write(file, "hello ".repeat(1000)).unwrap())),
        ("a hole of 1 TB", thing(|file| File::create(file).unwrap().set_len(1 << 40).unwrap())),
        ("gone", thing(|_| {})),
        (
            "pages that are damaged",
            thing(|file| {
                put(file, WELL);
                let mut bytes = fs::read(file).unwrap();
                bytes[100..].fill(0xff);
                fs::write(file, bytes).unwrap();
            }),
        ),
        (
            "a size of pages that is none",
            thing(|file| {
                put(file, WELL);
                let mut bytes = fs::read(file).unwrap();
                (bytes[16], bytes[17]) = (0xff, 0xff);
                fs::write(file, bytes).unwrap();
            }),
        ),
    ]
}

async fn start() -> (PathBuf, Rig) {
    let file = watchdog::dir("sqlite").join("a.db");
    put(&file, WELL);
    let config = format!(
        "queues:\n  sick: {{ sqlite: {{ file: {}, queue: queue }}, timeout: 2s }}\n",
        text(&file)
    );
    let patient = Patient { area: "queue", target: "sick", well: &[JOBS] };
    let rig = Rig::start("sqlite", &config, patient).await;
    (file, rig)
}

fn cure(file: &Path) {
    clear(file);
    put(file, WELL);
}

async fn databases(cases: Vec<(&'static str, String)>) -> Vec<Outcome> {
    let (file, mut rig) = start().await;
    for (name, sql) in cases {
        rig.case(name, Expect::Lives, async || put(&file, &sql), async || cure(&file)).await;
    }
    rig.finish().await
}

async fn no_databases() -> Vec<Outcome> {
    let (file, mut rig) = start().await;
    for (name, make) in things(&file) {
        rig.case(name, Expect::Down(&[]), async || make(), async || cure(&file)).await;
    }
    let holder = Connection::open(&file).unwrap();
    let lock = async || holder.execute_batch("begin exclusive").unwrap();
    let free = async || holder.execute_batch("rollback").unwrap();
    rig.case("locked by somebody else", Expect::Down(&[]), lock, free).await;
    rig.finish().await
}

pub async fn play() {
    let mut first = contents();
    let second = first.split_off(first.len() / 2);
    let lanes = (databases(first), databases(second), no_databases());
    let (mut outcomes, more, rest) = tokio::join!(lanes.0, lanes.1, lanes.2);
    outcomes.extend(more);
    outcomes.extend(rest);
    report::finish("sqlite", &outcomes);
}
