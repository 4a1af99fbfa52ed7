//! `check` as a person and a script meet it. What it says of real containers is in tests/live.

use std::path::Path;
use std::process::{Command, Output};

const PROGRAM: &str = env!("CARGO_BIN_EXE_stack-exporter");

/// A broker that is not there, and nothing else.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let text = "nats:\n  main: { url: \"http://127.0.0.1:1\" }\nhost: { enabled: false }\ndocker: { enabled: false }\n";
        std::fs::write(folder.path().join("stack.yml"), text).unwrap();
        Self(folder)
    }

    fn file(&self) -> String {
        self.0.path().join("stack.yml").display().to_string()
    }

    fn check(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
        Command::new(PROGRAM)
            .args(["check", "--window", "1s", "--config.file", &self.file()])
            .args(arguments)
            .env_clear()
            .envs(environment.iter().copied())
            .output()
            .unwrap()
    }

    fn shell(&self, script: &str) -> Output {
        Command::new("bash")
            .args(["-c", script])
            .env_clear()
            .envs([("PATH", "/usr/bin:/bin"), ("CHECK", PROGRAM), ("FILE", &self.file())])
            .output()
            .unwrap()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn help_is_of_check_and_not_of_serving() {
    let output = Command::new(PROGRAM).args(["check", "--help"]).output().unwrap();
    let help = text(&output.stdout);
    for alien in ["--web.", "--storage.path", "--log.level"] {
        assert!(!help.contains(alien), "{help}");
    }
    let output = Command::new(PROGRAM).args(["serve", "--help"]).output().unwrap();
    assert!(text(&output.stdout).contains("--web.listen-address"));
}

#[test]
fn what_is_asked_for_by_name() {
    let folder = Folder::new();
    for name in ["main", "nats/main", "nats"] {
        let output = folder.check(&[name], &[]);
        assert_eq!(output.status.code(), Some(2), "{name}: {}", text(&output.stderr));
        assert!(text(&output.stdout).contains("NATS main does not answer"), "{name}");
    }
    let output = folder.check(&["mian"], &[]);
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(3));
    assert!(output.stdout.is_empty() && told.contains("did you mean `main`"), "{told}");
    assert!(told.contains("nats main: cannot see it because"), "who may know it: {told}");
}

#[test]
fn it_is_as_wide_as_it_is_told_and_coloured_if_told() {
    let folder = Folder::new();
    let lines = |columns: &str| {
        let output = folder.check(&["--explain"], &[("COLUMNS", columns)]);
        text(&output.stdout).lines().count()
    };
    assert!(lines("40") > lines("80") && lines("80") > lines("300"));
    assert_eq!(lines("nonsense"), lines("80"));
    let coloured = |arguments: &[&str], environment: &[(&str, &str)]| {
        folder.check(arguments, environment).stdout.contains(&0x1b)
    };
    assert!(!coloured(&[], &[]), "no terminal");
    assert!(coloured(&["--color", "always"], &[("NO_COLOR", "1")]));
    assert!(!coloured(&["--color", "never"], &[]));
}

#[test]
fn every_format_says_it() {
    let folder = Folder::new();
    for (format, word) in [
        ("table", "CRITICAL  NATS main"),
        ("json", "\"sentence\": \"NATS main does not answer"),
        ("junit", "<error type=\"refused\""),
        ("markdown", "**Critical**: NATS main"),
        ("prometheus", "stack_check_verdict{area=\"nats\",target=\"main\",signal=\"up\"} 3"),
    ] {
        let output = folder.check(&["--format", format], &[]);
        assert_eq!(output.status.code(), Some(2), "{format}");
        let said = text(&output.stdout);
        assert!(said.contains(word), "{format}: {said}");
    }
}

#[test]
fn waiting_ends_with_the_time_and_with_what_was_found() {
    let folder = Folder::new();
    let begun = std::time::Instant::now();
    let output = folder.check(&["--wait", "4s"], &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(begun.elapsed() >= std::time::Duration::from_secs(4));
    assert_eq!(text(&output.stdout).matches("CRITICAL").count(), 1, "it says it once");
}

/// Only where something is judged by its change: the time of the CPUs is, a broker is not.
#[test]
fn history_is_gathered_where_it_is_of_use() {
    let folder = Folder::new();
    let took = |arguments: &[&str]| {
        let begun = std::time::Instant::now();
        let output = folder.check(arguments, &[]);
        assert!(output.status.code().is_some_and(|code| code <= 3), "{}", text(&output.stderr));
        begun.elapsed().as_secs()
    };
    assert!(took(&["--history", "30s"]) < 20);
    let file = folder.file();
    let on =
        std::fs::read_to_string(&file).unwrap().replace("host: { enabled: false }", "host: {}");
    std::fs::write(&file, on).unwrap();
    assert!(took(&["--only", "host", "--history", "6s"]) >= 6);
}

#[test]
fn a_reader_that_leaves_and_a_full_disk_change_no_exit_code() {
    let folder = Folder::new();
    let output = folder.shell(
        "\"$CHECK\" check --window 1s --explain --config.file \"$FILE\" | head -1; exit ${PIPESTATUS[0]}",
    );
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stderr.is_empty(), "{}", text(&output.stderr));
    assert!(Path::new("/dev/full").exists());
    let output = folder.shell("\"$CHECK\" check --window 1s --config.file \"$FILE\" > /dev/full");
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("the output is not complete"));
}
