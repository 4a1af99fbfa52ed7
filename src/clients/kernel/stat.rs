//! CPU time: of the machine, from `/proc/stat`, and as all sources tell it.

use super::parse::{digits, lines, number, words};

/// Seconds, and numbers of CFS periods.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cpu {
    pub total: Option<f64>,
    pub user: Option<f64>,
    pub system: Option<f64>,
    pub periods: Option<u64>,
    pub throttled: Option<u64>,
    pub throttled_seconds: Option<f64>,
}

/// User, nice, system, idle, waiting for I/O, in interrupts, in soft interrupts, taken by another
/// machine. What runs guests is in the first two already.
const MODES: usize = 8;

/// `/proc/stat`
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stat {
    /// Of all cores together.
    pub all: Option<Times>,
    /// Of each, by its number.
    pub cores: Vec<(u64, Times)>,
    /// When the machine was started, in seconds since 1970.
    pub boot: Option<u64>,
    pub counts: Counts,
}

/// Since the machine was started; of processes, how many there are now.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Counts {
    pub interrupts: Option<u64>,
    pub switches: Option<u64>,
    pub forks: Option<u64>,
    pub running: Option<u64>,
    /// Of processes that wait for a disk.
    pub blocked: Option<u64>,
}

/// Ticks in each mode. Old kernels know fewer.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Times(pub [Option<u64>; MODES]);

impl Stat {
    pub fn parse(stat: &[u8]) -> Self {
        let mut found = Self::default();
        for line in lines(stat) {
            let mut words = words(line);
            let Some(key) = words.next() else { continue };
            let field = match key {
                b"btime" => Some(&mut found.boot),
                b"intr" => Some(&mut found.counts.interrupts),
                b"ctxt" => Some(&mut found.counts.switches),
                b"processes" => Some(&mut found.counts.forks),
                b"procs_running" => Some(&mut found.counts.running),
                b"procs_blocked" => Some(&mut found.counts.blocked),
                _ => None,
            };
            if let Some(field) = field {
                *field = words.next().and_then(number);
                continue;
            }
            let Some(core) = key.strip_prefix(b"cpu") else { continue };
            let Some(times) = Times::parse(words) else { continue };
            if core.is_empty() {
                found.all = Some(times);
            } else if let Some(core) = digits(core) {
                found.cores.push((core, times));
            }
        }
        found
    }
}

impl Times {
    fn parse<'a>(words: impl Iterator<Item = &'a [u8]>) -> Option<Self> {
        let mut times = Self::default();
        for (time, word) in times.0.iter_mut().zip(words) {
            *time = Some(digits(word)?);
        }
        // Before Linux 2.6 there were four.
        let [_, _, _, Some(_), ..] = times.0 else { return None };
        Some(times)
    }

    /// In user mode, and in the kernel with what it did in interrupts; not idle, waiting for I/O, or
    /// taken by another machine.
    pub fn busy(&self) -> Option<(u64, u64)> {
        let [user, nice, system, _, _, hard, soft, _] = self.0;
        let system = system?.saturating_add(hard?).saturating_add(soft?);
        Some((user?.saturating_add(nice?), system))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_kernels_and_broken_lines() {
        assert_eq!(Stat::parse(b""), Stat::default());
        let text =
            b"cpu  1 2 3 4\ncpu0 1 2 3 4 5 6 7 8 9 10\ncpu1 1 2 3\ncpu2 1 2 x 4\ncpux 1 2 3 4\n\
            intr 1 0 7\nctxt x\nbtime 1700000000\nprocs_running 2\n";
        let found = Stat::parse(text);
        assert_eq!(found.boot, Some(1_700_000_000));
        let counts = Counts { interrupts: Some(1), running: Some(2), ..Counts::default() };
        assert_eq!(found.counts, counts);
        let four = Times([Some(1), Some(2), Some(3), Some(4), None, None, None, None]);
        assert_eq!((found.all, four.busy()), (Some(four), None));
        let [(0, times)] = found.cores.as_slice() else { panic!("{found:?}") };
        assert_eq!(times.busy(), Some((3, 16)));
        assert!(times.0.into_iter().eq((1..=8).map(Some)));
    }
}
