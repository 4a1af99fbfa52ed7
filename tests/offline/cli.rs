//! The command line as a user meets it.

use std::path::PathBuf;
use std::process::{Command, Output};

/// Runs the program in an environment that names no source.
pub fn run(arguments: &[&str]) -> Output {
    run_with(arguments, &[])
}

pub fn run_with(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_stack-exporter"))
        .args(arguments)
        .env_clear()
        .envs(environment.iter().copied())
        .output()
        .unwrap()
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

pub fn file(name: &str, content: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("stack-exporter-{}-{name}", std::process::id()));
    std::fs::write(&path, content).unwrap();
    path
}

#[test]
fn every_command_explains_itself() {
    for (arguments, words) in [
        (
            &["--help"][..],
            &[
                "Usage:",
                "check",
                "config",
                "metrics",
                "bundle",
                "127.0.0.1:10188",
                "STACK_EXPORTER_CONFIG_FILE",
            ][..],
        ),
        (&["serve", "--help"], &["Serve metrics", "--web.listen-address"]),
        (
            &["check", "--help"],
            &["Exit code: 0", "--window", "--only", "needs history", "Examples:", "--wait 2m"],
        ),
        (&["config", "--help"], &["init", "check", "show", "schema"]),
        (&["config", "init", "--help"], &["--output", "--force", "No secret"]),
        (&["config", "check", "--help"], &["every mistake", "--connect", "--config.file"]),
        (&["metrics", "--help"], &["catalogue", "[WORD]", "--format"]),
        (&["logs", "top", "--help"], &["SOURCE|FILE", "--level", "warning", "--config.file"]),
        (&["completions", "--help"], &["bash", "zsh", "fish"]),
        (&["man", "--help"], &["--into"]),
        (&["bundle", "--help"], &["Exit code", "--into", "--external-url", "--force"]),
        (&["generate", "--help"], &["--check", "--runbook-base", "stack-exporter bundle"]),
    ] {
        let output = run(arguments);
        assert!(output.status.success(), "{arguments:?}");
        let help = text(&output.stdout);
        for word in words {
            assert!(help.contains(word), "{arguments:?} does not say {word}:\n{help}");
        }
    }
    assert!(!text(&run(&["--help"]).stdout).contains("generate"), "it is for developers");
    let version = text(&run(&["--version"]).stdout);
    assert_eq!(version, format!("stack-exporter {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn bad_usage_ends_with_2() {
    for arguments in [
        &["--config.flie", "x"][..],
        &["chekc"],
        &["--web.listen-address", "nonsense"],
        &["metrics", "--only", "nonsense"],
        &["--web.telemetry-path", "metrics"],
        &["--web.telemetry-path", "/"],
        &["--web.telemetry-path", "/-/ready"],
        &["--web.telemetry-path", "/m{x"],
        &["--web.max-requests", "0"],
        &["config", "check", "--config.file", "/nonexistent/config.yaml"],
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(!output.stderr.is_empty(), "{arguments:?}");
    }
}

/// In `check`, 2 means critical.
#[test]
fn bad_usage_of_check_ends_with_3() {
    for arguments in [
        &["check", "--format", "tabel"][..],
        &["check", "--only", "nonsense"],
        &["check", "--watch", "--wait", "5s"],
        &["check", "--watch=0"],
        &["check", "--wait", "soon"],
        &["check", "--history", "61s"],
        &["check", "--color", "pink"],
    ] {
        assert_eq!(run(arguments).status.code(), Some(3), "{arguments:?}");
    }
}

#[test]
fn mistakes_of_a_target_named_like_its_area_are_told_at_their_place() {
    let path = file(
        "named.yaml",
        "nats:\n  nats:\n    url: http://127.0.0.1:8222\n    thresholds: { bogus: 1 }\n  a/b: { url: http://127.0.0.1:8222 }\n",
    );
    let name = path.display().to_string();
    let told = text(&run(&["config", "check", "--config.file", &name]).stderr);
    assert!(
        told.contains(&format!("{name}:4: nats.nats.thresholds.bogus: unknown signal")),
        "{told}"
    );
    assert!(told.contains(&format!("{name}:5: nats.a/b: a target's name is")), "{told}");
    std::fs::remove_file(path).unwrap();
}

#[test]
fn the_schema_is_json_and_knows_the_sections() {
    let output = run(&["config", "schema"]);
    let schema: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    for section in stack_exporter::collectors::SECTIONS {
        assert!(schema["properties"][section].is_object(), "{section}");
    }
}

#[test]
fn config_check_tells_every_mistake_at_once() {
    let path = file(
        "mistakes.yaml",
        "natz: {}\nnats:\n  main: { url: nowhere, timeout: 5 }\n  two:\n    url: http://127.0.0.1:8222\n    thresholds: { endpoint_duratoin: 1s, consumer_pending: many }\n",
    );
    let name = path.display().to_string();
    let output = run(&["config", "check", "--config.file", &name]);
    assert_eq!(output.status.code(), Some(2));
    let expected = [
        "1: natz: unknown key (did you mean `nats`?)",
        "3: nats.main.timeout: `5` needs a unit, for example `5s`",
        "3: nats.main.url: expected an address such as `http://127.0.0.1:8222`",
        "6: nats.two.thresholds.consumer_pending: expected a number or `off`",
        "6: nats.two.thresholds.endpoint_duratoin: unknown signal (did you mean `endpoint_duration`?)",
    ];
    let expected: String = expected.map(|line| format!("{name}:{line}\n")).concat();
    assert_eq!(text(&output.stderr), expected);
    std::fs::remove_file(path).unwrap();
}

/// What the examples name is not on this machine; that is all that may be wrong with them.
#[test]
fn the_examples_are_right() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.display().to_string();
        // These are parts of configurations of Prometheus and Compose.
        let others = ["prometheus", "compose."].iter().any(|other| name.contains(other));
        if path.extension().is_none_or(|ending| ending != "yml") || others {
            continue;
        }
        seen += 1;
        let of_lock = name.ends_with("web-config.yml");
        let option = if of_lock { "--web.config.file" } else { "--config.file" };
        // As the Compose file sets it.
        let variables = [("EXPORTER_URL", "http://127.0.0.1:10188")];
        let told = text(&run_with(&["config", "check", option, &name], &variables).stderr);
        let absent = ["no such file", "there is no such", "there is no file", "No such file"];
        for line in told.lines() {
            assert!(absent.iter().any(|reason| line.contains(reason)), "{line}");
        }
    }
    assert!(seen >= 6, "{seen} examples");
}

/// A warning that comes after the critical alert would never be seen.
#[test]
fn thresholds_in_the_wrong_order_are_a_mistake() {
    let path = file("order.yaml", "host:\n  thresholds: { disk: 95% }\n");
    let name = path.display().to_string();
    let told = text(&run(&["config", "check", "--config.file", &name]).stderr);
    assert_eq!(
        told,
        format!("{name}:2: host.thresholds.disk: warning `95%` lies behind critical `90%`\n")
    );
    std::fs::remove_file(path).unwrap();
}

#[test]
fn config_show_prints_what_is_in_force() {
    let path = file(
        "show.yaml",
        "nats:\n  main: { url: \"http://u:${PW}@127.0.0.1:8222\", thresholds: { consumer_pending: off } }\n",
    );
    let name = path.display().to_string();
    let output = run_with(&["config", "show", "--config.file", &name], &[("PW", "hunter2")]);
    let shown = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(shown.contains("<secret>@127.0.0.1:8222") && !shown.contains("hunter2"), "{shown}");
    assert!(shown.contains("endpoint_duration warning 50ms (default)"), "{shown}");
    assert!(!shown.contains("consumer_pending warning"), "off is off: {shown}");
    std::fs::remove_file(path).unwrap();
}

#[test]
fn check_exits_with_what_it_found() {
    let down = file(
        "down.yaml",
        "nats:\n  main: { url: \"http://127.0.0.1:1\" }\nhost: { enabled: false }\n",
    );
    let name = down.display().to_string();
    let output = run(&["check", "--only", "nats", "--config.file", &name]);
    let table = text(&output.stdout);
    assert_eq!(output.status.code(), Some(2), "{table}");
    assert!(
        table.starts_with(
            "CRITICAL  NATS main does not answer on its monitoring port: /varz: connection\n          refused\n"
        ),
        "{table}"
    );
    assert!(table.contains("          at: "), "{table}");
    assert!(table.ends_with("\n\n1 critical, 0 ok\n"), "{table}");
    let output = run(&["check", "--only", "nats", "--format", "json", "--config.file", &name]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["not_visible"][0]["reason"], "refused");
    // Nobody wants to be woken by it: then it is merely unknown, and unknown never passes.
    std::fs::write(
        &down,
        "nats:\n  main: { url: \"http://127.0.0.1:1\", thresholds: { up: off } }\n",
    )
    .unwrap();
    let output = run(&["check", "--only", "nats", "--config.file", &name]);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stdout));
    std::fs::write(&down, "nats: 7\n").unwrap();
    assert_eq!(run(&["check", "--config.file", &name]).status.code(), Some(3));
    std::fs::remove_file(down).unwrap();
}

#[test]
fn metrics_prints_the_catalogue() {
    let output = run(&["metrics", "--only", "nats"]);
    let catalogue = text(&output.stdout);
    assert!(catalogue.contains("gnatsd_varz_connections (gauge) {server_id}"), "{catalogue}");
    assert!(catalogue.contains("signal up -> alert NatsDown"), "{catalogue}");
}

#[test]
fn generated_files_are_up_to_date() {
    let output = run(&["generate", "--check", "--into", env!("CARGO_MANIFEST_DIR")]);
    assert!(output.status.success(), "{}", text(&output.stderr));
}

/// What is said for people when a command has nothing to do, and the code that its help promises.
#[test]
fn nothing_to_verify_is_what_the_help_calls_2() {
    let state = tempfile::tempdir().unwrap();
    let flag = format!("--storage.path={}", state.path().display());
    let output = run(&["logs", "verify", &flag]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("no log is declared"), "{}", text(&output.stderr));
    let path = file("verify.yaml", "logs:\n  bot: { files: [/nonexistent/bot.log] }\n");
    let name = path.display().to_string();
    for only in [&["logs", "verify"][..], &["logs", "verify", "bot"], &["logs", "verify", "bto"]] {
        let output = run(&[only, &[&flag, "--config.file", &name]].concat());
        assert_eq!(output.status.code(), Some(2), "{only:?}");
        assert!(text(&output.stderr).contains("bot"), "{}", text(&output.stderr));
    }
    std::fs::remove_file(path).unwrap();
}

#[test]
fn an_area_that_is_asked_for_and_not_there_is_told_with_its_reason() {
    let off = file("off.yaml", "docker: { enabled: false }\nhost: { enabled: false }\nnats: {}\n");
    let on = file("on.yaml", "docker: { enabled: false }\nhost: { enabled: true }\n");
    let (off_name, on_name) = (off.display().to_string(), on.display().to_string());
    let check = |file: &str, only: &str| {
        run(&["check", "--window", "1s", "--config.file", file, "--only", only])
    };
    for (file, only, wanted) in [
        (&off_name, "docker", "docker: not watched: it is switched off: `docker.enabled` is false"),
        (&off_name, "host", "host: not watched: it is switched off: `host.enabled` is false"),
        (&off_name, "nats", "nats: not watched: no target is declared under `nats`"),
        (&off_name, "queue", "queue: not watched: no queue is named"),
        (&off_name, "exporter", "exporter: not watched: its facts are of the running exporter"),
        (&on_name, "host,docker", "docker: not watched: it is switched off"),
        (&on_name, "dokcer", "unknown area (did you mean `docker`?); known: exporter, docker"),
    ] {
        let output = check(file, only);
        let told = text(&output.stderr);
        assert!(told.contains(wanted), "{only}: {told}");
        // 2 would be something critical on this machine.
        let code = output.status.code();
        assert!(code == Some(3) || only.contains(',') && code == Some(2), "{only}: {code:?}");
    }
    // What can be found without a file and was not: the reason that `serve` tells.
    let environment = [("DOCKER_HOST", "unix:///nonexistent/docker.sock")];
    let output = run_with(&["check", "--only", "docker"], &environment);
    let told = text(&output.stderr) + &text(&output.stdout);
    assert_eq!(output.status.code().filter(|code| *code >= 2), output.status.code(), "{told}");
    assert!(told.contains("/nonexistent/docker.sock") && told.contains("do: "), "{told}");
    // Also where something else can be checked.
    let output = run_with(&["check", "--window", "1s"], &[("DOCKER_HOST", "ssh://me@there")]);
    let told = text(&output.stderr);
    assert!(output.status.code() >= Some(2), "{told}");
    assert!(told.contains("docker: not watched: DOCKER_HOST: SSH is not supported"), "{told}");
    let told = text(&run(&["check", "--only", "docker", "--config.file", &off_name]).stderr);
    assert!(told.ends_with("nothing to check: no target is declared or can be found\n"), "{told}");
    std::fs::remove_file(off).unwrap();
    std::fs::remove_file(on).unwrap();
}

/// A configuration that is a pipe is read if somebody writes to it, and else given up.
#[test]
fn a_configuration_that_is_a_pipe_does_not_hang() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stack.yml");
    let made = Command::new("mkfifo").arg(&path).status().unwrap();
    assert!(made.success());
    let name = path.display().to_string();
    let begun = std::time::Instant::now();
    let output = run(&["config", "check", "--config.file", &name]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("it is a pipe"), "{}", text(&output.stderr));
    assert!(begun.elapsed() < std::time::Duration::from_secs(30));
    let writer = std::thread::spawn(move || std::fs::write(path, "host: { enabled: true }\n"));
    let output = run(&["config", "check", "--config.file", &name]);
    writer.join().unwrap().unwrap();
    assert_eq!(text(&output.stdout), "ok: 1 targets\n", "{}", text(&output.stderr));
}

#[test]
fn one_trouble_is_counted_once() {
    let path = file(
        "once.yaml",
        "nats:\n  main: { url: \"http://127.0.0.1:1\" }\nqueues:\n  q: { sqlite: { file: /nonexistent/q.db } }\n",
    );
    let name = path.display().to_string();
    for (only, wanted) in [
        ("nats", "1 critical, 0 ok"),
        ("queue", "1 warning, 0 ok"),
        ("nats,queue", "1 critical, 1 warning, 0 ok"),
    ] {
        let output = run(&["check", "--window", "1s", "--only", only, "--config.file", &name]);
        let table = text(&output.stdout);
        assert_eq!(table.lines().last(), Some(wanted), "{table}");
    }
    std::fs::remove_file(path).unwrap();
}
