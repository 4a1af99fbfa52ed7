//! The machine that the exporter runs on.
//!
//! | read | from | rights |
//! |---|---|---|
//! | CPU, start, processes, interrupts | `/proc/stat` | none |
//! | memory | `/proc/meminfo` | none |
//! | pressure | `/proc/pressure` | none |
//! | paging, kills for want of memory | `/proc/vmstat` | none |
//! | load | `/proc/loadavg` | none |
//! | open files, tracked connections, random bits | `/proc/sys` | none |
//! | kernel, names | `uname` | none |
//! | file systems | `/proc/1/mounts` and `mountinfo`, else of `/proc/self`; `/etc/fstab`; `statvfs` on each mount | to enter the mount's parent |
//! | network | `/proc/1/net/dev`, else `/proc/net/dev`; `/sys/class/net` | none |
//! | disks, arrays | `/proc/diskstats`, `/proc/mdstat` | none |
//! | temperatures, a part with a clock of its own | `/sys/class/hwmon` | none |
//! | pending updates, a part with a clock of its own | `/var/lib/dpkg/status`, `/var/lib/apt/lists` | none |
//! | counts of protocols, sockets, queues, turns (`extended`) | `/proc/net`, `/proc/schedstat` | none |
//! | upkeep | `/run/reboot-required`, times of files of timesyncd, chrony and ntpd | to see chrony's folder |
//!
//! Cost: see docs/performance.md.
//!
//! Each mount is asked by a call of its own, with a second to answer. One that hangs is left alone
//! until its call comes back, and `node_filesystem_device_error` is 1 all the while; the others do
//! not wait for it.
//!
//! Each mount has its series, as `node_exporter` has it, but the ratios that are judged are told
//! once for each device, at its shortest mount point.
//!
//! In a container `/proc` is the host's but for mounts, network and host name (which is read from
//! `etc/hostname` below `root_path`). Mount the host's
//! root at `/host`, read-only, with `rslave`, and set `root_path: /host`, `proc_path: /host/proc`.
//!
//! What follows from earlier readings (when a file system will be full, whether it has turned read-only) is kept
//! over a reload and not over a restart: the first is absent for three hours then.
//!
//! Absent: space of a file system that cannot be asked; inodes where there is no fixed number;
//! ratios of an empty file system; facts that the kernel or the distribution does not tell. A file that is not
//! there costs its own families only. How well the clock is set (`adjtimex`) is not asked: the shipped unit
//! forbids the call, and no library in use makes it. SMART needs root and a raw device.

mod activity;
mod config;
mod devices;
mod extended;
mod fetch;
mod memory;
mod metrics;
mod mounts;
mod sample;
mod signals;
mod trend;
mod updates;
mod upkeep;
mod writable;
/// See `src/fuzzing.rs`.
#[cfg(fuzzing)]
pub mod fuzzing {
    /// A file of `/proc`, read as each of those that there are.
    pub fn proc(data: &[u8]) {
        let all = || Ok(data.to_vec());
        let (Ok(mounts), Ok(fstypes)) = (regex::Regex::new("^/p"), regex::Regex::new("^x")) else {
            return;
        };
        let filter = super::mounts::Filter { mounts, fstypes, root: "/host".into() };
        let _ = filter.apply(data);
        let texts = super::fetch::Texts {
            stat: all(),
            meminfo: all(),
            net: all(),
            disks: all(),
            mounts: Ok(Vec::new()),
            own_mounts: false,
            superblocks: data.to_vec(),
            fstab: data.to_vec(),
            arrays: data.to_vec(),
            load: None,
            activity: super::activity::Activity::default(),
            links: Vec::new(),
            upkeep: super::upkeep::Upkeep::default(),
            extended: None,
        };
        let raw = super::fetch::Raw {
            texts,
            uname: super::fetch::Uname::default(),
            mounts: Ok(Vec::new()),
            more_mounts: 0,
            ticks_per_second: 100.0,
        };
        let _ = super::sample::sample(raw, std::time::SystemTime::UNIX_EPOCH);
    }
}

#[cfg(test)]
mod tests;
mod words;

use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use regex::Regex;

pub use config::Host;
use fetch::Paths;
use updates::Updates;

use crate::catalogue::{Area, Batch, Glance, TableEntry};
use crate::clients::host_name;
use crate::clients::kernel::mdstat::Array;
use crate::engine::{Beside, Collector, Latest, Pace, Part, Parts, Target, blocking};
use crate::failure::Failure;
use crate::plan::{Common, Plan, Thresholds};

pub type Section = Host;

/// Lists of packages are some megabytes, and change once or twice a day.
const UPDATES: Pace = Pace {
    every: Duration::from_hours(1),
    again: Duration::from_hours(1),
    stale_after: Some(Duration::from_hours(4)),
    limit: Duration::from_mins(1),
};
/// How long the first reading waits for them: mostly they are there by then.
const UPDATES_WAIT: Duration = Duration::from_millis(300);

/// Some sensors take milliseconds, a few hang: they are read seldom, and hold up nothing else.
const SENSORS: Pace = Pace {
    every: Duration::from_secs(30),
    again: Duration::from_mins(5),
    stale_after: Some(Duration::from_mins(5)),
    limit: Duration::from_secs(1),
};

pub static AREA: Area = Area {
    name: "host",
    title: "Host",
    single: true,
    in_service: false,
    tables: &[
        TableEntry::of::<sample::Machine>(),
        TableEntry::of::<memory::Memory>(),
        TableEntry::of::<activity::Activity>(),
        TableEntry::of::<upkeep::Kept>(),
        TableEntry::of::<updates::Due>(),
        TableEntry::of::<fetch::Uname>(),
        TableEntry::of::<sample::Cpu>(),
        TableEntry::of::<sample::Filesystem>(),
        TableEntry::of::<sample::Interface>(),
        TableEntry::of::<devices::Link>(),
        TableEntry::of::<devices::Chip>(),
        TableEntry::of::<devices::Sensor>(),
        TableEntry::of::<Array>(),
        TableEntry::of::<sample::Disk>(),
        TableEntry::of::<extended::Protocols>(),
        TableEntry::of::<extended::Sockets>(),
        TableEntry::of::<extended::Queue>(),
        TableEntry::of::<extended::Turns>(),
        TableEntry::of::<extended::Guest>(),
        TableEntry::of::<extended::Disk>(),
        TableEntry::of::<extended::Interface>(),
        TableEntry::of::<extended::Link>(),
        TableEntry::of::<extended::Neighbours>(),
    ],
    signals: signals::SIGNALS,
    glance: &[Glance::Signal("cpu"), Glance::Signal("memory"), Glance::Signal("disk")],
    reasons: &[],
    words: words::WORDS,
    runbook: include_str!("../../../docs/runbooks/host.md"),
};

/// The host as the section says, else as it is found; nothing where it is switched off.
pub fn plan(section: Option<&Section>, plan: &mut Plan) {
    let Some(host) = section else {
        let host = Host::default();
        if host.path_mistakes().is_empty() {
            if let Some(target) = target(&host, plan) {
                plan.find(target, "found");
            }
        } else {
            plan.missed("there is no /proc/stat", "the host can be watched on Linux only");
        }
        return;
    };
    if !host.enabled {
        return;
    }
    for (key, message) in host.path_mistakes() {
        plan.mistake("", key, message);
    }
    if let Some(target) = target(host, plan) {
        let common = Common { timeout: host.timeout, thresholds: &host.thresholds, service: None };
        plan.declare(target, &common);
    }
}

fn target(host: &Host, plan: &mut Plan) -> Option<Target> {
    let mounts = pattern("ignore_mounts", &host.ignore_mounts, plan);
    let fstypes = pattern("ignore_fstypes", &host.ignore_fstypes, plan);
    // Without what the machine is not made from: other thresholds need no other one.
    let settings = Host { timeout: None, thresholds: Thresholds::default(), ..host.clone() };
    let mut parts = Parts::new(plan.memory, AREA.name, AREA.name, settings.clone());
    let machine = Machine {
        paths: Paths {
            proc: host.proc_path.clone(),
            root: host.root_path.clone(),
            extended: host.extended,
        },
        sensors: parts.add("sensors", "temperatures", SENSORS),
        updates: parts.add("updates", "pending updates (lists of apt)", UPDATES),
        beside: OnceLock::new(),
        filter: mounts::Filter { mounts: mounts?, fstypes: fstypes?, root: host.root_path.clone() },
        lasting: plan.memory.of(AREA.name, AREA.name),
        name: host_name::below(std::slice::from_ref(&host.root_path)),
    };
    let place = machine.name.clone().or_else(|| sysinfo::System::host_name().ok());
    let place = place.unwrap_or_else(|| "this machine".to_owned());
    Some(Target::new(&AREA, AREA.name, place, settings, machine).with_parts(parts))
}

fn pattern(key: &str, text: &str, plan: &mut Plan) -> Option<Regex> {
    // An empty pattern would match, and so leave out, everything.
    let pattern = if text.is_empty() { "$^" } else { text };
    Regex::new(pattern)
        .map_err(|error| {
            let text = error.to_string();
            let why = text.rsplit("error: ").next().unwrap_or_default().trim().to_owned();
            plan.mistake("", key, format!("not a regular expression: {why}"));
        })
        .ok()
}

/// One machine.
struct Machine {
    paths: Paths,
    sensors: Part<devices::Sensors>,
    updates: Part<Option<Updates>>,
    beside: OnceLock<Beside>,
    filter: mounts::Filter,
    lasting: Arc<fetch::Lasting>,
    /// Of the machine below `root_path`, where that is not our own.
    name: Option<String>,
}

impl Collector for Machine {
    type Raw = (fetch::Raw, Latest<devices::Sensors>, Latest<Option<Updates>>);

    async fn fetch(&self) -> Result<Self::Raw, Failure> {
        let hanging = &self.lasting.hanging;
        self.beside.get_or_init(|| self.look_for_updates());
        let mut raw = fetch::fetch(&self.paths, &self.filter, hanging).await?;
        if let Some(name) = &self.name {
            raw.uname.nodename.clone_from(name);
        }
        let now = tokio::time::Instant::now();
        let sys = self.paths.root.join("sys");
        let sensors = self.sensors.get(
            now + SENSORS.limit,
            |_| false,
            |_, _| async move {
                let read = move || Ok(devices::Sensors::read(&sys));
                Ok(blocking("sensors", &hanging.sensors, read).await?.into())
            },
        );
        Ok((raw, sensors.await, self.updates.latest(now + UPDATES_WAIT).await))
    }

    fn sample(&self, raw: Self::Raw, now: SystemTime) -> Result<Batch, Failure> {
        let (mut raw, sensors, updates) = raw;
        raw.remember(&self.lasting.past, now);
        let mut batch = sample::sample(raw, now)?;
        if let Some(sensors) = sensors.value {
            batch = batch.with(sensors.chips.clone()).with(sensors.sensors.clone());
        }
        let updates = updates.value.and_then(|updates| *updates);
        Ok(batch.with(updates.map(|updates| updates.at(now)).into_iter().collect()))
    }
}

impl Machine {
    fn look_for_updates(&self) -> Beside {
        let (root, lasting) = (self.paths.root.clone(), Arc::clone(&self.lasting));
        self.updates.beside(move |_| {
            let (root, lasting) = (root.clone(), Arc::clone(&lasting));
            async move {
                let read = move || Updates::read(&root);
                Ok(blocking("lists of apt", &lasting.hanging.updates, read).await?.into())
            }
        })
    }
}
