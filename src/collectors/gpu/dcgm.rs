//! The numbers that boards and rules for DCGM's exporter ask for, under its names, labels and units.

use super::model::{Gpu, State};
use super::sample::number;
use crate::catalogue::metrics;

const MIB: f64 = 1_048_576.0;
const MEGA: f64 = 1e6;

/// One GPU as DCGM's exporter has it.
pub struct Dcgm {
    gpu: String,
    uuid: String,
    bus: String,
    device: String,
    model: String,
    host: String,
    of: Gpu,
}

/// The GPUs that answer.
pub fn rows(gpus: &[Gpu], host: &str) -> Vec<Dcgm> {
    let answering = gpus.iter().filter(|gpu| gpu.state == State::Ok);
    answering
        .map(|gpu| Dcgm {
            gpu: number(gpu.index),
            uuid: gpu.uuid.clone(),
            bus: gpu.bus.clone(),
            device: gpu.minor.map(|minor| format!("nvidia{minor}")).unwrap_or_default(),
            model: gpu.name.clone(),
            host: host.to_owned(),
            of: gpu.clone(),
        })
        .collect()
}

fn mebibytes(bytes: Option<u64>) -> Option<f64> {
    Some(bytes? as f64 / MIB)
}

fn percent(share: Option<f64>) -> Option<f64> {
    share.map(|share| (share * 100.0).round())
}

fn megahertz(hertz: Option<f64>) -> Option<f64> {
    hertz.map(|hertz| hertz / MEGA)
}

metrics! { Dcgm {
    labels {
        gpu = |d| &d.gpu, UUID = |d| &d.uuid, pci_bus_id = |d| &d.bus, device = |d| &d.device,
        modelName = |d| &d.model, Hostname = |d| &d.host,
    }
    /// Temperature of the GPU in degrees Celsius. Source: as stack_gpu_temperature_celsius.
    gauge DCGM_FI_DEV_GPU_TEMP = |d| d.of.facts.temperature.gpu;
    /// Part of the time in which the GPU worked, in percent. Source: as stack_gpu_utilization_ratio.
    gauge DCGM_FI_DEV_GPU_UTIL = |d| percent(d.of.facts.busy);
    /// Part of the time in which its memory was used, in percent. Source: as stack_gpu_memory_utilization_ratio.
    gauge DCGM_FI_DEV_MEM_COPY_UTIL = |d| percent(d.of.facts.memory_busy);
    /// Memory in use, in MiB. Source: as stack_gpu_memory_used_bytes.
    gauge DCGM_FI_DEV_FB_USED = |d| mebibytes(d.of.facts.memory.used);
    /// Memory that is free, in MiB. Source: as stack_gpu_memory_free_bytes.
    gauge DCGM_FI_DEV_FB_FREE = |d| mebibytes(d.of.facts.memory.free);
    /// Memory of the GPU, in MiB. Source: as stack_gpu_memory_size_bytes.
    gauge DCGM_FI_DEV_FB_TOTAL = |d| mebibytes(d.of.facts.memory.total);
    /// Power that it takes, in watts. Source: as stack_gpu_power_watts.
    gauge DCGM_FI_DEV_POWER_USAGE = |d| d.of.facts.watts;
    /// Clock of its processors in MHz. Source: as stack_gpu_clock_hertz.
    gauge DCGM_FI_DEV_SM_CLOCK = |d| megahertz(d.of.facts.clocks[1]);
    /// Clock of its memory in MHz. Source: as stack_gpu_clock_hertz.
    gauge DCGM_FI_DEV_MEM_CLOCK = |d| megahertz(d.of.facts.clocks[2]);
    /// Number of the last error that the driver told since the exporter was started, 0 without any. Source: as stack_gpu_xid_last_code.
    gauge DCGM_FI_DEV_XID_ERRORS = |d| d.of.xids.map(|xids| xids.last.map_or(0, |(code, _)| code));
} }
