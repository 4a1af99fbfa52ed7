//! What `host.extended` adds: the rows of public boards that are closed when they are loaded, for the search of a
//! cause by hand. A file that is not there costs its own families only.

mod metrics;

use std::collections::BTreeMap;
use std::path::Path;

use super::sample;
use crate::catalogue::Batch;
use crate::clients::kernel::parse::{digits, lines, nanos, number, text, words};
use crate::clients::kernel::{Buffer, block, network, protocols, ticks_per_second};

/// Links beyond this are left out.
const MOST: usize = 100;

#[derive(Clone, Default)]
pub struct Extended {
    pub(super) protocols: Vec<Protocols>,
    pub(super) sockets: Vec<Sockets>,
    pub(super) queues: Vec<Queue>,
    pub(super) turns: Vec<Turns>,
    pub(super) guests: Vec<Guest>,
    pub(super) disks: Vec<Disk>,
    pub(super) interfaces: Vec<Interface>,
    pub(super) links: Vec<Link>,
    pub(super) neighbours: Vec<Neighbours>,
}

/// Counts of the protocols of the network, by `Tcp_InSegs`.
#[derive(Clone)]
pub struct Protocols(protocols::Counts);

/// Counts of sockets, by `TCP_inuse`.
#[derive(Clone)]
pub struct Sockets(protocols::Counts);

/// What a CPU has done with packets.
#[derive(Clone)]
pub struct Queue {
    cpu: String,
    numbers: Vec<u64>,
}

/// Who had a CPU, and who waited for it.
#[derive(Clone)]
pub struct Turns {
    cpu: String,
    running: f64,
    waiting: f64,
    times: u64,
}

/// Seconds of virtual machines by mode.
#[derive(Clone)]
pub struct Guest {
    cpu: String,
    modes: Vec<(&'static str, f64)>,
}

#[derive(Clone)]
pub struct Disk {
    device: String,
    numbers: Vec<u64>,
}

#[derive(Clone)]
pub struct Interface(sample::Interface);

#[derive(Clone)]
pub struct Link {
    device: String,
    mtu: Option<u64>,
    queue: Option<u64>,
    carrier: Option<u64>,
    changes: Option<u64>,
}

/// Those that a link has.
#[derive(Clone)]
pub struct Neighbours {
    device: String,
    entries: u64,
}

impl Extended {
    /// The host's own network is that of process 1.
    pub fn read(proc: &Path, root: &Path, buffer: &mut Buffer) -> Self {
        let mut net = |name: &str| {
            let paths = [proc.join("1/net").join(name), proc.join("net").join(name)];
            buffer.load_either(paths).map(<[u8]>::to_vec).unwrap_or_default()
        };
        let mut counts = protocols::Counts::new();
        protocols::tables(&net("netstat"), &mut counts);
        protocols::tables(&net("snmp"), &mut counts);
        protocols::snmp6(&net("snmp6"), &mut counts);
        let mut sockets = protocols::Counts::new();
        protocols::sockets(&net("sockstat"), &mut sockets);
        protocols::sockets(&net("sockstat6"), &mut sockets);
        let (queues, interfaces) = (net("softnet_stat"), net("dev"));
        let neighbours = neighbours(&net("arp"));
        let mut file = |name: &str| buffer.read(&proc.join(name)).map(<[u8]>::to_vec);
        let (turns, stat, disks) = (file("schedstat"), file("stat"), file("diskstats"));
        Self {
            protocols: vec![Protocols(counts)],
            sockets: vec![Sockets(sockets)],
            queues: queues_of(&queues),
            turns: turns.map(|text| turns_of(&text)).unwrap_or_default(),
            guests: stat.map(|text| guests(&text)).unwrap_or_default(),
            disks: disks.map(|text| disks_of(&text)).unwrap_or_default(),
            interfaces: interfaces_of(&interfaces),
            links: Link::all(&root.join("sys/class/net"), buffer),
            neighbours,
        }
    }

    pub fn add(self, batch: Batch) -> Batch {
        let batch = batch.with(self.protocols).with(self.sockets).with(self.queues);
        let batch = batch.with(self.turns).with(self.guests).with(self.disks);
        batch.with(self.interfaces).with(self.links).with(self.neighbours)
    }
}

impl Protocols {
    fn get(&self, name: &str) -> Option<i64> {
        self.0.get(name).copied()
    }
}

impl Sockets {
    fn get(&self, name: &str) -> Option<i64> {
        self.0.get(name).copied()
    }

    fn bytes(&self, name: &str) -> Option<f64> {
        self.get(name).map(|pages| pages as f64 * rustix::param::page_size() as f64)
    }
}

impl Queue {
    fn number(&self, column: usize) -> Option<u64> {
        self.numbers.get(column).copied()
    }
}

/// The number of the CPU is in the thirteenth column since Linux 5.10; before, a line stands for each that is online.
fn queues_of(file: &[u8]) -> Vec<Queue> {
    let all = protocols::softnet(file).enumerate();
    let queue = |(line, numbers): (usize, Vec<u64>)| {
        let cpu = numbers.get(12).copied().unwrap_or(line as u64).to_string();
        Queue { cpu, numbers }
    };
    all.map(queue).collect()
}

fn turns_of(file: &[u8]) -> Vec<Turns> {
    let turns = |(cpu, [running, waiting, times]): (u64, [u64; 3])| Turns {
        cpu: cpu.to_string(),
        running: nanos(running),
        waiting: nanos(waiting),
        times,
    };
    protocols::schedule(file).map(turns).collect()
}

/// The last two of ten columns.
fn guests(stat: &[u8]) -> Vec<Guest> {
    let guest = |line: &[u8]| {
        let mut words = words(line);
        let cpu = digits(words.next()?.strip_prefix(b"cpu")?)?.to_string();
        let mut words = words.skip(8).map(digits);
        let seconds = |ticks: u64| ticks as f64 / ticks_per_second();
        let modes = vec![("user", seconds(words.next()??)), ("nice", seconds(words.next()??))];
        Some(Guest { cpu, modes })
    };
    lines(stat).filter_map(guest).collect()
}

fn disks_of(diskstats: &[u8]) -> Vec<Disk> {
    let known = block::diskstats(diskstats).map(|(name, _)| text(name));
    let mut wanted: Vec<String> = known.filter(|name| sample::is_disk(name)).collect();
    wanted.truncate(MOST);
    let disk = |line: &[u8]| {
        let mut words = words(line).skip(2);
        let device = text(words.next()?);
        let numbers = words.map_while(digits).collect();
        wanted.contains(&device).then_some(Disk { device, numbers })
    };
    lines(diskstats).filter_map(disk).collect()
}

impl Disk {
    fn number(&self, column: usize) -> Option<u64> {
        self.numbers.get(column).copied()
    }

    fn seconds(&self, column: usize) -> Option<f64> {
        self.number(column).map(|millis| millis as f64 / 1000.0)
    }
}

fn interfaces_of(net_dev: &[u8]) -> Vec<Interface> {
    let row = |(name, numbers)| {
        let device = text(name);
        (!sample::is_of_container(&device))
            .then_some(Interface(sample::Interface { device, numbers }))
    };
    network::interfaces(net_dev, |_| true).filter_map(row).take(MOST).collect()
}

impl Link {
    fn all(folder: &Path, buffer: &mut Buffer) -> Vec<Self> {
        let wanted = super::devices::names(folder).into_iter();
        let wanted = wanted.filter(|name| !sample::is_of_container(name)).take(MOST);
        let link = |device: String| {
            let mut one =
                |file: &str| buffer.read(&folder.join(&device).join(file)).and_then(number);
            Self {
                mtu: one("mtu"),
                queue: one("tx_queue_len"),
                carrier: one("carrier"),
                changes: one("carrier_changes"),
                device,
            }
        };
        wanted.map(link).collect()
    }
}

/// `/proc/net/arp`: the link is in the last column, under one line of headings.
fn neighbours(file: &[u8]) -> Vec<Neighbours> {
    let mut found = BTreeMap::<String, u64>::new();
    for device in lines(file).skip(1).filter_map(|line| words(line).nth(5)) {
        *found.entry(text(device)).or_default() += 1;
    }
    let row = |(device, entries)| Neighbours { device, entries };
    found.into_iter().take(MOST).map(row).collect()
}
