//! `stack-exporter bundle`: what somebody without the repository gets.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};

use crate::support::{read, root, run, said, succeed};

const EXPORTER: &str = env!("CARGO_BIN_EXE_stack-exporter");

fn bundle(into: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(EXPORTER);
    command.arg("bundle").arg("--into").arg(into).args(more).output().unwrap()
}

/// Every file below a folder by its path in it.
fn below(folder: &Path) -> BTreeMap<String, String> {
    let (mut found, mut folders) = (BTreeMap::new(), vec![folder.to_owned()]);
    while let Some(next) = folders.pop() {
        for path in std::fs::read_dir(next).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().display().to_string();
                found.insert(name, std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    found
}

#[test]
fn an_empty_folder_gets_what_the_repository_has() {
    let folder = tempfile::tempdir().unwrap();
    let into = folder.path().join("new/monitoring");
    let output = bundle(&into, &[]);
    assert!(output.status.success(), "{}", said(&output));
    let mut written = below(&into);
    let sums = written.remove("bundle.sha256").expect("what was written");
    let mut there = BTreeMap::new();
    for part in ["alerts", "dashboards"] {
        let files = below(&root().join(part)).into_iter();
        there.extend(files.map(|(name, text)| (format!("{part}/{name}"), text)));
    }
    for name in [
        ".env.example",
        "docker-compose.monitoring.yml",
        "examples/compose.networks.yml",
        "examples/monitoring.yml",
    ] {
        there.insert(name.to_owned(), read(name));
    }
    let names = |of: &BTreeMap<String, String>| of.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&written), names(&there), "src/generate/shipped.rs lists them");
    for (name, text) in &written {
        assert!(*text == there[name], "{name} is not that of the repository");
    }
    assert_eq!(sums.lines().count(), written.len());
    let mut check = Command::new("sha256sum");
    let checked = check.args(["--check", "--quiet", "bundle.sha256"]).current_dir(&into).output();
    assert!(checked.unwrap().status.success(), "sha256sum reads bundle.sha256");
    let again = bundle(&into, &[]);
    assert!(again.status.success() && said(&again).contains(" 0 written"), "{}", said(&again));
}

/// The programs that will read it accept it, also with another address of the runbooks. That all
/// rules pass their tests is shown in `rules.rs`: they are the same.
#[test]
fn prometheus_and_alertmanager_accept_it() {
    let folder = tempfile::tempdir().unwrap();
    let output = bundle(folder.path(), &["--external-url", "https://monitor.example.org/"]);
    assert!(output.status.success(), "{}", said(&output));
    let place = |name: &str| folder.path().join("alerts").join(name).display().to_string();
    succeed("promtool", &["check", "config", &place("prometheus.yml")]);
    succeed("amtool", &["check-config", &place("alertmanager.yml")]);
    let rules = below(&folder.path().join("alerts"));
    for name in rules.keys().filter(|name| name.ends_with(".rules.yml")) {
        succeed("promtool", &["check", "rules", &place(name)]);
        let links = rules[name].lines().filter(|line| line.contains("runbook_url:"));
        for link in links {
            assert!(link.contains("\"https://monitor.example.org/runbooks/"), "{name}: {link}");
        }
    }
    for name in ["exporter", "host", "systemd"] {
        succeed("promtool", &["test", "rules", &place(&format!("tests/{name}.test.yml"))]);
    }
}

#[test]
fn what_was_changed_by_hand_is_kept_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let into = folder.path();
    // There before the first call.
    let (mail, rules) = (into.join("alerts/alertmanager.yml"), into.join("alerts/nats.rules.yml"));
    std::fs::create_dir(into.join("alerts")).unwrap();
    std::fs::write(&mail, "mine").unwrap();
    let first = bundle(into, &[]);
    assert_eq!(first.status.code(), Some(1), "{}", said(&first));
    assert!(said(&first).contains("alerts/alertmanager.yml: kept"), "{}", said(&first));
    // Changed since.
    let shipped = std::fs::read_to_string(&rules).unwrap();
    std::fs::write(&rules, "changed").unwrap();
    let second = bundle(into, &[]);
    let told = said(&second);
    assert_eq!(second.status.code(), Some(1));
    assert!(told.contains("alerts/nats.rules.yml: kept") && told.contains("2 kept"), "{told}");
    let now = |path: &Path| std::fs::read_to_string(path).unwrap();
    assert_eq!((now(&mail).as_str(), now(&rules).as_str()), ("mine", "changed"));
    let forced = bundle(into, &["--force"]);
    assert!(forced.status.success(), "{}", said(&forced));
    assert_eq!(now(&rules), shipped);
    assert!(now(&mail).contains("route:"));
}

#[test]
fn what_an_older_version_wrote_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let into = folder.path();
    // Another address stands for another version: all files with links differ.
    assert!(bundle(into, &["--external-url", "http://old.example.org"]).status.success());
    // A file that the older version had.
    std::fs::write(into.join("alerts/gone.rules.yml"), "groups: []\n").unwrap();
    let sums = into.join("bundle.sha256");
    let text = std::fs::read_to_string(&sums).unwrap();
    let line =
        format!("{}  alerts/gone.rules.yml\n{}  ../outside\n", "0".repeat(64), "0".repeat(64));
    std::fs::write(&sums, text + &line).unwrap();
    let output = bundle(into, &[]);
    let told = said(&output);
    assert!(told.contains("wrote alerts/host.rules.yml"), "{told}");
    assert!(
        told.contains("alerts/gone.rules.yml: no longer part") && !told.contains("outside"),
        "{told}"
    );
    assert!(!std::fs::read_to_string(into.join("alerts/host.rules.yml")).unwrap().contains("old."));
    // Until it is deleted.
    let again = bundle(into, &[]);
    assert!(again.status.code() == Some(1) && said(&again).contains("gone.rules.yml: no longer"));
    std::fs::remove_file(into.join("alerts/gone.rules.yml")).unwrap();
    for _ in 0..2 {
        let after = bundle(into, &[]);
        assert!(after.status.success() && !said(&after).contains("gone.rules"), "{}", said(&after));
    }
}

/// Neither the file nor the part that becomes it: what a link leads to is somebody's.
#[test]
fn nothing_is_written_through_a_link() {
    let folder = tempfile::tempdir().unwrap();
    let (into, theirs) = (folder.path().join("into"), folder.path().join("theirs"));
    let rules = into.join("alerts/nats.rules.yml");
    let link = |at: &Path| std::os::unix::fs::symlink(&theirs, at).unwrap();
    std::fs::write(&theirs, "theirs").unwrap();
    std::fs::create_dir_all(into.join("alerts")).unwrap();
    link(&rules);
    link(&into.join("alerts/host.rules.yml.part"));
    let first = bundle(&into, &[]);
    assert!(first.status.code() == Some(1) && said(&first).contains("it is a link"));
    assert!(into.join("alerts/host.rules.yml").is_file() && rules.is_symlink());
    assert!(bundle(&into, &["--force"]).status.success() && !rules.is_symlink());
    assert_eq!(std::fs::read_to_string(&theirs).unwrap(), "theirs");
}

#[test]
fn an_address_that_would_break_out_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for url in ["monitor.example.org", "http://a\"b", "http://{{ .x }}", "https://u:p@a", "http://"]
    {
        let output = bundle(folder.path(), &["--external-url", url]);
        assert_eq!(output.status.code(), Some(2), "{url}: {}", said(&output));
    }
    assert!(below(folder.path()).is_empty());
}

#[test]
fn generate_says_what_to_use_outside_of_the_repository() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(EXPORTER, &["generate", "--into", &folder.path().display().to_string()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("stack-exporter bundle --into"), "{}", said(&output));
}
