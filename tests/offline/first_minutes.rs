//! The first minutes without a server: what is said of mistakes, of the catalogue, and to programs.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::cli::{file, run, run_with, text};

/// Options that do nothing there are not told of.
#[test]
fn help_tells_of_the_options_that_work() {
    for arguments in [
        &["config", "schema", "--help"][..],
        &["config", "check", "--help"],
        &["metrics", "--help"],
        &["logs", "top", "--help"],
        &["check", "--help"],
        &["bundle", "--help"],
        &["completions", "--help"],
    ] {
        // The one option of serving whose file is checked.
        let checks = *arguments == ["config", "check", "--help"];
        let help = text(&run(arguments).stdout);
        assert_eq!(help.contains("--web.config.file"), checks, "{arguments:?}:\n{help}");
        let help = help.replace("--web.config.file", "");
        for flag in ["--web.", "--storage.path", "--log."] {
            assert!(!help.contains(flag), "{arguments:?} tells of {flag}:\n{help}");
        }
        let reads = arguments.contains(&"check") || arguments.contains(&"top");
        assert_eq!(help.contains("--config.file"), reads, "{arguments:?}:\n{help}");
    }
    let verify = text(&run(&["logs", "verify", "--help"]).stdout);
    assert!(verify.contains("--storage.path") && !verify.contains("--web."), "{verify}");
}

/// Neither an unknown key nor a required one that is missing hides what is below.
#[test]
fn one_mistake_hides_no_other() {
    let path = file(
        "hidden.yaml",
        "postgres:\n  app:\n    ulr: postgresql://monitor@127.0.0.1/app\n    pasword_file: /x\n    \
         thresholds:\n      connections: { warn: 5 }\n      longest_qury: 5s\n  other:\n    \
         thresholds: { longest_qury: 5s }\nnats:\n  main: { thresholds: { upp: off } }\n\
         queues:\n  jobs: { jetstream: { nats: main, stream: s, consumer: c }, thresholds: { x: 1 } }\n",
    );
    let name = path.display().to_string();
    let output = run(&["config", "check", "--config.file", &name]);
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{told}");
    let told: Vec<&str> =
        told.lines().filter_map(|line| line.strip_prefix(&format!("{name}:"))).collect();
    for start in [
        "3: postgres.app.ulr: unknown key (did you mean `url`?)",
        "4: postgres.app.pasword_file: unknown key (did you mean `password_file`?)",
        "6: postgres.app.thresholds.connections.warn: unknown key (did you mean `warning`?)",
        "7: postgres.app.thresholds.longest_qury: unknown signal",
        "8: postgres.other.url: required key is missing",
        "9: postgres.other.thresholds.longest_qury: unknown signal",
        "11: nats.main.thresholds.upp: unknown signal",
        "11: nats.main.url: required key is missing",
        "13: queues.jobs.thresholds.x: unknown signal",
    ] {
        assert!(told.iter().any(|line| line.starts_with(start)), "{start}: {told:#?}");
    }
    assert!(told.len() <= 10, "no mistake that follows from another: {told:#?}");
    std::fs::remove_file(path).unwrap();
}

#[test]
fn a_file_that_cannot_be_read_is_told_without_numbers_of_the_system() {
    let path = file("latin1.yaml", "");
    std::fs::write(&path, b"host:\n  enabled: true\n# caf\xe9\n").unwrap();
    let name = path.display().to_string();
    let told = text(&run(&["config", "check", "--config.file", &name]).stderr);
    assert!(told.starts_with(&format!("{name}:3: this line is not UTF-8 text")), "{told}");
    std::fs::remove_file(path).unwrap();
    let told = text(&run(&["config", "check", "--config.file", "/nonexistent.yml"]).stderr);
    assert!(told.contains("No such file") && told.contains("config init"), "{told}");
    assert!(!told.contains("os error"), "{told}");
}

/// Without Docker, too, what is written is right.
#[test]
fn a_first_configuration_is_right_as_it_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stack.yml");
    let name = path.display().to_string();
    let host = [("DOCKER_HOST", "unix:///nonexistent/docker.sock")];
    let output = run_with(&["config", "init", "--output", &name], &host);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let written = std::fs::read_to_string(&path).unwrap();
    assert!(written.contains("# None was seen: "), "{written}");
    let output = run_with(&["config", "check", "--config.file", &name], &host);
    assert!(output.status.success(), "{}\n{written}", text(&output.stderr));
    let printed = text(&run_with(&["config", "init"], &host).stdout);
    assert_eq!(printed, written);
}

#[test]
fn the_catalogue_is_searched_and_is_json() {
    let found = text(&run(&["metrics", "Replication"]).stdout);
    assert!(found.contains("POSTGRESQL") && !found.contains("NATS\n"), "{found}");
    let output = run(&["metrics", "--format", "json", "--only", "nats", "NatsDown"]);
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found["signals"][0]["name"], "up", "{found}");
    assert_eq!(found["signals"][0]["thresholds"]["critical"], 1.0, "{found}");
    let all: Value = serde_json::from_slice(&run(&["metrics", "--format", "json"]).stdout).unwrap();
    assert!(all["metrics"].as_array().unwrap().len() > 300);
    assert_eq!(run(&["metrics", "nonsensical"]).status.code(), Some(1));
}

/// From its first byte on, whatever is wrong.
#[test]
fn a_log_in_json_is_json() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let address = taken.local_addr().unwrap().to_string();
    let state = tempfile::tempdir().unwrap();
    let storage = format!("--storage.path={}", state.path().join("new").display());
    let config = file("json.yaml", "docker: { enabled: false }\nhost: { enabled: false }\n");
    let name = config.display().to_string();
    let serve = ["--web.listen-address", &address, &storage, "--config.file", &name];
    let json = ["--log.format", "json"];
    for (arguments, code, words) in [
        ([&json[..], &serve].concat(), 1, "do: another program listens there"),
        ([&json[..], &["--nonsense"]].concat(), 2, "--nonsense"),
        (vec!["check", "--log.format=json", "--config.file", "/nonexistent"], 3, "No such file"),
    ] {
        let output = run(&arguments);
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{told}");
        let lines: Vec<Value> = told
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}")))
            .collect();
        let last = &lines.last().unwrap();
        assert_eq!(last["level"], "ERROR");
        assert!(last["message"].as_str().unwrap().contains(words), "{told}");
        assert!(lines.iter().all(|line| line["timestamp"].is_string()), "{told}");
    }
    // The same for people, with the next command.
    let told = text(&run(&serve).stderr);
    assert!(
        told.contains(&format!("do: another program listens there: `ss -ltnp sport = :{port}`")),
        "{told}"
    );
    assert!(
        told.contains("--web.listen-address 127.0.0.1:") && !told.contains("os error"),
        "{told}"
    );
    assert!(!told.contains("is new"), "the state directory was made before: {told}");
    std::fs::remove_file(config).unwrap();
}

/// What bash offers behind a word that was begun.
fn offered(script: &Path, words: &[&str]) -> String {
    let code = format!(
        "source {}; COMP_WORDS=({}); COMP_CWORD={}; _stack__exporter; echo \"${{COMPREPLY[@]}}\"",
        script.display(),
        words.join(" "),
        words.len() - 1
    );
    let cur = words.last().unwrap_or(&"");
    let before = words.get(words.len().wrapping_sub(2)).unwrap_or(&"");
    let code = code.replace(
        "_stack__exporter;",
        &format!("_stack__exporter stack-exporter '{cur}' '{before}';"),
    );
    text(&Command::new("bash").args(["-c", &code]).output().unwrap().stdout)
}

#[test]
fn shells_complete_and_man_explains() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("completions");
    std::fs::write(&script, run(&["completions", "bash"]).stdout).unwrap();
    let first = offered(&script, &["stack-exporter", "c"]);
    assert!(first.contains("check") && first.contains("config"), "{first}");
    assert!(!offered(&script, &["stack-exporter", "g"]).contains("generate"));
    let flags = offered(&script, &["stack-exporter", "config", "init", "--"]);
    assert!(flags.contains("--output") && flags.contains("--force"), "{flags}");
    for shell in ["zsh", "fish"] {
        let script = text(&run(&["completions", shell]).stdout);
        assert!(script.contains("config.file"), "{shell}");
    }
    let pages = folder.path().join("man");
    let output = run(&["man", "--into", &pages.display().to_string()]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let page = |name: &str| std::fs::read_to_string(pages.join(name)).unwrap();
    assert!(page("stack-exporter.1").contains("SUBCOMMANDS"));
    assert!(page("stack-exporter-config-check.1").contains("\\-\\-connect"));
    let mut names = std::fs::read_dir(&pages).unwrap();
    assert!(names.all(|name| {
        let name = name.unwrap().file_name().into_string().unwrap();
        !name.contains("generate") && !name.contains("help")
    }));
    assert_eq!(text(&run(&["man"]).stdout), page("stack-exporter.1"));
}
