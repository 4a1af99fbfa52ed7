//! Our reading of `tests/fixtures/compose/*` against that of Docker Compose, which
//! `tests/live/compose.rs` recorded.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::declared::{Declared, Health};
use super::load::load;
use super::{Condition, File, values};

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/compose");
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.is_dir()).collect()
}

fn ours(case: &Path) -> File {
    let lines = |name: &str| {
        let text = std::fs::read_to_string(case.join(name)).unwrap_or_default();
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let mut files = lines("files");
    if files.is_empty() {
        files.push("docker-compose.yml".to_owned());
    }
    let mut all = File::default();
    for file in files {
        let loaded = load(&case.join(file), &lines("profiles"));
        assert_eq!((loaded.missing, loaded.wrong), (vec![], vec![]), "{}", case.display());
        let file = loaded.file.unwrap();
        // The last file that names the project does.
        if all.project.is_empty() || file.is_named {
            all.project.clone_from(&file.project);
        }
        all.overlay(&file);
    }
    all
}

fn of_ours(service: &Declared) -> Value {
    let condition = |condition: &Condition| match condition {
        Condition::Started => "service_started",
        Condition::Healthy => "service_healthy",
        Condition::Completed => "service_completed_successfully",
    };
    let depends_on: BTreeMap<_, _> =
        service.depends_on.iter().map(|(name, on)| (name, condition(on))).collect();
    let ports = service
        .ports
        .iter()
        .map(|port| json!([port.host_ip, port.published, port.target, port.protocol]));
    let health = |health: &Health| {
        json!({
            "interval": health.interval.map(|time| time.as_secs_f64()),
            "timeout": health.timeout.map(|time| time.as_secs_f64()),
            "start_period": health.start_period.map(|time| time.as_secs_f64()),
            "start_interval": health.start_interval.map(|time| time.as_secs_f64()),
            "retries": health.retries,
            "disabled": health.disabled,
        })
    };
    json!({
        "replicas": service.replicas,
        "profiles": service.profiles.clone().unwrap_or_default(),
        "image": service.image,
        "build": service.build,
        "container_name": service.container_name,
        "restart": service.restart,
        "memory_limit": service.memory_limit,
        "cpu_limit": service.cpu_limit,
        "pids_limit": service.pids_limit,
        "memory_reservation": service.memory_reservation,
        "cpu_reservation": service.cpu_reservation,
        "health": service.health.as_ref().map(health),
        "ports": ports.collect::<Vec<_>>(),
        "depends_on": depends_on,
    })
}

fn of_theirs(service: &Value) -> Value {
    let deploy = &service["deploy"];
    let (limits, reservations) =
        (&deploy["resources"]["limits"], &deploy["resources"]["reservations"]);
    let either = |first: &Value, second: &Value| {
        let value = if first.is_null() { second } else { first };
        let text = value.as_str().map(str::to_owned);
        text.or_else(|| value.is_number().then(|| value.to_string()))
    };
    let whole = |value: Option<String>| value.map(|text| text.parse::<i64>().unwrap().max(0));
    let decimal = |value: Option<String>| value.map(|text| text.parse::<f64>().unwrap());
    let restart = match deploy["restart_policy"]["condition"].as_str() {
        None => service["restart"].as_str().map(str::to_owned),
        Some("any") => Some("always".to_owned()),
        Some("none") => Some("no".to_owned()),
        Some(other) => {
            let attempts = &deploy["restart_policy"]["max_attempts"];
            Some(if attempts.is_null() { other.to_owned() } else { format!("{other}:{attempts}") })
        }
    };
    let ports = service["ports"].as_array().cloned().unwrap_or_default();
    let port = |port: &Value| {
        json!([port["host_ip"], port["published"], port["target"], port["protocol"]])
    };
    json!({
        "replicas": whole(either(&deploy["replicas"], &service["scale"])),
        "profiles": service.get("profiles").cloned().unwrap_or_else(|| json!([])),
        "image": service["image"],
        "build": service["build"],
        "container_name": service["container_name"],
        "restart": restart,
        "memory_limit": whole(either(&limits["memory"], &service["mem_limit"])),
        "cpu_limit": decimal(either(&limits["cpus"], &service["cpus"])),
        "pids_limit": whole(either(&limits["pids"], &service["pids_limit"])),
        "memory_reservation": whole(either(&reservations["memory"], &service["mem_reservation"])),
        "cpu_reservation": decimal(either(&reservations["cpus"], &Value::Null)),
        "health": of_their_health(&service["healthcheck"]),
        "ports": ports.iter().map(port).collect::<Vec<_>>(),
        "depends_on": service["depends_on"],
    })
}

fn of_their_health(health: &Value) -> Value {
    if health.is_null() {
        return Value::Null;
    }
    let time = |key: &str| {
        let text = health[key].as_str()?;
        Some(values::duration(text).unwrap().as_secs_f64())
    };
    let disabled = health["disable"] == json!(true) || health["test"][0] == json!("NONE");
    json!({
        "interval": time("interval"),
        "timeout": time("timeout"),
        "start_period": time("start_period"),
        "start_interval": time("start_interval"),
        "retries": health["retries"],
        "disabled": disabled,
    })
}

#[test]
fn files_say_to_us_what_they_say_to_compose() {
    let mut wrong = Vec::new();
    let cases = cases();
    for case in &cases {
        let text = std::fs::read_to_string(case.join("expected.json")).unwrap_or_default();
        let Ok(theirs) = serde_json::from_str::<Value>(&text) else {
            panic!("{}: run UPDATE=1 cargo test --test live compose", case.display());
        };
        let ours = ours(case);
        let active: Vec<_> = ours.services.keys().filter(|name| ours.is_active(name)).collect();
        let services = theirs["services"].as_object().unwrap();
        let services: Map<_, _> =
            services.iter().map(|(name, of)| (name.clone(), of_theirs(of))).collect();
        let want =
            json!({ "name": theirs["name"], "active": theirs["active"], "services": services });
        let services: Map<_, _> =
            ours.services.iter().map(|(name, of)| (name.clone(), of_ours(of))).collect();
        let got = json!({ "name": ours.project, "active": active, "services": services });
        for (name, want) in want["services"].as_object().unwrap() {
            for (key, want) in want.as_object().unwrap() {
                let got = &got["services"][name][key];
                if got != want {
                    wrong.push(format!("{}: {name}.{key}: {want}, ours {got}", case.display()));
                }
            }
        }
        let rest = |value: &Value| {
            let names: Vec<_> = value["services"].as_object().unwrap().keys().cloned().collect();
            (value["name"].clone(), value["active"].clone(), names)
        };
        if rest(&got) != rest(&want) {
            wrong.push(format!("{}: {:?}, ours {:?}", case.display(), rest(&want), rest(&got)));
        }
    }
    assert!(cases.len() >= 12);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
