//! The answers of the stats endpoint; the one part of the API whose names are in lower case.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::clients::engine::api::or_default;

/// `GET /containers/<id>/stats?stream=false&one-shot=true`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Stats {
    pub read: String,
    #[serde(deserialize_with = "or_default")]
    pub cpu_stats: CpuStats,
    #[serde(deserialize_with = "or_default")]
    pub memory_stats: MemoryStats,
    #[serde(deserialize_with = "or_default")]
    pub pids_stats: PidsStats,
    #[serde(deserialize_with = "or_default")]
    pub blkio_stats: BlkioStats,
    #[serde(deserialize_with = "or_default")]
    pub networks: BTreeMap<String, NetworkStats>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct CpuStats {
    pub cpu_usage: CpuUsage,
    pub throttling_data: Throttling,
}

/// Nanoseconds.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct CpuUsage {
    pub total_usage: Option<u64>,
    pub usage_in_usermode: Option<u64>,
    pub usage_in_kernelmode: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Throttling {
    pub periods: Option<u64>,
    pub throttled_periods: Option<u64>,
    pub throttled_time: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct MemoryStats {
    pub usage: Option<u64>,
    pub max_usage: Option<u64>,
    pub failcnt: Option<u64>,
    #[serde(deserialize_with = "or_default")]
    pub stats: BTreeMap<String, u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct PidsStats {
    pub current: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct BlkioStats {
    #[serde(deserialize_with = "or_default")]
    pub io_service_bytes_recursive: Vec<BlkioEntry>,
    #[serde(deserialize_with = "or_default")]
    pub io_serviced_recursive: Vec<BlkioEntry>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct BlkioEntry {
    pub major: u64,
    pub minor: u64,
    pub op: String,
    pub value: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct NetworkStats {
    pub rx_bytes: Option<u64>,
    pub rx_packets: Option<u64>,
    pub rx_errors: Option<u64>,
    pub rx_dropped: Option<u64>,
    pub tx_bytes: Option<u64>,
    pub tx_packets: Option<u64>,
    pub tx_errors: Option<u64>,
    pub tx_dropped: Option<u64>,
}
