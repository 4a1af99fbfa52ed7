//! What else is shipped: scrape configuration, provisioning, image, unit, examples, status API.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;
use stack_exporter::collectors::SECTIONS;

use crate::skip::skip;
use crate::support::{
    at, entries, files, items, keys, read, run, said, stem, succeed, temporary, texts, yaml,
};

const EXPORTER: &str = env!("CARGO_BIN_EXE_stack-exporter");

#[test]
fn promtool_accepts_the_scrape_configurations() {
    succeed("promtool", &["check", "config", "alerts/prometheus.yml"]);
    succeed("promtool", &["check", "config", "--syntax-only", "examples/prometheus-scrape.yml"]);
}

#[test]
fn the_job_is_one_that_is_missed_if_it_never_answers() {
    for file in ["alerts/prometheus.yml", "examples/prometheus-scrape.yml"] {
        let config = yaml(file);
        assert_eq!(texts(&config["rule_files"]), ["*.rules.yml"], "{file}");
        let jobs: Vec<&str> =
            items(&config["scrape_configs"]).iter().map(|job| at(job, "/job_name")).collect();
        assert!(jobs.contains(&"stack-exporter"), "{file}: {jobs:?}");
    }
    let rules = read("alerts/exporter.rules.yml");
    assert!(rules.contains(r#"up{job=~".*stack.?exporter.*"} == 0"#));
}

/// Panels ask for the data source by uid, and a range below four scrapes would be empty.
#[test]
fn grafana_is_provisioned() {
    let interval = yaml("alerts/prometheus.yml");
    let sources = yaml("dashboards/provisioning/datasources/stack.yml");
    let prometheus = &sources["datasources"][0];
    assert_eq!(at(prometheus, "/uid"), "prometheus");
    assert_eq!(at(prometheus, "/jsonData/httpMethod"), "POST");
    assert_eq!(
        at(prometheus, "/jsonData/timeInterval"),
        at(&interval, "/global/scrape_interval"),
        "timeInterval is the scrape interval"
    );
    assert!(items(&sources["datasources"]).iter().all(|source| source["editable"] == false));
    let provider = &yaml("dashboards/provisioning/dashboards/stack.yml")["providers"][0];
    assert_eq!(provider["allowUiUpdates"], false);
    let compose = yaml("docker-compose.monitoring.yml");
    let mounts = texts(&compose["services"]["grafana"]["volumes"]);
    let mount = format!("./dashboards:{}:ro", at(provider, "/options/path"));
    assert!(mounts.contains(&mount.as_str()), "{mounts:?}");
}

#[test]
fn the_image_is_built_by_the_pinned_toolchain_and_runs_as_nobody_special() {
    let dockerfile = read("Dockerfile");
    let toolchain = read("rust-toolchain.toml");
    let channel = toolchain.lines().find_map(|line| line.strip_prefix("channel = ")).unwrap();
    let minor = channel.trim_matches('"').rsplit_once('.').unwrap().0;
    assert!(dockerfile.contains(&format!("FROM rust:{minor}-slim-trixie AS build")), "{minor}");
    assert!(dockerfile.contains("--profile dist"));
    let user = dockerfile.lines().find_map(|line| line.strip_prefix("USER ")).unwrap();
    let compose = yaml("docker-compose.monitoring.yml");
    assert_eq!(user, at(&compose["services"]["stack-exporter"], "/user"));
    assert_ne!(user, "0:0");
    assert!(dockerfile.contains("HEALTHCHECK"));
    assert!(!dockerfile.contains(":latest"));
}

/// What the image copies is what the context lets through.
#[test]
fn the_build_context_holds_what_is_copied() {
    let dockerfile = read("Dockerfile");
    let ignore = read(".dockerignore");
    let copied = dockerfile.lines().filter_map(|line| line.strip_prefix("COPY "));
    for line in copied.filter(|line| !line.starts_with("--from")) {
        let mut words: Vec<&str> = line.split(' ').collect();
        words.pop();
        for word in words {
            let word = if word.starts_with("LICENSE-") { "LICENSE-*" } else { word };
            assert!(ignore.contains(&format!("!{word}\n")), "{word} is not in the context");
        }
    }
}

/// The same in the image and in the Compose file; asked of a port that answers well, of one that wants
/// a password, of one that answers badly, and of one where nobody listens.
#[test]
fn the_health_check_tells_up_from_down() {
    let compose = yaml("docker-compose.monitoring.yml");
    let check = texts(&compose["services"]["stack-exporter"]["healthcheck"]["test"]);
    assert_eq!(check, ["CMD", "stack-exporter", "healthcheck"]);
    assert!(read("Dockerfile").contains("CMD [\"stack-exporter\", \"healthcheck\"]\n"));
    let healthy = |answer: Option<&'static str>| {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = answer.map(|answer| {
            std::thread::spawn(move || {
                use std::io::{Read, Write};
                let (mut stream, _) = listener.accept().unwrap();
                let read = stream.read(&mut [0; 512]).unwrap();
                assert!(read > 0);
                stream.write_all(answer.as_bytes()).unwrap();
            })
        });
        let mut command = Command::new(EXPORTER);
        let address = format!("0.0.0.0:{port}");
        command.env("STACK_EXPORTER_WEB_LISTEN_ADDRESS", address);
        let output = command.arg("healthcheck").output().unwrap();
        if let Some(server) = server {
            server.join().unwrap();
        }
        output.status.code().unwrap()
    };
    assert_eq!(healthy(Some("HTTP/1.1 200 OK\r\n\r\nok\n")), 0);
    assert_eq!(healthy(Some("HTTP/1.1 401 Unauthorized\r\n\r\n")), 0);
    assert_eq!(healthy(Some("HTTP/1.1 503 Service Unavailable\r\n\r\n")), 1);
    assert_eq!(healthy(Some("SSH-2.0-OpenSSH_9.2\r\n")), 1);
    assert_eq!(healthy(None), 1);
}

#[test]
fn the_unit_is_hardened() {
    let unit = read("packaging/stack-exporter.service");
    for line in [
        "User=stack-exporter",
        "NoNewPrivileges=yes",
        "CapabilityBoundingSet=",
        "ProtectSystem=strict",
        "ProtectHome=read-only",
        "PrivateTmp=yes",
        "PrivateDevices=yes",
        "ProtectKernelTunables=yes",
        "ProtectKernelModules=yes",
        "ProtectControlGroups=yes",
        "RestrictNamespaces=yes",
        "RestrictSUIDSGID=yes",
        "MemoryDenyWriteExecute=yes",
        "SystemCallArchitectures=native",
        "SystemCallFilter=@system-service",
        "EnvironmentFile=-/etc/default/stack-exporter",
        // A mistake in the file is not cured by starting again.
        "RestartPreventExitStatus=2",
        // Two seconds for answers under way and half a one for the log; then it has ended by itself.
        "TimeoutStopSec=10s",
    ] {
        assert!(unit.lines().any(|given| given == line), "{line}");
    }
    // The group of the socket is as good as root: nobody gets it by default.
    assert!(!unit.lines().any(|line| line.starts_with("SupplementaryGroups")));
}

#[test]
fn systemd_accepts_the_unit() {
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        // Its lines are asserted above.
        return skip("systemd-analyze is not installed: apt-get install systemd");
    }
    // It looks for the program, which is not installed here.
    let unit = read("packaging/stack-exporter.service");
    let unit = unit.replace("/usr/bin/stack-exporter", EXPORTER);
    let (_folder, file) = temporary("stack-exporter.service", &unit);
    let output = run("systemd-analyze", &["verify", &file.display().to_string()]);
    // Units of the machine itself may be faulty; only ours counts.
    let said = said(&output);
    let ours: Vec<&str> = said.lines().filter(|line| line.contains("stack-exporter")).collect();
    assert!(ours.is_empty(), "{said}");
    // Of 10 for a unit without any limits; in tenths here.
    let exposure = ["security", "--offline=true", "--threshold=20", &file.display().to_string()];
    succeed("systemd-analyze", &exposure);
}

/// The examples that are configurations of the exporter: all but those for Prometheus, for the lock
/// and for Compose.
fn examples() -> Vec<String> {
    let others = ["prometheus-scrape", "web-config", "compose.networks"];
    let mut found = files("examples", ".yml");
    found.retain(|file| !others.contains(&stem(file, ".yml")));
    found
}

#[test]
fn five_stacks_have_an_example() {
    let found = examples();
    for code in ["th", "ru", "ko", "en", "uk"] {
        let prefix = format!("examples/{code}-");
        assert!(found.iter().any(|file| file.starts_with(&prefix)), "{code}");
    }
}

#[test]
fn examples_name_known_sections_and_hold_no_secret() {
    for file in examples() {
        let config = yaml(&file);
        for (section, _) in entries(&config) {
            let known = SECTIONS.contains(&section) || ["web", "notify"].contains(&section);
            assert!(known, "{file}: {section}");
        }
        let secret: Vec<_> =
            keys(&config).into_iter().filter(|key| ["password", "token"].contains(key)).collect();
        assert!(secret.is_empty(), "{file}: {secret:?} belongs in a file");
        // `scheme://user:password@host`.
        let inline = read(&file).split("://").skip(1).any(|rest| {
            let user = rest.split(['/', '\n', ' ']).next().and_then(|place| place.split_once('@'));
            user.is_some_and(|(user, _)| user.contains(':'))
        });
        assert!(!inline, "{file}: a password in an address");
    }
}

/// The part of the documented answer that needs no running exporter.
#[test]
fn the_status_has_its_documented_shape() {
    let text = read("docs/status-api.md");
    let sample = text.split("```json\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let documented: Value = serde_json::from_str(sample).expect("the sample is JSON");
    // Nobody listens on port 1.
    let (_folder, file) = temporary("stack.yml", "nats: { main: { url: 'http://127.0.0.1:1' } }\n");
    let file = format!("--config.file={}", file.display());
    let output = Command::new(EXPORTER)
        .args([&file, "check", "--format", "json", "--only", "nats"])
        .output();
    let answer: Value = serde_json::from_slice(&output.unwrap().stdout).expect("JSON");
    let names =
        |value: &Value| entries(value).map(|(key, _)| key.to_owned()).collect::<BTreeSet<_>>();
    let mut top = names(&documented);
    for served in
        ["targets", "machine", "last_scrape", "not_scraped_since", "switched_off", "not_watched"]
    {
        assert!(top.remove(served), "{served} is documented, and only served");
    }
    assert_eq!(top, names(&answer));
    assert_eq!(names(&documented["not_visible"][0]), names(&answer["not_visible"][0]));
    // Every documented key is explained in a table.
    for key in keys(&documented).into_iter().filter(|key| *key != "server_id") {
        assert!(text.contains(&format!("`{key}`")), "{key} is not explained");
    }
}

#[test]
fn nothing_names_a_path_of_a_developer() {
    let mut shipped = vec!["Dockerfile".to_owned(), "docker-compose.monitoring.yml".to_owned()];
    for (folder, ending) in [
        ("alerts", ".yml"),
        ("docs", ".md"),
        ("docs/how-to", ".md"),
        ("docs/runbooks", ".md"),
        ("examples", ""),
    ] {
        shipped.extend(files(folder, ending));
    }
    for file in &shipped {
        let text = read(file);
        for path in ["/Users/", "/root/", "/home/runner", "/tmp/"] {
            assert!(!text.contains(path), "{file}: {path}");
        }
    }
}
