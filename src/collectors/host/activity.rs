//! What the kernel counts of the whole machine besides CPU time: pressure, paging, processes, open files,
//! tracked connections. Each from a file of its own; one that is not there costs its own families only.

use std::path::Path;

use crate::catalogue::metrics;
use crate::clients::kernel::parse::{digits, number, pairs, words};
use crate::clients::kernel::{Buffer, Counts, Pressure, pressure};

#[derive(Clone, Debug, Default)]
pub struct Activity {
    pub counts: Counts,
    pages: Pages,
    pressure: Pressure,
    /// Since Linux 6.1, in seconds.
    irq_stalled: Option<f64>,
    files: Used,
    connections: Used,
    entropy: Used,
}

/// Since the machine was started.
#[derive(Clone, Debug, Default)]
struct Pages {
    oom_kills: Option<u64>,
    faults: Option<u64>,
    major_faults: Option<u64>,
    read: Option<u64>,
    written: Option<u64>,
    swapped_in: Option<u64>,
    swapped_out: Option<u64>,
}

/// What is taken, or there, of what there can be.
#[derive(Clone, Debug, Default)]
struct Used {
    now: Option<u64>,
    most: Option<u64>,
}

impl Activity {
    pub fn read(proc: &Path, buffer: &mut Buffer) -> Self {
        let mut load = |name: &str| buffer.read(&proc.join(name)).map(<[u8]>::to_vec);
        let mut one = |name: &str| load(name).and_then(|text| number(&text));
        let connections = Used {
            now: one("sys/net/netfilter/nf_conntrack_count"),
            most: one("sys/net/netfilter/nf_conntrack_max"),
        };
        let entropy = Used {
            now: one("sys/kernel/random/entropy_avail"),
            most: one("sys/kernel/random/poolsize"),
        };
        let mut stall = |name: &str| load(&format!("pressure/{name}")).map(|t| pressure::parse(&t));
        let irq_stalled = stall("irq").and_then(|stall| stall.stalled);
        Self {
            counts: Counts::default(),
            pressure: Pressure::read(stall),
            irq_stalled,
            pages: load("vmstat").map(|text| Pages::parse(&text)).unwrap_or_default(),
            files: load("sys/fs/file-nr").map(|text| files(&text)).unwrap_or_default(),
            connections,
            entropy,
        }
    }
}

impl Pages {
    fn parse(text: &[u8]) -> Self {
        let mut found = Self::default();
        for (name, value) in pairs(text) {
            let field = match name {
                b"oom_kill" => &mut found.oom_kills,
                b"pgfault" => &mut found.faults,
                b"pgmajfault" => &mut found.major_faults,
                b"pgpgin" => &mut found.read,
                b"pgpgout" => &mut found.written,
                b"pswpin" => &mut found.swapped_in,
                b"pswpout" => &mut found.swapped_out,
                _ => continue,
            };
            *field = Some(value);
        }
        found
    }
}

/// Open files, free places (none for a long time now), and the limit.
fn files(text: &[u8]) -> Used {
    let mut words = words(text).map(digits);
    Used { now: words.next().flatten(), most: words.nth(1).flatten() }
}

metrics! { Activity {
    labels {}
    /// Time in which some process waited for a CPU, in seconds. Source: /proc/pressure/cpu.
    counter node_pressure_cpu_waiting_seconds_total [H05] = |a| a.pressure.cpu.waiting;
    /// Time in which some process waited for a disk, in seconds. Source: /proc/pressure/io.
    counter node_pressure_io_waiting_seconds_total [H04] = |a| a.pressure.io.waiting;
    /// Time in which all processes that had something to do waited for a disk, in seconds. Source: /proc/pressure/io.
    counter node_pressure_io_stalled_seconds_total [H04] = |a| a.pressure.io.stalled;
    /// Time in which some process waited for memory, in seconds. Source: /proc/pressure/memory.
    counter node_pressure_memory_waiting_seconds_total [H06] = |a| a.pressure.memory.waiting;
    /// Time in which all processes that had something to do waited for memory, in seconds. Source: /proc/pressure/memory.
    counter node_pressure_memory_stalled_seconds_total [H06] = |a| a.pressure.memory.stalled;
    /// Time in which interrupts kept all processes from running, in seconds. Source: /proc/pressure/irq.
    counter node_pressure_irq_stalled_seconds_total [H05] = |a| a.irq_stalled;
    /// Processes that the kernel killed for want of memory, of control groups or of the host. Source: /proc/vmstat oom_kill.
    established node_vmstat_oom_kill [H06] = |a| a.pages.oom_kills;
    /// Page faults. Source: /proc/vmstat pgfault.
    established node_vmstat_pgfault = |a| a.pages.faults;
    /// Page faults that had to wait for a disk. Source: /proc/vmstat pgmajfault.
    established node_vmstat_pgmajfault [H06] = |a| a.pages.major_faults;
    /// Kibibytes read from disks. Source: /proc/vmstat pgpgin.
    established node_vmstat_pgpgin = |a| a.pages.read;
    /// Kibibytes written to disks. Source: /proc/vmstat pgpgout.
    established node_vmstat_pgpgout = |a| a.pages.written;
    /// Pages that were read back from swap space. Source: /proc/vmstat pswpin.
    established node_vmstat_pswpin [H06] = |a| a.pages.swapped_in;
    /// Pages that were moved to swap space. Source: /proc/vmstat pswpout.
    established node_vmstat_pswpout [H06] = |a| a.pages.swapped_out;
    /// Processes that run or could run now. Source: /proc/stat procs_running.
    gauge node_procs_running [H05] = |a| a.counts.running;
    /// Processes that wait for a disk now. Source: /proc/stat procs_blocked.
    gauge node_procs_blocked [H04] = |a| a.counts.blocked;
    /// Processes and threads that were begun. Source: /proc/stat processes.
    counter node_forks_total = |a| a.counts.forks;
    /// Times that a CPU changed from one thread to another. Source: /proc/stat ctxt.
    counter node_context_switches_total = |a| a.counts.switches;
    /// Interrupts that were served. Source: /proc/stat intr.
    counter node_intr_total = |a| a.counts.interrupts;
    /// File descriptions that are open on the whole host. Source: /proc/sys/fs/file-nr.
    gauge node_filefd_allocated = |a| a.files.now;
    /// File descriptions that can be open on the whole host. Source: /proc/sys/fs/file-nr.
    gauge node_filefd_maximum = |a| a.files.most.filter(|most| *most > 0);
    /// Network connections that the kernel keeps track of, for its filter and for networks of containers. Source: /proc/sys/net/netfilter/nf_conntrack_count.
    gauge node_nf_conntrack_entries = |a| a.connections.now;
    /// Network connections that the kernel can keep track of; beyond that new ones are lost. Source: /proc/sys/net/netfilter/nf_conntrack_max.
    gauge node_nf_conntrack_entries_limit = |a| a.connections.most.filter(|most| *most > 0);
    /// Random bits that are at hand; always the whole pool since Linux 5.18. Source: /proc/sys/kernel/random/entropy_avail.
    gauge node_entropy_available_bits = |a| a.entropy.now;
    /// Random bits that can be kept. Source: /proc/sys/kernel/random/poolsize.
    gauge node_entropy_pool_size_bits = |a| a.entropy.most;
} }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_understood_is_absent() {
        let pages = Pages::parse(b"pgfault 7\noom_kill x\npgpgin 3\n\xff 4\n");
        assert_eq!((pages.faults, pages.oom_kills, pages.read), (Some(7), None, Some(3)));
        let open = files(b"2505\t0\t9223372036854775807\n");
        assert_eq!((open.now, open.most), (Some(2505), Some(9_223_372_036_854_775_807)));
        let open = files(b"12\n");
        assert_eq!((open.now, open.most), (Some(12), None));
    }

    /// Each file that is there is told, whichever others are missing.
    #[test]
    fn a_file_that_is_missing_costs_its_own_families_only() {
        let proc = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(proc.path().join("pressure")).unwrap();
        let text = "some avg10=0 avg60=0 avg300=0 total=2000000\nfull avg10=0 avg60=0 avg300=0 total=1000000\n";
        std::fs::write(proc.path().join("pressure/io"), text).unwrap();
        std::fs::write(proc.path().join("vmstat"), "oom_kill 2\n").unwrap();
        let found = Activity::read(proc.path(), &mut Buffer::new());
        assert_eq!(found.pressure.io.stalled, Some(1.0));
        assert_eq!((found.pressure.memory.stalled, found.irq_stalled), (None, None));
        assert_eq!((found.pages.oom_kills, found.files.now), (Some(2), None));
    }
}
