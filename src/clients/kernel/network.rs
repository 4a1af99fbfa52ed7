//! Network interfaces and sockets of a network namespace: `/proc/PID/net`.

use super::parse::{cut, digits, lines, number, words};

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Network {
    pub received: Traffic,
    pub sent: Traffic,
}

/// Bytes, and numbers of packets.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Traffic {
    pub bytes: Option<u64>,
    pub packets: Option<u64>,
    pub errors: Option<u64>,
    pub dropped: Option<u64>,
}

/// Eight numbers received and eight sent.
const COLUMNS: usize = 16;

/// `net/dev`: the names that are wanted, and the numbers behind them in the order of the file. Two
/// lines of headings stand before.
pub fn interfaces(
    table: &[u8],
    wanted: impl Fn(&[u8]) -> bool,
) -> impl Iterator<Item = (&[u8], [u64; COLUMNS])> {
    lines(table).filter_map(move |line| {
        let (name, rest) = cut(line, b':')?;
        let name = name.trim_ascii();
        if name.is_empty() || !wanted(name) {
            return None;
        }
        let mut numbers = [0; COLUMNS];
        let mut words = words(rest);
        for number in &mut numbers {
            *number = digits(words.next()?)?;
        }
        Some((name, numbers))
    })
}

impl From<[u64; COLUMNS]> for Network {
    fn from(numbers: [u64; COLUMNS]) -> Self {
        let [rx_bytes, rx_packets, rx_errors, rx_dropped, _, _, _, _, sent @ ..] = numbers;
        let [tx_bytes, tx_packets, tx_errors, tx_dropped, ..] = sent;
        let traffic = |bytes, packets, errors, dropped| Traffic {
            bytes: Some(bytes),
            packets: Some(packets),
            errors: Some(errors),
            dropped: Some(dropped),
        };
        Self {
            received: traffic(rx_bytes, rx_packets, rx_errors, rx_dropped),
            sent: traffic(tx_bytes, tx_packets, tx_errors, tx_dropped),
        }
    }
}

/// `net/sockstat`: `sockets: used 12`.
pub fn sockets(text: &[u8]) -> Option<u64> {
    let rest = lines(text).find_map(|line| line.strip_prefix(b"sockets: used "))?;
    number(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_figures() {
        let table = b"Inter-| Receive | Transmit\n face |bytes packets\n    lo: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n\
            eth0:10 2 3 4 0 0 0 0 20 5 6 7 0 0 0 0\n  cut: 1 2 3\n : 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n";
        let found: Vec<_> = interfaces(table, |_| true).collect();
        assert_eq!(found.iter().map(|(name, _)| *name).collect::<Vec<_>>(), [&b"lo"[..], b"eth0"]);
        let traffic = |bytes, packets, errors, dropped| Traffic {
            bytes: Some(bytes),
            packets: Some(packets),
            errors: Some(errors),
            dropped: Some(dropped),
        };
        let eth0 = Network { received: traffic(10, 2, 3, 4), sent: traffic(20, 5, 6, 7) };
        assert_eq!(Network::from(found[1].1), eth0);
        assert_eq!(interfaces(table, |name| name == b"lo").count(), 1);
        assert_eq!(sockets(b"sockets: used 4\nTCP: inuse 1"), Some(4));
        assert_eq!(sockets(b"TCP: inuse 1"), None);
    }
}
