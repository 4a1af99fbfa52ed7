//! The metrics of the Docker Engine under names of our own; see `cadvisor.rs` for the others.

use super::detail::Limits;
use super::processes::Process;
use super::rows::{Engine, Life, Lives, Origin, Published, Version};
use super::services::Service;
use crate::catalogue::metrics;

metrics! { Version {
    labels { version = |v| &v.facts.version, api_version = |v| &v.facts.api }
    /// Version of the Engine and of the API that is spoken with it, always 1. Source: /version.
    gauge stack_docker_engine_info = |_v| 1;
} }

metrics! { Origin {
    labels { source = |o| o.source.name, why = |o| o.source.why }
    /// Where CPU, memory, network and block I/O come from, always 1: cgroup_v1, cgroup_hybrid and cgroup_v2 are the kernel's files, api is the Engine, and why says what was in the way of the files: not_found (the Engine is on another machine, or they are not mounted), rights, timeout. Source: cgroup_path and proc_path.
    gauge stack_docker_source_info [C04] = |_o| 1;
} }

metrics! { Engine {
    labels {}
    /// CPU cores of the machine; absent where a proxy hides them. Source: /info NCPU.
    gauge machine_cpu_cores [C04] = |e| e.cores;
    /// Memory of the machine in bytes; absent where a proxy hides it. Source: /info MemTotal.
    gauge machine_memory_bytes [C04] = |e| e.memory;
    /// Memory limits of the running containers together, in parts of the memory of the machine; those without a limit add nothing. Source: /containers/ID/json HostConfig.Memory, /info MemTotal.
    gauge stack_docker_memory_limits_ratio [C08] = |e| e.memory_promised();
    /// CPU limits of the running containers together, in parts of the cores of the machine; those without a limit add nothing. Source: /containers/ID/json HostConfig.NanoCpus and CpuQuota, /info NCPU.
    gauge stack_docker_cpu_limits_ratio [C08] = |e| e.cores_promised();
    /// Whether something of some container could not be read this time. Source: inspections, and the kernel's files or stats.
    gauge container_scrape_error = |e| e.incomplete;
    /// Time that the Engine took for the list of containers in seconds. Source: /containers/json.
    gauge stack_docker_list_duration_seconds [C01] = |e| e.took;
    /// Answers about one container that failed or took too long, by call, since the exporter started; files are those of the kernel. Source: /containers/ID/json and /containers/ID/stats.
    counter stack_docker_skipped_total {call} [C04] = |e| e.skipped;
    /// Containers that are left out because the setting exclude or their label stack-exporter.ignore wants it so. Source: /containers/json.
    gauge stack_docker_containers_excluded = |e| e.excluded;
    /// Containers that a pattern of the setting exclude speaks of, and declared services without a container; 0 for one that matches nothing. Source: /containers/json and Compose files.
    gauge stack_docker_exclude_matches {pattern} = |e| e.excluding();
    /// Whether the Engine's events arrive; without them changes are found by comparing inspections. Source: /events.
    gauge stack_docker_events_connected [C05] = |e| e.stream.connected;
    /// Events of containers and images that arrived. Source: /events.
    counter stack_docker_events_total [C05] = |e| e.stream.events;
    /// Times that the stream of events ended; what was missed was found by inspections. Source: /events.
    counter stack_docker_event_gaps_total [C05] = |e| e.stream.gaps;
    /// Bytes on disk by kind: images, containers (their own layers), volumes and build_cache; absent before the first walk and where a proxy hides it. Source: /system/df.
    gauge stack_docker_disk_usage_bytes {kind} = |e| e.disk_parts(|part| part.used);
    /// Bytes on disk by kind that nothing uses: what docker system prune would free. Source: /system/df.
    gauge stack_docker_disk_reclaimable_bytes {kind} = |e| e.disk_parts(|part| part.reclaimable);
} }

metrics! { Service {
    labels { project = |s| &s.project, service = |s| &s.name }
    /// Replicas of a Compose service: wanted by the Compose file or else by the containers that exist, running, and healthy where there is a health check. Source: Compose files and /containers/json Labels.
    gauge stack_service_replicas {state} [C01 C06] = |s| [("wanted", Some(s.wanted)), ("running", Some(s.running)), ("healthy", s.healthy)];
    /// Whether at least one replica of the Compose service runs, or none is wanted. Source: Compose files and /containers/json State.
    gauge stack_service_up [C01] = |s| s.up();
    /// The one thing to be said of the Compose service, always 1; the other states are absent: running, degraded, restarting (again and again), failed_start, crashed, down (ended with the Engine or the machine and was not brought back), stopped (by somebody), paused, created (never started), missing, deploying, job_failed, done (a job), off (none wanted). Source: Compose files, /containers/json, /containers/ID/json and /events.
    gauge stack_service_state {state} [C01 C12] = |s| [(s.state.as_str(), 1)];
    /// Replicas of the Compose service that are wanted and do not run, while others do. Source: Compose files and /containers/json State.
    gauge stack_service_replicas_missing [C01] = |s| s.missing();
    /// Time at which the newest container of the Compose service was made, in seconds since 1970: its last deployment. Source: /containers/json Created.
    gauge stack_service_deployed_timestamp_seconds [C13] = |s| s.deployed;
    /// Whether the Compose service was deployed just now, so that it may be incomplete. Source: /containers/json Created and deploy_window.
    gauge stack_service_deploying [C13] = |s| s.deploying;
    /// Memory limit that a Compose file declares, in bytes. Source: deploy.resources.limits.memory or mem_limit.
    gauge stack_service_declared_memory_limit_bytes [C08] = |s| s.declared.as_ref().and_then(|d| d.memory_limit);
    /// CPU limit that a Compose file declares, in cores. Source: deploy.resources.limits.cpus or cpus.
    gauge stack_service_declared_cpu_limit_cores [C08] = |s| s.declared.as_ref().and_then(|d| d.cpu_limit);
    /// Memory reservation that a Compose file declares, in bytes. Source: deploy.resources.reservations.memory or mem_reservation.
    gauge stack_service_declared_memory_reservation_bytes [C09] = |s| s.declared.as_ref().and_then(|d| d.memory_reservation);
    /// CPU reservation that a Compose file declares, in cores; the Engine knows nothing of it. Source: deploy.resources.reservations.cpus.
    gauge stack_service_declared_cpu_reservation_cores [C09] = |s| s.declared.as_ref().and_then(|d| d.cpu_reservation);
} }

metrics! { Lives {
    labels { project = |l| &l.project, service = |l| &l.service }
    /// Starts of containers of the service; a container without Compose is a service of its own. Source: /events start, /containers/ID/json State.StartedAt.
    counter stack_service_starts_total [C05] = |l| l.counts.starts;
    /// Starts by the restart policy: each one is a crash. Unlike the Engine's count it goes on over a recreation. Source: /events, /containers/ID/json RestartCount.
    counter stack_service_restarts_total [C05 C12] = |l| l.counts.restarts;
    /// Ends of containers of the service by class: done (exit code 0), stopped (somebody asked for it; before Engine 23 also the Engine as it stops), oom, killed and terminated (nobody known asked), fault (a defect such as SIGSEGV), error, engine (with the Engine or the machine), unknown (not seen). Source: /events die, /containers/ID/json State.ExitCode.
    counter stack_service_deaths_total {class} [C12] = |l| l.counts.deaths();
    /// Signals sent to containers of the service through the Engine. Source: /events kill.
    counter stack_service_kills_total {signal} [C05] = |l| [("SIGKILL", l.counts.kills.kill), ("SIGTERM", l.counts.kills.term), ("other", l.counts.kills.other)];
    /// Processes of the service that the kernel killed for want of memory: main ended the container, child did not. A child counts as the kernel has counted it, not as the Engine's oom events have it: absent where the kernel's files are out of reach (stack_docker_source_info), and too low by what was killed between the last reading and the end of a run. Source: cgroup oom_kill, /events die and oom.
    counter stack_service_oom_kills_total {process} [C10] = |l| l.oom_kills();
    /// Notices of the Engine that a container of the service was short of memory, which are no kills: on cgroup v1 several come for one kill, and some with none. Source: /events oom.
    counter stack_service_oom_notices_total [C10] = |l| l.counts.ooms.notices;
    /// Changes of the status of health checks, by the new status. Source: /events health_status.
    counter stack_service_health_changes_total {status} [C07] = |l| [("healthy", l.counts.health.healthy), ("unhealthy", l.counts.health.unhealthy)];
    /// Whether a container of the service is restarted again and again: it waits for its next start, or has had three in ten minutes. Source: /events, /containers/ID/json State.Restarting.
    gauge stack_service_restart_loop [C12] = |l| l.looping;
    /// Whether somebody, such as a script, has restarted a container of the service five times within an hour; half an hour after the last time it is over. Source: /events kill, die, start.
    gauge stack_service_restarted_often [C05] = |l| l.restarted_often;
} }

metrics! { Life {
    labels { name = |l| &l.names().name, project = |l| &l.names().project, service = |l| &l.service }
    /// 1 for the state that the container is in, 0 for the others; in a restart loop that is restarting. Source: /containers/ID/json State.Status.
    gauge stack_container_state {state} [C01 C12] = |l| l.states();
    /// 1 for the status of the health check, 0 for the others; none without a check, absent unless the container is alive. Source: /containers/ID/json State.Health.Status.
    gauge stack_container_health {status} [C06 C07] = |l| l.healths();
    /// Health checks that failed in a row; up to a minute old. Source: /containers/ID/json State.Health.FailingStreak.
    gauge stack_container_health_failing_streak [C07] = |l| l.check().and_then(|check| check.failing_streak);
    /// Duration of the last health check in seconds; up to a minute old. Source: /containers/ID/json State.Health.Log.
    gauge stack_container_health_check_duration_seconds [C07] = |l| l.check().and_then(|check| check.took);
    /// Time in seconds after which a health check counts as failed. Source: /containers/ID/json Config.Healthcheck.Timeout.
    gauge stack_container_health_check_timeout_seconds [C07] = |l| l.check().map(|check| check.timeout);
    /// Time in seconds for which the health check has said neither yes nor no; absent otherwise. Source: /containers/ID/json State.StartedAt and State.Health.
    gauge stack_container_starting_seconds [C13] = |l| l.starting();
    /// Time in seconds from the start of the present run to its first healthy status; absent where that was not seen. Source: /events health_status, /containers/ID/json State.Health.Log.
    gauge stack_container_healthy_after_seconds [C13] = |l| l.healthy_after();
    /// Whether the container has been running for more than an hour: how it started is history. Source: /containers/ID/json State.StartedAt.
    gauge stack_container_settled [C13] = |l| l.settled();
    /// Time at which the container was created, in seconds since 1970. Source: /containers/json Created.
    gauge stack_container_created_timestamp_seconds = |l| l.container.created;
    /// Time at which the container ended, in seconds since 1970; absent while it is alive. Source: /containers/ID/json State.FinishedAt.
    gauge stack_container_finished_timestamp_seconds [C12] = |l| l.finished();
    /// Exit code of the last run; 137 is any SIGKILL and 143 any SIGTERM, 127 and 128 with the state created are failed starts; absent while it runs. Source: /containers/ID/json State.ExitCode.
    gauge stack_container_exit_code [C12] = |l| l.container.exit_code();
    /// Whether the container has ended with an error, by itself or cut off with the Engine, and is no replica of a service that should run: jobs, containers without Compose, and for an hour those of docker compose run. Source: /events die and /containers/ID/json State.
    gauge stack_container_failed [C12] = |l| l.failed;
    /// 1 for the reason why the container could not be started: port_in_use, binary_missing, mount, permission, image, other; absent otherwise. Source: /containers/ID/json State.Error.
    gauge stack_container_failed_start {reason} [C12] = |l| l.failed_start().map(|reason| (reason, 1)).into_iter();
    /// The Engine's own mark of a kill for want of memory: before Engine 24 it misses children and stays over a restart, from 24 on a child sets it too. Source: /containers/ID/json State.OOMKilled.
    gauge stack_container_oom_killed [C10] = |l| l.detail().and_then(|detail| detail.oom_killed);
    /// Restarts by the restart policy; begins again at 0 when somebody starts or recreates the container. Source: /containers/ID/json RestartCount.
    counter stack_container_restarts_total [C05 C12] = |l| l.detail().and_then(|detail| detail.restarts);
    /// Memory that the kernel cannot take back, in bytes: what is in use without files that it could drop from memory, and without slab that it could free; on cgroup v1 such slab is not told and counts. Source: cgroup memory.current or memory.usage_in_bytes less inactive_file, active_file and slab_reclaimable of memory.stat, the same of stats memory_stats.
    gauge stack_container_memory_unreclaimable_bytes [C08 C16] = |l| l.usage.as_ref().and_then(|usage| usage.memory.unreclaimable);
    /// Memory that the kernel cannot take back in parts of the memory limit; absent without a limit. Page cache is not in it. Source: as stack_container_memory_unreclaimable_bytes, and HostConfig.Memory.
    gauge stack_container_memory_limit_ratio [C08 C16] = |l| l.memory_ratio();
    /// Whether the container has a memory limit. Source: /containers/ID/json HostConfig.Memory.
    gauge stack_container_memory_limit_set [C11] = |l| l.limits().map(|limits| limits.memory > 0);
    /// Cores that the container may use; absent without a limit. Source: /containers/ID/json HostConfig.NanoCpus or CpuQuota.
    gauge stack_container_cpu_limit_cores [C08] = |l| l.limits().and_then(Limits::cores);
    /// The image that runs, by the first digits of its digest, always 1. Source: /containers/ID/json Image.
    gauge stack_container_image_info {image_id} [C02] = |l| l.image_id().map(|id| (id, 1)).into_iter();
    /// Age of the image that runs, since it was built, in seconds. Source: /images/json Created.
    gauge stack_container_image_age_seconds [C02] = |l| l.image_age();
    /// Whether the tag that the container was made from now means another image: pulled or built, and not deployed. Source: /images/json RepoTags.
    gauge stack_container_image_outdated [C02] = |l| l.image.outdated;
    /// 1 for the driver that takes the output of the container. Source: /containers/ID/json HostConfig.LogConfig.Type.
    gauge stack_container_log_driver_info {driver} = |l| l.detail().map(|detail| (detail.log.driver.as_str(), 1)).into_iter();
    /// Whether the log of the container can only grow so far; absent where its driver takes it elsewhere. Source: /containers/ID/json HostConfig.LogConfig.
    gauge stack_container_log_bounded = |l| l.detail().and_then(|detail| detail.log.bounded);
    /// Bytes of the container's log files, rotated ones included; absent where they cannot be seen. Source: the files at /containers/ID/json LogPath.
    gauge stack_container_log_bytes = |l| l.log;
    /// Whether the container is privileged, or has the Engine's socket mounted, also in a folder above it. Source: /containers/ID/json HostConfig.Privileged and Mounts.
    gauge stack_container_privileged {way} = |l| l.detail().map(|d| [("privileged", d.privileged), ("engine_socket", d.mounts_engine)]).into_iter().flatten();
    /// Whether the container is privileged or has the Engine's socket mounted and is not among those that may. Source: as above and the setting privileged.
    gauge stack_container_privilege_unexpected = |l| l.unexpected_privilege;
} }

metrics! { Published {
    labels {
        name = |p| &p.names.name, project = |p| &p.names.project, service = |p| &p.service,
        port = |p| &p.port.port, address = |p| p.port.address,
    }
    /// Whether the published port of the container can be reached from further away than it should, by the class of the address that it is bound to: loopback, private, any. Source: /containers/json Ports and the setting ports.
    gauge stack_container_port_exposed [C03 C14] = |p| p.port.exposed;
} }

metrics! { Process {
    labels { project = |p| &p.project, service = |p| &p.service, pattern = |p| &p.pattern }
    /// Processes inside the containers of the service whose command line has the pattern; 0 where none runs, absent where they cannot be seen. Source: /proc/PID/cmdline, else /containers/ID/top.
    gauge stack_service_processes [C15] = |p| p.count;
} }
