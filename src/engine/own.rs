//! The exporter's facts about itself and about how its targets are read.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::clients::Refusal;
use super::home::Service;
use super::messages::{self, HeldBack, WayRow};
use super::once::Asked;
use super::part::Shown;
use super::slot::{Reading, State};
use super::target::Target;
use super::threshold::own_limits;
use crate::catalogue::{Area, Signal, TableEntry, Value, metrics};
use crate::clients::kernel::stat::Stat;
use crate::clients::kernel::{Buffer, process, ticks_per_second};

/// The exporter itself, as an area without targets.
pub static AREA: Area = Area {
    name: "exporter",
    title: "Exporter",
    single: false,
    in_service: false,
    tables: &[
        TableEntry::of::<Build>(),
        TableEntry::of::<Info>(),
        TableEntry::of::<Reload>(),
        TableEntry::of::<Process>(),
        TableEntry::of::<Scrapes>(),
        TableEntry::of::<Serving>(),
        TableEntry::of::<WayRow>(),
        TableEntry::of::<HeldBack>(),
        TableEntry::of::<TargetRow>(),
        TableEntry::of::<PartRow>(),
        TableEntry::of::<ThresholdRow>(),
    ],
    signals: &[],
    glance: &[],
    reasons: &[messages::REASONS],
    words: super::words::WORDS,
    runbook: include_str!("../../docs/runbooks/exporter.md"),
};

/// What was built.
#[derive(Clone)]
pub struct Build {
    version: &'static str,
}

impl Build {
    pub const fn current() -> Self {
        Self { version: env!("CARGO_PKG_VERSION") }
    }
}

metrics! { Build {
    labels { version = |build| build.version }
    /// Always 1; the version of the exporter stands in the label.
    gauge stack_build_info = |build| !build.version.is_empty();
} }

/// Which machine this is, and where people find the exporter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Info {
    pub hostname: String,
    /// Without a slash at the end.
    pub external_url: String,
}

metrics! { Info {
    labels { hostname = |info| &info.hostname, external_url = |info| &info.external_url }
    /// Always 1; the name of the machine that the exporter runs on, also from inside a container that has the host's root, and the address at which people reach it. Source: /etc/hostname of the host, else the kernel, and web.external_url.
    gauge stack_exporter_info = |info| !info.external_url.is_empty();
} }

/// How the last reload of the configuration went.
#[derive(Clone, Copy)]
pub struct Reload {
    successful: bool,
    at: SystemTime,
}

impl Reload {
    pub fn now(successful: bool) -> Self {
        Self { successful, at: SystemTime::now() }
    }

    /// The time stays that of the last success.
    pub(super) fn failed(self) -> Self {
        Self { successful: false, ..self }
    }
}

metrics! { Reload {
    labels {}
    /// Whether the last reload of the configuration file succeeded; after a failed one the old configuration stays in force.
    gauge stack_config_last_reload_successful = |reload| reload.successful;
    /// When the configuration in force was loaded, in seconds since the epoch.
    gauge stack_config_last_reload_success_timestamp_seconds = |reload| epoch(reload.at);
} }

/// Scrapes so far.
#[derive(Clone, Copy, Default)]
pub struct Scrapes {
    pub served: u64,
    pub refused: u64,
}

metrics! { Scrapes {
    labels {}
    /// Scrapes by outcome; refused ones were more at once than --web.max-requests.
    counter stack_scrapes_total {outcome} = |scrapes| [("served", scrapes.served), ("refused", scrapes.refused)];
} }

/// How it fares with those who talk to the exporter, and with those who read its log.
#[derive(Clone, Copy)]
pub struct Serving {
    pub(super) connections: u64,
    pub(super) refused: [(&'static str, u64); Refusal::ALL.len()],
    pub(super) lock: Option<bool>,
    pub(super) log_dropped: u64,
    pub(super) probes: [(&'static str, u64); Asked::ALL.len()],
    /// Numbers, and values left out.
    pub(super) history: (u64, u64),
}

metrics! { Serving {
    labels {}
    /// Open connections of clients, this scrape's own included; at most 256. Source: the exporter's own count.
    gauge stack_http_connections = |serving| serving.connections;
    /// Clients turned away, by reason: connections (more than 256 at once) or files (hardly a file left to open), where the one that has waited longest goes; head_time (no complete request head in time), head_size (a head over 16 kB), answer_time (the answer was not taken in time), host (a name that is not the exporter's, see web.allowed_hosts), tls (no TLS where it is spoken, or a handshake that failed), login (a wrong user or password), logins (more passwords to be checked at once than there is room for). Source: the exporter's own count.
    counter stack_http_refused_total {reason} = |serving| serving.refused;
    /// Whether the file of --web.config.file, with the certificates that it names, could be used when it was last read; otherwise what it said before stays in force. Absent without the file.
    gauge stack_web_config_last_reload_successful = |serving| serving.lock;
    /// Requests for a reading on demand (/probe) by outcome: served (also if the target could not be read: that is data); busy (more at once than there is room for), not_allowed (neither declared nor in web.probe_allow), invalid (not a question that can be answered). Source: the exporter's own count.
    counter stack_probe_requests_total {outcome} = |serving| serving.probes;
    /// Lines of the exporter's own log that were dropped, as standard error was full, closed, or not read. Source: the exporter's own count.
    counter stack_exporter_log_lines_dropped_total = |serving| serving.log_dropped;
    /// Judged numbers whose history is kept for people, at most 400. Source: the exporter's own count.
    gauge stack_history_numbers = |serving| serving.history.0;
    /// Values of judged numbers that found no room in the history. Source: the exporter's own count.
    counter stack_history_values_dropped_total = |serving| serving.history.1;
} }

fn epoch(at: SystemTime) -> Option<Duration> {
    at.duration_since(UNIX_EPOCH).ok()
}

/// How one target is being read.
pub struct TargetRow {
    target: Arc<Target>,
    state: State,
    now: SystemTime,
}

impl TargetRow {
    pub(super) fn new(target: &Arc<Target>, state: &State, now: SystemTime) -> Self {
        Self { target: Arc::clone(target), state: state.clone(), now }
    }

    fn age(&self) -> Option<Duration> {
        let reading = self.state.reading.as_ref()?;
        // A clock that was set back makes the data new, not impossibly old.
        Some(self.now.duration_since(reading.at).unwrap_or_default())
    }

    /// The present reasons: of the target, and of parts of it that cannot be read.
    fn reasons(&self) -> Vec<(&'static str, u8)> {
        let whole = self.state.failure.iter().map(|failure| failure.reason.as_str());
        let gaps = self.state.reading.iter().flat_map(|reading| reading.batch.gaps());
        let mut reasons: Vec<_> = whole
            .chain(gaps.map(|gap| gap.failure.reason.as_str()))
            .map(|name| (name, 1))
            .collect();
        reasons.sort_unstable();
        reasons.dedup();
        reasons
    }
}

metrics! { TargetRow {
    labels { area = |row| row.target.id.area }
    /// Whether the last reading of the target succeeded; absent before the first one. At 0 the target's other series are withdrawn.
    gauge stack_target_up = |row| row.state.up();
    /// 1 for the present reason why the target, or with an up of 1 a part of it, cannot be read.
    gauge stack_target_failure {reason} = |row| row.reasons();
    /// How long the last reading took.
    gauge stack_target_read_duration_seconds = |row| row.state.took;
    /// Finished readings by outcome: ok, or the reason of the failure.
    counter stack_target_reads_total {outcome} = |row| row.state.reads.iter().map(|(outcome, count)| (*outcome, *count));
    /// Age of the reading that this exposition shows.
    gauge stack_target_data_age_seconds = |row| row.age();
    /// Samples in the reading that this exposition shows.
    gauge stack_target_series = |row| row.state.reading.as_ref().map(|reading| reading.series);
    /// Things left out because a cap was reached, by the name of the cap.
    counter stack_target_series_dropped_total {cap} = |row| row.state.dropped.iter().map(|(cap, count)| (*cap, *count));
} }

/// How one slow part of a target is being read.
pub struct PartRow {
    area: &'static str,
    shown: Shown,
}

impl PartRow {
    pub(super) fn all(target: &Target, state: &State) -> Vec<Self> {
        let area = target.id.area;
        let parts = state.reading.iter().flat_map(|reading| &reading.parts);
        parts.map(|shown| Self { area, shown: shown.clone() }).collect()
    }
}

metrics! { PartRow {
    labels { area = |row| row.area, part = |row| row.shown.part }
    /// Age of what is shown of a part of a target that is read on a slower clock of its own; absent before its first reading.
    gauge stack_target_part_age_seconds = |row| row.shown.read.map(|read| read.elapsed());
    /// 1 for the present reason why a part of a target that is read on a slower clock of its own cannot be read; what was read before may still be shown.
    gauge stack_target_part_failure {reason} = |row| row.shown.failure.iter().map(|failure| (failure.reason.as_str(), 1));
} }

/// A threshold in force, for all things of a target or for one of them.
pub struct ThresholdRow {
    area: &'static str,
    signal: &'static str,
    severity: &'static str,
    /// The labels of the one thing.
    thing: Vec<(String, String)>,
    value: OrNone,
}

/// A threshold as it is: none for one thing is not a number, on purpose.
#[derive(Clone, Copy)]
struct OrNone(Option<f64>);

impl Value for OrNone {
    fn value(self) -> Option<f64> {
        // No value is beyond it, and `unless` sees that there is one.
        Some(self.0.unwrap_or(f64::NAN))
    }
}

impl ThresholdRow {
    /// Those of a target: the general ones, and one more for each thing that has its own.
    /// They say in which service the target lives, and that for its being there from which server of ours
    /// it is read.
    pub(super) fn all(
        target: &Target,
        service: Option<&Service>,
        reading: Option<&Reading>,
    ) -> Vec<Self> {
        let area = target.id.area;
        let is_up = |name: &str| target.area.signal(name).is_some_and(Signal::is_up);
        let home = |signal: &str| -> Vec<(String, String)> {
            let lives = target.lives(service, is_up(signal));
            lives.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
        };
        let general = target.thresholds.general.iter().map(|threshold| Self {
            area,
            signal: threshold.signal,
            severity: threshold.severity.as_str(),
            thing: home(threshold.signal),
            value: OrNone(Some(threshold.value)),
        });
        let own = own_limits(target, reading).into_iter().map(|own| Self {
            area,
            signal: own.signal.name,
            severity: own.severity.as_str(),
            thing: own.thing.into_iter().chain(home(own.signal.name)).collect(),
            value: OrNone(own.value),
        });
        general.chain(own).collect()
    }
}

metrics! { ThresholdRow {
    labels { area = |row| row.area, signal = |row| row.signal, severity = |row| row.severity }
    more = |row| &row.thing;
    /// The threshold in force for a signal of a target, in the signal's base unit; rules, panels and the check command read it. With the labels of one thing besides (such as mountpoint) it is that thing's own, NaN if it has none. It has the Compose service in which the target lives, as project and service; that of the signal up also the server of another section from which it is read, as source.
    gauge stack_threshold = |row| row.value;
} }

/// The exporter's own process.
pub struct Process {
    cpu: Option<f64>,
    resident: Option<u64>,
    virtual_size: Option<u64>,
    open: Option<u64>,
    limit: Option<u64>,
    start: Option<f64>,
}

metrics! { Process {
    labels {}
    /// CPU time that the exporter has used. Source: /proc/self/stat.
    counter process_cpu_seconds_total = |process| process.cpu;
    /// Memory of the exporter that is in RAM. Source: /proc/self/stat.
    gauge process_resident_memory_bytes = |process| process.resident;
    /// Address space of the exporter. Source: /proc/self/stat.
    gauge process_virtual_memory_bytes = |process| process.virtual_size;
    /// Open file descriptors of the exporter. Source: /proc/self/fd.
    gauge process_open_fds = |process| process.open;
    /// File descriptors that the exporter may open. Source: getrlimit.
    gauge process_max_fds = |process| process.limit;
    /// When the exporter was started, in seconds since the epoch. Source: /proc/self/stat and /proc/stat.
    gauge process_start_time_seconds = |process| process.start;
} }

pub(super) fn process_rows() -> Vec<Process> {
    let mut buffer = Buffer::new();
    let boot = buffer.read(Path::new("/proc/stat")).and_then(|text| Stat::parse(text).boot);
    let stat = buffer.read(Path::new("/proc/self/stat")).and_then(process::Stat::parse);
    let of = |field: fn(&process::Stat<'_>) -> Option<u64>| stat.as_ref().and_then(field);
    let seconds = |ticks: u64| ticks as f64 / ticks_per_second();
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    vec![Process {
        cpu: of(|stat| stat.user?.checked_add(stat.system?)).map(seconds),
        resident: of(|stat| stat.resident?.checked_mul(rustix::param::page_size() as u64)),
        virtual_size: of(|stat| stat.virtual_size),
        open: process::own_open_files(),
        limit,
        start: of(|stat| stat.started).zip(boot).map(|(start, boot)| boot as f64 + seconds(start)),
    }]
}
