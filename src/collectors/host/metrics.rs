//! The metrics of the host, under `node_exporter`'s names where it has them.

use super::fetch::Uname;
use super::sample::{Cpu, Disk, Filesystem, Interface, Machine};
use crate::catalogue::metrics;

metrics! { Cpu {
    labels { cpu = |c| &c.cpu }
    /// Time that the CPU has spent in each mode, in seconds; iowait and idle may go back a little. Source: /proc/stat cpu.
    counter node_cpu_seconds_total {mode} [H05 H04] = |c| c.modes.iter().copied();
} }

metrics! { Machine {
    labels {}
    /// CPU cores that are online, also where no Docker Engine tells machine_cpu_cores. Source: /proc/stat cpu.
    gauge stack_host_cpu_cores [H05] = |m| m.cores;
    /// When the host was started, in seconds since the epoch. Source: /proc/stat btime.
    gauge node_boot_time_seconds = |m| m.boot;
    /// The host's clock, in seconds since the epoch. Source: clock_gettime.
    gauge node_time_seconds = |m| m.now;
    /// Load average over one minute, in processes that run or wait. Source: /proc/loadavg.
    gauge node_load1 [H04] = |m| m.load.map(|load| load[0]);
    /// Load average over five minutes, in processes that run or wait. Source: /proc/loadavg.
    gauge node_load5 [H04] = |m| m.load.map(|load| load[1]);
    /// Load average over fifteen minutes, in processes that run or wait. Source: /proc/loadavg.
    gauge node_load15 [H04] = |m| m.load.map(|load| load[2]);
    /// Time since the host was started, in seconds. Source: /proc/stat btime.
    gauge stack_host_uptime_seconds = |m| m.uptime();
} }

metrics! { Uname {
    labels {
        sysname = |u| &u.sysname, release = |u| &u.release, version = |u| &u.version,
        machine = |u| &u.machine, nodename = |u| &u.nodename, domainname = |u| u.domain(),
    }
    /// Always 1; the labels name the kernel and the host. Source: uname.
    gauge node_uname_info = |_u| 1;
} }

metrics! { Filesystem {
    labels { device = |f| &f.device, fstype = |f| &f.fstype, mountpoint = |f| &f.mountpoint }
    /// Size of the file system in bytes. Source: statvfs f_blocks.
    gauge node_filesystem_size_bytes [H04] = |f| f.space.map(|space| space.size);
    /// Space that all but root can still use, in bytes. Source: statvfs f_bavail.
    gauge node_filesystem_avail_bytes [H04 H10] = |f| f.space.map(|space| space.avail);
    /// Space that is free, with what is kept for root, in bytes. Source: statvfs f_bfree.
    gauge node_filesystem_free_bytes = |f| f.space.map(|space| space.free);
    /// Inodes of the file system; absent where it makes them as needed. Source: statvfs f_files.
    gauge node_filesystem_files = |f| f.inodes().map(|space| space.files);
    /// Inodes that are free; absent where the file system makes them as needed. Source: statvfs f_ffree.
    gauge node_filesystem_files_free = |f| f.inodes().map(|space| space.files_free);
    /// Whether the file system is mounted read-only, as the mount table has it. Source: /proc/1/mounts.
    gauge node_filesystem_readonly = |f| f.read_only;
    /// Whether the file system can no longer be written to though it could since the exporter was started, or /etc/fstab means it to be; absent where that cannot be seen. Source: /proc/1/mountinfo.
    gauge stack_host_filesystem_turned_readonly [H04] = |f| f.turned;
    /// Time until the file system is full if it goes on filling as it does, in seconds, 30 days at most: by the slower speed of the last hour and of the last six; absent before three hours are seen; at the shortest mount point of a device only. Source: statvfs f_bavail over time.
    gauge stack_host_filesystem_full_in_seconds [H04 H10] = |f| f.full_in();
    /// Whether the file system could not be asked, because it hangs or may not be seen. Source: statvfs.
    gauge node_filesystem_device_error [H04] = |f| f.space.is_none();
    /// Used part of what all but root can use, as df has it, as a ratio; at the shortest mount point of a device only. Source: statvfs f_blocks, f_bfree, f_bavail.
    gauge stack_host_filesystem_used_ratio [H04 H10] = |f| f.used_ratio();
    /// Used part of the inodes as a ratio; at the shortest mount point of a device only. Source: statvfs f_files, f_ffree.
    gauge stack_host_filesystem_inodes_used_ratio [H04] = |f| f.inodes_used_ratio();
} }

metrics! { Interface {
    labels { device = |i| &i.device }
    /// Bytes received. Source: /proc/1/net/dev column 1.
    counter node_network_receive_bytes_total [H10] = |i| i.number(0);
    /// Packets received. Source: /proc/1/net/dev column 2.
    counter node_network_receive_packets_total = |i| i.number(1);
    /// Received packets that were broken. Source: /proc/1/net/dev column 3.
    counter node_network_receive_errs_total = |i| i.number(2);
    /// Received packets that were thrown away. Source: /proc/1/net/dev column 4.
    counter node_network_receive_drop_total = |i| i.number(3);
    /// Bytes sent. Source: /proc/1/net/dev column 9.
    counter node_network_transmit_bytes_total [H10] = |i| i.number(8);
    /// Packets sent. Source: /proc/1/net/dev column 10.
    counter node_network_transmit_packets_total = |i| i.number(9);
    /// Packets that could not be sent. Source: /proc/1/net/dev column 11.
    counter node_network_transmit_errs_total = |i| i.number(10);
    /// Packets thrown away before they were sent. Source: /proc/1/net/dev column 12.
    counter node_network_transmit_drop_total = |i| i.number(11);
} }

metrics! { Disk {
    labels { device = |d| &d.device }
    /// Reads that were completed. Source: /proc/diskstats column 4.
    counter node_disk_reads_completed_total = |d| d.number(0);
    /// Bytes read. Source: /proc/diskstats column 6.
    counter node_disk_read_bytes_total = |d| d.bytes(2);
    /// Time that all reads took together, in seconds. Source: /proc/diskstats column 7.
    counter node_disk_read_time_seconds_total = |d| d.seconds(3);
    /// Writes that were completed. Source: /proc/diskstats column 8.
    counter node_disk_writes_completed_total = |d| d.number(4);
    /// Bytes written. Source: /proc/diskstats column 10.
    counter node_disk_written_bytes_total = |d| d.bytes(6);
    /// Time that all writes took together, in seconds. Source: /proc/diskstats column 11.
    counter node_disk_write_time_seconds_total = |d| d.seconds(7);
    /// Time with at least one request under way, in seconds. Source: /proc/diskstats column 13.
    counter node_disk_io_time_seconds_total = |d| d.seconds(9);
    /// Time with requests under way, multiplied by their number, in seconds. Source: /proc/diskstats column 14.
    counter node_disk_io_time_weighted_seconds_total = |d| d.seconds(10);
} }
