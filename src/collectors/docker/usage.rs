//! From an answer of the stats endpoint to what is kept of it. cgroup v1 and v2 speak of memory
//! in different words; what one of them does not say is absent.

use std::collections::BTreeMap;

use bollard::models::{
    ContainerBlkioStats, ContainerCpuStats, ContainerMemoryStats, ContainerNetworkStats,
    ContainerStatsResponse,
};

use super::container::cut;
use super::facts::{Cpu, Disks, Memory, Network, Traffic, Usage};
use crate::clients::kernel::Reclaimable;

/// Networks and disks of a container that are looked at.
const PARTS: usize = 64;

impl Usage {
    /// `None` for a container that has stopped meanwhile: the Engine then answers with zeros read
    /// in year 1.
    pub fn of(stats: ContainerStatsResponse) -> Option<Self> {
        stats.read.filter(|read| !read.is_empty() && !read.starts_with("0001-"))?;
        // In an order of their own, so that always the same ones are shown.
        let networks = BTreeMap::from_iter(stats.networks.unwrap_or_default());
        let disks = disks(stats.blkio_stats.unwrap_or_default());
        let more = [networks.len(), disks.len()].map(|count| count.saturating_sub(PARTS));
        let networks = networks.into_iter().take(PARTS);
        Some(Self {
            cpu: cpu(stats.cpu_stats.unwrap_or_default()),
            memory: memory(stats.memory_stats.unwrap_or_default()),
            threads: stats.pids_stats.and_then(|stats| stats.current),
            networks: networks.map(|(name, of)| (cut(&name), network(&of))).collect(),
            disks: disks.into_iter().take(PARTS).collect(),
            more: more.iter().sum::<usize>() as u64,
            ..Self::default()
        })
    }
}

fn cpu(stats: ContainerCpuStats) -> Cpu {
    let seconds = |nanos: Option<u64>| nanos.map(|nanos| nanos as f64 / 1e9);
    let usage = stats.cpu_usage.unwrap_or_default();
    let throttling = stats.throttling_data.unwrap_or_default();
    Cpu {
        total: seconds(usage.total_usage),
        user: seconds(usage.usage_in_usermode),
        system: seconds(usage.usage_in_kernelmode),
        periods: throttling.periods,
        throttled: throttling.throttled_periods,
        throttled_seconds: seconds(throttling.throttled_time),
    }
}

/// The same words as cAdvisor takes: the totals of the hierarchy on v1, anon and file on v2.
fn memory(stats: ContainerMemoryStats) -> Memory {
    let words = stats.stats.unwrap_or_default();
    let word = |v1: &str, v2: &str| words.get(v1).or_else(|| words.get(v2)).copied();
    let memory = Memory {
        usage: stats.usage,
        max: stats.max_usage,
        rss: word("total_rss", "anon"),
        cache: word("total_cache", "file"),
        mapped: word("total_mapped_file", "file_mapped"),
        swap: word("total_swap", "total_swap"),
        faults: word("total_pgfault", "pgfault"),
        major_faults: word("total_pgmajfault", "pgmajfault"),
        // The Engine leaves out a 0. A peak is there on v1 only; on v2 the word means kills.
        limit_hits: stats.max_usage.map(|_| stats.failcnt.unwrap_or(0)),
        ..Memory::default()
    };
    memory.without(Reclaimable {
        inactive_file: word("total_inactive_file", "inactive_file"),
        active_file: word("total_active_file", "active_file"),
        slab: words.get("slab_reclaimable").copied(),
    })
}

fn network(stats: &ContainerNetworkStats) -> Network {
    Network {
        received: Traffic {
            bytes: stats.rx_bytes,
            packets: stats.rx_packets,
            errors: stats.rx_errors,
            dropped: stats.rx_dropped,
        },
        sent: Traffic {
            bytes: stats.tx_bytes,
            packets: stats.tx_packets,
            errors: stats.tx_errors,
            dropped: stats.tx_dropped,
        },
    }
}

fn disks(stats: ContainerBlkioStats) -> Disks {
    let mut disks = Disks::new();
    for (entries, counts) in
        [(stats.io_service_bytes_recursive, false), (stats.io_serviced_recursive, true)]
    {
        for entry in entries.unwrap_or_default() {
            let (Some(major), Some(minor)) = (entry.major, entry.minor) else { continue };
            // `Read` on cgroup v1, `read` on v2; the other words are sums of the two.
            let (op, value) = (entry.op.unwrap_or_default().to_lowercase(), entry.value);
            let disk = disks.entry((major, minor)).or_default();
            match (op.as_str(), counts) {
                ("read", false) => disk.read_bytes = value,
                ("write", false) => disk.written_bytes = value,
                ("read", true) => disk.reads = value,
                ("write", true) => disk.writes = value,
                _ => {}
            }
        }
    }
    disks
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written after the API documentation and the source of Engine 25: no machine with cgroup v2
    /// was at hand to ask.
    const V2: &str = r#"{
        "read": "2026-01-02T03:04:05.6Z",
        "pids_stats": { "current": 3, "limit": 18446744073709551615 },
        "blkio_stats": { "io_service_bytes_recursive": [
            { "major": 254, "minor": 0, "op": "read", "value": 4096 },
            { "major": 254, "minor": 0, "op": "write", "value": 8192 }
        ], "io_serviced_recursive": null },
        "cpu_stats": {
            "cpu_usage": { "total_usage": 2500000000, "usage_in_kernelmode": 500000000, "usage_in_usermode": 2000000000 },
            "throttling_data": { "periods": 10, "throttled_periods": 2, "throttled_time": 100000000 }
        },
        "memory_stats": { "usage": 1000, "limit": 5000, "stats": {
            "anon": 300, "file": 600, "file_mapped": 50, "inactive_file": 400, "active_file": 200,
            "slab": 50, "slab_reclaimable": 30, "slab_unreclaimable": 20
        } }
    }"#;

    #[test]
    fn cgroup_v2() {
        let usage = Usage::of(serde_json::from_str(V2).unwrap()).unwrap();
        assert_eq!(usage.cpu.total, Some(2.5));
        assert_eq!(usage.cpu.throttled_seconds, Some(0.1));
        let memory = Memory {
            usage: Some(1000),
            working_set: Some(600),
            rss: Some(300),
            cache: Some(600),
            mapped: Some(50),
            unreclaimable: Some(1000 - 600 - 30),
            ..Memory::default()
        };
        assert_eq!(usage.memory, memory);
        let disk = usage.disks.get(&(254, 0)).unwrap();
        assert_eq!((disk.read_bytes, disk.written_bytes), (Some(4096), Some(8192)));
        assert_eq!((disk.reads, disk.writes), (None, None));
        assert!(usage.networks.is_empty());
    }

    #[test]
    fn a_stopped_container_has_no_usage() {
        let stopped = r#"{ "read": "0001-01-01T00:00:00Z", "cpu_stats": { "cpu_usage": { "total_usage": 0 } } }"#;
        assert_eq!(Usage::of(serde_json::from_str(stopped).unwrap()), None);
    }

    #[test]
    fn what_a_liar_uses() {
        let entry =
            |n: u64| serde_json::json!({ "major": n, "minor": 0, "op": "read", "value": 1 });
        let networks: serde_json::Map<_, _> =
            (0..500).map(|n| (format!("eth{n}"), serde_json::json!({ "rx_bytes": 1 }))).collect();
        let stats = serde_json::json!({
            "read": "2026-01-02T03:04:05Z", "cpu_stats": null, "pids_stats": null,
            "blkio_stats": { "io_serviced_recursive": (0..300).map(entry).collect::<Vec<_>>() },
            "memory_stats": { "usage": 1, "stats": { "inactive_file": u64::MAX, "active_file": u64::MAX } },
            "networks": networks,
        });
        let usage = Usage::of(serde_json::from_value(stats).unwrap()).unwrap();
        assert_eq!((usage.networks.len(), usage.disks.len()), (PARTS, PARTS));
        assert_eq!(usage.more, 500 + 300 - 2 * PARTS as u64);
        assert_eq!(usage.memory.unreclaimable, Some(0));
    }

    /// `MADV_FREE`: the pages are anonymous still, and on the lists of files, free to take.
    #[test]
    fn memory_that_a_program_has_handed_back_is_not_held() {
        let said = r#"{ "read": "2026-01-02T03:04:05Z", "memory_stats": { "usage": 3000, "stats": {
            "anon": 2000, "file": 500, "shmem": 0, "kernel_stack": 50, "slab_unreclaimable": 150,
            "inactive_anon": 800, "active_anon": 200, "unevictable": 0,
            "inactive_file": 1300, "active_file": 200, "slab_reclaimable": 100 } } }"#;
        let memory = Usage::of(serde_json::from_str(said).unwrap()).unwrap().memory;
        assert_eq!(memory.unreclaimable, Some(3000 - 1300 - 200 - 100));
        assert!(memory.unreclaimable < memory.rss);
    }
}
