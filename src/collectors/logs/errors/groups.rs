//! Errors that are the same, counted: the first 200 of a source each for themselves, the rest
//! together.
//!
//! `sum of groups + other + retired = total`, always. A group that was not seen for a week gives
//! its place to a new one; its count goes to `retired`. Nothing ever counts back.
//!
//! The first 50 have a series of their own. What counts where is decided when an event comes, so
//! that the series of the rest never steps back either: `sum of series + rest + ended = total`.

use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasherDefault, Hasher};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::super::recent::since;
use super::fingerprint::{Fingerprint, Parts, VERSION};
use super::text;
use super::trend::Trend;
use crate::collectors::logs::recent::BIRTH;

/// Groups of a source.
pub const CAP: usize = 200;
/// Groups of a source that have a series.
pub const EXPORTED: usize = 50;
/// A group that was not seen for this long gives its place to a new one.
const FORGET: Duration = Duration::from_hours(7 * 24);
/// In the first time of a source every group is new.
const LEARNING: Duration = Duration::from_hours(1);
/// How long a group is new.
const NEW: Duration = Duration::from_mins(10);
/// How often at most a place is looked for when there is none.
const AGAIN: Duration = Duration::from_mins(1);
/// Longest raw text that is kept, where that was asked for.
const MAX_SAMPLE: usize = 1024;

/// The errors of a source.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Groups {
    groups: Vec<Group>,
    /// Events of groups that found no place.
    pub other: u64,
    /// Events of groups that gave their place up.
    pub retired: u64,
    /// All events.
    pub total: u64,
    /// Events that came when their group had no series.
    pub rest: u64,
    /// What series had counted that have ended.
    pub ended: u64,
    /// When counting began.
    since: Option<SystemTime>,
    /// With which version of fingerprints. With another one every group is new again.
    version: u64,
    /// Keep one raw text of each group. A setting, so it is not part of the state.
    #[serde(skip)]
    pub samples: bool,
    /// Width of a bucket of the trends in seconds, if it is not an hour.
    #[serde(skip)]
    pub width: Option<u64>,
    /// Where each group is; made anew after a start.
    #[serde(skip)]
    places: HashMap<u64, usize, BuildHasherDefault<Same>>,
    /// No place is looked for before this.
    #[serde(skip)]
    full_until: Option<SystemTime>,
}

/// Errors that are the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Group {
    pub fingerprint: Fingerprint,
    pub critical: bool,
    /// Bounded, without controls; empty if there is none. Part of the fingerprint, as are the
    /// exception, the frame and the template.
    pub logger: String,
    /// The class, made of `[A-Za-z0-9_.]`, or empty.
    pub exception: String,
    /// `file:function` of the last own frame, or empty.
    pub frame: String,
    /// The masked head, at most 256 bytes. Never a label.
    pub template: String,
    pub count: u64,
    pub first: SystemTime,
    pub last: SystemTime,
    /// When it got its series.
    pub series: Option<Series>,
    /// It was first seen when the usual ones were already known.
    pub novel: bool,
    pub trend: Trend,
    /// The first raw text, if that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<String>,
}

/// The series of a group counts from where it began.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// It was 0 then.
    pub born: SystemTime,
    /// Events of the group before.
    pub before: u64,
    /// It is shown as 0, so that `increase()` sees its first event.
    #[serde(default)]
    pub young: bool,
}

impl Group {
    /// The value of the label `level`.
    pub fn level(&self) -> &'static str {
        if self.critical { "critical" } else { "error" }
    }
}

/// What is exported of a group.
#[derive(Clone, Copy, Debug)]
pub struct Exported<'a> {
    pub group: &'a Group,
    pub value: u64,
    pub series: Series,
}

/// An error event that is complete.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    pub parts: Parts<'a>,
    /// When its head came.
    pub at: SystemTime,
    /// Its head as it stood in the log.
    pub raw: &'a [u8],
}

impl Groups {
    /// Counting of the source begins. Later calls change nothing.
    pub fn begin(&mut self, now: SystemTime) {
        if self.version != VERSION {
            (self.version, self.since) = (VERSION, None);
        }
        self.since.get_or_insert(now);
    }

    /// All groups, in the order in which they came.
    pub fn all(&self) -> &[Group] {
        &self.groups
    }

    /// The groups that have a series.
    pub fn exported(&self) -> impl Iterator<Item = Exported<'_>> {
        self.groups.iter().filter_map(|group| {
            let series = group.series?;
            let value = group.count.saturating_sub(series.before);
            Some(Exported { group, value, series })
        })
    }

    /// Shows series that were shown as 0 for long enough. Returns whether there were any.
    pub fn tick(&mut self, now: SystemTime) -> bool {
        let mut grown = false;
        self.each_young(|series| {
            series.born = series.born.min(now);
            series.young = since(series.born, now) < BIRTH;
            grown |= !series.young;
        });
        grown
    }

    /// What is still shown as 0 is so for a while from now on: nobody has seen it before the start.
    pub fn begin_again(&mut self, now: SystemTime) {
        self.each_young(|series| series.born = now);
    }

    fn each_young(&mut self, change: impl FnMut(&mut Series)) {
        let series = self.groups.iter_mut().filter_map(|group| group.series.as_mut());
        series.filter(|series| series.young).for_each(change);
    }

    /// Groups that were first seen a short time ago, when the usual ones were known.
    pub fn fresh(&self, now: SystemTime) -> usize {
        let fresh = |group: &&Group| group.novel && since(group.first, now) < NEW;
        self.groups.iter().filter(fresh).count()
    }

    /// Counts an event that is complete now.
    pub fn count(&mut self, event: &Event, now: SystemTime) {
        self.begin(now);
        if self.places.len() != self.groups.len() {
            self.restore();
        }
        self.total += 1;
        let fingerprint = Fingerprint::of(&event.parts);
        let width = self.width;
        let known = self.places.get(&fingerprint.0).copied();
        let Some(place) = known.or_else(|| self.place(fingerprint, event, now)) else {
            self.other += 1;
            self.rest += 1;
            return;
        };
        if self.groups.get(place).is_some_and(|group| group.series.is_none()) {
            self.promote(place, now);
        }
        let Some(group) = self.groups.get_mut(place) else { return };
        if group.series.is_none() {
            self.rest += 1;
        }
        group.count += 1;
        group.first = group.first.min(event.at);
        group.last = group.last.max(event.at);
        group.trend.count(event.at, width);
    }

    /// A place for a new group, if there is one.
    fn place(&mut self, fingerprint: Fingerprint, event: &Event, now: SystemTime) -> Option<usize> {
        if self.groups.len() >= CAP && !self.retire(now) {
            return None;
        }
        let parts = &event.parts;
        let novel = self.since.is_some_and(|begun| since(begun, now) >= LEARNING);
        let sample = self.samples.then(|| text::bounded(event.raw, MAX_SAMPLE));
        self.places.insert(fingerprint.0, self.groups.len());
        self.groups.push(Group {
            fingerprint,
            critical: parts.critical,
            logger: parts.logger.to_owned(),
            exception: parts.exception.to_owned(),
            frame: parts.frame.to_owned(),
            template: parts.template.to_owned(),
            count: 0,
            first: event.at,
            last: event.at,
            series: None,
            novel,
            trend: Trend::default(),
            sample,
        });
        Some(self.groups.len() - 1)
    }

    /// Gives a group a series, if one is free.
    fn promote(&mut self, place: usize, now: SystemTime) {
        if self.waits(now) {
            return;
        }
        let full = self.groups.iter().filter(|group| group.series.is_some()).count() >= EXPORTED;
        if full {
            let idle =
                |group: &&mut Group| group.series.is_some() && since(group.last, now) >= FORGET;
            let Some(group) = self.groups.iter_mut().filter(idle).min_by_key(|group| group.last)
            else {
                self.full_until = now.checked_add(AGAIN);
                return;
            };
            let before = group.series.take().map_or(0, |series| series.before);
            self.ended += group.count.saturating_sub(before);
        }
        if let Some(group) = self.groups.get_mut(place) {
            group.series = Some(Series { born: now, before: group.count, young: true });
        }
    }

    /// Removes the group that was not seen for the longest time, if that is long enough.
    fn retire(&mut self, now: SystemTime) -> bool {
        if self.waits(now) {
            return false;
        }
        let oldest = self.groups.iter().enumerate().min_by_key(|(_, group)| group.last);
        let Some(place) = oldest.filter(|(_, group)| since(group.last, now) >= FORGET) else {
            self.full_until = now.checked_add(AGAIN);
            return false;
        };
        let group = self.groups.remove(place.0);
        self.retired += group.count;
        if let Some(series) = group.series {
            self.ended += group.count.saturating_sub(series.before);
        }
        self.restore();
        true
    }

    /// A place was looked for in vain a short time ago: a storm of new groups must be cheap.
    fn waits(&self, now: SystemTime) -> bool {
        self.full_until.is_some_and(|until| now < until && since(now, until) <= AGAIN)
    }

    fn restore(&mut self) {
        // A state that names a group twice is one that somebody has written by hand.
        let mut seen = BTreeSet::new();
        for double in self.groups.extract_if(.., |group| !seen.insert(group.fingerprint)) {
            let before = double.series.map_or(double.count, |series| series.before);
            self.retired += double.count;
            self.ended += double.count.saturating_sub(before);
            self.rest += if double.series.is_none() { double.count } else { 0 };
        }
        let places = self.groups.iter().enumerate();
        self.places = places.map(|(place, group)| (group.fingerprint.0, place)).collect();
    }
}

/// A fingerprint is a hash already.
#[derive(Clone, Copy, Debug, Default)]
struct Same(u64);

impl Hasher for Same {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}
