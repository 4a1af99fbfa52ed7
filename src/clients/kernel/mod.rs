//! The kernel's own files: `/proc` and control groups. One reader for each file, for all that read
//! it; names of metrics are the collectors' affair.
//!
//! | file | reader |
//! |---|---|
//! | `/proc/stat` | [`stat`] |
//! | `/proc/meminfo` | [`meminfo`] |
//! | `/proc/loadavg`, `/proc/uptime` | [`load`] |
//! | `/proc/vmstat` | [`parse::value`] |
//! | `/proc/pressure/*`, `*.pressure` of a control group | [`pressure`] |
//! | `/proc/diskstats`, `/proc/partitions`, `io.stat`, `blkio.throttle.*` | [`block`] |
//! | `/proc/PID/net/dev`, `/proc/PID/net/sockstat` | [`network`] |
//! | `/proc/PID/mounts`, `/proc/PID/mountinfo` | [`mounts`] |
//! | `/proc/mdstat` | [`mdstat`] |
//! | `/proc/PID/net/{netstat,snmp,snmp6,sockstat,softnet_stat}`, `/proc/schedstat` | [`protocols`] |
//! | `/proc/PID/{stat,status,cgroup,cmdline,fd,io,limits}` | [`process`] |
//! | `/proc/PID/net/{tcp,tcp6}` | [`sockets`] |
//! | the files of a control group, by its path | [`cgroup`] |
//!
//! [`buffer`] reads a file, and the functions that make sense of its bytes are pure. What a file does
//! not say, or does not say in a way that is understood, is absent, never 0.
//!
//! Reading below `/proc` can block while a process hangs in the kernel: not for an async worker.

pub mod block;
pub mod buffer;
pub mod cgroup;
pub mod load;
pub mod mdstat;
pub mod meminfo;
pub mod memory;
pub mod mounts;
pub mod network;
pub mod parse;
pub mod pressure;
pub mod process;
pub mod protocols;
pub mod sockets;
pub mod stat;

pub use block::{Device, Disk, Disks};
pub use buffer::Buffer;
pub use memory::{Memory, Reclaimable};
pub use network::{Network, Traffic};
pub use pressure::{Pressure, Stall};
pub use stat::{Counts, Cpu};

/// Ticks a second: the unit of times in `/proc/stat`, `/proc/PID/stat` and `cpuacct.stat`.
pub fn ticks_per_second() -> f64 {
    rustix::param::clock_ticks_per_second() as f64
}

/// For `src/fuzzing.rs`: a file of the kernel, read as each of those that there are.
#[cfg(fuzzing)]
pub fn fuzz(data: &[u8]) {
    let _ = (parse::number(data), parse::value(data, b"usage_usec"), parse::pairs(data).count());
    let _ = (
        pressure::parse(data),
        network::sockets(data),
        network::interfaces(data, |_| true).count(),
    );
    let _ = (block::io_stat(data), block::diskstats(data).count(), block::partitions(data).count());
    let mut disks = Disks::default();
    block::blkio(data, block::Unit::Bytes, &mut disks);
    block::blkio(data, block::Unit::Operations, &mut disks);
    let _ = (stat::Stat::parse(data), meminfo::Meminfo::parse(data), mounts::parse(data).count());
    let _ = (mounts::superblocks(data).count(), mdstat::parse(data).len());
    let _ = (load::load(data), load::threads(data), load::uptime(data));
    let _ = (process::Stat::parse(data), process::Status::parse(data));
    let _ = (process::Details::parse(data), process::file_limit(data), process::disk_bytes(data));
    let _ = sockets::listening(data);
    let mut counts = protocols::Counts::new();
    for read in [protocols::tables, protocols::snmp6, protocols::sockets] {
        read(data, &mut counts);
    }
    let _ = (protocols::softnet(data).count(), protocols::schedule(data).count());
    let _ = (process::command(data), process::groups(&String::from_utf8_lossy(data)).count());
    cgroup::fuzz(data);
}
