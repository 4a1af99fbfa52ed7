//! What the Engine and the kernel said, as rows.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use super::container::{Container, Names};
use super::detail::{Limits, NetworkKind};
use super::facts::{Usage, Usages};
use super::known::LeftOut;
use super::labels;
use super::ledger::Key;
use super::ports::{Policy, published};
use super::processes::{Patterns, Process};
use super::raw::Raw;
use super::rows::{
    Devices, Engine, Faults, Life, Lives, Origin, Published, Spec, Storage, Use, Version,
};
use super::services::{self, Manner, Service};
use crate::catalogue::{Batch, Cell, Column, Detail, Place};
use crate::clients::kernel::block;
use crate::failure::{Failure, Reason};

/// Containers beyond this are left out and counted; so are services.
pub const CAP: usize = 500;

/// How the configuration wants it judged.
#[derive(Default)]
pub struct Judging {
    pub manner: Manner,
    pub ports: Policy,
    /// Services and containers that may be privileged.
    pub privileged: Vec<String>,
    pub patterns: Patterns,
}

pub fn sample(mut raw: Raw, judging: &Judging, now: SystemTime) -> Batch {
    let incomplete = is_incomplete(&raw);
    let mut batch = gaps(&mut raw);
    // The Engine's clock, as in all that it tells.
    let ours = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = ours.as_secs_f64() + raw.about.ahead;
    let mut containers = std::mem::take(&mut raw.containers);
    let manner = &judging.manner;
    let services = services::services(&containers, &raw.files, &raw.past, manner, seconds);
    let mut rows = services.rows;
    let (more_containers, more_services) = (capped(&mut containers), capped(&mut rows));
    batch = left_out(&raw, &containers, labels::note(&containers, batch))
        .dropped("containers", more_containers + raw.out.containers);
    let kills_are_counted = kills_are_counted(&raw);
    let usages = match raw.stats.take() {
        None => Arc::new(std::mem::take(&mut raw.kernel.usages)),
        Some(stats) => stats.value.unwrap_or_default(),
    };
    let processes = judging.patterns.count(&containers, &raw.commands, raw.past.seen.keys());
    let mut engine = engine(&raw, incomplete, &services.hidden);
    let devices = Arc::new(devices(&raw.kernel.partitions));
    let mut uses = uses(&raw, &containers, &usages, &devices, seconds);
    uses.extend(machine(&mut raw, devices));
    let lives: Vec<Life> = containers
        .into_iter()
        .map(|container| Life {
            failed: services.failed.contains(&container.id),
            unexpected_privilege: unexpected_privilege(&container, &judging.privileged),
            ..life(&raw, container, &usages, seconds)
        })
        .collect();
    engine.promised = promised(&lives);
    batch
        .placing(places(&lives))
        .detail(excluding(&engine))
        .with(vec![Version { facts: raw.engine }])
        .with(vec![Origin { source: raw.source }])
        .with(vec![engine])
        .with(counted(raw.counted, &lives, kills_are_counted))
        .with::<Service>(rows)
        .with(ports(&lives, &judging.ports))
        .with(lives.iter().filter_map(spec).collect::<Vec<Spec>>())
        .with::<Life>(lives)
        .with(faults(&uses))
        .with(uses)
        .with::<Process>(processes)
        .dropped("services", more_services)
        .dropped("lives", raw.past.uncounted)
}

fn engine(raw: &Raw, incomplete: bool, hidden: &[Key]) -> Engine {
    let (cores, memory) = size(raw);
    Engine {
        cores,
        memory,
        incomplete,
        took: raw.took,
        stream: raw.stream.clone(),
        disk: raw.disk.clone(),
        skipped: raw.skipped,
        excluded: raw.past.aside.containers,
        excluding: raw.past.aside.told(hidden),
        promised: (0, 0.0),
    }
}

/// Limits of what runs. A container without one may take all there is, and has nothing to add.
fn promised(lives: &[Life]) -> (u64, f64) {
    let limits = || lives.iter().filter_map(Life::limits);
    let memory = limits().fold(0_u64, |sum, limits| sum.saturating_add(limits.memory));
    (memory, limits().filter_map(Limits::cores).sum())
}

/// What the patterns of `exclude` leave out, for people: one that matches nothing may be a mistake.
fn excluding(engine: &Engine) -> Detail {
    let row = |(pattern, count): (&str, u64)| {
        let left =
            if count == 0 { Cell::Text("matches nothing".into()) } else { Cell::Count(count) };
        vec![Cell::Text(pattern.to_owned()), left]
    };
    Detail {
        title: "Containers left out",
        name: "exclude",
        columns: vec![
            Column { name: "pattern", title: "Pattern" },
            Column { name: "matches", title: "Containers" },
        ],
        rows: engine.excluding().map(row).collect(),
    }
}

/// Takes those beyond the cap away, and says how many they were.
fn capped<T>(rows: &mut Vec<T>) -> u64 {
    let more = rows.len().saturating_sub(CAP) as u64;
    rows.truncate(CAP);
    more
}

/// Tells what of the answers is not shown.
fn left_out(raw: &Raw, containers: &[Container], batch: Batch) -> Batch {
    let entries = raw.out.entries + entries(containers, raw);
    LeftOut { entries, ..raw.out }.note(odd(containers, batch))
}

/// What was left out of inspections and stats.
fn entries(containers: &[Container], raw: &Raw) -> u64 {
    let details = containers.iter().filter_map(|container| container.detail.as_ref());
    let usages = raw.stats.as_ref().and_then(|stats| stats.value.as_ref());
    let usages = containers.iter().filter_map(|container| usages?.get(&container.id));
    details.map(|detail| detail.more).chain(usages.map(|usage| usage.more)).sum()
}

/// Counts that no honest Engine says.
fn odd(containers: &[Container], batch: Batch) -> Batch {
    let mut odd = containers.iter().filter_map(|one| Some((one, one.detail.as_ref()?.odd?)));
    let Some((first, count)) = odd.next() else { return batch };
    let detail = format!(
        "inspection: no possible {count} of {} ({} containers)",
        first.names.name,
        odd.count() + 1
    );
    let failure = Failure::new(Reason::PARSE, detail);
    batch.gap("counts of containers", failure.hint("docker inspect, or what stands in between?"))
}

fn life(raw: &Raw, container: Container, usages: &Usages, now: f64) -> Life {
    let images = raw.images.as_ref();
    Life {
        service: container.life_key().1,
        known: raw.past.known.get(&container.id).copied().unwrap_or_default(),
        usage: usages.get(&container.id).filter(|_| container.has_usage()).cloned(),
        image: images.map(|images| images.of_container(&container)).unwrap_or_default(),
        failed: false,
        unexpected_privilege: false,
        log: raw.kernel.logs.get(&container.id).copied(),
        now,
        container,
    }
}

/// Whether something of some container is missing. Where the Engine is asked for the figures, its
/// containers may well be on another machine.
fn is_incomplete(raw: &Raw) -> bool {
    let figures = match &raw.stats {
        Some(stats) => stats.failure.is_some(),
        None => raw.kernel.missing > 0,
    };
    raw.uninspected.is_some() || figures
}

/// Whether the kernel says how many processes it has killed: by its files alone, since Linux 4.13.
fn kills_are_counted(raw: &Raw) -> bool {
    let mut usages = raw.kernel.usages.values();
    let told = raw.kernel.usages.is_empty() || usages.any(|usage| usage.oom_kills.is_some());
    raw.stats.is_none() && told
}

/// Cores and bytes of the machine: as the Engine has them, or as the kernel has.
fn size(raw: &Raw) -> (Option<f64>, Option<f64>) {
    let machine = raw.kernel.machine.as_ref();
    let cores = machine.and_then(|machine| machine.cores).map(|cores| cores as f64);
    let memory = machine.and_then(|machine| machine.memory).map(|bytes| bytes as f64);
    (
        raw.about.cores.map(|cores| cores as f64).or(cores),
        raw.about.memory.map(|bytes| bytes as f64).or(memory),
    )
}

/// What could not be read while the rest could.
fn gaps(raw: &mut Raw) -> Batch {
    let mut batch = Batch::new();
    for failure in raw.files.iter().filter_map(|read| read.failure.clone()) {
        batch = batch.gap("services of a Compose file", failure);
    }
    let kernel = raw.kernel.failure.take();
    let no_block_io = raw.kernel.no_block_io.take();
    let parts = [
        ("details of containers", raw.uninspected.take()),
        ("events", raw.stream.failure.take()),
        ("block I/O of containers", no_block_io.filter(|_| raw.stats.is_none())),
        ("files of the kernel of some containers", kernel.filter(|_| raw.stats.is_none())),
    ];
    for (what, failure) in parts {
        if let Some(failure) = failure {
            batch = batch.gap(what, failure);
        }
    }
    batch
}

fn uses(
    raw: &Raw,
    containers: &[Container],
    usages: &Usages,
    devices: &Arc<Devices>,
    now: f64,
) -> Vec<Use> {
    let layers = raw.disk.as_ref();
    // A round may be older than the list: what has stopped since uses nothing.
    let running = containers.iter().filter(|container| container.has_usage());
    let of = |container: &Container| {
        let detail = container.detail.as_ref();
        let layer = layers.and_then(|walk| walk.layers.get(&container.id)).copied();
        Use {
            names: Arc::clone(&container.names),
            // That it was seen, and its health, rest on the list and the inspection alone.
            usage: usages.get(&container.id).cloned().unwrap_or_default(),
            limits: detail.map(|detail| detail.limits),
            owns_network: detail.is_none_or(|detail| detail.network == NetworkKind::Own),
            devices: Arc::clone(devices),
            seen: Some(now),
            health: Some(container.health),
            storage: storage(raw, devices, layer),
        }
    };
    running.map(of).collect()
}

/// The machine as a whole, which two of the best known dashboards ask for as `id="/"`.
fn machine(raw: &mut Raw, devices: Arc<Devices>) -> Option<Use> {
    let machine = raw.kernel.machine.take()?;
    Some(Use {
        names: Arc::new(Names { id: "/".to_owned(), ..Names::default() }),
        usage: Arc::new(Usage { oom_kills: None, ..machine.usage }),
        limits: None,
        owns_network: true,
        seen: None,
        health: None,
        storage: storage(raw, &devices, raw.kernel.storage.map(|storage| storage.used)),
        devices,
    })
}

/// The file system of all containers, of which this much is used.
fn storage(raw: &Raw, devices: &Devices, used: Option<u64>) -> Option<Storage> {
    let found = raw.kernel.storage?;
    let number = found.number;
    let device = devices.get(&number).cloned();
    Some(Storage {
        device: device.unwrap_or_else(|| format!("{}:{}", number.0, number.1)),
        used,
        size: Some(found.size),
    })
}

fn faults(uses: &[Use]) -> Vec<Faults> {
    let of = |one: &Use| {
        let (names, usage) = (Arc::clone(&one.names), Arc::clone(&one.usage));
        ["container", "hierarchy"].map(|scope| Faults {
            names: Arc::clone(&names),
            usage: Arc::clone(&usage),
            scope,
        })
    };
    uses.iter().flat_map(of).collect()
}

fn unexpected_privilege(container: &Container, allowed: &[String]) -> bool {
    let names = &container.names;
    let may = allowed.iter().any(|one| *one == names.name || *one == names.service);
    let has =
        container.detail.as_ref().is_some_and(|detail| detail.privileged || detail.mounts_engine);
    has && !may
}

fn counted(
    counted: Vec<super::ledger::Counted>,
    lives: &[Life],
    kills_are_counted: bool,
) -> Vec<Lives> {
    let mut restless = BTreeMap::<(String, String), (bool, bool)>::new();
    for life in lives {
        let (looping, often) = restless.entry(life.container.life_key()).or_default();
        *looping |= life.known.looping || life.container.state == "restarting";
        *often |= life.known.restarted_often;
    }
    let row = |one: super::ledger::Counted| Lives {
        looping: restless.get(&one.key).is_some_and(|(looping, _)| *looping),
        restarted_often: restless.get(&one.key).is_some_and(|(_, often)| *often),
        project: one.key.0,
        service: one.key.1,
        counts: one.counts,
        kills_are_counted,
    };
    counted.into_iter().map(row).collect()
}

/// The Compose services, and what they answer to.
fn places(lives: &[Life]) -> Vec<Place> {
    let of_services = lives.iter().map(|life| &life.container).filter(|container| {
        let names = &container.names;
        !names.project.is_empty() && !names.service.is_empty() && !container.oneoff
    });
    let place = |container: &Container| Place {
        project: container.names.project.clone(),
        service: container.names.service.clone(),
        names: vec![container.names.service.clone(), container.names.name.clone()],
        ports: container.ports.host.iter().copied().collect(),
    };
    of_services.map(place).collect()
}

fn ports(lives: &[Life], policy: &Policy) -> Vec<Published> {
    let of = |life: &Life| {
        let (names, service) = (Arc::clone(&life.container.names), life.service.clone());
        let found = published(&life.container.ports, policy).into_iter();
        found.map(move |port| Published {
            names: Arc::clone(&names),
            service: service.clone(),
            port,
        })
    };
    lives.iter().flat_map(of).collect()
}

/// Rows of these with no policy.
#[cfg(test)]
pub fn ports_of(containers: &[Container]) -> usize {
    containers.iter().map(|one| published(&one.ports, &Policy::new()).len()).sum()
}

fn spec(life: &Life) -> Option<Spec> {
    let limits = *life.limits()?;
    let started = life.detail()?.started;
    Some(Spec { names: Arc::clone(&life.container.names), limits, started })
}

/// From `/proc/partitions`.
fn devices(partitions: &str) -> Devices {
    let found = block::partitions(partitions.as_bytes());
    found.map(|(device, name)| (device, format!("/dev/{name}"))).collect()
}

#[cfg(test)]
mod tests;
