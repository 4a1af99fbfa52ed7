//! The machine itself, in the words of a container: cAdvisor's `id="/"`. From `/proc`, which says
//! the same whatever control groups are in use, and the whole also from within a container.

use super::super::facts::{Cpu, Memory, Usage};
use super::Cgroups;
use super::buffer::Buffer;
use super::parse::{self, value};

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
        let mut read = |name: &str| buffer.read(&self.proc.join(name)).map(<[u8]>::to_vec);
        let (cpu, cores) = read("stat").map(|text| cpu(&text)).unwrap_or_default();
        let (mut memory, total) = read("meminfo").map(|text| memory(&text)).unwrap_or_default();
        let vmstat = read("vmstat").unwrap_or_default();
        memory.faults = value(&vmstat, b"pgfault");
        memory.major_faults = value(&vmstat, b"pgmajfault");
        // Process 1 is in the network of the host; without it ours is all that there is to see.
        let mut net =
            |name: &str| read(&format!("1/net/{name}")).or_else(|| read(&format!("net/{name}")));
        let usage = Usage {
            networks: net("dev").map(|text| parse::networks(&text, is_hosts)).unwrap_or_default(),
            sockets: net("sockstat").and_then(|text| parse::sockets(&text)),
            cpu,
            memory,
            threads: read("loadavg").and_then(|text| threads(&text)),
            pressure: parse::pressures(|name| {
                read(&format!("pressure/{name}")).map(|text| parse::pressure(&text))
            }),
            // Since Linux 4.13.
            oom_kills: value(&vmstat, b"oom_kill"),
            ..Usage::default()
        };
        Machine { usage, cores, memory: total }
    }
}

/// Not those that lead to containers: their traffic is counted there.
fn is_hosts(name: &[u8]) -> bool {
    let made = [&b"veth"[..], b"br-"].iter().any(|prefix| name.starts_with(prefix));
    !made && !matches!(name, b"lo" | b"docker0")
}

/// The first line of `/proc/stat` holds the ticks that all cores have spent: user, nice, system,
/// idle, waiting for I/O, in interrupts, in soft interrupts, and what another machine took.
fn cpu(stat: &[u8]) -> (Cpu, Option<u64>) {
    let ticks = rustix::param::clock_ticks_per_second() as f64;
    let mut cores = 0;
    let mut cpu = Cpu::default();
    for line in parse::lines(stat) {
        let Some(line) = line.strip_prefix(b"cpu") else { break };
        let mut words = line.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
        if line.first() != Some(&b' ') {
            cores += 1;
            continue;
        }
        let mut spent = [None; 7];
        for one in &mut spent {
            *one = words.next().and_then(parse::number);
        }
        if let [Some(user), Some(nice), Some(system), _, _, Some(hard), Some(soft)] = spent {
            let (user, system) = (user + nice, system + hard + soft);
            cpu.user = Some(user as f64 / ticks);
            cpu.system = Some(system as f64 / ticks);
            cpu.total = Some((user + system) as f64 / ticks);
        }
    }
    (cpu, Some(cores).filter(|cores| *cores > 0))
}

/// `/proc/meminfo`: `MemTotal:       24684084 kB`.
fn memory(text: &[u8]) -> (Memory, Option<u64>) {
    let of = |key: &[u8]| {
        let rest = parse::lines(text).find_map(|line| line.strip_prefix(key)?.strip_prefix(b":"));
        parse::number(rest?.strip_suffix(b"kB")?)?.checked_mul(1024)
    };
    let total = of(b"MemTotal");
    let usage = total.zip(of(b"MemFree")).map(|(all, free)| all.saturating_sub(free));
    let sum = |keys: &[&[u8]]| keys.iter().filter_map(|key| of(key)).sum::<u64>();
    let rss = of(b"AnonPages");
    let memory = Memory {
        usage,
        working_set: usage.zip(of(b"Inactive(file)")).map(|(all, idle)| all.saturating_sub(idle)),
        rss,
        cache: of(b"Cached").map(|cached| cached + of(b"Buffers").unwrap_or(0)),
        mapped: of(b"Mapped"),
        swap: of(b"SwapTotal").zip(of(b"SwapFree")).map(|(all, free)| all.saturating_sub(free)),
        unreclaimable: rss.map(|rss| {
            rss + sum(&[b"Shmem", b"SUnreclaim", b"KernelStack", b"PageTables", b"Percpu"])
        }),
        ..Memory::default()
    };
    (memory, total)
}

/// `0.42 0.30 0.20 1/333 4711`: running and all, before the newest number.
fn threads(loadavg: &[u8]) -> Option<u64> {
    let both = loadavg.split(|byte| *byte == b' ').nth(3)?;
    parse::number(both.split(|byte| *byte == b'/').nth(1)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_that_are_missing_stay_out() {
        let (memory, total) = memory(b"MemTotal: 100 kB\nMemFree: x kB\nAnonPages: 1\nSwapFree:");
        assert_eq!((memory, total), (Memory::default(), Some(102_400)));
        assert_eq!(cpu(b""), (Cpu::default(), None));
        assert_eq!(cpu(b"cpu  1 2 3\ncpu0 1 2 3\nintr 1"), (Cpu::default(), Some(1)));
        assert_eq!(threads(b"0.1 0.2 0.3 1/333 4711\n"), Some(333));
        assert_eq!(threads(b"0.1 0.2\n"), None);
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
