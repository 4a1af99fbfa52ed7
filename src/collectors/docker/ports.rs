//! Which published ports may be reached from where.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;

use serde::de::{DeserializeSeed, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::clients::engine::api::or_default;

/// Addresses of this machine that the ports of one container are bound to.
const ADDRESSES: usize = 32;
/// Ports of this machine by which a service is found.
const HOST: usize = 64;
/// So many ports of a container have a row each; of more those that follow one another share one.
const EACH: usize = 24;
/// Rows of a container before the rest is summed up.
const RANGES: usize = 40;

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

    fn of(address: IpAddr) -> Self {
        match address {
            address if address.is_loopback() => Self::Loopback,
            IpAddr::V4(v4) => {
                let shared =
                    Network::of("100.64.0.0/10").is_some_and(|net| net.contains(v4.into()));
                let private = v4.is_private() || v4.is_link_local() || shared;
                if private { Self::Private } else { Self::Any }
            }
            IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
                Some(v4) => Self::of(v4.into()),
                None if v6.is_unique_local() || v6.is_unicast_link_local() => Self::Private,
                None => Self::Any,
            },
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

    fn holds(&self, address: Option<IpAddr>) -> bool {
        let class = address.map_or(Class::Any, Class::of);
        match self {
            Self::Class(most) => class <= *most,
            Self::Networks(networks) => {
                let inside = |address| networks.iter().any(|network| network.contains(address));
                class == Class::Loopback || address.is_some_and(inside)
            }
        }
    }
}

/// The published ports of a container, as the list has them: numbers by the address of the machine
/// (none is all addresses) and the protocol. A range of 65,000 ports is one of 65,000 entries there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ports {
    of: BTreeMap<(Option<IpAddr>, &'static str), BTreeSet<u16>>,
    /// Their numbers on the machine, of TCP: by these its service is found.
    pub host: BTreeSet<u16>,
    /// Those that were left out: on still more addresses, or with no number of a port.
    pub more: u64,
}

/// An entry.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Port {
    #[serde(rename = "IP", deserialize_with = "or_default")]
    address: String,
    #[serde(rename = "PrivatePort")]
    container: i64,
    #[serde(rename = "PublicPort")]
    host: Option<i64>,
    #[serde(rename = "Type", deserialize_with = "or_default")]
    protocol: String,
}

impl Ports {
    fn take(&mut self, port: &Port) {
        if port.host.is_none() {
            return;
        }
        let Ok(number) = u16::try_from(port.container) else {
            self.more += 1;
            return;
        };
        let protocol = match port.protocol.as_str() {
            "tcp" => "tcp",
            "udp" => "udp",
            "sctp" => "sctp",
            _ => "other",
        };
        let key = (port.address.parse().ok(), protocol);
        if self.of.len() >= ADDRESSES && !self.of.contains_key(&key) {
            self.more += 1;
            return;
        }
        self.of.entry(key).or_default().insert(number);
        if let Some(host) = port.host.and_then(|host| u16::try_from(host).ok())
            && protocol == "tcp"
            && self.host.len() < HOST
        {
            self.host.insert(host);
        }
    }

    #[cfg(test)]
    pub fn count(&self) -> usize {
        self.of.values().map(BTreeSet::len).sum()
    }
}

/// Entries are taken in one by one, never kept.
struct Taking<'a>(&'a mut Ports);

impl<'de> DeserializeSeed<'de> for Taking<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.0.take(&Port::deserialize(deserializer)?);
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Ports {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Ports;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of ports")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Ports, A::Error> {
                let mut ports = Ports::default();
                while list.next_element_seed(Taking(&mut ports))?.is_some() {}
                Ok(ports)
            }
        }
        deserializer.deserialize_seq(List)
    }
}

/// By the container's port.
pub type Policy = BTreeMap<u16, Allowed>;

/// A published port, judged; or several that are judged alike.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Published {
    /// Of the container, with the protocol: `5432/tcp`, `8000-8099/tcp`.
    pub port: String,
    pub address: &'static str,
    /// Whether it can be reached from further away than it should.
    pub exposed: bool,
}

/// A port of a container on its way to a row: protocol, class of address, number.
type Place = (&'static str, Class, u16);

/// Ports that follow one another, with what they have in common.
struct Range {
    protocol: &'static str,
    class: Class,
    exposed: bool,
    first: u16,
    last: u16,
    count: u32,
}

impl Range {
    fn row(&self) -> Published {
        let Self { protocol, first, last, .. } = self;
        let whole = self.count == u32::from(last - first) + 1;
        let port = match self.count {
            1 => format!("{first}/{protocol}"),
            _ if whole => format!("{first}-{last}/{protocol}"),
            count => format!("{first}-{last}/{protocol} ({count} ports)"),
        };
        Published { port, address: self.class.as_str(), exposed: self.exposed }
    }

    /// Takes the other one in.
    fn join(&mut self, other: &Self) {
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        self.count += other.count;
        self.exposed |= other.exposed;
    }
}

/// The published ports of a container, one for each class of address; `policy` goes before what
/// is usual. Many become ranges, and what is still too much one row of each class.
pub fn published(ports: &Ports, policy: &Policy) -> Vec<Published> {
    let found = judged(ports, policy);
    let many = found.len() > EACH;
    let mut ranges = Vec::<Range>::new();
    for ((protocol, class, port), exposed) in found {
        match ranges.last_mut() {
            Some(last)
                if many
                    && (last.protocol, last.class, last.exposed) == (protocol, class, exposed)
                    && last.last.checked_add(1) == Some(port) =>
            {
                last.last = port;
                last.count += 1;
            }
            _ => {
                let (first, last) = (port, port);
                ranges.push(Range { protocol, class, exposed, first, last, count: 1 });
            }
        }
    }
    // What is exposed is named first.
    ranges.sort_by_key(|range| !range.exposed);
    let rest = ranges.split_off(ranges.len().min(RANGES));
    let mut sums = BTreeMap::<(&str, Class), Range>::new();
    for range in rest {
        match sums.entry((range.protocol, range.class)) {
            Entry::Occupied(mut sum) => sum.get_mut().join(&range),
            Entry::Vacant(free) => {
                free.insert(range);
            }
        }
    }
    let mut rows: Vec<_> = ranges.iter().chain(sums.values()).map(Range::row).collect();
    rows.sort();
    rows.reverse();
    rows
}

/// Each port once for each class: of several addresses of one class the worst counts.
fn judged(ports: &Ports, policy: &Policy) -> Vec<(Place, bool)> {
    let usual = Allowed::Class(Class::Loopback);
    let mut found = Vec::<(Place, bool)>::new();
    for ((address, protocol), numbers) in &ports.of {
        let class = address.map_or(Class::Any, Class::of);
        found.extend(numbers.iter().map(|port| {
            let usual = NEVER_PUBLIC.contains(port).then_some(&usual);
            let allowed = policy.get(port).or(usual);
            let exposed = allowed.is_some_and(|allowed| !allowed.holds(*address));
            ((*protocol, class, *port), exposed)
        }));
    }
    found.sort_unstable();
    // The worst sorts last.
    found.reverse();
    found.dedup_by_key(|(place, _)| *place);
    found.reverse();
    found
}

#[cfg(test)]
mod tests;
