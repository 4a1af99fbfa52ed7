//! What Docker Compose itself says of the fixtures of `src/collectors/docker/compose`, whose own
//! tests hold our reading against it. `UPDATE=1` records anew.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Map, Value, json};

use crate::skip::skip;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
/// What is compared of a service; the rest is not ours to read.
const KEYS: &[&str] = &[
    "image",
    "container_name",
    "restart",
    "scale",
    "mem_limit",
    "mem_reservation",
    "cpus",
    "pids_limit",
    "healthcheck",
    "ports",
    "profiles",
];
const OF_DEPLOY: &[&str] = &["replicas", "resources", "restart_policy"];

#[test]
fn recorded_answers_are_those_of_compose() {
    let fetched = Command::new("sh").arg(format!("{ROOT}/.ci/fetch-compose")).output().unwrap();
    if !fetched.status.success() {
        // Without a network there is none to ask; the recorded answers are checked all the same.
        let said = String::from_utf8_lossy(&fetched.stderr);
        return skip(&format!("Docker Compose cannot be had: {said}"));
    }
    let program = PathBuf::from(String::from_utf8(fetched.stdout).unwrap().trim());
    let mut cases: Vec<PathBuf> = std::fs::read_dir(format!("{ROOT}/tests/fixtures/compose"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    cases.sort();
    assert!(cases.len() >= 12);
    for case in cases {
        let said = format!("{:#}\n", answer(&program, &case));
        let recorded = case.join("expected.json");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&recorded, &said).unwrap();
        }
        let recorded = std::fs::read_to_string(&recorded).unwrap_or_default();
        assert_eq!(said, recorded, "{}: after a look, UPDATE=1", case.display());
    }
}

/// The project's name, all services, and which of them start.
fn answer(program: &Path, case: &Path) -> Value {
    let config = compose(program, case, &["--profile", "*"], &["config", "--format", "json"]);
    // It writes dollars so that its answer could be read as a file.
    let config: Value = serde_json::from_str(&config.replace("$$", "$")).unwrap();
    let profiles = std::fs::read_to_string(case.join("profiles")).unwrap_or_default();
    let profiles: Vec<_> = profiles.lines().flat_map(|name| ["--profile", name]).collect();
    let active =
        compose(program, case, &profiles, &["config", "--no-consistency", "--format", "json"]);
    let active: Value = serde_json::from_str(&active).unwrap();
    let mut active: Vec<_> = active["services"].as_object().unwrap().keys().collect();
    active.sort();
    let services = config["services"].as_object().unwrap();
    let mut services: Vec<_> =
        services.iter().map(|(name, of)| (name.clone(), reduced(of))).collect();
    services.sort_by(|a, b| a.0.cmp(&b.0));
    json!({ "name": config["name"], "active": active, "services": services.into_iter().collect::<Map<_, _>>() })
}

fn compose(program: &Path, case: &Path, options: &[&str], command: &[&str]) -> String {
    let files = std::fs::read_to_string(case.join("files")).unwrap_or_default();
    let files = if files.is_empty() { "docker-compose.yml".to_owned() } else { files };
    let files = files.lines().flat_map(|file| ["-f", file]);
    let output = Command::new(program)
        .current_dir(case)
        .env_clear()
        .args(files)
        .args(options)
        .args(command)
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {error}", case.display());
    String::from_utf8(output.stdout).unwrap()
}

fn reduced(service: &Value) -> Value {
    let only = |value: &Value, keys: &[&str]| {
        let kept = keys.iter().filter(|key| !value[**key].is_null());
        kept.map(|key| ((*key).to_owned(), value[*key].clone())).collect::<Map<_, _>>()
    };
    let mut kept = only(service, KEYS);
    kept.insert("build".to_owned(), json!(!service["build"].is_null()));
    kept.insert("deploy".to_owned(), Value::Object(only(&service["deploy"], OF_DEPLOY)));
    let depends_on = service["depends_on"].as_object().into_iter().flatten();
    let depends_on: Map<_, _> =
        depends_on.map(|(name, on)| (name.clone(), on["condition"].clone())).collect();
    kept.insert("depends_on".to_owned(), Value::Object(depends_on));
    Value::Object(kept)
}
