//! The metrics of processes. `namedprocess_namegroup_*` are process-exporter's names.

use super::sample::{Declared, Group, Machine, Port, Presence};
use crate::catalogue::metrics;

metrics! { Declared {
    labels { groupname = |g| &g.group }
    /// The smallest number of processes that is right; absent where none is needed. Source: the key count.
    gauge stack_process_wanted [H02] = |g| g.least;
    /// The largest number of processes that is right; absent without one. Source: the key count.
    gauge stack_process_wanted_most = |g| g.most;
    /// Bytes that the group may have resident; absent without a limit. Source: the key memory.
    gauge stack_process_memory_limit_bytes [H02 H03] = |g| g.memory;
} }

metrics! { Presence {
    labels { groupname = |p| &p.group, project = |p| &p.lives.0, service = |p| &p.lives.1 }
    /// Whether at least one process of the group is there; absent where none is needed. Source: /proc.
    gauge stack_process_up [H02 H03 R04] = |p| p.up;
} }

metrics! { Group {
    labels { groupname = |g| &g.group }
    /// Processes of the group, 0 also when there never was one. Source: /proc.
    gauge namedprocess_namegroup_num_procs [H02 H03] = |g| g.sums.processes;
    /// Processes that are missing for the smallest number that is right. Source: /proc and the key count.
    gauge stack_process_lacking [H02] = |g| g.lacking;
    /// Processes beyond the largest number that is right. Source: /proc and the key count.
    gauge stack_process_surplus [H02] = |g| g.surplus;
    /// CPU time in seconds since the exporter looks. Source: /proc/PID/stat utime, stime.
    counter namedprocess_namegroup_cpu_seconds_total {mode} = |g| [("user", g.seconds(g.counts.user)), ("system", g.seconds(g.counts.system))];
    /// Memory in bytes; what several share counts for each. Source: /proc/PID/stat vsize, rss; /proc/PID/status VmSwap.
    gauge namedprocess_namegroup_memory_bytes {memtype} [H02 H03 R04 R05] = |g| [("resident", g.sums.resident), ("virtual", g.sums.virtual_size), ("swapped", g.sums.swapped)];
    /// Bytes of the processes' own memory that cannot be given back, in memory or swapped out; nothing of it counts twice. Source: /proc/PID/status RssAnon, VmSwap.
    gauge stack_process_unreclaimable_bytes [H02 H03] = |g| g.sums.unreclaimable;
    /// Open files; absent where the exporter may not see them. Source: /proc/PID/fd.
    gauge namedprocess_namegroup_open_filedesc = |g| g.sums.open_files;
    /// Open files of the process that comes nearest to its limit, as a ratio of that. Source: /proc/PID/fd, /proc/PID/limits.
    gauge namedprocess_namegroup_worst_fd_ratio [R04 R05] = |g| g.sums.worst_fd_ratio;
    /// When the oldest process began, in seconds since 1970; absent without any. Source: /proc/PID/stat starttime.
    gauge namedprocess_namegroup_oldest_start_time_seconds [H02] = |g| g.oldest_start;
    /// Threads. Source: /proc/PID/stat num_threads.
    gauge namedprocess_namegroup_num_threads = |g| g.sums.threads;
    /// Processes by state. Source: /proc/PID/stat state.
    gauge namedprocess_namegroup_states {state} = |g| g.states();
    /// Bytes read from a disk since the exporter looks; absent where it may not see them. Source: /proc/PID/io read_bytes.
    counter namedprocess_namegroup_read_bytes_total = |g| g.counts.read;
    /// Bytes written to a disk since the exporter looks; absent where it may not see them. Source: /proc/PID/io write_bytes.
    counter namedprocess_namegroup_write_bytes_total = |g| g.counts.written;
    /// Page faults that had to wait for a disk since the exporter looks. Source: /proc/PID/stat majflt.
    counter namedprocess_namegroup_major_page_faults_total = |g| g.counts.major_faults;
    /// Page faults that did not since the exporter looks. Source: /proc/PID/stat minflt.
    counter namedprocess_namegroup_minor_page_faults_total = |g| g.counts.minor_faults;
    /// Switches to another process since the exporter looks, because it waited or because its time was over. Source: /proc/PID/status.
    counter namedprocess_namegroup_context_switches_total {ctxswitchtype} = |g| [("voluntary", g.counts.voluntary), ("nonvoluntary", g.counts.involuntary)];
    /// Processes that came into the group since the exporter looks, also before its last restart; told apart by number and start time. Source: /proc.
    counter stack_process_starts_total [H02] = |g| g.starts;
    /// Of these the starts of all of it: the oldest process was a new one. Workers that come and go under one that stays do not count. Source: /proc.
    counter stack_process_main_starts_total [H02] = |g| g.main_starts;
    /// Processes that went from the group since the exporter looks, also before its last restart. Source: /proc.
    counter stack_process_ends_total [H02] = |g| g.ends;
    /// Ended processes that nobody has asked about, of the group or started by it. Source: /proc/PID/stat state.
    gauge stack_process_zombies = |g| g.sums.unreaped;
    /// For how long the oldest of them has been seen, in seconds; 0 without any. Source: /proc/PID/stat state.
    gauge stack_process_zombie_age_seconds = |g| g.sums.unreaped_age;
    /// For how long one has been seen asleep in the kernel without getting on, in seconds; 0 without any. Source: /proc/PID/stat state, utime, stime.
    gauge stack_process_blocked_age_seconds = |g| g.sums.blocked_age;
} }

metrics! { Port {
    labels { groupname = |p| &p.group, project = |p| &p.lives.0, service = |p| &p.lives.1, address = |p| &p.address, port = |p| &p.port }
    /// Whether a process of the group listens on this port, 0 also when none ever did. Source: /proc/PID/net/tcp, tcp6, /proc/PID/fd.
    gauge stack_listener_up [B06] = |p| p.up;
    /// Whether somebody listens there who is not of the group. Source: the same.
    gauge stack_listener_taken [B06] = |p| p.taken;
} }

metrics! { Machine {
    labels {}
    /// Processes that the exporter can see, itself left out. Source: /proc.
    gauge stack_process_visible = |m| m.processes;
    /// Of these the ones that have ended and that nobody has asked about. Source: /proc/PID/stat state.
    gauge stack_process_visible_zombies = |m| m.zombies;
} }
