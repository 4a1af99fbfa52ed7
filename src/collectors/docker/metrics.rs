//! The metrics of the Docker Engine. `container_*` and `machine_*` are cAdvisor's names, with its
//! labels; of containers that have stopped cAdvisor has nothing, and so it is here for these names.

use super::sample::{Engine, Life, Spec, Use, Version};
use super::services::Service;
use crate::catalogue::metrics;

metrics! { Version {
    labels { version = |v| &v.version, api_version = |v| &v.api_version }
    /// Version of the Engine and of the API that is spoken with it, always 1. Source: /version.
    gauge stack_docker_engine_info = |_v| 1;
} }

metrics! { Engine {
    labels {}
    /// CPU cores of the machine; absent where a proxy hides them. Source: /info NCPU.
    gauge machine_cpu_cores [C04] = |e| e.facts.cores;
    /// Memory of the machine in bytes; absent where a proxy hides it. Source: /info MemTotal.
    gauge machine_memory_bytes [C04] = |e| e.facts.memory;
    /// Age of the CPU, memory, network and block I/O figures in seconds; before Engine 25 they are read every 10 seconds beside the scrapes. Source: /containers/ID/stats.
    gauge stack_docker_stats_age_seconds [C04] = |e| e.stats_age;
    /// Answers about one container that failed or took too long, by call, since the exporter started. Source: /containers/ID/json and /containers/ID/stats.
    counter stack_docker_skipped_total {call} [C04] = |e| e.skipped;
} }

metrics! { Service {
    labels { project = |s| &s.project, service = |s| &s.name }
    /// Replicas of a Compose service: wanted by the Compose file or else by the containers that exist, running, and healthy where there is a health check. Source: Compose files and /containers/json Labels.
    gauge stack_service_replicas {state} [C01 C06] = |s| [("wanted", Some(s.wanted)), ("running", Some(s.running)), ("healthy", s.healthy)];
    /// Whether at least one replica of the Compose service runs, or none is wanted. Source: Compose files and /containers/json State.
    gauge stack_service_up [C01] = |s| s.up();
    /// Replicas of the Compose service that are wanted and do not run. Source: Compose files and /containers/json State.
    gauge stack_service_replicas_missing [C01] = |s| s.missing();
} }

metrics! { Life {
    labels {
        id = |l| &l.names().id, name = |l| &l.names().name, image = |l| &l.names().image,
        container_label_com_docker_compose_project = |l| &l.names().project,
        container_label_com_docker_compose_service = |l| &l.names().service,
    }
    /// 1 for the state that the container is in, 0 for the others; in a restart loop that is restarting. Source: /containers/ID/json State.Status.
    gauge stack_container_state {state} [C01 C12] = |l| l.states();
    /// 1 for the status of the health check, 0 for the others; none without a check, absent unless the container is alive. Source: /containers/ID/json State.Health.Status.
    gauge stack_container_health {status} [C06 C07] = |l| l.healths();
    /// Health as cAdvisor has it: 1 healthy, 0 starting or unhealthy, -1 no health check. Source: /containers/ID/json State.Health.Status.
    gauge container_health_state [C06] = |l| l.health_state();
    /// Health checks that failed in a row. Source: /containers/ID/json State.Health.FailingStreak.
    gauge stack_container_health_failing_streak [C07] = |l| l.check().and_then(|check| check.failing_streak);
    /// Duration of the last health check in seconds. Source: /containers/ID/json State.Health.Log.
    gauge stack_container_health_check_duration_seconds [C07] = |l| l.check().and_then(|check| check.took);
    /// Time in seconds after which a health check counts as failed. Source: /containers/ID/json Config.Healthcheck.Timeout.
    gauge stack_container_health_check_timeout_seconds [C07] = |l| l.check().map(|check| check.timeout);
    /// Time at which the present run of the container started, in seconds since 1970. Source: /containers/ID/json State.StartedAt.
    gauge container_start_time_seconds [C05] = |l| l.started();
    /// Time at which the container was seen running, in seconds since 1970. Source: /containers/json State.
    gauge container_last_seen = |l| l.seen();
    /// Time at which the container was created, in seconds since 1970. Source: /containers/json Created.
    gauge stack_container_created_timestamp_seconds = |l| l.container.created;
    /// Time at which the container ended, in seconds since 1970; absent while it is alive. Source: /containers/ID/json State.FinishedAt.
    gauge stack_container_finished_timestamp_seconds [C12] = |l| l.finished();
    /// Exit code of the last run; 137 is any SIGKILL and 143 any SIGTERM, 127 and 128 with the state created are failed starts; absent while it runs. Source: /containers/ID/json State.ExitCode.
    gauge stack_container_exit_code [C12] = |l| l.exit_code();
    /// Whether the kernel killed the container for want of memory; stays until somebody starts it again. Source: /containers/ID/json State.OOMKilled.
    gauge stack_container_oom_killed [C10] = |l| l.detail().and_then(|detail| detail.oom_killed);
    /// Restarts by the restart policy; begins again at 0 when somebody starts or recreates the container. Source: /containers/ID/json RestartCount.
    counter stack_container_restarts_total [C05 C12] = |l| l.detail().and_then(|detail| detail.restarts);
} }

metrics! { Spec {
    labels {
        id = |s| &s.names.id, name = |s| &s.names.name, image = |s| &s.names.image,
        container_label_com_docker_compose_project = |s| &s.names.project,
        container_label_com_docker_compose_service = |s| &s.names.service,
    }
    /// Memory limit in bytes; 0 is no limit, as in cAdvisor. Source: /containers/ID/json HostConfig.Memory.
    gauge container_spec_memory_limit_bytes [C08 C11] = |s| s.limits.memory;
    /// Memory reservation in bytes; 0 is none. Source: /containers/ID/json HostConfig.MemoryReservation.
    gauge container_spec_memory_reservation_limit_bytes [C09] = |s| s.limits.reservation;
    /// Limit of memory and swap together in bytes; 0 is no limit. Source: /containers/ID/json HostConfig.MemorySwap.
    gauge container_spec_memory_swap_limit_bytes = |s| s.limits.swap;
    /// Weight of the container when cores are short; 1024 is usual. Source: /containers/ID/json HostConfig.CpuShares.
    gauge container_spec_cpu_shares = |s| s.limits.shares;
    /// Length of a CPU period in microseconds. Source: /containers/ID/json HostConfig.CpuPeriod.
    gauge container_spec_cpu_period = |s| s.limits.period;
    /// CPU time that the container may use in a period, in microseconds; absent without a limit. Source: /containers/ID/json HostConfig.NanoCpus or CpuQuota.
    gauge container_spec_cpu_quota [C08] = |s| s.limits.quota;
    /// Cores that the container may use; absent without a limit. Source: /containers/ID/json HostConfig.NanoCpus or CpuQuota.
    gauge stack_container_cpu_limit_cores [C08] = |s| s.limits.cores();
    /// Whether the container has a memory limit. Source: /containers/ID/json HostConfig.Memory.
    gauge stack_container_memory_limit_set [C11] = |s| s.limits.memory > 0;
    /// Processes and threads that the container may have; absent without a limit. Source: /containers/ID/json HostConfig.PidsLimit.
    gauge container_threads_max = |s| s.limits.pids;
} }

metrics! { Use {
    labels {
        id = |u| &u.names.id, name = |u| &u.names.name, image = |u| &u.names.image,
        container_label_com_docker_compose_project = |u| &u.names.project,
        container_label_com_docker_compose_service = |u| &u.names.service,
    }
    /// CPU time of the container in seconds. Source: stats cpu_stats.cpu_usage.total_usage.
    counter container_cpu_usage_seconds_total {cpu} [C04 C08] = |u| [("total", u.usage.cpu.total)];
    /// CPU time in user mode in seconds. Source: stats cpu_stats.cpu_usage.usage_in_usermode.
    counter container_cpu_user_seconds_total [C04] = |u| u.usage.cpu.user;
    /// CPU time in kernel mode in seconds. Source: stats cpu_stats.cpu_usage.usage_in_kernelmode.
    counter container_cpu_system_seconds_total [C04] = |u| u.usage.cpu.system;
    /// CPU periods in which the container ran; absent without a CPU limit. Source: stats cpu_stats.throttling_data.periods.
    counter container_cpu_cfs_periods_total [C18] = |u| u.throttling(u.usage.cpu.periods);
    /// CPU periods in which the container had to wait for the next one; absent without a CPU limit. Source: stats cpu_stats.throttling_data.throttled_periods.
    counter container_cpu_cfs_throttled_periods_total [C18] = |u| u.throttling(u.usage.cpu.throttled);
    /// Time that the container had to wait for its next CPU period in seconds; absent without a CPU limit. Source: stats cpu_stats.throttling_data.throttled_time.
    counter container_cpu_cfs_throttled_seconds_total [C18] = |u| u.throttling(u.usage.cpu.throttled_seconds);
    /// Memory in bytes, page cache included. Source: stats memory_stats.usage.
    gauge container_memory_usage_bytes [C04 C08] = |u| u.usage.memory.usage;
    /// Memory without page cache that has not been used lately, in bytes; what docker stats shows. Source: stats memory_stats.usage less inactive_file.
    gauge container_memory_working_set_bytes [C04 C08] = |u| u.usage.memory.working_set;
    /// Most memory ever in use, in bytes; absent on cgroup v2. Source: stats memory_stats.max_usage.
    gauge container_memory_max_usage_bytes = |u| u.usage.memory.max;
    /// Anonymous memory in bytes. Source: stats memory_stats.stats total_rss or anon.
    gauge container_memory_rss = |u| u.usage.memory.rss;
    /// Page cache in bytes. Source: stats memory_stats.stats total_cache or file.
    gauge container_memory_cache = |u| u.usage.memory.cache;
    /// Mapped files in bytes. Source: stats memory_stats.stats total_mapped_file or file_mapped.
    gauge container_memory_mapped_file = |u| u.usage.memory.mapped;
    /// Swap in bytes; absent where the kernel does not account for it and on cgroup v2. Source: stats memory_stats.stats total_swap.
    gauge container_memory_swap = |u| u.usage.memory.swap;
    /// Times that the memory limit was hit; absent on cgroup v2. Source: stats memory_stats.failcnt.
    established container_memory_failcnt = |u| u.usage.memory.limit_hits;
    /// Working set in parts of the memory limit; absent without a limit. Source: stats memory_stats and HostConfig.Memory.
    gauge stack_container_memory_limit_ratio [C08] = |u| u.memory_limit_ratio();
    /// Processes and threads of the container. Source: stats pids_stats.current.
    gauge container_threads = |u| u.usage.threads;
    /// Bytes received; absent with the network of the host or of another container. Source: stats networks rx_bytes.
    counter container_network_receive_bytes_total {interface} [C17] = |u| u.networks(|n| n.received.bytes);
    /// Packets received. Source: stats networks rx_packets.
    counter container_network_receive_packets_total {interface} [C17] = |u| u.networks(|n| n.received.packets);
    /// Received packets that were dropped. Source: stats networks rx_dropped.
    counter container_network_receive_packets_dropped_total {interface} [C17] = |u| u.networks(|n| n.received.dropped);
    /// Errors while receiving. Source: stats networks rx_errors.
    counter container_network_receive_errors_total {interface} [C17] = |u| u.networks(|n| n.received.errors);
    /// Bytes sent; absent with the network of the host or of another container. Source: stats networks tx_bytes.
    counter container_network_transmit_bytes_total {interface} [C17] = |u| u.networks(|n| n.sent.bytes);
    /// Packets sent. Source: stats networks tx_packets.
    counter container_network_transmit_packets_total {interface} [C17] = |u| u.networks(|n| n.sent.packets);
    /// Packets to be sent that were dropped. Source: stats networks tx_dropped.
    counter container_network_transmit_packets_dropped_total {interface} [C17] = |u| u.networks(|n| n.sent.dropped);
    /// Errors while sending. Source: stats networks tx_errors.
    counter container_network_transmit_errors_total {interface} [C17] = |u| u.networks(|n| n.sent.errors);
    /// Bytes read from a block device; absent before the first. Source: stats blkio_stats.io_service_bytes_recursive.
    counter container_fs_reads_bytes_total {device} [C17] = |u| u.disks(|d| d.read_bytes);
    /// Bytes written to a block device; absent before the first. Source: stats blkio_stats.io_service_bytes_recursive.
    counter container_fs_writes_bytes_total {device} [C17] = |u| u.disks(|d| d.written_bytes);
    /// Reads from a block device; absent on cgroup v2. Source: stats blkio_stats.io_serviced_recursive.
    counter container_fs_reads_total {device} [C17] = |u| u.disks(|d| d.reads);
    /// Writes to a block device; absent on cgroup v2. Source: stats blkio_stats.io_serviced_recursive.
    counter container_fs_writes_total {device} [C17] = |u| u.disks(|d| d.writes);
} }
