//! What a look has found, as rows.

use super::listen::Held;
use super::matcher::Wanted;
use super::scan::{Raw, Seen, rights};
use super::sums::Sums;
use super::table::Counts;
use crate::catalogue::{Batch, Cell, Column, Detail};
use crate::failure::{Failure, Reason};

/// What a group should be. It is there whatever can be seen.
pub struct Declared {
    pub group: String,
    pub least: Option<u32>,
    pub most: Option<u32>,
    pub memory: Option<u64>,
}

/// What it is.
pub struct Group {
    pub group: String,
    pub sums: Sums,
    pub counts: Counts,
    pub starts: u64,
    pub main_starts: u64,
    pub ends: u64,
    pub lacking: Option<u64>,
    pub surplus: Option<u64>,
    pub ticks_per_second: f64,
    /// Seconds since 1970.
    pub oldest_start: Option<f64>,
}

/// Whether it is there, and in which Compose service.
pub struct Presence {
    pub group: String,
    pub lives: (String, String),
    /// `None` where none is wanted.
    pub up: Option<bool>,
}

/// A declared port.
pub struct Port {
    pub group: String,
    pub lives: (String, String),
    pub address: String,
    pub port: String,
    pub up: bool,
    pub taken: bool,
}

/// All of `/proc`.
pub struct Machine {
    pub processes: u64,
    pub zombies: u64,
}

impl Group {
    fn new(wanted: &Wanted, seen: &Seen, sums: &Sums, raw: &Raw) -> Self {
        let alive = sums.alive();
        let (least, most) = (u64::from(wanted.min), wanted.max.map(u64::from));
        let mut counts = seen.counts;
        if sums.hides_io {
            (counts.read, counts.written) = (None, None);
        }
        let began = |ticks: u64| Some(raw.boot? as f64 + ticks as f64 / raw.ticks_per_second);
        Self {
            group: wanted.name.clone(),
            sums: sums.clone(),
            counts,
            starts: seen.starts,
            main_starts: seen.main_starts,
            ends: seen.ends,
            lacking: (least > 0).then_some(least.saturating_sub(alive)),
            surplus: most.map(|most| alive.saturating_sub(most)),
            ticks_per_second: raw.ticks_per_second,
            oldest_start: sums.oldest_start.and_then(began),
        }
    }

    pub fn seconds(&self, ticks: Option<u64>) -> Option<f64> {
        Some(ticks? as f64 / self.ticks_per_second)
    }

    pub fn states(&self) -> [(&'static str, u64); 5] {
        let sums = &self.sums;
        [
            ("Running", sums.running),
            ("Sleeping", sums.sleeping),
            ("Waiting", sums.waiting),
            ("Zombie", sums.zombie),
            ("Other", sums.other),
        ]
    }
}

pub fn sample(wanted: &[Wanted], raw: &Raw) -> Batch {
    let declared = wanted.iter().map(|wanted| Declared {
        group: wanted.name.clone(),
        least: Some(wanted.min).filter(|least| *least > 0),
        most: wanted.max,
        memory: wanted.memory,
    });
    let all = || wanted.iter().zip(&raw.groups);
    let groups =
        all().filter_map(|(wanted, seen)| Some(Group::new(wanted, seen, seen.sums.as_ref()?, raw)));
    let ports: Vec<_> = raw.listeners.iter().filter_map(|one| port(wanted, raw, one)).collect();
    let presences = all().filter_map(|(wanted, seen)| {
        let sums = seen.sums.as_ref()?;
        Some(Presence {
            group: wanted.name.clone(),
            lives: wanted.lives.clone(),
            up: (wanted.min > 0).then_some(sums.alive() > 0),
        })
    });
    let machine = Machine { processes: raw.processes, zombies: raw.zombies };
    let groups: Vec<_> = groups.collect();
    let mut batch = Batch::new().detail(table(&groups));
    let hides = |hides: fn(&Sums) -> bool| {
        let names =
            groups.iter().filter(|group| hides(&group.sums)).map(|group| group.group.as_str());
        names.collect::<Vec<_>>().join(", ")
    };
    let (io, files) = (hides(|sums| sums.hides_io), hides(|sums| sums.hides_files));
    if !io.is_empty() {
        batch = batch.gap(format!("bytes read and written by {io}"), rights("/proc/PID/io"));
    }
    if !files.is_empty() {
        batch = batch.gap(format!("open files of {files}"), rights("/proc/PID/fd"));
    }
    let unsure = raw.listeners.iter().filter(|one| one.held == Held::Somebody);
    for one in unsure {
        let what = format!("who listens on port {}", one.port);
        batch = batch.gap(what, rights("/proc/PID/fd"));
    }
    if raw.hidden {
        let text = "/proc shows only what belongs to this user (hidepid)";
        let hint = "it is mounted with `hidepid`: run the exporter as root, or in the group of its option `gid`";
        batch = batch.gap("other users' processes", Failure::new(Reason::RIGHTS, text).hint(hint));
    }
    for (what, failure) in &raw.gaps {
        batch = batch.gap(what.clone(), failure.clone());
    }
    batch
        .with(declared.collect())
        .with(presences.collect())
        .with(groups)
        .with(ports)
        .with(vec![machine])
        .dropped("processes", raw.dropped)
}

/// Of a group of which nothing is known nothing is said.
fn port(wanted: &[Wanted], raw: &Raw, one: &super::listen::Listener) -> Option<Port> {
    raw.groups.get(one.group)?.sums.as_ref()?;
    Some(Port {
        group: wanted.get(one.group)?.name.clone(),
        lives: wanted.get(one.group)?.lives.clone(),
        address: one.address.map(|address| address.to_string()).unwrap_or_default(),
        port: one.port.to_string(),
        up: matches!(one.held, Held::Ours | Held::Somebody),
        taken: one.held == Held::Others,
    })
}

fn table(groups: &[Group]) -> Detail {
    let columns = [
        ("group", "Group"),
        ("processes", "Processes"),
        ("memory", "Resident memory in MiB"),
        ("files", "Open files"),
        ("starts", "Starts"),
        ("ends", "Ends"),
    ];
    let rows = groups.iter().map(|group| {
        let files = group.sums.open_files.map_or_else(|| Cell::Text("?".to_owned()), Cell::Count);
        vec![
            Cell::Text(group.group.clone()),
            Cell::Count(group.sums.processes),
            Cell::Count(group.sums.resident >> 20),
            files,
            Cell::Count(group.starts),
            Cell::Count(group.ends),
        ]
    });
    Detail {
        title: "Processes by group",
        name: "groups",
        columns: columns.into_iter().map(|(name, title)| Column { name, title }).collect(),
        rows: rows.collect(),
    }
}
