//! The metrics of GPUs, in base units. Where a GPU does not tell something its series is absent.

use super::sample::{Declared, Device, Driver, Errors, Fleet, Presence, Program, Up, two};
use crate::catalogue::metrics;

metrics! { Driver {
    labels { source = |d| d.source, driver = |d| &d.driver, cuda = |d| &d.cuda }
    /// Always 1; the labels say by which way GPUs are read (nvml is NVIDIA's library, nvidia_smi its program), the version of the driver, and the newest CUDA that it serves. Source: nvmlSystemGetDriverVersion, nvmlSystemGetCudaDriverVersion.
    gauge stack_gpu_driver_info [H07] = |d| d.always();
} }

metrics! { Fleet {
    labels {}
    /// GPUs that answer. Source: nvmlDeviceGetCount.
    gauge stack_gpu_devices [H07] = |f| f.devices;
    /// GPUs that there must be; absent without the key. Source: the key count.
    gauge stack_gpu_devices_wanted = |f| f.wanted;
    /// GPUs that should be there and of which nothing is known, by the key count and by what the driver counts; those that were seen within a day have stack_gpu_up. Source: nvmlDeviceGetCount.
    gauge stack_gpu_missing [H07] = |f| f.missing;
} }

metrics! { Presence {
    labels { uuid = |p| &p.uuid, gpu = |p| &p.gpu, name = |p| &p.name }
    /// Whether the GPU answers; 0 also for a day after the driver has come to know it no more. Source: the answers of NVML.
    gauge stack_gpu_up [H07] = |p| p.state == super::model::State::Ok;
    /// How the GPU answers; the present state is 1: ok, lost (it has fallen off the bus), reset_required, error (the driver cannot read it), gone (the driver does not know it any more). Source: the answers of NVML.
    gauge stack_gpu_state {state} [H07] = |p| p.states();
    /// Where the GPU is plugged in, always 1. Source: nvmlDeviceGetPciInfo busId.
    gauge stack_gpu_info {bus} = |p| p.place();
} }

metrics! { Device {
    labels { uuid = |d| &d.uuid, gpu = |d| &d.gpu }
    /// Part of the last moment in which the GPU worked. Source: nvmlDeviceGetUtilizationRates gpu.
    gauge stack_gpu_utilization_ratio [H07] = |d| d.facts.busy;
    /// Part of the last moment in which its memory was read or written. Source: nvmlDeviceGetUtilizationRates memory.
    gauge stack_gpu_memory_utilization_ratio [H07] = |d| d.facts.memory_busy;
    /// Memory of the GPU in bytes. Source: nvmlDeviceGetMemoryInfo total.
    gauge stack_gpu_memory_size_bytes [H07] = |d| d.facts.memory.total;
    /// Memory in use by programs, in bytes. Source: nvmlDeviceGetMemoryInfo used.
    gauge stack_gpu_memory_used_bytes [H07] = |d| d.facts.memory.used;
    /// Memory that is free, in bytes. Source: nvmlDeviceGetMemoryInfo free.
    gauge stack_gpu_memory_free_bytes [H07] = |d| d.facts.memory.free;
    /// Memory that the driver has for itself, in bytes; absent with drivers before 510. Source: nvmlDeviceGetMemoryInfo reserved.
    gauge stack_gpu_memory_reserved_bytes = |d| d.facts.memory.reserved;
    /// Used part of the memory. Source: nvmlDeviceGetMemoryInfo.
    gauge stack_gpu_memory_used_ratio [H07 R04] = |d| d.facts.memory.used_ratio();
    /// Temperature of the GPU in degrees Celsius. Source: nvmlDeviceGetTemperature.
    gauge stack_gpu_temperature_celsius [H07] = |d| d.facts.temperature.gpu;
    /// Temperature of its memory in degrees Celsius; few GPUs tell it. Source: NVML_FI_DEV_MEMORY_TEMP.
    gauge stack_gpu_memory_temperature_celsius = |d| d.facts.temperature.memory;
    /// Temperatures at which the GPU slows itself down, switches itself off, or up to which it is meant to work, in degrees Celsius; GPUs since Ada tell distances instead. Source: nvmlDeviceGetTemperatureThreshold.
    gauge stack_gpu_temperature_limit_celsius {limit} [H07] = |d| d.limits();
    /// Degrees Celsius until the GPU slows itself down; below zero it does. Source: nvmlDeviceGetTemperatureThreshold SLOWDOWN; T.Limit of nvidia-smi.
    gauge stack_gpu_slowdown_margin_celsius [H07] = |d| d.facts.temperature.until_slowdown();
    /// Power that it takes, in watts. Source: nvmlDeviceGetPowerUsage.
    gauge stack_gpu_power_watts [H07] = |d| d.facts.watts;
    /// Power that it may take, in watts. Source: nvmlDeviceGetEnforcedPowerLimit.
    gauge stack_gpu_power_limit_watts [H07] = |d| d.facts.watts_limit;
    /// Energy that it has taken since the driver was loaded, in joules; not by nvidia-smi. Source: nvmlDeviceGetTotalEnergyConsumption.
    counter stack_gpu_energy_joules_total = |d| d.facts.joules;
    /// Clocks in hertz. Source: nvmlDeviceGetClockInfo.
    gauge stack_gpu_clock_hertz {clock} = |d| d.clocks();
    /// The highest that each clock can be, in hertz. Source: nvmlDeviceGetMaxClockInfo.
    gauge stack_gpu_clock_most_hertz {clock} = |d| d.clocks_most();
    /// Why the clocks are lower than they could be, each 0 or 1; several hold at once. Power caps and applications' clocks are settings, idle is rest. Source: nvmlDeviceGetCurrentClocksThrottleReasons, which newer drivers call event reasons.
    gauge stack_gpu_clock_event {reason} [H07] = |d| d.reasons();
    /// Performance state: 0 is the fastest, 15 the slowest. Source: nvmlDeviceGetPerformanceState.
    gauge stack_gpu_performance_state = |d| d.facts.performance_state;
    /// Whether the driver stays loaded while nobody uses the GPU. Source: nvmlDeviceGetPersistenceMode.
    gauge stack_gpu_persistence_mode = |d| d.facts.persistence;
    /// Whether the GPU is cut into instances (MIG); its own use is not told then. Source: nvmlDeviceGetMigMode.
    gauge stack_gpu_mig_enabled = |d| d.facts.mig;
    /// Speed of the fastest fan in parts of its most; absent without a fan. Source: nvmlDeviceGetFanSpeed_v2.
    gauge stack_gpu_fan_ratio = |d| d.facts.fan;
    /// Generation of the PCIe link at present, lower while it rests. Source: nvmlDeviceGetCurrPcieLinkGeneration.
    gauge stack_gpu_pcie_generation = |d| d.facts.link.generation;
    /// The highest that GPU and board can have. Source: nvmlDeviceGetMaxPcieLinkGeneration.
    gauge stack_gpu_pcie_generation_most = |d| d.facts.link.generation_most;
    /// Lanes of the PCIe link at present. Source: nvmlDeviceGetCurrPcieLinkWidth.
    gauge stack_gpu_pcie_lanes = |d| d.facts.link.width;
    /// The most lanes that GPU and board can have. Source: nvmlDeviceGetMaxPcieLinkWidth.
    gauge stack_gpu_pcie_lanes_most = |d| d.facts.link.width_most;
    /// Packets that had to be sent again over the link. Source: nvmlDeviceGetPcieReplayCounter.
    counter stack_gpu_pcie_replays_total = |d| d.facts.link.replays;
    /// Whether it checks its memory for errors; absent where it cannot. Source: nvmlDeviceGetEccMode.
    gauge stack_gpu_ecc_enabled = |d| d.facts.ecc.enabled;
    /// Errors of its memory since the driver was loaded. Source: nvmlDeviceGetTotalEccErrors VOLATILE_ECC.
    counter stack_gpu_ecc_errors_total {kind} [H07] = |d| two(["corrected", "uncorrected"], d.facts.ecc.volatile);
    /// Errors of its memory over its life. Source: nvmlDeviceGetTotalEccErrors AGGREGATE_ECC.
    counter stack_gpu_ecc_lifetime_errors_total {kind} = |d| two(["corrected", "uncorrected"], d.facts.ecc.aggregate);
    /// Pages of its memory that were taken out of use, for one wrong bit more than once or for two at once; GPUs before Ampere. Source: nvmlDeviceGetRetiredPages.
    gauge stack_gpu_retired_pages {cause} = |d| two(["single_bit", "double_bit"], d.facts.repair.pages);
    /// Rows of its memory that were replaced by spare ones, by the errors that they had; GPUs since Ampere. Source: NVML_FI_DEV_REMAPPED_COR, _UNC.
    gauge stack_gpu_remapped_rows {kind} = |d| two(["corrected", "uncorrected"], d.facts.repair.rows);
    /// Whether a row could not be replaced: there are no spare ones left. Source: NVML_FI_DEV_REMAPPED_FAILURE.
    gauge stack_gpu_row_remap_failed [H07] = |d| d.facts.repair.rows_failed;
    /// Whether the GPU waits for a reset: to take pages or rows out of use, or since the driver says so. Source: nvmlDeviceGetRetiredPagesPendingStatus, NVML_FI_DEV_REMAPPED_PENDING, NVML_FI_DEV_GET_GPU_RECOVERY_ACTION.
    gauge stack_gpu_reset_needed [H07] = |d| d.reset_needed();
    /// Processes on the GPU; absent where the exporter cannot know that there is none. Source: nvmlDeviceGetComputeRunningProcesses, nvmlDeviceGetGraphicsRunningProcesses.
    gauge stack_gpu_processes [H07] = |d| d.processes;
} }

metrics! { Errors {
    labels { uuid = |e| &e.uuid, gpu = |e| &e.gpu }
    /// Whether the driver tells the exporter of errors by their number (Xid) as they come; nvidia-smi never does. Source: nvmlDeviceRegisterEvents.
    gauge stack_gpu_xid_told = |e| e.xids.is_some();
    /// Errors that the driver told since the exporter was started, by what they are about: the device (NVIDIA's list says to reset, drain or replace), a program, or other. Source: nvmlEventSetWait, nvmlEventTypeXidCriticalError.
    counter stack_gpu_xid_errors_total {kind} [H07] = |e| e.counts();
    /// Number of the last such error since the exporter was started. Source: nvmlEventSetWait.
    gauge stack_gpu_xid_last_code [H07] = |e| e.last().map(|(code, _)| code);
    /// When it came, in seconds since 1970. Source: nvmlEventSetWait.
    gauge stack_gpu_xid_last_timestamp_seconds = |e| e.last().map(|(_, at)| at);
} }

metrics! { Program {
    labels { uuid = |p| &p.uuid, gpu = |p| &p.gpu, program = |p| &p.name, container = |p| &p.container }
    /// Memory of the GPU that a program has, in bytes; absent where the driver does not tell. Source: nvmlDeviceGetComputeRunningProcesses usedGpuMemory, /proc/PID/cgroup.
    gauge stack_gpu_program_memory_bytes [H07] = |p| p.memory;
    /// Processes of the program on the GPU. Source: the same.
    gauge stack_gpu_program_processes = |p| p.processes;
} }

metrics! { Up {
    labels { process = |u| &u.process }
    /// Whether the declared process is on a GPU: 0 also when it never was, and while no GPU can be read; absent where nobody can tell. Source: nvmlDeviceGetComputeRunningProcesses, /proc.
    gauge stack_gpu_process_up [H07] = |u| u.up;
} }

metrics! { Declared {
    labels { process = |d| &d.process }
    /// Where the declared process is; the present place is 1: on_gpu, on_cpu (it runs, and not on a GPU), not_running. Source: the same.
    gauge stack_gpu_process_state {state} [H07] = |d| d.states();
    /// Memory that it has on all GPUs, in bytes; absent while it is on none. Source: the same.
    gauge stack_gpu_process_memory_bytes = |d| d.memory;
} }
