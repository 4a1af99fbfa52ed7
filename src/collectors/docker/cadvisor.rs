//! cAdvisor's names with its labels, for the dashboards and rules that read them. Of containers
//! that have stopped cAdvisor has nothing, and so it is here. `id="/"` is the machine as a whole.

use super::rows::{Faults, Spec, Use};
use crate::catalogue::metrics;

metrics! { Spec {
    labels {
        id = |s| &s.names.id, name = |s| &s.names.name, image = |s| &s.names.image,
        container_label_com_docker_compose_project = |s| &s.names.project,
        container_label_com_docker_compose_service = |s| &s.names.service,
        container_label_com_docker_compose_container_number = |s| &s.names.number,
    }
    more = |s| &s.names.more;
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
    /// Time at which the present run of the container started, in seconds since 1970. Source: /containers/ID/json State.StartedAt.
    gauge container_start_time_seconds [C05] = |s| s.started;
    /// Processes and threads that the container may have; absent without a limit. Source: /containers/ID/json HostConfig.PidsLimit.
    gauge container_threads_max = |s| s.limits.pids;
} }

metrics! { Use {
    labels {
        id = |u| &u.names.id, name = |u| &u.names.name, image = |u| &u.names.image,
        container_label_com_docker_compose_project = |u| &u.names.project,
        container_label_com_docker_compose_service = |u| &u.names.service,
        container_label_com_docker_compose_container_number = |u| &u.names.number,
    }
    more = |u| &u.names.more;
    /// Time at which the container was seen running, in seconds since 1970. The label id is /docker/ID, whatever control group the container is in. Source: /containers/json State.
    gauge container_last_seen = |u| u.seen;
    /// Health as cAdvisor has it: 1 healthy, 0 starting or unhealthy, -1 no health check. Source: /containers/ID/json State.Health.Status.
    gauge container_health_state [C06] = |u| u.health_state();
    /// CPU time of the container in seconds. Source: cgroup or stats cpu_stats.cpu_usage.total_usage.
    counter container_cpu_usage_seconds_total {cpu} [C04 C08] = |u| [("total", u.usage.cpu.total)];
    /// CPU time in user mode in seconds. Source: cgroup or stats cpu_stats.cpu_usage.usage_in_usermode.
    counter container_cpu_user_seconds_total [C04] = |u| u.usage.cpu.user;
    /// CPU time in kernel mode in seconds. Source: cgroup or stats cpu_stats.cpu_usage.usage_in_kernelmode.
    counter container_cpu_system_seconds_total [C04] = |u| u.usage.cpu.system;
    /// CPU periods in which the container ran; absent without a CPU limit. Source: cgroup or stats cpu_stats.throttling_data.periods.
    counter container_cpu_cfs_periods_total [C18] = |u| u.throttling(u.usage.cpu.periods);
    /// CPU periods in which the container had to wait for the next one; absent without a CPU limit. Source: cgroup or stats cpu_stats.throttling_data.throttled_periods.
    counter container_cpu_cfs_throttled_periods_total [C18] = |u| u.throttling(u.usage.cpu.throttled);
    /// Time that the container had to wait for its next CPU period in seconds; absent without a CPU limit. Source: cgroup or stats cpu_stats.throttling_data.throttled_time.
    counter container_cpu_cfs_throttled_seconds_total [C18] = |u| u.throttling(u.usage.cpu.throttled_seconds);
    /// Memory in bytes, page cache included. Source: cgroup or stats memory_stats.usage.
    gauge container_memory_usage_bytes [C04 C08] = |u| u.usage.memory.usage;
    /// Memory without page cache that has not been used lately, in bytes; what docker stats shows. Source: cgroup or stats memory_stats.usage less inactive_file.
    gauge container_memory_working_set_bytes [C04 C08] = |u| u.usage.memory.working_set;
    /// Most memory ever in use, in bytes; absent where the Engine is asked on cgroup v2. Source: cgroup memory.max_usage_in_bytes or memory.peak, stats memory_stats.max_usage.
    gauge container_memory_max_usage_bytes = |u| u.usage.memory.max;
    /// Anonymous memory in bytes. Source: cgroup or stats memory_stats.stats total_rss or anon.
    gauge container_memory_rss = |u| u.usage.memory.rss;
    /// Page cache in bytes. Source: cgroup or stats memory_stats.stats total_cache or file.
    gauge container_memory_cache = |u| u.usage.memory.cache;
    /// Mapped files in bytes. Source: cgroup or stats memory_stats.stats total_mapped_file or file_mapped.
    gauge container_memory_mapped_file = |u| u.usage.memory.mapped;
    /// Swap in bytes; absent where the kernel does not account for it, and on cgroup v2 where the Engine is asked. Source: cgroup or stats memory_stats.stats total_swap.
    gauge container_memory_swap = |u| u.usage.memory.swap;
    /// Times that the memory limit was hit; absent on cgroup v2 where the Engine is asked. Source: cgroup memory.failcnt or memory.events max, stats memory_stats.failcnt.
    established container_memory_failcnt = |u| u.usage.memory.limit_hits;
    /// Processes that the kernel killed for want of memory in the present run; absent where the Engine is asked. Source: cgroup memory.oom_control or memory.events oom_kill.
    counter container_oom_events_total [C10] = |u| u.usage.oom_kills;
    /// Processes of the container; absent where the Engine is asked. Source: cgroup.procs.
    gauge container_processes = |u| u.usage.processes;
    /// Sockets in the network of the container; absent with the network of the host or of another container and where the Engine is asked. Source: /proc/PID/net/sockstat.
    gauge container_sockets = |u| u.usage.sockets.filter(|_| u.owns_network);
    /// Open files of all processes; absent without the right to see them and where the Engine is asked. Source: /proc/PID/fd.
    gauge container_file_descriptors = |u| u.usage.descriptors;
    /// Time in which some process waited for CPU time in seconds; absent where the Engine is asked. Source: cgroup cpu.pressure some.
    counter container_pressure_cpu_waiting_seconds_total = |u| u.usage.pressure.cpu.waiting;
    /// Time in which no process got CPU time in seconds. Source: cgroup cpu.pressure full.
    counter container_pressure_cpu_stalled_seconds_total = |u| u.usage.pressure.cpu.stalled;
    /// Time in which some process waited for memory in seconds. Source: cgroup memory.pressure some.
    counter container_pressure_memory_waiting_seconds_total = |u| u.usage.pressure.memory.waiting;
    /// Time in which all processes waited for memory in seconds. Source: cgroup memory.pressure full.
    counter container_pressure_memory_stalled_seconds_total = |u| u.usage.pressure.memory.stalled;
    /// Time in which some process waited for block I/O in seconds. Source: cgroup io.pressure some.
    counter container_pressure_io_waiting_seconds_total = |u| u.usage.pressure.io.waiting;
    /// Time in which all processes waited for block I/O in seconds. Source: cgroup io.pressure full.
    counter container_pressure_io_stalled_seconds_total = |u| u.usage.pressure.io.stalled;
    /// Bytes that the container has written to its own layer; of id / those in use on the file system of all containers. Source: /system/df, statvfs.
    gauge container_fs_usage_bytes {device} = |u| u.storage(|s| s.used);
    /// Size of the file system on which the layers of containers are, in bytes. Source: statvfs of DockerRootDir.
    gauge container_fs_limit_bytes {device} = |u| u.storage(|s| s.size);
    /// Processes and threads of the container. Source: cgroup or stats pids_stats.current.
    gauge container_threads = |u| u.usage.threads;
    /// Bytes received; absent with the network of the host or of another container. Source: cgroup or stats networks rx_bytes.
    counter container_network_receive_bytes_total {interface} [C17] = |u| u.networks(|n| n.received.bytes);
    /// Packets received. Source: cgroup or stats networks rx_packets.
    counter container_network_receive_packets_total {interface} [C17] = |u| u.networks(|n| n.received.packets);
    /// Received packets that were dropped. Source: cgroup or stats networks rx_dropped.
    counter container_network_receive_packets_dropped_total {interface} [C17] = |u| u.networks(|n| n.received.dropped);
    /// Errors while receiving. Source: cgroup or stats networks rx_errors.
    counter container_network_receive_errors_total {interface} [C17] = |u| u.networks(|n| n.received.errors);
    /// Bytes sent; absent with the network of the host or of another container. Source: cgroup or stats networks tx_bytes.
    counter container_network_transmit_bytes_total {interface} [C17] = |u| u.networks(|n| n.sent.bytes);
    /// Packets sent. Source: cgroup or stats networks tx_packets.
    counter container_network_transmit_packets_total {interface} [C17] = |u| u.networks(|n| n.sent.packets);
    /// Packets to be sent that were dropped. Source: cgroup or stats networks tx_dropped.
    counter container_network_transmit_packets_dropped_total {interface} [C17] = |u| u.networks(|n| n.sent.dropped);
    /// Errors while sending. Source: cgroup or stats networks tx_errors.
    counter container_network_transmit_errors_total {interface} [C17] = |u| u.networks(|n| n.sent.errors);
    /// Bytes read from a block device; absent before the first, and where a kernel with cgroup v1 does not count. Source: cgroup or stats blkio_stats.io_service_bytes_recursive.
    counter container_fs_reads_bytes_total {device} [C17] = |u| u.disks(|d| d.read_bytes);
    /// Bytes written to a block device; absent before the first, and where a kernel with cgroup v1 does not count. Source: cgroup or stats blkio_stats.io_service_bytes_recursive.
    counter container_fs_writes_bytes_total {device} [C17] = |u| u.disks(|d| d.written_bytes);
    /// Reads from a block device; absent before the first, and on cgroup v2 where the Engine is asked. Source: cgroup or stats blkio_stats.io_serviced_recursive.
    counter container_fs_reads_total {device} [C17] = |u| u.disks(|d| d.reads);
    /// Writes to a block device; absent before the first, and on cgroup v2 where the Engine is asked. Source: cgroup or stats blkio_stats.io_serviced_recursive.
    counter container_fs_writes_total {device} [C17] = |u| u.disks(|d| d.writes);
} }

metrics! { Faults {
    labels {
        id = |f| &f.names.id, name = |f| &f.names.name, image = |f| &f.names.image,
        container_label_com_docker_compose_project = |f| &f.names.project,
        container_label_com_docker_compose_service = |f| &f.names.service,
        container_label_com_docker_compose_container_number = |f| &f.names.number,
        scope = |f| f.scope,
    }
    more = |f| &f.names.more;
    /// Page faults (pgfault) and those that had to read from disk (pgmajfault). Both scopes are of the whole container, with groups that it made itself. Source: cgroup memory.stat, stats memory_stats.stats.
    counter container_memory_failures_total {failure_type} = |f| [("pgfault", f.usage.memory.faults), ("pgmajfault", f.usage.memory.major_faults)];
} }
