//! What a container uses, from whichever source.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// What a container uses. Counters are of the present run of the container. What a source does not
/// say is absent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Usage {
    pub cpu: Cpu,
    pub memory: Memory,
    pub threads: Option<u64>,
    pub processes: Option<u64>,
    pub sockets: Option<u64>,
    /// Open files.
    pub descriptors: Option<u64>,
    /// By interface.
    pub networks: BTreeMap<String, Network>,
    /// By major and minor number of the device.
    pub disks: BTreeMap<(u64, u64), Disk>,
    pub pressure: Pressure,
    /// Processes that the kernel killed for want of memory.
    pub oom_kills: Option<u64>,
    /// Where some were killed: whether the first process is about to end; `None` if it cannot be
    /// seen.
    pub ending: Option<bool>,
    /// Networks and disks that are not shown.
    pub more: u64,
}

/// Seconds and numbers of CFS periods.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cpu {
    pub total: Option<f64>,
    pub user: Option<f64>,
    pub system: Option<f64>,
    pub periods: Option<u64>,
    pub throttled: Option<u64>,
    pub throttled_seconds: Option<f64>,
}

/// Bytes, and numbers of events.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Memory {
    pub usage: Option<u64>,
    pub working_set: Option<u64>,
    pub max: Option<u64>,
    pub rss: Option<u64>,
    pub cache: Option<u64>,
    pub mapped: Option<u64>,
    pub swap: Option<u64>,
    /// What the kernel cannot take back: anonymous, shared and its own.
    pub unreclaimable: Option<u64>,
    /// Times that the limit was hit.
    pub limit_hits: Option<u64>,
    pub faults: Option<u64>,
    pub major_faults: Option<u64>,
}

/// Seconds in which some (waiting) or all (stalled) processes could not go on for want of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pressure {
    pub cpu: Stall,
    pub memory: Stall,
    pub io: Stall,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stall {
    pub waiting: Option<f64>,
    pub stalled: Option<f64>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Network {
    pub received: Traffic,
    pub sent: Traffic,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Traffic {
    pub bytes: Option<u64>,
    pub packets: Option<u64>,
    pub errors: Option<u64>,
    pub dropped: Option<u64>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Disk {
    pub read_bytes: Option<u64>,
    pub written_bytes: Option<u64>,
    pub reads: Option<u64>,
    pub writes: Option<u64>,
}

/// By the id of the container.
pub type Usages = HashMap<String, Arc<Usage>>;
