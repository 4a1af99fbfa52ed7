//! What the kernel counts of each protocol, and of each CPU that serves the network: `/proc/net`.

use std::collections::BTreeMap;

use super::parse::{cut, lines, text, words};

/// Counts by protocol and name, `Tcp_InSegs`. Some are -1 for "no limit".
pub type Counts = BTreeMap<String, i64>;

fn signed(word: &[u8]) -> Option<i64> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

/// `net/netstat` and `net/snmp`: a line of names, and one of numbers, each behind its protocol.
pub fn tables(file: &[u8], counts: &mut Counts) {
    let mut all = lines(file);
    while let (Some(names), Some(numbers)) = (all.next(), all.next()) {
        let (Some((protocol, names)), Some((same, numbers))) =
            (cut(names, b':'), cut(numbers, b':'))
        else {
            continue;
        };
        if protocol != same {
            continue;
        }
        let protocol = text(protocol);
        for (name, number) in words(names).zip(words(numbers)) {
            if let Some(number) = signed(number) {
                counts.insert(format!("{protocol}_{}", text(name)), number);
            }
        }
    }
}

/// `net/snmp6`: `Ip6InReceives 1`, the protocol is the part up to the 6.
pub fn snmp6(file: &[u8], counts: &mut Counts) {
    for line in lines(file) {
        let mut words = words(line);
        let (Some(name), Some(number)) = (words.next(), words.next().and_then(signed)) else {
            continue;
        };
        if let Some((protocol, name)) = cut(name, b'6') {
            counts.insert(format!("{}6_{}", text(protocol), text(name)), number);
        }
    }
}

/// `net/sockstat` and `net/sockstat6`: `TCP: inuse 1 orphan 0`.
pub fn sockets(file: &[u8], counts: &mut Counts) {
    for line in lines(file) {
        let Some((protocol, rest)) = cut(line, b':') else { continue };
        let protocol = text(protocol);
        let mut words = words(rest);
        while let (Some(name), Some(number)) = (words.next(), words.next()) {
            if let Some(number) = signed(number) {
                counts.insert(format!("{protocol}_{}", text(name)), number);
            }
        }
    }
}

/// `net/softnet_stat`: a line for each CPU, of hexadecimal numbers; newer kernels have more of them.
pub fn softnet(file: &[u8]) -> impl Iterator<Item = Vec<u64>> {
    let number = |word: &[u8]| u64::from_str_radix(std::str::from_utf8(word).ok()?, 16).ok();
    lines(file).map(move |line| words(line).map_while(number).collect())
}

/// `/proc/schedstat`: CPU, nanoseconds that threads ran on it and waited for it, and how many times one ran.
pub fn schedule(file: &[u8]) -> impl Iterator<Item = (u64, [u64; 3])> {
    lines(file).filter_map(|line| {
        let mut words = words(line);
        let cpu = super::parse::digits(words.next()?.strip_prefix(b"cpu")?)?;
        let mut words = words.skip(6).map(super::parse::digits);
        Some((cpu, [words.next()??, words.next()??, words.next()??]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(read: fn(&[u8], &mut Counts), file: &[u8]) -> Vec<(String, i64)> {
        let mut counts = Counts::new();
        read(file, &mut counts);
        counts.into_iter().collect()
    }

    #[test]
    fn tables_of_protocols() {
        let file = b"Tcp: MaxConn InSegs More\nTcp: -1 75224\nUdp: InDatagrams Odd\nUdp: 61 x\nIp: A\nIcmp: 3\nUdp: A\n";
        let named = |name: &str, number| (name.to_owned(), number);
        let found =
            [named("Tcp_InSegs", 75224), named("Tcp_MaxConn", -1), named("Udp_InDatagrams", 61)];
        assert_eq!(of(tables, file), found);
        let file = b"Ip6InReceives \t 1\nUdpLite6InErrors 2\nodd 3\nIp6OutOctets\n";
        assert_eq!(of(snmp6, file), [named("Ip6_InReceives", 1), named("UdpLite6_InErrors", 2)]);
        let file = b"sockets: used 26\nTCP: inuse 1 orphan x mem 3 odd\nFRAG6: inuse 0 memory 0\n";
        let found = [
            ("FRAG6_inuse", 0),
            ("FRAG6_memory", 0),
            ("TCP_inuse", 1),
            ("TCP_mem", 3),
            ("sockets_used", 26),
        ];
        assert_eq!(of(sockets, file), found.map(|(name, number)| named(name, number)));
    }

    #[test]
    fn figures_of_cpus() {
        let file = b"0000737d 00000000 00000002\n0000b260 zz\n\n";
        assert_eq!(softnet(file).collect::<Vec<_>>(), [vec![0x737d, 0, 2], vec![0xb260]]);
        let file = b"version 15\ntimestamp 1\ncpu0 0 0 0 0 0 0 5000 600 70\ndomain0 3 1\ncpu1 0 0 0 0 0 0 5\n";
        assert_eq!(schedule(file).collect::<Vec<_>>(), [(0, [5000, 600, 70])]);
    }
}
