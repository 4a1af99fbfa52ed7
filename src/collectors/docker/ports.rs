//! Which published ports may be reached from where.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::api::Port;

/// Ports of databases and brokers: whoever reaches them finds data, often without a password.
const NEVER_PUBLIC: [u16; 25] = [
    1433, 1521, 2379, 3306, 4222, 5432, 5433, 5672, 5984, 6222, 6333, 6334, 6379, 7474, 7687, 8086,
    8222, 9042, 9092, 9200, 11211, 15672, 26257, 27017, 28015,
];

/// The kind of address that a port is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    Loopback,
    /// Of a private network: RFC 1918 and the like, VPN ranges included.
    Private,
    /// A public address, or all addresses of the machine.
    Any,
}

impl Class {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Loopback => "loopback",
            Self::Private => "private",
            Self::Any => "any",
        }
    }

    /// An empty address is all addresses.
    fn of(address: &str) -> Self {
        match address.parse::<IpAddr>() {
            Ok(address) if address.is_loopback() => Self::Loopback,
            Ok(IpAddr::V4(v4)) => {
                let shared =
                    Network::of("100.64.0.0/10").is_some_and(|net| net.contains(v4.into()));
                let private = v4.is_private() || v4.is_link_local() || shared;
                if private { Self::Private } else { Self::Any }
            }
            Ok(IpAddr::V6(v6)) => match v6.to_ipv4_mapped() {
                Some(v4) => Self::of(&v4.to_string()),
                None if v6.is_unique_local() || v6.is_unicast_link_local() => Self::Private,
                None => Self::Any,
            },
            Err(_) => Self::Any,
        }
    }
}

/// An address range such as `10.8.0.0/24`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    base: IpAddr,
    bits: u8,
}

impl Network {
    pub fn of(text: &str) -> Option<Self> {
        let (base, bits) = text.split_once('/').map_or((text, None), |(a, b)| (a, Some(b)));
        let base: IpAddr = base.parse().ok()?;
        let bits = bits.map_or(Some(if base.is_ipv4() { 32 } else { 128 }), |n| n.parse().ok())?;
        let most = if base.is_ipv4() { 32 } else { 128 };
        (bits <= most).then_some(Self { base, bits })
    }

    fn contains(self, address: IpAddr) -> bool {
        // The highest bits, of equally long numbers.
        let number = |address: IpAddr| match address {
            IpAddr::V4(v4) => (u128::from(u32::from(v4)) << 96, true),
            IpAddr::V6(v6) => (u128::from(v6), false),
        };
        let ((base, of_four), (other, is_four)) = (number(self.base), number(address));
        let low = 128 - u32::from(self.bits);
        of_four == is_four && base.checked_shr(low) == other.checked_shr(low)
    }
}

/// Where a port may be bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Allowed {
    Class(Class),
    /// These, and loopback.
    Networks(Vec<Network>),
}

impl Allowed {
    /// `loopback`, `private`, `any`, or ranges with commas between.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text.trim() {
            "loopback" => Self::Class(Class::Loopback),
            "private" => Self::Class(Class::Private),
            "any" => Self::Class(Class::Any),
            ranges => {
                let ranges = ranges.split(',').map(|range| Network::of(range.trim()));
                Self::Networks(ranges.collect::<Option<_>>()?)
            }
        })
    }

    fn holds(&self, address: &str) -> bool {
        let class = Class::of(address);
        match self {
            Self::Class(most) => class <= *most,
            Self::Networks(networks) => {
                let inside = |address| networks.iter().any(|network| network.contains(address));
                class == Class::Loopback || address.parse().is_ok_and(inside)
            }
        }
    }
}

/// By the container's port.
pub type Policy = BTreeMap<u16, Allowed>;

/// A published port, judged.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Published {
    /// Of the container, with the protocol: `5432/tcp`.
    pub port: String,
    pub address: &'static str,
    /// Whether it can be reached from further away than it should.
    pub exposed: bool,
}

/// The published ports of a container, one for each class of address; `policy` goes before what
/// is usual.
pub fn published(ports: &[Port], policy: &Policy) -> Vec<Published> {
    let usual = Allowed::Class(Class::Loopback);
    let mut found: Vec<Published> = ports
        .iter()
        .filter(|port| port.host.is_some())
        .map(|port| {
            let usual = NEVER_PUBLIC.contains(&port.container).then_some(&usual);
            let allowed = policy.get(&port.container).or(usual);
            Published {
                port: format!("{}/{}", port.container, port.protocol),
                address: Class::of(&port.address).as_str(),
                exposed: allowed.is_some_and(|allowed| !allowed.holds(&port.address)),
            }
        })
        .collect();
    found.sort();
    // Of several addresses of one class the worst counts; it sorts last.
    found.reverse();
    found.dedup_by(|a, b| a.port == b.port && a.address == b.address);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(address: &str, container: u16) -> Port {
        Port { address: address.into(), container, host: Some(1), protocol: "tcp".into() }
    }

    fn judged(address: &str, container: u16, policy: &[(u16, &str)]) -> (&'static str, bool) {
        let policy = policy.iter().map(|(port, text)| (*port, Allowed::parse(text).unwrap()));
        let found = published(&[port(address, container)], &policy.collect());
        (found[0].address, found[0].exposed)
    }

    #[test]
    fn databases_are_not_public() {
        assert_eq!(judged("0.0.0.0", 27017, &[]), ("any", true));
        assert_eq!(judged("::", 6333, &[]), ("any", true));
        assert_eq!(judged("127.0.0.1", 5432, &[]), ("loopback", false));
        assert_eq!(judged("::1", 5432, &[]), ("loopback", false));
        assert_eq!(judged("192.168.1.5", 5432, &[]), ("private", true));
        assert_eq!(judged("0.0.0.0", 443, &[]), ("any", false));
        assert_eq!(judged("", 5432, &[]), ("any", true));
    }

    #[test]
    fn the_configuration_says_what_is_allowed() {
        assert_eq!(judged("0.0.0.0", 5432, &[(5432, "any")]), ("any", false));
        assert_eq!(judged("10.1.2.3", 5432, &[(5432, "private")]), ("private", false));
        assert_eq!(judged("0.0.0.0", 3000, &[(3000, "loopback")]), ("any", true));
        let vpn = [(5432, "10.8.0.0/24, 100.64.0.0/10, fd00::/8")];
        assert_eq!(judged("10.8.0.7", 5432, &vpn), ("private", false));
        assert_eq!(judged("100.99.1.1", 5432, &vpn), ("private", false));
        assert_eq!(judged("fd00::7", 5432, &vpn), ("private", false));
        assert_eq!(judged("10.9.0.7", 5432, &vpn), ("private", true));
        assert_eq!(judged("127.0.0.1", 5432, &vpn), ("loopback", false));
        for wrong in ["", "all", "10.0.0.0/33", "10.0.0.0/8,"] {
            assert_eq!(Allowed::parse(wrong), None, "{wrong}");
        }
        assert!(Network::of("0.0.0.0/0").unwrap().contains("9.9.9.9".parse().unwrap()));
    }

    #[test]
    fn one_row_for_each_class() {
        let both = published(&[port("0.0.0.0", 80), port("::", 80)], &Policy::new());
        assert_eq!(both.len(), 1);
        let mixed = published(&[port("127.0.0.1", 5432), port("0.0.0.0", 5432)], &Policy::new());
        assert_eq!(mixed.iter().filter(|one| one.exposed).count(), 1);
    }
}
