//! Block devices: what was read and written, by control group and by disk, and their names.

use std::collections::BTreeMap;

use super::parse::{cut, digits, lines, text, words};

/// Major and minor number.
pub type Device = (u64, u64);

pub type Disks = BTreeMap<Device, Disk>;

/// Bytes, and numbers of operations.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Disk {
    pub read_bytes: Option<u64>,
    pub written_bytes: Option<u64>,
    pub reads: Option<u64>,
    pub writes: Option<u64>,
}

/// v2, `io.stat`: `8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0`. Some kernels leave out the
/// end of the line behind a device that has nothing to say.
pub fn io_stat(text: &[u8]) -> Disks {
    let mut disks = Disks::new();
    let mut current = None;
    for word in lines(text).flat_map(words) {
        if let Some(device) = device(word) {
            current = Some(device);
            continue;
        }
        let (Some(device), Some((key, value))) = (current, cut(word, b'=')) else { continue };
        let value = digits(value);
        let field: fn(&mut Disk) -> &mut Option<u64> = match key {
            b"rbytes" => |disk| &mut disk.read_bytes,
            b"wbytes" => |disk| &mut disk.written_bytes,
            b"rios" => |disk| &mut disk.reads,
            b"wios" => |disk| &mut disk.writes,
            _ => continue,
        };
        if value.is_some() {
            *field(disks.entry(device).or_default()) = value;
        }
    }
    disks
}

/// v1, `blkio.throttle.*`: `8:0 Read 4096`; the other words are sums of the two, or discards.
pub fn blkio(text: &[u8], unit: Unit, disks: &mut Disks) {
    for line in lines(text) {
        let mut words = words(line);
        let device = words.next().and_then(device);
        let (Some(device), Some(operation), value @ Some(_)) =
            (device, words.next(), words.next().and_then(digits))
        else {
            continue;
        };
        let field: fn(&mut Disk) -> &mut Option<u64> = match (operation, unit) {
            (b"Read", Unit::Bytes) => |disk| &mut disk.read_bytes,
            (b"Write", Unit::Bytes) => |disk| &mut disk.written_bytes,
            (b"Read", Unit::Operations) => |disk| &mut disk.reads,
            (b"Write", Unit::Operations) => |disk| &mut disk.writes,
            _ => continue,
        };
        *field(disks.entry(device).or_default()) = value;
    }
}

/// What a file of v1 counts.
#[derive(Clone, Copy)]
pub enum Unit {
    Bytes,
    Operations,
}

fn device(word: &[u8]) -> Option<Device> {
    let (major, minor) = cut(word, b':')?;
    Some((digits(major)?, digits(minor)?))
}

/// `/proc/partitions`: major, minor, blocks, name.
pub fn partitions(text: &[u8]) -> impl Iterator<Item = (Device, String)> {
    lines(text).filter_map(|line| {
        let mut words = words(line);
        let device = (words.next().and_then(digits)?, words.next().and_then(digits)?);
        Some((device, self::text(words.nth(1)?)))
    })
}

/// Of `/proc/diskstats`, before Linux 4.18 (`Documentation/admin-guide/iostats.rst`).
const COLUMNS: usize = 11;

/// `/proc/diskstats`: names, and the numbers behind them in the order of the file.
pub fn diskstats(text: &[u8]) -> impl Iterator<Item = (&[u8], [u64; COLUMNS])> {
    lines(text).filter_map(|line| {
        let mut words = words(line).skip(2);
        let name = words.next()?;
        let mut numbers = [0; COLUMNS];
        for number in &mut numbers {
            *number = digits(words.next()?)?;
        }
        Some((name, numbers))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_of_v2() {
        let text = b"254:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6\n7:0 7:1 rbytes=9\n8:0\nrubbish rbytes=1\n";
        let disks = io_stat(text);
        let all =
            Disk { read_bytes: Some(1), written_bytes: Some(2), reads: Some(3), writes: Some(4) };
        assert_eq!(disks.get(&(254, 0)), Some(&all));
        assert_eq!(disks.get(&(7, 1)).unwrap().read_bytes, Some(9));
        assert_eq!(disks.get(&(7, 0)), None);
        assert_eq!(io_stat(b"rbytes=1\n8:0 rbytes=\n8:0 rbytes=-1"), Disks::new());
    }

    #[test]
    fn names_and_figures_of_disks() {
        let text =
            b"major minor  #blocks  name\n\n   8        0  1 sda\n   8        1  1\nx 1 2 sdb\n";
        let found: Vec<_> = partitions(text).collect();
        assert_eq!(found, [((8, 0), "sda".to_owned())]);
        let text =
            b"   8       0 sda 1 2 3 4 5 6 7 8 9 10 11 12\n 8 1 cut 1 2\n 8 2 odd 1 2 3 4 5 6 7 8 9 10 x\n";
        let found: Vec<_> = diskstats(text).collect();
        assert_eq!(found, [(&b"sda"[..], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])]);
    }
}
