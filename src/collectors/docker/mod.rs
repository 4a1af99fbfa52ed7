//! The Docker Engine: its containers, what they use, and the Compose services that should run.
//!
//! | read | from | rights |
//! |---|---|---|
//! | containers, their state | `GET /containers/json?all=true` | the socket, or a proxy with `CONTAINERS=1` |
//! | health, exit code, OOM, restarts, limits | `GET /containers/<id>/json` of each | the same |
//! | CPU, memory, network, block I/O, threads | `GET /containers/<id>/stats?stream=false&one-shot=true` of each that runs | the same |
//! | versions | `GET /version`, once a connection | open in usual proxies |
//! | size of the machine | `GET /info`, once a connection | `INFO=1`; without it the two series are absent |
//! | expected services | the declared Compose files, when they change | read |
//! | names of devices | `/proc/partitions`, of an Engine on this machine | none |
//!
//! GET only. A socket mounted read-only still grants all of the API: prefer a filtering proxy. The
//! environments and health outputs that inspections hold are dropped right after decoding.
//!
//! Cost with 25 containers on Engine 20.10: 4 ms of the Engine a reading; stats another 60 ms every
//! 10 seconds, beside the readings, because there each answer takes a second. From Engine 25 on
//! (API 1.44) stats are part of the reading.
//!
//! Absent: what a container's cgroup version does not say (peak memory, swap and numbers of block
//! I/O on v2), limits that are not set, network figures of containers without a network of their
//! own, block I/O before the first. A container that hangs in the Engine costs its own details
//! (`stack_docker_skipped_total`), a failed round of stats the figures after 35 seconds; the target
//! is down only when the list fails. Which exit codes follow a stop by hand cannot be told from
//! crashes, nor an out-of-memory kill of a child process from none before Engine 24.

mod address;
mod compose;
mod config;
mod connection;
mod facts;
mod failure;
#[cfg(test)]
mod fake;
mod fetch;
mod files;
mod gather;
mod metrics;
mod sample;
mod services;
mod signals;
mod stats;
mod time;
mod usage;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, SystemTime};

pub use config::Docker;

use address::Address;
use fetch::Reader;
use files::Files;

use crate::catalogue::{Area, Batch, TableEntry};
use crate::config::Dur;
use crate::engine::{Collector, Failure, Target};
use crate::plan::{Common, Plan};

pub type Section = Docker;

pub static AREA: Area = Area {
    name: "docker",
    title: "Docker",
    tables: &[
        TableEntry::of::<sample::Version>(),
        TableEntry::of::<sample::Engine>(),
        TableEntry::of::<services::Service>(),
        TableEntry::of::<sample::Life>(),
        TableEntry::of::<sample::Spec>(),
        TableEntry::of::<sample::Use>(),
    ],
    signals: signals::SIGNALS,
    runbook: include_str!("../../../docs/runbooks/docker.md"),
};

/// The Engine of the section, else the one that can be found.
pub fn plan(section: Option<&Section>, plan: &mut Plan) {
    let Some(docker) = section else {
        match address::discover(plan) {
            Ok((address, origin)) => {
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
    let address = match &docker.url {
        Some(url) => Address::parse(url).map_err(|message| ("url", message.to_owned())),
        None => found(plan).map_err(|message| ("", message)),
    };
    let address = address.unwrap_or_else(|(key, message)| {
        plan.mistake("", key, message);
        address::usual()
    });
    let common = Common { timeout: docker.timeout, thresholds: &docker.thresholds };
    let target = target(docker, address, plan);
    plan.declare(target, &common);
}

/// Without a socket the usual one is watched, and down. A wrong `DOCKER_HOST` is a mistake.
fn found(plan: &Plan) -> Result<Address, String> {
    match address::discover(plan) {
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
        } else if !is_compose_file(path) {
            "is no Compose file: expected YAML with `services`"
        } else {
            continue;
        };
        plan.mistake("", &format!("compose_files[{index}]"), message);
    }
}

fn is_compose_file(path: &Path) -> bool {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    crate::config::tree::parse(&text).is_ok_and(|root| root.get("services").is_some())
}

fn target(docker: &Docker, address: Address, plan: &Plan) -> Target {
    let place = address.to_string();
    let settings = (address.clone(), docker.compose_files.clone());
    let deadline = docker.timeout.map_or(Duration::from_secs(5), Dur::get);
    let files = Files::new(docker.compose_files.clone());
    let skipped = plan.memory.of(AREA.name, AREA.name);
    let engine = Engine { reader: Reader::new(address, deadline, files, skipped) };
    Target::new(&AREA, AREA.name, place, settings, engine)
}

struct Engine {
    reader: Reader,
}

impl Collector for Engine {
    type Raw = fetch::Raw;

    async fn fetch(&self) -> Result<fetch::Raw, Failure> {
        self.reader.fetch().await
    }

    fn sample(&self, raw: fetch::Raw, now: SystemTime) -> Result<Batch, Failure> {
        Ok(sample::sample(raw, now))
    }
}

#[cfg(test)]
mod tests {
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
                "docker.url: neither TLS nor SSH is supported: use the socket, or a proxy by `tcp://`",
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
