//! The machine itself, in the words of a container: cAdvisor's `id="/"`. From `/proc`, which says
//! the same whatever control groups are in use, and the whole also from within a container.

use super::super::facts::{Cpu, Memory, Pressure, Usage};
use super::{Cgroups, networks};
use crate::clients::kernel::meminfo::Meminfo;
use crate::clients::kernel::parse::value;
use crate::clients::kernel::stat::Stat;
use crate::clients::kernel::{Buffer, Reclaimable, load, network, pressure, ticks_per_second};

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Machine {
    /// Without block I/O, and without networks between containers.
    pub usage: Usage,
    pub cores: Option<u64>,
    /// Bytes.
    pub memory: Option<u64>,
}

impl Cgroups {
    pub fn machine(&self) -> Machine {
        let mut buffer = Buffer::new();
        let proc = |name: &str| self.proc.join(name);
        let stat = buffer.read(&proc("stat")).map(Stat::parse).unwrap_or_default();
        let info = buffer.read(&proc("meminfo")).map(Meminfo::parse).unwrap_or_default();
        let vmstat = buffer.read(&proc("vmstat")).unwrap_or_default();
        let memory = Memory {
            faults: value(vmstat, b"pgfault"),
            major_faults: value(vmstat, b"pgmajfault"),
            ..memory(&info)
        };
        // Since Linux 4.13.
        let oom_kills = value(vmstat, b"oom_kill");
        let threads = buffer.read(&proc("loadavg")).and_then(load::threads);
        let pressure = Pressure::read(|name| {
            buffer.read(&proc(&format!("pressure/{name}"))).map(pressure::parse)
        });
        // Process 1 is in the network of the host; without it ours is all that there is to see.
        let net = |name| [proc("1/net").join(name), proc("net").join(name)];
        let table = buffer.load_either(net("dev")).unwrap_or_default();
        let networks = networks(table, is_hosts);
        let sockets = buffer.load_either(net("sockstat")).ok().and_then(network::sockets);
        let cores = u64::try_from(stat.cores.len()).ok().filter(|cores| *cores > 0);
        let usage = Usage {
            cpu: cpu(&stat),
            memory,
            networks,
            sockets,
            threads,
            pressure,
            oom_kills,
            ..Usage::default()
        };
        Machine { usage, cores, memory: info.bytes("MemTotal") }
    }
}

/// Not those that lead to containers: their traffic is counted there.
fn is_hosts(name: &[u8]) -> bool {
    let made = [&b"veth"[..], b"br-"].iter().any(|prefix| name.starts_with(prefix));
    !made && !matches!(name, b"lo" | b"docker0")
}

fn cpu(stat: &Stat) -> Cpu {
    let Some((user, system)) = stat.all.and_then(|times| times.busy()) else {
        return Cpu::default();
    };
    let seconds = |ticks: u64| Some(ticks as f64 / ticks_per_second());
    Cpu {
        user: seconds(user),
        system: seconds(system),
        total: seconds(user.saturating_add(system)),
        ..Cpu::default()
    }
}

fn memory(info: &Meminfo) -> Memory {
    let of = |name: &str| info.bytes(name);
    let less = |all: &str, free: &str| Some(of(all)?.saturating_sub(of(free)?));
    let memory = Memory {
        usage: less("MemTotal", "MemFree"),
        rss: of("AnonPages"),
        cache: of("Cached").map(|cached| cached.saturating_add(of("Buffers").unwrap_or(0))),
        mapped: of("Mapped"),
        swap: less("SwapTotal", "SwapFree"),
        ..Memory::default()
    };
    memory.without(Reclaimable {
        inactive_file: of("Inactive(file)"),
        active_file: of("Active(file)"),
        slab: of("SReclaimable"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_that_are_missing_stay_out() {
        let info = Meminfo::parse(b"MemTotal: 100 kB\nMemFree: x kB\nAnonPages: 1\nSwapFree:");
        assert_eq!(memory(&info), Memory::default());
        assert_eq!(cpu(&Stat::parse(b"cpu  1 2 3\ncpu0 1 2 3 4\nintr 1")), Cpu::default());
    }

    #[test]
    fn interfaces_of_containers_are_left_out() {
        let kept = ["eth0", "enp3s0", "wg0", "br0", "bond0"];
        for name in kept {
            assert!(is_hosts(name.as_bytes()), "{name}");
        }
        for name in ["lo", "docker0", "veth1a2b", "br-0123456789ab"] {
            assert!(!is_hosts(name.as_bytes()), "{name}");
        }
    }
}
