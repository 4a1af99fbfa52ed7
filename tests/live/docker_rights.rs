//! What is asked of the Engine, with which rights, and what is left when one of them is missing.
//! [C01 C04 C05]

use serde_json::Value;

use crate::scene::value;
use crate::servers::docker::{ContainerSpec, Docker};
use crate::servers::exporter::Exporter;
use crate::servers::proxy::Proxy;
use crate::servers::wait::{PATIENT, until};
use crate::servers::{Stack, run};
use crate::stage::binary;

const UP: &str = "stack_target_up{target=\"docker\",area=\"docker\"}";

/// The kinds of requests that the module says it makes.
const KINDS: [&str; 10] = [
    "/version",
    "/info",
    "/containers/json?all=true",
    "/containers/json",
    "/containers/ID/json",
    "/containers/ID/stats?stream=false&one-shot=true",
    "/containers/ID/top?ps_args=-eo+pid%2Cargs",
    "/images/json",
    "/system/df",
    "/events",
];

/// A request's path without the version and without what changes from one to the next.
fn kind(path: &str) -> String {
    let bare = path.strip_prefix("/v1.").and_then(|rest| rest.find('/').map(|at| &rest[at..]));
    let bare = bare.unwrap_or(path);
    if bare.starts_with("/events?") {
        return "/events".to_owned();
    }
    let id = bare.strip_prefix("/containers/").and_then(|rest| rest.split_once('/'));
    match id {
        Some((id, what)) if id.len() == 64 => format!("/containers/ID/{what}"),
        _ => bare.to_owned(),
    }
}

fn config(docker: &Docker, url: &str) -> String {
    let section =
        docker.section("processes: { rights: [sleep], few: [sleep] }\ndisk_usage_interval: 1m\n");
    section.replace(&docker.host(), url)
}

/// The same without the kernel's files: then the Engine is asked for everything.
fn config_without_files(docker: &Docker, url: &str) -> String {
    config(docker, url) + "  cgroup_path: /nowhere\n"
}

#[test]
fn every_request_is_one_of_a_few_and_a_get() {
    run(async {
        let docker = Stack::docker().await;
        let proxy = Proxy::before(docker.engine.socket.clone());
        let port = proxy.on_port().await;
        let asked = config_without_files(&docker, &port);
        let near = config(&docker, &port);
        let local = config(&docker, &proxy.on_socket());
        let _one = docker.run(ContainerSpec::calm("get-only", "rights"));
        let _two = docker
            .run(ContainerSpec::calm("get-only", "loops").shell("exit 3").restart("always", 0));
        for (config, source) in [(asked, "api"), (near, "cgroup"), (local, "cgroup")] {
            let exporter = Exporter::start(binary(), &config).await;
            until(&format!("everything from {source}"), PATIENT, async || {
                let scrape = exporter.scrape().await;
                let project = [("container_label_com_docker_compose_project", "get-only")];
                let all = [
                    value(&scrape, "container_cpu_usage_seconds_total", &project),
                    value(&scrape, "stack_service_processes", &[("project", "get-only")]),
                    value(&scrape, "stack_container_image_age_seconds", &[("project", "get-only")]),
                    value(&scrape, "stack_docker_disk_usage_bytes", &[]),
                    value(&scrape, "stack_docker_events_connected", &[]).filter(|up| *up > 0.0),
                    value(&scrape, "machine_cpu_cores", &[]),
                ];
                let from = format!("source=\"{source}");
                let info = scrape.line("stack_docker_source_info{");
                let there = info.is_some_and(|line| line.contains(&from));
                if there && all.iter().all(Option::is_some) {
                    Ok(())
                } else {
                    Err((all, scrape.body))
                }
            })
            .await;
        }
        let seen = proxy.requests();
        let other: Vec<_> = seen
            .iter()
            .filter(|(method, path)| method != "GET" || !KINDS.contains(&kind(path).as_str()))
            .collect();
        assert!(other.is_empty(), "{other:?}");
        for wanted in KINDS {
            assert!(seen.iter().any(|(_, path)| kind(path) == wanted), "{wanted} is never asked");
        }
    });
}

const STATS: &str = "CPU, memory, network and block I/O (stats)";
const TOP: &str = "command lines of containers (top)";

/// A right, what the status says is not seen without it, series that are then gone, and the part with
/// a clock of its own.
const RIGHTS: [(&str, &str, &str, &str); 6] = [
    ("/events", "events", "", ""),
    ("/images/json", "images", "stack_container_image_age_seconds", "images"),
    ("/info", "", "", ""),
    ("/system/df", "disk usage", "stack_docker_disk_usage_bytes", "disk_usage"),
    ("/stats", STATS, "container_cpu_usage_seconds_total", "stats"),
    ("/top", TOP, "stack_service_processes", "commands"),
];

#[test]
fn a_missing_right_is_a_reason_and_costs_nothing_else() {
    run(async {
        let docker = Stack::docker().await;
        let proxy = Proxy::before(docker.engine.socket.clone());
        let _one = docker.run(ContainerSpec::calm("few-rights", "few"));
        let exporter =
            Exporter::start(binary(), &config_without_files(&docker, &proxy.on_port().await)).await;
        for (path, what, gone, part) in RIGHTS {
            proxy.deny(&[path]);
            exporter.restart().await;
            let told = until(&format!("the reason without {path}"), PATIENT, async || {
                let scrape = exporter.scrape().await;
                assert_ne!(scrape.value(UP), Some(0.0), "without {path}: {}", scrape.body);
                let status = exporter.get("/api/v1/status", &[]).await.body;
                let status: Value = serde_json::from_str(&status).unwrap();
                let blind = status["not_visible"].as_array().cloned().unwrap_or_default();
                let found = blind.iter().find(|one| one["what"] == what).cloned();
                let there = what.is_empty() || found.is_some();
                // Others come a little later than the list.
                let rest = RIGHTS.iter().map(|(_, _, metric, _)| *metric);
                let rest = rest.filter(|metric| !metric.is_empty() && *metric != gone);
                let late: Vec<_> = rest
                    .chain([
                        "stack_container_state",
                        "stack_service_up",
                        "container_start_time_seconds",
                    ])
                    .filter(|metric| scrape.line(&format!("{metric}{{")).is_none())
                    .collect();
                if there && late.is_empty() { Ok((found, scrape)) } else { Err((blind, late)) }
            })
            .await;
            let (found, scrape) = told;
            if let Some(found) = found {
                assert_eq!(found["reason"], "rights", "{found}");
                eprintln!("without {path}: {found}");
            }
            let failed = |line: &&str| {
                line.starts_with("stack_target_part_failure{")
                    && line.contains(&format!("part=\"{part}\",reason=\"rights\"}} 1"))
            };
            assert!(part.is_empty() || scrape.body.lines().any(|line| failed(&line)), "{path}");
            // The service of the other test is known to have no processes once it has ended.
            let other = "service=\"rights\"";
            let mut left = scrape.body.lines().filter(|line| !line.contains(other));
            let left = left.find(|line| !gone.is_empty() && line.starts_with(&format!("{gone}{{")));
            assert_eq!(left, None, "without {path}");
        }
    });
}
