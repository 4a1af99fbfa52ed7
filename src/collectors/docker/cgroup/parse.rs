//! The formats of the kernel's files. What cannot be understood is left out, never 0.

use std::collections::BTreeMap;

use super::super::facts::{Disk, Network, Pressure, Stall, Traffic};

pub(super) type Disks = BTreeMap<(u64, u64), Disk>;

/// Digits alone; `max` is no number.
fn digits(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0_u64, |value, byte| {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit <= 9)?;
        value.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

/// A file that holds one number.
pub(super) fn number(text: &[u8]) -> Option<u64> {
    digits(text.trim_ascii())
}

pub(super) fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty())
}

fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|byte| *byte == b' ' || *byte == b'\t').filter(|word| !word.is_empty())
}

/// `key value` on each line.
pub(super) fn pairs(text: &[u8]) -> impl Iterator<Item = (&[u8], u64)> {
    lines(text).filter_map(|line| {
        let space = line.iter().position(|byte| *byte == b' ')?;
        let (key, value) = line.split_at_checked(space)?;
        Some((key, number(value)?))
    })
}

/// One value of a file with `key value` on each line.
pub(super) fn value(text: &[u8], key: &[u8]) -> Option<u64> {
    pairs(text).find(|(name, _)| *name == key).map(|(_, value)| value)
}

pub(super) fn nanos(value: u64) -> f64 {
    value as f64 / 1e9
}

pub(super) fn micros(value: u64) -> f64 {
    value as f64 / 1e6
}

/// `Documentation/accounting/psi.rst`: `some avg10=0.00 avg60=0.00 avg300=0.00 total=0`.
pub(super) fn pressure(text: &[u8]) -> Stall {
    let total = |kind: &[u8]| {
        let mut lines = lines(text).map(words);
        let line = lines.find_map(|mut line| (line.next() == Some(kind)).then_some(line));
        let total = line?.find_map(|word| word.strip_prefix(b"total="))?;
        digits(total).map(micros)
    };
    Stall { waiting: total(b"some"), stalled: total(b"full") }
}

/// Of `cpu`, `memory` and `io`.
pub(super) fn pressures(mut read: impl FnMut(&str) -> Option<Stall>) -> Pressure {
    let mut of = |name| read(name).unwrap_or_default();
    Pressure { cpu: of("cpu"), memory: of("memory"), io: of("io") }
}

/// v2, `io.stat`: `8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0`. Some kernels leave out the
/// end of the line behind a device that has nothing to say.
pub(super) fn io_stat(text: &[u8]) -> Disks {
    let mut disks = Disks::new();
    let mut current = None;
    for word in lines(text).flat_map(words) {
        if let Some(device) = device(word) {
            current = Some(device);
            continue;
        }
        let (Some(device), Some(equals)) = (current, word.iter().position(|byte| *byte == b'='))
        else {
            continue;
        };
        let Some((key, value)) = word.split_at_checked(equals) else { continue };
        let value = value.strip_prefix(b"=").and_then(digits);
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
pub(super) fn blkio(text: &[u8], unit: Unit, disks: &mut Disks) {
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
pub(super) enum Unit {
    Bytes,
    Operations,
}

fn device(word: &[u8]) -> Option<(u64, u64)> {
    let colon = word.iter().position(|byte| *byte == b':')?;
    let (major, minor) = word.split_at_checked(colon)?;
    Some((digits(major)?, digits(minor.strip_prefix(b":")?)?))
}

/// `net/dev`: two lines of headings, then eight numbers received and eight sent.
pub(super) fn networks(table: &[u8], wanted: impl Fn(&[u8]) -> bool) -> BTreeMap<String, Network> {
    let interface = |line| {
        let line: &[u8] = line;
        let colon = line.iter().position(|byte| *byte == b':')?;
        let (name, rest) = line.split_at_checked(colon)?;
        let name = name.trim_ascii();
        if name.is_empty() || !wanted(name) {
            return None;
        }
        let mut numbers = [None; 12];
        let mut words = words(rest.strip_prefix(b":")?);
        for number in &mut numbers {
            *number = Some(digits(words.next()?)?);
        }
        let [bytes, packets, errors, dropped, _, _, _, _, sent @ ..] = numbers;
        let received = Traffic { bytes, packets, errors, dropped };
        let [bytes, packets, errors, dropped] = sent;
        let sent = Traffic { bytes, packets, errors, dropped };
        Some((String::from_utf8_lossy(name).into_owned(), Network { received, sent }))
    };
    lines(table).filter_map(interface).collect()
}

/// `net/sockstat`: `sockets: used 12`.
pub(super) fn sockets(text: &[u8]) -> Option<u64> {
    let rest = lines(text).find_map(|line| line.strip_prefix(b"sockets: used "))?;
    number(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        assert_eq!(number(b"42\n"), Some(42));
        assert_eq!(number(b"18446744073709551615"), Some(u64::MAX));
        for odd in ["", "\n", "max\n", "-1", "1.5", "1 2", "18446744073709551616", "\u{0}"] {
            assert_eq!(number(odd.as_bytes()), None, "{odd:?}");
        }
        assert_eq!(value(b"a 1\nab 2\n\nb\nb x\nb 3", b"b"), Some(3));
        assert_eq!(value(b"", b"b"), None);
    }

    #[test]
    fn pressure_of_old_and_new_kernels() {
        let both = b"some avg10=0.00 avg60=0.00 avg300=0.00 total=1500000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=7\n";
        assert_eq!(pressure(both), Stall { waiting: Some(1.5), stalled: Some(0.000_007) });
        // Before Linux 5.13 `cpu.pressure` has no second line.
        let one = b"some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n";
        assert_eq!(pressure(one), Stall { waiting: Some(0.0), stalled: None });
        assert_eq!(pressure(b"\xff\xfe total=1\nsome total=x"), Stall::default());
    }

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
    fn interfaces() {
        let table = b"Inter-| Receive | Transmit\n face |bytes packets\n    lo: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n\
            eth0:10 2 3 4 0 0 0 0 20 5 6 7 0 0 0 0\n  cut: 1 2 3\n : 1 1 0 0 0 0 0 0 1 1 0 0\n";
        let found = networks(table, |name| name != b"lo");
        assert_eq!(found.len(), 1);
        let traffic = |bytes, packets, errors, dropped| Traffic {
            bytes: Some(bytes),
            packets: Some(packets),
            errors: Some(errors),
            dropped: Some(dropped),
        };
        let eth0 = Network { received: traffic(10, 2, 3, 4), sent: traffic(20, 5, 6, 7) };
        assert_eq!(found.get("eth0"), Some(&eth0));
        assert_eq!(sockets(b"sockets: used 4\nTCP: inuse 1"), Some(4));
        assert_eq!(sockets(b"TCP: inuse 1"), None);
    }
}
