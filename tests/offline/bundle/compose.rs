//! docker-compose.monitoring.yml: what makes a service safe to run, held by every service.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::{at, entries, items, texts, yaml};

const FILE: &str = "docker-compose.monitoring.yml";

type Holds = fn(&Value) -> bool;

/// The properties by name. Each is held by every service that is not in [`EXCEPTIONS`].
const PROPERTIES: &[(&str, Holds)] = &[
    ("pinned tag", pinned_tag),
    ("digest", |service| at(service, "/image").contains("@sha256:")),
    ("health check", has_health_check),
    ("waits for healthy", waits_for_healthy),
    ("memory limit", |service| at(service, "/mem_limit").ends_with(['m', 'g'])),
    ("read-only root", |service| service["read_only"] == true),
    ("no capabilities", |service| {
        texts(&service["cap_drop"]) == ["ALL"] && service.get("cap_add").is_none()
    }),
    ("no new privileges", |service| {
        texts(&service["security_opt"]).contains(&"no-new-privileges:true")
    }),
    ("user of its own", |service| {
        let id = at(service, "/user").split(':').next().and_then(|id| id.parse::<u32>().ok());
        id.is_some_and(|id| id > 0)
    }),
    ("no part of the host", |service| {
        let shared = ["privileged", "pid", "ipc", "uts", "devices", "userns_mode"];
        let network = service.get("network_mode");
        network.is_none_or(|mode| mode == "none")
            && shared.iter().all(|key| service.get(key).is_none())
    }),
    ("no Docker socket", |service| sources(service).all(|source| !source.contains("/run"))),
    ("no root of the host", |service| sources(service).all(|source| source != "/")),
    ("host folders read-only", host_folders_read_only),
    ("loopback ports", loopback_ports),
    ("secrets as files", secrets_as_files),
    ("log rotation", |service| {
        let options = |key| !at(&service["logging"]["options"], key).is_empty();
        options("/max-size") && options("/max-file")
    }),
];

/// Who may lack a property, and why.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    ("setup", "digest", "built where it runs"),
    ("setup", "health check", "ends when it is done"),
    ("setup", "waits for healthy", "first in line"),
    ("setup", "secrets as files", "what is typed into .env; others get files that it makes"),
    ("docker-socket-proxy", "digest", "cannot be known in the repository"),
    ("docker-socket-proxy", "user of its own", "the owner of the socket, unless DOCKER_GID is set"),
    ("stack-exporter", "digest", "built where it runs"),
    ("prometheus", "digest", "cannot be known in the repository"),
    ("alertmanager", "digest", "cannot be known in the repository"),
    ("grafana", "digest", "cannot be known in the repository"),
    ("docker-socket-proxy", "waits for healthy", "first in line"),
    ("docker-socket-proxy", "no Docker socket", "to filter it is its purpose"),
    ("stack-exporter", "no root of the host", "free space of the host's file systems"),
];

fn pinned_tag(service: &Value) -> bool {
    let image = at(service, "/image").rsplit('/').next().unwrap_or_default();
    let tag = image.split_once(':').map_or("", |(_, tag)| tag);
    // A tag such as `3` or `latest` moves.
    tag.split('.').count() >= 3 && tag.chars().any(|c| c.is_ascii_digit())
}

fn has_health_check(service: &Value) -> bool {
    let check = &service["healthcheck"];
    let timed = ["interval", "timeout", "start_period"].iter().all(|key| check.get(key).is_some());
    let command = texts(&check["test"]);
    command.len() > 1 && command[0] == "CMD" && timed && check["retries"].is_u64()
}

fn waits_for_healthy(service: &Value) -> bool {
    let mut waits = entries(&service["depends_on"]).peekable();
    waits.peek().is_some()
        && waits.all(|(name, wait)| {
            let done = if name == "setup" { "completed_successfully" } else { "healthy" };
            at(wait, "/condition") == format!("service_{done}")
        })
}

/// What is mounted: a path of the host, or a volume's name.
fn sources(service: &Value) -> impl Iterator<Item = &str> {
    items(&service["volumes"]).iter().map(|volume| {
        let Some(short) = volume.as_str() else { return at(volume, "/source") };
        // The colon of `${NAME:-default}` is none between source and place.
        let end = short.rfind('}').map_or(0, |end| end);
        let colon = short[end..].find(':').map_or(short.len(), |colon| end + colon);
        &short[..colon]
    })
}

fn host_folders_read_only(service: &Value) -> bool {
    items(&service["volumes"]).iter().all(|volume| match volume.as_str() {
        Some(short) => !short.starts_with(['/', '.', '$']) || short.ends_with(":ro"),
        None => volume["read_only"] == true,
    })
}

/// In the short form a file that is missing becomes a folder of root's.
#[test]
fn a_missing_configuration_is_told_by_its_name() {
    let compose = yaml(FILE);
    let mounts = items(&compose["services"]["stack-exporter"]["volumes"]);
    let file = mounts.iter().find(|mount| at(mount, "/target").ends_with("stack.yml")).unwrap();
    assert_eq!(file["bind"]["create_host_path"], false);
}

fn loopback_ports(service: &Value) -> bool {
    let ports = items(&service["ports"]).iter();
    ports.into_iter().all(|port| port.as_str().is_some_and(|port| port.starts_with("127.0.0.1:")))
}

fn secrets_as_files(service: &Value) -> bool {
    let secret = |name: &str| {
        let name = name.to_ascii_uppercase();
        ["PASSWORD", "SECRET", "TOKEN", "CREDENTIAL"].iter().any(|word| name.contains(word))
            && !name.ends_with("_FILE")
    };
    entries(&service["environment"]).all(|(name, _)| !secret(name))
        && !texts(&service["command"]).into_iter().any(secret)
}

#[test]
fn every_property_is_held_by_every_service() {
    let compose = yaml(FILE);
    let mut wrong = Vec::new();
    for (name, service) in entries(&compose["services"]) {
        for (property, holds) in PROPERTIES {
            let excepted = EXCEPTIONS.iter().any(|(who, what, _)| (who, what) == (&name, property));
            match (holds(service), excepted) {
                (false, false) => wrong.push(format!("{name} lacks: {property}")),
                (true, true) => {
                    wrong.push(format!("{name} no longer needs its exception: {property}"));
                }
                _ => {}
            }
        }
    }
    assert!(wrong.is_empty(), "{FILE}:\n{}", wrong.join("\n"));
}

#[test]
fn the_services_are_there() {
    let compose = yaml(FILE);
    let names: BTreeSet<&str> = entries(&compose["services"]).map(|(name, _)| name).collect();
    let excepted: BTreeSet<&str> = EXCEPTIONS.iter().map(|(who, _, _)| *who).collect();
    let expected =
        ["alertmanager", "docker-socket-proxy", "grafana", "prometheus", "setup", "stack-exporter"];
    assert_eq!(names, BTreeSet::from(expected));
    assert!(excepted.is_subset(&names), "exceptions for services that are not there");
}

/// Secrets and volumes that are used are declared, and those that are declared are used.
#[test]
fn names_agree() {
    let compose = yaml(FILE);
    for kind in ["secrets", "networks"] {
        let declared: BTreeSet<&str> = entries(&compose[kind]).map(|(name, _)| name).collect();
        let services = entries(&compose["services"]);
        let used: BTreeSet<&str> =
            services.flat_map(|(_, service)| texts(&service[kind])).collect();
        assert_eq!(used, declared, "{kind}");
    }
    // None that must be there.
    for (name, secret) in entries(&compose["secrets"]) {
        let variable = name.to_ascii_uppercase();
        assert_eq!(at(secret, "/file"), format!("${{{variable}_FILE:-/dev/null}}"));
    }
    let declared: BTreeSet<&str> = entries(&compose["volumes"]).map(|(name, _)| name).collect();
    let services = entries(&compose["services"]);
    let used: BTreeSet<&str> = services
        .flat_map(|(_, service)| sources(service))
        .filter(|source| !source.starts_with(['/', '.', '$']))
        .collect();
    assert_eq!(used, declared, "volumes");
}

/// The socket's network has no way out, and only the exporter shares it.
#[test]
fn only_the_exporter_reaches_the_socket() {
    let compose = yaml(FILE);
    assert_eq!(compose["networks"]["socket"]["internal"], true);
    let services = entries(&compose["services"]);
    let on_it: Vec<&str> = services
        .filter(|(_, service)| texts(&service["networks"]).contains(&"socket"))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(on_it, ["docker-socket-proxy", "stack-exporter"]);
    let proxy = &compose["services"]["docker-socket-proxy"];
    assert!(proxy.get("ports").is_none(), "the proxy must not be published");
    let allowed: Vec<&str> =
        texts(&proxy["command"]).into_iter().filter(|flag| flag.starts_with("-allow")).collect();
    let methods: Vec<&str> = allowed.iter().filter_map(|flag| flag.split('=').next()).collect();
    assert_eq!(methods, ["-allowfrom", "-allowhealthcheck", "-allowGET"]);
}

/// What the exporter asks for passes; what would give more than facts away does not.
#[test]
fn the_proxy_lets_facts_through_and_nothing_else() {
    let compose = yaml(FILE);
    let flags = texts(&compose["services"]["docker-socket-proxy"]["command"]);
    let pattern = flags.iter().find_map(|flag| flag.strip_prefix("-allowGET=")).unwrap();
    // The proxy anchors the pattern itself.
    let pattern = regex::Regex::new(&format!("^(?:{pattern})$")).unwrap();
    let id = "0123456789abcdef";
    for path in ["/_ping", "/version", "/v1.41/version", "/v1.41/info", "/v1.51/containers/json"] {
        assert!(pattern.is_match(path), "{path}");
    }
    for path in ["events", "images/json", "system/df"] {
        assert!(pattern.is_match(&format!("/v1.51/{path}")), "{path}");
    }
    for part in ["json", "stats", "logs", "top"] {
        assert!(pattern.is_match(&format!("/v1.51/containers/{id}/{part}")), "{part}");
    }
    for part in ["archive", "export", "attach/ws", "changes", "json/../archive"] {
        assert!(!pattern.is_match(&format!("/v1.51/containers/{id}/{part}")), "{part}");
    }
    for path in ["/v1.51/secrets", "/v1.51/configs", "/v1.51/images/x/get", "/v1.51/swarm", "/"] {
        assert!(!pattern.is_match(path), "{path}");
    }
}

#[test]
fn prometheus_outlives_a_restart_and_a_full_disk() {
    let compose = yaml(FILE);
    let flags = texts(&compose["services"]["prometheus"]["command"]);
    for flag in [
        "--storage.tsdb.retention.time=",
        "--storage.tsdb.retention.size=",
        "--rules.alert.for-grace-period=1m",
    ] {
        assert!(flags.iter().any(|given| given.starts_with(flag)), "{flag}");
    }
    // Reload and deletion over HTTP are off by default, and stay off.
    let open = flags.iter().any(|given| given.starts_with("--web.enable-"));
    assert!(!open, "{flags:?}");
}

/// Each variable of the Compose file stands in .env.example with its meaning, none that it has not,
/// and none must be set.
#[test]
fn every_variable_is_explained_and_none_must_be_set() {
    let compose = yaml(FILE);
    let text = crate::support::read(FILE);
    assert!(!text.contains(":?"), "a variable that must be set");
    let name = regex::Regex::new(r"\$\{([A-Z_]+)").unwrap();
    let mut used: BTreeSet<&str> =
        name.captures_iter(&text).map(|found| found.get(1).unwrap().as_str()).collect();
    let setup = entries(&compose["services"]["setup"]["environment"]);
    used.extend(setup.filter(|(_, value)| value.is_null()).map(|(name, _)| name));
    let example = crate::support::read(".env.example");
    let line = regex::Regex::new(r"(?m)^#([A-Z_]+)=").unwrap();
    let mut told: BTreeSet<&str> =
        line.captures_iter(&example).map(|found| found.get(1).unwrap().as_str()).collect();
    // Compose's own.
    assert!(told.remove("COMPOSE_FILE"));
    assert_eq!(told, used);
    let set: Vec<_> =
        example.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).collect();
    assert!(set.is_empty(), "a copy changes nothing: {set:?}");
}
