//! Who has asked in the last minutes: how many different addresses, and the busiest one's share.
//! Addresses are kept as keyed hashes, and as text only where that was asked for.

use std::collections::{BTreeMap, VecDeque};
use std::hash::{BuildHasher as _, RandomState};

/// What is looked at: this minute and those before it.
const MINUTES: u64 = 5;
/// Addresses of a minute; of more, the requests still count.
const MAX_CLIENTS: usize = 4096;
/// Addresses that are named on demand.
pub const TOP: usize = 20;
/// An odd number with its bits well mixed.
const SPREAD: u128 = 0x9e37_79b9_7f4a_7c15;

#[derive(Clone, Debug)]
pub struct Clients {
    key: u64,
    /// Keep the addresses themselves.
    pub named: bool,
    names: BTreeMap<u64, String>,
    minutes: VecDeque<Minute>,
}

/// The addresses of a minute, as a table with open places; zero is none.
#[derive(Clone, Debug)]
struct Minute {
    number: u64,
    places: Vec<(u64, u64)>,
    used: usize,
    /// Requests of addresses for which there was no room.
    rest: u64,
}

/// What the last minutes say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen {
    pub requests: u64,
    /// Different addresses, at least.
    pub distinct: usize,
    pub busiest: u64,
    /// Some addresses had no room, so there were more.
    pub more: bool,
    /// The busiest addresses with their requests, if they are kept.
    pub top: Vec<(String, u64)>,
}

impl Default for Clients {
    fn default() -> Self {
        let key = RandomState::new().hash_one(0);
        Self { key, named: false, names: BTreeMap::new(), minutes: VecDeque::new() }
    }
}

/// They are of this process, and no part of what is kept.
impl PartialEq for Clients {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Clients {
    #[inline]
    pub fn count(&mut self, address: &[u8], minute: u64) {
        let hash = self.hash(address);
        if self.minutes.back().is_none_or(|last| last.number != minute) {
            self.turn(minute);
        }
        let fresh = self.minutes.back_mut().is_some_and(|last| last.count(hash));
        if fresh && self.named {
            let name =
                String::from_utf8_lossy(address).chars().filter(|c| !c.is_control()).collect();
            self.names.insert(hash, name);
        }
    }

    /// Begins a minute and forgets what is too old. A clock that was put back begins anew.
    #[cold]
    fn turn(&mut self, minute: u64) {
        self.minutes.retain(|kept| kept.number < minute && minute - kept.number < MINUTES);
        let minutes = &self.minutes;
        self.names.retain(|hash, _| minutes.iter().any(|minute| minute.has(*hash)));
        self.minutes.push_back(Minute {
            number: minute,
            places: vec![(0, 0); 64],
            used: 0,
            rest: 0,
        });
    }

    pub fn seen(&self, minute: u64) -> Seen {
        let mut sums: BTreeMap<u64, u64> = BTreeMap::new();
        let mut seen = Seen::default();
        for kept in self.minutes.iter().filter(|kept| kept.number.abs_diff(minute) < MINUTES) {
            for (hash, count) in kept.places.iter().filter(|(hash, _)| *hash != 0) {
                *sums.entry(*hash).or_default() += count;
                seen.requests += count;
            }
            seen.requests += kept.rest;
            seen.more |= kept.rest > 0;
        }
        seen.distinct = sums.len();
        seen.busiest = sums.values().copied().max().unwrap_or(0);
        if self.named {
            let named =
                sums.iter().filter_map(|(hash, sum)| Some((self.names.get(hash)?.clone(), *sum)));
            seen.top = named.collect();
            seen.top.sort_by(|one, two| two.1.cmp(&one.1).then_with(|| one.0.cmp(&two.0)));
            seen.top.truncate(TOP);
        }
        seen
    }

    /// Never zero.
    #[inline]
    fn hash(&self, address: &[u8]) -> u64 {
        let mut hash = self.key ^ address.len() as u64;
        if let (Some(first), Some(last)) = (address.first_chunk(), address.last_chunk())
            && address.len() <= 16
        {
            // Nearly every address: two halves that may overlap.
            hash = spread(hash ^ u64::from_le_bytes(*first)) ^ u64::from_le_bytes(*last);
            return spread(hash ^ self.key) | 1;
        }
        for part in address.chunks(8) {
            let mut bytes = [0; 8];
            bytes.iter_mut().zip(part).for_each(|(to, from)| *to = *from);
            hash = spread(hash ^ u64::from_le_bytes(bytes)) ^ self.key;
        }
        hash | 1
    }
}

/// Mixes the bits of a number.
#[inline]
fn spread(number: u64) -> u64 {
    let product = (u128::from(number) * SPREAD).to_le_bytes();
    let (low, high) = product.split_at(8);
    let half = |bytes: &[u8]| bytes.try_into().map_or(0, u64::from_le_bytes);
    half(low) ^ half(high)
}

impl Minute {
    /// Counts a request; says whether its address is new.
    #[inline]
    fn count(&mut self, hash: u64) -> bool {
        let mut at = self.first(hash);
        while let Some(place) = self.places.get_mut(at) {
            if place.0 == hash {
                place.1 += 1;
                return false;
            }
            if place.0 == 0 {
                return self.insert(hash);
            }
            at = (at + 1) & (self.places.len() - 1);
        }
        false
    }

    #[cold]
    fn insert(&mut self, hash: u64) -> bool {
        if self.used == MAX_CLIENTS {
            self.rest += 1;
            return false;
        }
        self.used += 1;
        // Half of the places stay open, so that a search is short.
        if self.used * 2 > self.places.len() {
            let larger = vec![(0, 0); self.places.len() * 2];
            for (hash, count) in std::mem::replace(&mut self.places, larger) {
                if hash != 0 {
                    self.put(hash, count);
                }
            }
        }
        self.put(hash, 1);
        true
    }

    fn put(&mut self, hash: u64, count: u64) {
        let mut at = self.first(hash);
        while let Some(place) = self.places.get_mut(at) {
            if place.0 == 0 {
                *place = (hash, count);
                return;
            }
            at = (at + 1) & (self.places.len() - 1);
        }
    }

    fn has(&self, hash: u64) -> bool {
        let mut at = self.first(hash);
        while let Some((found, _)) = self.places.get(at).filter(|(found, _)| *found != 0) {
            if *found == hash {
                return true;
            }
            at = (at + 1) & (self.places.len() - 1);
        }
        false
    }

    /// The lowest bit is always set.
    fn first(&self, hash: u64) -> usize {
        (hash >> 1) as usize & (self.places.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clients(named: bool) -> Clients {
        Clients { named, ..Clients::default() }
    }

    #[test]
    fn the_last_minutes_count() {
        let mut clients = clients(true);
        for minute in 0..10 {
            for client in 0..=minute {
                clients.count(format!("10.0.0.{client}").as_bytes(), minute);
            }
            clients.count(b"::1", minute);
        }
        let seen = clients.seen(9);
        assert_eq!((seen.requests, seen.distinct, seen.busiest, seen.more), (45, 11, 5, false));
        assert_eq!(seen.top[0], ("10.0.0.0".to_owned(), 5));
        assert_eq!(seen.top.len(), 11);
        let later = clients.seen(13);
        assert_eq!((later.requests, later.distinct), (11, 11));
        assert_eq!(clients.seen(100), Seen::default());
        clients.count(b"::1", 3);
        assert_eq!((clients.minutes.len(), clients.names.len()), (1, 1));
    }

    #[test]
    fn memory_is_bounded() {
        let mut clients = clients(true);
        for minute in 0..7 {
            for client in 0..MAX_CLIENTS * 2 {
                clients.count(client.to_string().as_bytes(), minute);
            }
        }
        let seen = clients.seen(6);
        assert_eq!(seen.requests, (MAX_CLIENTS * 2) as u64 * MINUTES);
        assert_eq!((seen.distinct, seen.more, seen.top.len()), (MAX_CLIENTS, true, TOP));
        assert!(clients.minutes.iter().all(|minute| minute.places.len() <= MAX_CLIENTS * 2));
        assert!((clients.names.len() as u64) <= MAX_CLIENTS as u64 * MINUTES);
    }

    #[test]
    fn nothing_is_named_unasked() {
        let mut clients = clients(false);
        clients.count(b"1.2.3.4", 0);
        assert_eq!((clients.seen(0).top.len(), clients.names.len()), (0, 0));
        assert_ne!(clients.hash(b"1.2.3.4"), Clients::default().hash(b"1.2.3.4"));
    }
}
