//! From the section to the one target, with all that is wrong with it.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use super::address::{self, Address};
use super::cgroup::Roots;
use super::compose::{self, Files};
use super::container::Naming;
use super::detail::Sockets;
use super::exclude::Exclude;
use super::fetch::{Reader, Setting};
use super::kernel::Kernel;
use super::ports::{Allowed, Policy};
use super::processes::Patterns;
use super::sample::Judging;
use super::services::Manner;
use super::slow::Slow;
use super::{AREA, Docker, Engine};
use crate::clients::access;
use crate::config::{Dur, Tls};
use crate::engine::Target;
use crate::plan::{Common, Plan};

/// The Engine of the section, else the one that can be found.
pub fn plan(section: Option<&Docker>, plan: &mut Plan) {
    let Some(docker) = section else {
        match address::discover(&|name| plan.env(name), None) {
            Ok((address, origin)) => {
                plan.publish(AREA.name, address.clone());
                let target = target(&Docker::default(), address, plan);
                plan.find(target, origin);
            }
            Err(why) => plan.missed(
                why,
                "mount the Docker socket here, or set DOCKER_HOST to the address of a proxy",
            ),
        }
        return;
    };
    if !docker.enabled {
        return;
    }
    check_files(docker, plan);
    for (key, message) in access::tls_mistakes(&docker.tls) {
        plan.mistake("", &key, message);
    }
    let tls = Some(&docker.tls).filter(|tls| !tls.is_usual());
    let address = match &docker.url {
        Some(url) => Address::parse(url, tls).map_err(|message| ("url", message.to_owned())),
        None => found(plan, tls).map_err(|message| ("", message)),
    };
    if tls.is_some() && matches!(address, Ok(Address::Unix(_))) {
        plan.mistake("", "ca_file", "needs a `url` with `tcp://` or `https://`");
    }
    let address = address.unwrap_or_else(|(key, message)| {
        plan.mistake("", key, message);
        address::usual()
    });
    plan.publish(AREA.name, address.clone());
    let common = Common { timeout: docker.timeout, thresholds: &docker.thresholds, service: None };
    let target = target(docker, address, plan);
    plan.declare(target, &common);
}

/// Without a socket the usual one is watched, and down. A wrong `DOCKER_HOST` is a mistake.
fn found(plan: &Plan, tls: Option<&Tls>) -> Result<Address, String> {
    match address::discover(&|name| plan.env(name), tls) {
        Ok((address, _)) => Ok(address),
        Err(why) if why.starts_with("DOCKER_HOST") => Err(why),
        Err(_) => Ok(address::usual()),
    }
}

fn check_files(docker: &Docker, plan: &mut Plan) {
    let mut seen = BTreeSet::<&Path>::new();
    for (index, path) in docker.compose_files.iter().enumerate() {
        let message = if !path.is_file() {
            "no such file"
        } else if !seen.insert(path) {
            "is listed twice"
        } else if !compose::is_compose_file(path) {
            "is no Compose file: expected YAML with `services`"
        } else {
            continue;
        };
        plan.mistake("", &format!("compose_files[{index}]"), message);
    }
}

fn policy(docker: &Docker, plan: &mut Plan) -> Policy {
    const WANTED: &str = "expected `loopback`, `private`, `any` or ranges such as `10.8.0.0/24`";
    let mut policy = Policy::new();
    for (port, text) in &docker.ports {
        match (port.parse::<u16>(), Allowed::parse(text)) {
            (Ok(1..), Some(allowed)) => {
                policy.insert(port.parse().unwrap_or_default(), allowed);
            }
            (Ok(1..), None) => plan.mistake("", &format!("ports.{port}"), WANTED),
            _ => plan.mistake("", &format!("ports.{port}"), "is no number of a port"),
        }
    }
    policy
}

/// Paths that no file can have; whether there is something is seen at each reading.
fn check_paths(docker: &Docker, plan: &mut Plan) {
    let paths = [
        ("proc_path", &docker.proc_path),
        ("cgroup_path", &docker.cgroup_path),
        ("root_path", &docker.root_path),
    ];
    for (key, path) in paths {
        if !path.is_absolute() {
            plan.mistake("", key, "must be an absolute path");
        }
    }
}

fn target(docker: &Docker, address: Address, plan: &mut Plan) -> Target {
    check_paths(docker, plan);
    let patterns = Patterns::new(&docker.processes).unwrap_or_else(|(key, message)| {
        plan.mistake("", &format!("processes.{key}"), message);
        Patterns::default()
    });
    let (exclude, wrong) = Exclude::new(&docker.exclude);
    for (index, message) in wrong {
        plan.mistake("", &format!("exclude[{index}]"), message);
    }
    let judging = Judging {
        manner: Manner {
            aliases: docker.aliases.clone(),
            deploy_window: docker.deploy_window.get().as_secs_f64(),
            root: docker.root_path.clone(),
        },
        ports: policy(docker, plan),
        privileged: docker.privileged.clone(),
        patterns: patterns.clone(),
    };
    let place = address.to_string();
    // Thresholds are not the collector's.
    let settings = Docker { thresholds: crate::plan::Thresholds::default(), ..docker.clone() };
    let setting = Setting {
        address: address.clone(),
        deadline: docker.timeout.map_or(Duration::from_secs(5), Dur::get),
        naming: Naming { labels: docker.container_labels.clone(), aliases: docker.aliases.clone() },
        exclude: exclude.into(),
        patterns,
        sockets: Sockets::with(address.socket(), &docker.root_path),
        disk_usage_interval: docker.disk_usage_interval.get(),
    };
    let roots = Roots { proc: docker.proc_path.clone(), cgroup: docker.cgroup_path.clone() };
    let kernel = Kernel::new(roots, docker.root_path.clone());
    let files = Files::new(docker.compose_files.clone(), docker.profiles.clone());
    // All of it is of this Engine, and none of it is said of another one.
    let lasting = plan.memory.kept(AREA.name, AREA.name, "life", address.clone());
    let (slow, parts) = Slow::of(plan.memory, &address, setting.disk_usage_interval);
    let reader = Reader::new(setting, files, kernel, (lasting, slow));
    Target::new(&AREA, AREA.name, place, (address, settings), Engine { reader, judging })
        .with_parts(parts)
}

#[cfg(test)]
mod tests {
    use super::super::signals;
    use super::*;
    use crate::config::SafeUrl;
    use crate::engine::Memory;

    fn planned(docker: &Docker, host: Option<&str>) -> (Vec<String>, Vec<String>) {
        let memory = Memory::default();
        let environment = |name: &str| host.filter(|_| name == "DOCKER_HOST").map(str::to_owned);
        let mut planned = Plan::new(&environment, &memory);
        planned.section("docker", &AREA);
        plan(Some(docker), &mut planned);
        let mistakes = planned.mistakes.into_iter();
        (
            planned
                .targets
                .into_iter()
                .map(|target| format!("{}: {}", target.id, target.place))
                .collect(),
            mistakes.map(|mistake| format!("{}: {}", mistake.path, mistake.message)).collect(),
        )
    }

    #[test]
    fn the_plan_names_every_mistake() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("compose.yml");
        std::fs::write(&file, "services: {}").unwrap();
        let other = folder.path().join("passwd");
        std::fs::write(&other, "root:x:0:0:root:/root:/bin/sh\n").unwrap();
        let docker = Docker {
            url: Some(SafeUrl::new("ssh://host")),
            compose_files: vec![file.clone(), folder.path().join("gone.yml"), file, other],
            ..Docker::default()
        };
        let (targets, mistakes) = planned(&docker, None);
        assert_eq!(targets, ["docker: unix:///var/run/docker.sock"]);
        assert_eq!(
            mistakes,
            [
                "docker.compose_files[1]: no such file",
                "docker.compose_files[2]: is listed twice",
                "docker.compose_files[3]: is no Compose file: expected YAML with `services`",
                "docker.url: SSH is not supported: use the socket, or a proxy by `tcp://`",
            ]
        );
    }

    #[test]
    fn it_can_be_switched_off() {
        let docker = Docker { enabled: false, ..Docker::default() };
        assert_eq!(planned(&docker, None), (Vec::new(), Vec::new()));
    }

    #[test]
    fn the_url_goes_before_the_environment() {
        let docker = Docker { url: Some(SafeUrl::new("tcp://proxy:2375")), ..Docker::default() };
        let (targets, mistakes) = planned(&docker, Some("unix:///run/other.sock"));
        assert_eq!((targets, mistakes.len()), (vec!["docker: tcp://proxy:2375".to_owned()], 0));
        let (targets, _) = planned(&Docker::default(), Some("unix:///run/other.sock"));
        assert_eq!(targets, ["docker: unix:///run/other.sock"]);
        let (_, mistakes) = planned(&Docker::default(), Some("ssh://host"));
        assert!(mistakes[0].starts_with("docker: DOCKER_HOST: "), "{mistakes:?}");
    }

    #[test]
    fn signals_stand_on_metrics_that_exist() {
        for signal in signals::SIGNALS {
            let metrics = [Some(signal.measure.metric), signal.measure.per.map(|per| per.0)];
            for metric in metrics.into_iter().flatten() {
                let known = crate::collectors::CATALOGUE.metrics().any(|(_, of)| of.name == metric);
                assert!(known, "{metric} of {}", signal.name);
            }
            assert!(signal.alert.starts_with("Docker") && signal.alert.len() <= 40);
        }
    }
}
