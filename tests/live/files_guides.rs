//! What five operations guides ask of files, with the shipped examples and the files as the guides
//! have them, put below a folder of the test.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::servers::watchdog;
use crate::stage::binary;

const DAY: u64 = 86_400;

/// The files of a guide, below `root`, and the section `files:` of its example.
struct Guide {
    root: PathBuf,
    config: PathBuf,
}

impl Guide {
    /// `home` is the folder that the example names.
    fn new(example: &str, home: &str) -> Self {
        let root = watchdog::dir("guide");
        let file = format!("{}/examples/{example}.yml", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(file).unwrap();
        let section = text.split_once("\nfiles:\n").expect("a section of files").1;
        let lines =
            section.lines().take_while(|line| line.is_empty() || line.starts_with([' ', '#']));
        // Users of the guides are not on this machine.
        let lines = lines.map(|line| match line.split_once("owner: ") {
            Some((before, _)) => {
                format!("{before}owner: \"{}\"\n", rustix::process::geteuid().as_raw())
            }
            None => format!("{line}\n"),
        });
        let section = lines.collect::<String>().replace(home, root.to_str().unwrap());
        let config = root.join("config.yml");
        std::fs::write(&config, format!("files:\n{section}")).unwrap();
        Self { root, config }
    }

    fn write(&self, name: &str, size: u64) -> &Self {
        self.aged(name, size, 0)
    }

    /// A file that was written so many seconds ago.
    fn aged(&self, name: &str, size: u64, ago: u64) -> &Self {
        let path = self.root.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let file = std::fs::File::create(&path).unwrap();
        file.set_len(size).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(ago)).unwrap();
        self.mode(name, 0o644)
    }

    fn mode(&self, name: &str, mode: u32) -> &Self {
        let rights = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(self.root.join(name), rights).unwrap();
        self
    }

    /// With other settings than the example's.
    fn settings(&self, from: &str, to: &str) -> &Self {
        let text = std::fs::read_to_string(&self.config).unwrap();
        assert!(text.contains(from), "{text}");
        std::fs::write(&self.config, text.replace(from, to)).unwrap();
        self
    }

    fn remove(&self, name: &str) -> &Self {
        std::fs::remove_file(self.root.join(name)).unwrap();
        self
    }

    /// What `check` finds wrong: target, signal, and the label that tells more.
    fn wrong(&self) -> BTreeSet<String> {
        let mut command = Command::new(binary());
        command.args(["check", "--only", "files", "--format", "json", "--config.file"]);
        command.arg(&self.config).arg("--storage.path").arg(self.root.join("state"));
        let done = command.output().unwrap();
        let report: Value = serde_json::from_slice(&done.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&done.stderr)));
        let findings = report["findings"].as_array().unwrap_or_else(|| panic!("{report:#}"));
        let bad = findings
            .iter()
            .filter(|one| matches!(one["verdict"].as_str(), Some("warning" | "critical")));
        bad.map(|one| {
            let text = |name: &str| one[name].as_str().unwrap_or_default().to_owned();
            let how = one["labels"]["how"].as_str().or(one["labels"]["what"].as_str());
            let how = how.map(|how| format!(" {how}")).unwrap_or_default();
            format!("{} {}{how}", text("target"), text("signal"))
        })
        .collect()
    }
}

fn set(expected: &[&str]) -> BTreeSet<String> {
    expected.iter().map(ToString::to_string).collect()
}

fn git(dir: &Path, words: &[&str]) {
    let done = Command::new("git").current_dir(dir).args(words).output().unwrap();
    assert!(done.status.success(), "git {words:?}: {}", String::from_utf8_lossy(&done.stderr));
}

fn ru() -> Guide {
    let guide = Guide::new("ru-library-bot", "/home/ai_library_bot");
    guide.write("ai_library_bot/data/index.faiss", 5_000_000);
    guide.write("ai_library_bot/logs/ai_library_bot_2026-03-01.log", 1000);
    guide.write("ai_library_bot/data/books/a.txt", 10);
    guide.write("ai_library_bot/.env", 30).mode("ai_library_bot/.env", 0o600);
    guide.write("backups/.env.backup", 30).mode("backups/.env.backup", 0o600);
    assert_eq!(guide.wrong(), set(&[]), "all is well");
    guide
}

/// The index exists, has its size, its rights and its owner; a rebuild removes it for a while. [F03]
#[test]
fn ru_faiss_index() {
    let (guide, index) = (ru(), "ai_library_bot/data/index.faiss");
    guide.write(index, 5000);
    assert_eq!(guide.wrong(), set(&["faiss small"]));
    guide.write(index, 5_000_000).mode(index, 0o600);
    assert_eq!(guide.wrong(), set(&["faiss unexpected mode"]));
    guide.mode(index, 0o644).settings("faiss:\n    path", "faiss:\n    max_age: 7d\n    path");
    guide.aged(index, 5_000_000, 8 * DAY);
    assert_eq!(guide.wrong(), set(&["faiss stale"]));
    guide.remove(index);
    assert_eq!(guide.wrong(), set(&[]), "for half an hour it may be rebuilt");
    guide.settings("rebuild: 30m", "rebuild: 1ms");
    assert_eq!(guide.wrong(), set(&["faiss missing"]));
    guide.write(index, 5_000_000);
    let owner = format!("owner: \"{}\"", rustix::process::geteuid().as_raw());
    guide.settings(&owner, "owner: \"12345\"");
    assert_eq!(guide.wrong(), set(&["faiss unexpected owner", "today unexpected owner"]));
}

/// `index.faiss.backup_*` and `index.faiss.corrupted_*` pile up. [F03]
#[test]
fn ru_copies_of_the_index_pile_up() {
    let guide = ru();
    for copy in ["backup_1", "backup_2", "corrupted_1"] {
        guide.write(&format!("ai_library_bot/data/index.faiss.{copy}"), 10);
    }
    assert_eq!(guide.wrong(), set(&[]));
    guide.write("ai_library_bot/data/index.faiss.corrupted_2", 10);
    assert_eq!(guide.wrong(), set(&["faiss_copies many"]));
}

/// `rotate 7`, and `find -mtime +30`. [L11]
#[test]
fn ru_logs_are_rotated_and_removed() {
    let guide = ru();
    let log = |number: u64| format!("ai_library_bot/logs/ai_library_bot_2026-02-01.log.{number}");
    for number in 1..=7 {
        guide.aged(&log(number), 10, number * DAY);
    }
    guide.aged(&log(7), 10, 31 * DAY);
    assert_eq!(guide.wrong(), set(&[]), "cleared up once a day, by whole days");
    guide.aged(&log(7), 10, 33 * DAY);
    assert_eq!(guide.wrong(), set(&["old_logs oldest"]));
    guide.aged(&log(7), 10, 7 * DAY);
    // A month of names with the date: more than seven, and none of them is too old.
    for day in 1..=28 {
        guide.aged(
            &format!("ai_library_bot/logs/ai_library_bot_2026-01-{day:02}.log.1"),
            10,
            day * DAY,
        );
    }
    assert_eq!(guide.wrong(), set(&[]));
}

/// Number and size of the books, and those that were put aside; the log's rights after `create 0644`;
/// the copy of `.env` to go back to. [F03 F09]
#[test]
fn ru_books_and_rollback() {
    let guide = ru();
    guide.write("ai_library_bot/data/books.disabled/x/b.txt", 10);
    assert_eq!(guide.wrong(), set(&["books_aside many"]));
    guide.remove("ai_library_bot/data/books.disabled/x/b.txt");
    guide.remove("ai_library_bot/data/books/a.txt");
    assert_eq!(guide.wrong(), set(&["books few", "books missing"]));
    guide.write("ai_library_bot/data/books/a.txt", 10);
    guide.mode("ai_library_bot/logs/ai_library_bot_2026-03-01.log", 0o600);
    assert_eq!(guide.wrong(), set(&["today unexpected mode"]));
    guide.mode("ai_library_bot/logs/ai_library_bot_2026-03-01.log", 0o644);
    guide.remove("backups/.env.backup");
    assert_eq!(guide.wrong(), set(&["env_backup missing"]));
}

fn ko() -> Guide {
    let guide = Guide::new("ko-alaw", "/srv/alaw-ai");
    guide.aged("data/preprocessed/a.txt", 10, 3 * DAY);
    guide.aged("data/preprocessed/bm25_cache.pkl", 4096, 2 * DAY);
    guide.write("logs/app.log", 1000).write("logs/access.log", 1000);
    guide.aged("logs/archive/app.log.2026-02-28.gz", 100, DAY);
    guide.write(".env", 30).mode(".env", 0o600);
    assert_eq!(guide.wrong(), set(&[]), "all is well");
    guide
}

/// `bm25_cache.pkl` exists, and is not older than its data. [F06]
#[test]
fn ko_cache_of_the_search() {
    let guide = ko();
    guide.aged("data/preprocessed/b.txt", 10, 1800);
    assert_eq!(guide.wrong(), set(&[]), "it is being made");
    guide.aged("data/preprocessed/b.txt", 10, DAY);
    assert_eq!(guide.wrong(), set(&["bm25_cache behind"]));
    guide.settings("rebuild: 1h", "rebuild: 1ms").remove("data/preprocessed/bm25_cache.pkl");
    assert_eq!(guide.wrong(), set(&["bm25_cache missing"]));
}

/// `du -sh logs/`, `find -name '*.log' -size +100M`, `archive/*.gz`, `create 0644 app app`. [L17 L11]
#[test]
fn ko_folder_of_logs() {
    let guide = ko();
    // With holes: its size is judged, and what it takes of the disk is not more for it.
    guide.write("logs/access.log", 100_000_001);
    assert_eq!(guide.wrong(), set(&["logs large"]));
    guide.write("logs/access.log", 1000).mode("logs/access.log", 0o640);
    assert_eq!(guide.wrong(), set(&["logs unexpected mode"]));
    guide.mode("logs/access.log", 0o644).aged("logs/archive/app.log.2026-01-01.gz", 100, 33 * DAY);
    assert_eq!(guide.wrong(), set(&["archive oldest"]));
    guide.remove("logs/archive/app.log.2026-01-01.gz");
    guide.settings("budget: 10GiB", "budget: 1MiB");
    std::fs::write(guide.root.join("logs/archive/big.gz"), vec![7; 2 << 20]).unwrap();
    assert_eq!(guide.wrong(), set(&["log_folder budget"]));
    // As `du` has it, folders aside.
    let du =
        Command::new("du").args(["-s", "--block-size=1"]).arg(guide.root.join("logs")).output();
    let du: u64 =
        String::from_utf8(du.unwrap().stdout).unwrap().split('\t').next().unwrap().parse().unwrap();
    let limit = du - 4 * 4096;
    guide.settings("budget: 1MiB", &format!("budget: {du}B"));
    assert_eq!(guide.wrong(), set(&[]), "du: {du}");
    guide.settings(&format!("budget: {du}B"), &format!("budget: {limit}B"));
    assert_eq!(guide.wrong(), set(&["log_folder budget"]), "du: {du}");
}

/// `.env.tmp` was left. [F09]
#[test]
fn ko_copy_of_a_secret() {
    let guide = ko();
    guide.write(".env.tmp", 30).mode(".env.tmp", 0o600);
    assert_eq!(guide.wrong(), set(&["env exposed copy"]));
}

/// `config.py`, `utils/api_keys.json` and its weekly change, the models, and sessions that are old. [F07]
#[test]
fn en_configuration_keys_models_and_sessions() {
    let guide = Guide::new("en-chatbot", "/srv/chatbot");
    guide.write("config.py", 10).write("model/svm/a/m", 10).write("model/bert/m", 10);
    guide.write("utils/api_keys.json", 10).mode("utils/api_keys.json", 0o600);
    guide.aged("data/sessions/1", 10, 8 * DAY);
    assert_eq!(guide.wrong(), set(&[]), "all is well");
    guide.aged("data/sessions/1", 10, 10 * DAY);
    assert_eq!(guide.wrong(), set(&["sessions oldest"]));
    guide.remove("data/sessions/1").aged("utils/api_keys.json", 10, 9 * DAY);
    guide.mode("utils/api_keys.json", 0o600);
    assert_eq!(guide.wrong(), set(&["api_keys stale"]));
    guide.remove("utils/api_keys.json").remove("config.py").remove("model/bert/m");
    assert_eq!(guide.wrong(), set(&["api_keys missing", "config missing", "models missing"]));
}

/// `.env` never in git. [F09]
#[test]
fn th_secret_in_git() {
    let guide = Guide::new("th-travel-bot", "/srv/travel-bot");
    guide.write(".env", 30).mode(".env", 0o600);
    git(&guide.root, &["init", "-q"]);
    assert_eq!(guide.wrong(), set(&[]));
    git(&guide.root, &["add", "-f", ".env"]);
    assert_eq!(guide.wrong(), set(&["env exposed tracked"]));
}

/// `.env` exists before a deployment, is not empty, and is not for all to read. [F09]
#[test]
fn uk_secret_is_there() {
    let guide = Guide::new("uk-task-tracker", "/srv/task-tracker");
    assert_eq!(guide.wrong(), set(&["env missing"]));
    guide.write(".env", 0).mode(".env", 0o600);
    assert_eq!(guide.wrong(), set(&["env small"]));
    guide.write(".env", 30).mode(".env", 0o600);
    assert_eq!(guide.wrong(), set(&[]));
    guide.mode(".env", 0o644);
    assert_eq!(guide.wrong(), set(&["env exposed readable"]));
}
