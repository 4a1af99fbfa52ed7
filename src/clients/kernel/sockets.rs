//! Sockets that listen: `/proc/PID/net/tcp` and `tcp6`, of the network namespace of a process.

use std::io::{BufRead, BufReader, Read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::parse::{cut, number, words};

/// `TCP_LISTEN`
const LISTENS: &[u8] = b"0A";
/// Of one table. The kernel names those that listen first, so connections are not waded through.
const MOST: usize = 4096;
/// Bytes of one line, which has 150.
const LINE: u64 = 512;

/// A socket that listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listening {
    pub address: IpAddr,
    pub port: u16,
    /// As `/proc/PID/fd` names it: `socket:[inode]`.
    pub inode: u64,
}

impl Listening {
    /// Whether it takes what comes to this address. One of IPv6 for all addresses takes IPv4 as well,
    /// unless it was told not to, which cannot be seen here.
    pub fn serves(&self, address: IpAddr) -> bool {
        let own = self.address.to_canonical();
        let wanted = address.to_canonical();
        own == wanted
            || match own {
                IpAddr::V4(own) => own.is_unspecified() && wanted.is_ipv4(),
                IpAddr::V6(own) => own.is_unspecified(),
            }
    }
}

/// Those of one table, up to the first line of something else.
pub fn listening(table: impl Read) -> Vec<Listening> {
    let mut table = BufReader::with_capacity(16 << 10, table);
    let (mut found, mut line, mut is_head) = (Vec::new(), Vec::new(), true);
    while found.len() < MOST {
        line.clear();
        match table.by_ref().take(LINE).read_until(b'\n', &mut line) {
            Ok(length) if length > 0 => {}
            _ => break,
        }
        if std::mem::take(&mut is_head) {
            continue;
        }
        match parse(&line) {
            Some(socket) => found.push(socket),
            None => break,
        }
    }
    found
}

/// `sl local_address rem_address st tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode`
fn parse(line: &[u8]) -> Option<Listening> {
    let mut words = words(line).skip(1);
    let (address, port) = cut(words.next()?, b':')?;
    let state = words.nth(1)?;
    let inode = words.nth(5).and_then(number)?;
    let address = self::address(address)?;
    let port = u16::from_str_radix(std::str::from_utf8(port).ok()?, 16).ok()?;
    (state == LISTENS).then_some(Listening { address, port, inode })
}

/// Words of 32 bits in the byte order of the machine.
fn address(hex: &[u8]) -> Option<IpAddr> {
    let word = |at: usize| {
        let text = std::str::from_utf8(hex.get(at * 8..at * 8 + 8)?).ok()?;
        Some(u32::from_str_radix(text, 16).ok()?.to_ne_bytes())
    };
    match hex.len() {
        8 => Some(Ipv4Addr::from(word(0)?).into()),
        32 => {
            let words = [word(0)?, word(1)?, word(2)?, word(3)?];
            let mut bytes = [0; 16];
            for (byte, word) in bytes.iter_mut().zip(words.as_flattened()) {
                *byte = *word;
            }
            Some(Ipv6Addr::from(bytes).into())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";

    fn of(lines: &str) -> Vec<Listening> {
        listening(format!("{HEAD}{lines}").as_bytes())
    }

    #[test]
    fn both_families_and_the_first_connection_ends_it() {
        let v4 = "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0000000000000000 100 0 0 10 0\n";
        let connection = v4.replace(" 0A ", " 01 ");
        let v6 = v4.replace("0100007F", "00000000000000000000000000000000");
        let mapped = v4.replace("0100007F", "0000000000000000FFFF00000100007F");
        let found = of(&format!("{v4}{v6}{mapped}{connection}{v4}"));
        if cfg!(target_endian = "little") {
            let texts: Vec<_> =
                found.iter().map(|one| (one.address.to_string(), one.port, one.inode)).collect();
            let expected =
                [("127.0.0.1", 8080, 4711), ("::", 8080, 4711), ("::ffff:127.0.0.1", 8080, 4711)];
            assert!(texts.iter().map(|(a, p, i)| (a.as_str(), *p, *i)).eq(expected), "{texts:?}");
            let serves = |at: usize, address: &str| found[at].serves(address.parse().unwrap());
            assert!(serves(0, "127.0.0.1") && !serves(0, "127.0.0.2") && !serves(0, "::1"));
            assert!(serves(1, "127.0.0.2") && serves(1, "::1"));
            assert!(serves(2, "127.0.0.1") && !serves(2, "::1"));
        }
    }

    #[test]
    fn rubbish_is_no_socket() {
        assert_eq!(listening(&b""[..]), []);
        let long = "x".repeat(4096);
        for line in ["\n", "x\n", "0: 0100007F:1F90\n", "0: 01:1 0:0 0A a b c d e f\n", &long] {
            assert_eq!(of(line), [], "{line}");
        }
    }
}
