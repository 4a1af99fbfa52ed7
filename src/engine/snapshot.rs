//! What one scrape shows: of every target one consistent reading, and the exporter's own facts.

use std::sync::Arc;
use std::time::SystemTime;

use super::home::Service;
use super::messages::{HeldBack, WayRow};
use super::own::{
    Build, Info, PartRow, Reload, Scrapes, Serving, TargetRow, ThresholdRow, process_rows,
};
use super::slot::{Reading, Slot, State};
use super::target::Target;
use crate::catalogue::{Area, Batch, Detail, Exception, Known, RowSet, Sink};

/// One target's part.
pub struct Entry {
    /// `None` for the facts of the exporter itself.
    pub target: Option<Arc<Target>>,
    pub state: Option<State>,
    /// The Compose service in which the target lives, as far as that is known.
    pub service: Option<Service>,
    own: Batch,
    reading: Option<Arc<Reading>>,
    /// What stands in for the reading of a target that is down.
    down: Option<Arc<Batch>>,
}

impl Entry {
    fn of(target: Arc<Target>, state: State, service: Option<&Service>, at: SystemTime) -> Self {
        let own = Batch::new()
            .with(vec![TargetRow::new(&target, &state, at)])
            .with(PartRow::all(&target, &state))
            .with(ThresholdRow::all(&target, service, state.reading.as_deref()));
        let reading = state.reading.clone();
        let down = target.down().filter(|_| state.up() == Some(false));
        let service = service.cloned();
        Self { target: Some(target), state: Some(state), service, own, reading, down }
    }

    /// The value of the label `target`; empty for the exporter itself.
    pub fn name(&self) -> &str {
        self.target.as_ref().map_or("", |target| target.id.name.as_str())
    }

    /// The tables for people of the last good reading.
    pub fn details(&self) -> &[Detail] {
        self.reading.as_ref().map_or(&[], |reading| reading.batch.details())
    }

    /// Thresholds that things have brought along for themselves.
    pub fn exceptions(&self) -> &[Exception] {
        self.reading.as_ref().map_or(&[], |reading| reading.batch.exceptions())
    }

    /// The present rows, the exporter's facts on the target first.
    pub fn sets(&self) -> impl Iterator<Item = &dyn RowSet> {
        let reading = self.reading.iter().map(|reading| &reading.batch);
        let down = self.down.iter().map(AsRef::as_ref);
        self.own.sets().chain(reading.chain(down).flat_map(Batch::sets))
    }
}

/// A sample with the labels that the catalogue knows, for those who judge rather than encode.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    pub labels: Vec<(&'static str, String)>,
    pub value: f64,
}

impl Sample {
    pub fn label(&self, name: &str) -> &str {
        self.labels.iter().find(|(label, _)| *label == name).map_or("", |(_, value)| value)
    }
}

/// How it fares with the exporter itself.
pub(super) type Own = (Reload, Scrapes, Serving, (Vec<WayRow>, Vec<HeldBack>));

pub struct Snapshot {
    pub at: SystemTime,
    pub entries: Vec<Entry>,
}

impl Snapshot {
    pub(super) fn new(
        slots: &[Arc<Slot>],
        services: &[Option<Service>],
        (build, info): (&Build, Info),
        (reload, scrapes, serving, messages): Own,
    ) -> Self {
        let at = SystemTime::now();
        let exporter = Batch::new()
            .with(vec![build.clone()])
            .with(
                Some(info).filter(|info| *info != Info::default()).into_iter().collect::<Vec<_>>(),
            )
            .with(vec![reload])
            .with(vec![scrapes])
            .with(vec![serving])
            .with(messages.0)
            .with(messages.1)
            .with(process_rows());
        let alone = Entry {
            target: None,
            state: None,
            service: None,
            own: exporter,
            reading: None,
            down: None,
        };
        let mut entries = vec![alone];
        for (slot, service) in slots.iter().zip(services) {
            entries.push(Entry::of(slot.target(), slot.state(), service.as_ref(), at));
        }
        Self { at, entries }
    }

    /// One target, without the facts of the exporter itself: who asks for this one by an address
    /// of its own would have them again under that.
    pub(super) fn alone(target: Arc<Target>, state: State) -> Self {
        let at = SystemTime::now();
        Self { at, entries: vec![Entry::of(target, state, None, at)] }
    }
}

/// Area, name, home, and how the reading went.
#[cfg(test)]
pub(crate) type Looked<'a> =
    (&'static Area, &'a str, Option<Service>, Result<Batch, crate::failure::Failure>);

#[cfg(test)]
impl Snapshot {
    /// One batch under a target's name and nothing else.
    pub(crate) fn of(target: &str, batch: Batch) -> Self {
        let target = super::target::nothing::target(&super::own::AREA, target);
        let reading = Some(Arc::new(Reading::new(batch)));
        let entry = Entry {
            target: Some(Arc::new(target)),
            state: None,
            service: None,
            own: Batch::new(),
            reading,
            down: None,
        };
        Self { at: SystemTime::now(), entries: vec![entry] }
    }

    /// These targets, each with one reading or the reason why there is none.
    pub(crate) fn looked(at: SystemTime, all: Vec<Looked<'_>>) -> Self {
        static START: std::sync::LazyLock<std::time::Instant> =
            std::sync::LazyLock::new(std::time::Instant::now);
        let clock = *START + at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let entry = |(area, name, service, outcome): Looked<'_>| {
            let target = Arc::new(super::target::nothing::target(area, name));
            let reading = outcome.map(|batch| Reading { at, clock, ..Reading::new(batch) });
            let state = State::alone(&target, reading, std::time::Duration::ZERO);
            Entry::of(target, state, service.as_ref(), at)
        };
        Self { at, entries: all.into_iter().map(entry).collect() }
    }

    /// One target that is up, with two readings and these thresholds.
    pub(crate) fn judged(
        area: &'static crate::catalogue::Area,
        thresholds: Vec<super::Threshold>,
        reading: Arc<Reading>,
        previous: &Reading,
    ) -> Self {
        let mut target = super::target::nothing::target(area, "main");
        target.thresholds.general = thresholds;
        let state = State::up_with(&target, Arc::clone(&reading), previous);
        let entry = Entry {
            target: Some(Arc::new(target)),
            state: Some(state),
            service: None,
            own: Batch::new(),
            reading: Some(reading),
            down: None,
        };
        Self { at: SystemTime::now(), entries: vec![entry] }
    }
}

/// All samples of one metric in some row sets: of an area, or of the exporter's own facts on it.
pub fn samples<'a>(
    area: &Area,
    sets: impl Iterator<Item = &'a dyn RowSet>,
    metric: &str,
) -> Vec<Sample> {
    let place = area.locate(metric).or_else(|| super::own::AREA.locate(metric));
    let Some((row_type, index)) = place else { return Vec::new() };
    let mut found = Found(Vec::new());
    for set in sets.filter(|set| set.row_type() == row_type) {
        set.emit(index, &mut found);
    }
    found.0
}

struct Found(Vec<Sample>);

impl Sink for Found {
    fn sample(&mut self, labels: Known, _: &[(&str, &str)], value: f64) {
        let labels = labels.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        self.0.push(Sample { labels, value });
    }
}
