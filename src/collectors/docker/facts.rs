//! What a container uses, from whichever source.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

pub use crate::clients::kernel::{Cpu, Disk, Disks, Memory, Network, Pressure, Traffic};

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
    pub disks: Disks,
    pub pressure: Pressure,
    /// Processes that the kernel killed for want of memory.
    pub oom_kills: Option<u64>,
    /// Where some were killed: whether the first process is about to end; `None` if it cannot be
    /// seen.
    pub ending: Option<bool>,
    /// Networks and disks that are not shown.
    pub more: u64,
}

/// By the id of the container.
pub type Usages = HashMap<String, Arc<Usage>>;
