//! Times of this machine's zone.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::time::{Stamp, ZONES};

/// The zone of this machine, which remembers its last answer: lines of a log are of the same hour.
pub struct Zone {
    zone: TimeZone,
    /// What its times are called.
    names: Vec<String>,
    hour: i64,
    east: i64,
}

impl Default for Zone {
    fn default() -> Self {
        Self::of(TimeZone::system())
    }
}

impl Zone {
    pub fn of(zone: TimeZone) -> Self {
        // Half a year apart: in summer and in winter.
        let names = [1_704_110_400, 1_719_835_200].into_iter().filter_map(|second| {
            let at = Timestamp::from_second(second).ok()?;
            Some(zone.to_offset_info(at).abbreviation().to_owned())
        });
        let names = names.collect();
        Self { zone, names, hour: i64::MIN, east: 0 }
    }

    /// Seconds since 1970.
    pub fn seconds(&mut self, stamp: Stamp) -> i64 {
        // The name of a zone is first of all what it is called here.
        let here =
            stamp.name.and_then(|at| ZONES.get(at)).is_some_and(|(name, _)| self.is_called(name));
        if let Some(east) = stamp.zone.filter(|_| !here) {
            return stamp.seconds - east;
        }
        let hour = stamp.seconds.div_euclid(3600);
        if hour != self.hour {
            self.hour = hour;
            self.east = self.east(stamp.seconds).unwrap_or_default();
        }
        stamp.seconds - self.east
    }

    /// Whether this machine's time goes by that name, in summer or in winter.
    fn is_called(&self, name: &str) -> bool {
        self.names.iter().any(|known| known == name)
    }

    /// Seconds east of Greenwich at this time of the clock on the wall.
    fn east(&self, seconds: i64) -> Option<i64> {
        let wall = Timestamp::from_second(seconds).ok()?.to_zoned(TimeZone::UTC).datetime();
        let zoned = self.zone.to_ambiguous_zoned(wall).compatible().ok()?;
        Some(i64::from(zoned.offset().seconds()))
    }

    /// `2026-01-31 12:00`
    pub fn show(&self, time: SystemTime) -> String {
        let time = Timestamp::try_from(time).unwrap_or_default().to_zoned(self.zone.clone());
        time.strftime("%Y-%m-%d %H:%M").to_string()
    }
}

/// `2026-01-31T12:00:00Z`
pub fn exact(time: SystemTime) -> String {
    Timestamp::try_from(time).unwrap_or_default().to_string()
}

pub fn time(seconds: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap_or_default())
}

pub fn seconds(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summer_and_winter() {
        let kyiv = TimeZone::posix("EET-2EEST,M3.5.0/3,M10.5.0/4").unwrap();
        let mut zone = Zone::of(kyiv);
        let local = |seconds| Stamp { seconds, zone: None, name: None };
        // 2024-01-01 12:00 and 2024-07-01 12:00.
        assert_eq!(zone.seconds(local(1_704_110_400)), 1_704_110_400 - 7200);
        assert_eq!(zone.seconds(local(1_719_835_200)), 1_719_835_200 - 10_800);
        let zoned = Stamp { seconds: 1_719_835_200, zone: Some(3600), name: None };
        assert_eq!(zone.seconds(zoned), 1_719_835_200 - 3600);
        // What is called so here, and what is not.
        let (eest, msk) = (Some(15), Some(0));
        assert_eq!((ZONES[15].0, ZONES[0].0), ("EEST", "MSK"));
        let named = |name, zone| Stamp { seconds: 1_719_835_200, zone: Some(zone), name };
        assert_eq!(zone.seconds(named(eest, 3600)), 1_719_835_200 - 10_800);
        assert_eq!(zone.seconds(named(msk, 10_800)), 1_719_835_200 - 10_800);
        assert_eq!(zone.show(time(1_719_835_200)), "2024-07-01 15:00");
        assert_eq!(exact(time(1_719_835_200)), "2024-07-01T12:00:00Z");
        assert_eq!(seconds(time(5)), 5);
    }
}
