//! The thresholds in force for a target: one for all its things, and those of single things.

use std::collections::BTreeSet;

use super::slot::Reading;
use super::snapshot::{Sample, samples};
use super::target::Target;
use crate::catalogue::{Called, Exception, Severity, Signal};

/// A threshold in force for a target, in the base unit of its signal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Threshold {
    pub signal: &'static str,
    pub severity: Severity,
    pub value: f64,
    /// Set in the configuration, not by default.
    pub configured: bool,
}

/// Where a threshold in force comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    Default,
    Configured,
    /// The configuration, for things that are called so.
    Named(String),
    /// The thing itself, such as a label of a container.
    Brought,
}

/// The thresholds of one target.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Thresholds {
    pub general: Vec<Threshold>,
    pub exceptions: Vec<Exception>,
}

impl Thresholds {
    pub fn general(&self, signal: &Signal, severity: Severity) -> Option<f64> {
        let found = self.general.iter().find(|t| t.signal == signal.name && t.severity == severity);
        found.map(|threshold| threshold.value)
    }

    /// Whether there is anything to judge.
    pub fn any(&self, signal: &Signal) -> bool {
        let own = |one: &&Exception| one.signal == signal.name;
        self.general.iter().any(|one| one.signal == signal.name)
            || self
                .exceptions
                .iter()
                .any(|one| own(&one) && one.limits.iter().any(|l| l.1.is_some()))
    }

    /// What is in force for a thing, by what `more` (entries that things have brought along) and the
    /// configuration say, the lowest severity first.
    pub fn of(&self, more: &[Exception], signal: &Signal, sample: &Sample) -> Vec<(Severity, f64)> {
        let own = self.exception(more, signal, sample);
        let value = |severity| {
            let says = own.and_then(|own| own.says(severity));
            says.unwrap_or_else(|| self.general(signal, severity))
        };
        signal.severities().filter_map(|severity| Some((severity, value(severity)?))).collect()
    }

    /// Where the threshold of a severity comes from that is in force for a thing.
    pub fn source(
        &self,
        more: &[Exception],
        signal: &Signal,
        sample: &Sample,
        severity: Severity,
    ) -> Source {
        let own = self.exception(more, signal, sample).filter(|own| own.says(severity).is_some());
        let general = |t: &Threshold| t.signal == signal.name && t.severity == severity;
        match own {
            Some(own) if more.iter().any(|one| std::ptr::eq(one, own)) => Source::Brought,
            Some(own) => Source::Named(own.key.as_str().to_owned()),
            None if self.general.iter().any(|one| general(one) && one.configured) => {
                Source::Configured
            }
            None => Source::Default,
        }
    }

    /// The entry that speaks of a thing: the name in the configuration first, then what the thing has
    /// brought, then patterns.
    fn exception<'a>(
        &'a self,
        more: &'a [Exception],
        signal: &Signal,
        sample: &Sample,
    ) -> Option<&'a Exception> {
        // Mostly there is none, and then no names need to be made.
        if self.exceptions.is_empty() && more.is_empty() {
            return None;
        }
        let called = Called::of(signal, &|label| sample.label(label));
        let configured = self.exceptions.iter().map(|one| (one.key.rank(), 1, one));
        let brought = more.iter().map(|one| (one.key.rank(), 0, one));
        configured
            .chain(brought)
            .filter(|(.., one)| one.is_about(signal, &called))
            .max_by_key(|((exact, length), configured, _)| (*exact, *configured, *length))
            .map(|(.., one)| one)
    }
}

/// A threshold that one present thing has for itself.
pub(super) struct Own {
    pub(super) signal: &'static Signal,
    pub(super) severity: Severity,
    pub(super) thing: Vec<(String, String)>,
    /// `None`: off.
    pub(super) value: Option<f64>,
}

/// The thresholds that present things of a target have for themselves, one for each thing.
pub(super) fn own_limits(target: &Target, reading: Option<&Reading>) -> Vec<Own> {
    let Some(reading) = reading else { return Vec::new() };
    let (thresholds, brought) = (&target.thresholds, reading.batch.exceptions());
    let mut all = Vec::new();
    for signal in target.area.signals.iter().filter(|signal| !signal.item.is_empty()) {
        let named = |one: &Exception| one.signal == signal.name;
        if !thresholds.exceptions.iter().any(named) && !brought.iter().any(named) {
            continue;
        }
        // Several series can be of one thing, such as states of a container.
        let mut seen = BTreeSet::new();
        for sample in samples(target.area, reading.batch.sets(), signal.measure.metric) {
            if !seen.insert(thing(signal, &sample)) {
                continue;
            }
            let Some(own) = thresholds.exception(brought, signal, &sample) else { continue };
            for severity in signal.severities() {
                if let Some(value) = own.says(severity) {
                    let thing = thing(signal, &sample);
                    all.push(Own { signal, severity, thing, value });
                }
            }
        }
    }
    all
}

/// The labels by which a rule finds the thing.
fn thing(signal: &Signal, sample: &Sample) -> Vec<(String, String)> {
    let of = |label: &&'static str| ((*label).to_owned(), sample.label(label).to_owned());
    signal.item.iter().map(of).collect()
}

/// Keys of the configuration that speak of nothing that is there.
pub fn idle_keys(target: &Target, reading: &Reading) -> Vec<(&'static str, String)> {
    let about_nothing = |one: &&Exception| {
        let Some(signal) = target.area.signal(one.signal) else { return false };
        let there = samples(target.area, reading.batch.sets(), signal.measure.metric);
        let called = |sample: &Sample| Called::of(signal, &|label| sample.label(label));
        !there.iter().any(|sample| one.is_about(signal, &called(sample)))
    };
    // What stands beside its thing is about that one, whether it has numbers at the moment or not.
    let keys = target.thresholds.exceptions.iter().filter(|one| !one.key.is_thing());
    let idle = keys.filter(about_nothing);
    idle.map(|one| (one.signal, one.key.as_str().to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Key;
    use crate::catalogue::examples::AREA;

    fn sample(labels: &[(&'static str, &str)]) -> Sample {
        let labels = labels.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Sample { labels, value: 1.0 }
    }

    fn exception(key: &str, limits: &[(Severity, Option<f64>)]) -> Exception {
        Exception { signal: "disk", key: Key::new(key).unwrap(), limits: limits.to_vec() }
    }

    fn signal(item: &'static [&'static str]) -> Signal {
        let like = AREA.signals.first().unwrap();
        Signal { name: "disk", item, measure: like.measure, ..crate::catalogue::examples::plain() }
    }

    fn own(all: Vec<(Severity, f64)>, severity: Severity) -> Option<f64> {
        all.into_iter().find(|(of, _)| *of == severity).map(|(_, value)| value)
    }

    #[test]
    fn a_name_goes_before_a_pattern_and_the_longer_pattern_before_the_shorter() {
        let warning = Severity::Warning;
        let thresholds = Thresholds {
            general: vec![Threshold {
                signal: "disk",
                severity: warning,
                value: 0.8,
                configured: false,
            }],
            exceptions: vec![
                exception("*", &[(warning, Some(0.1))]),
                exception("/mnt/*", &[(warning, None)]),
                exception("/mnt/a", &[(Severity::Critical, Some(0.98))]),
                exception("shop/db", &[(warning, Some(0.5))]),
            ],
        };
        let mount = signal(&["mountpoint"]);
        let of = |severity, labels: &[(&'static str, &str)]| {
            own(thresholds.of(&[], &mount, &sample(labels)), severity)
        };
        assert_eq!(of(warning, &[("mountpoint", "/")]), Some(0.1));
        assert_eq!(of(warning, &[("mountpoint", "/mnt/b")]), None);
        // What the name's entry leaves out is as for all, whatever patterns say.
        assert_eq!(of(warning, &[("mountpoint", "/mnt/a")]), Some(0.8));
        assert_eq!(of(Severity::Critical, &[("mountpoint", "/mnt/a")]), Some(0.98));
        assert_eq!(of(Severity::Critical, &[("mountpoint", "/mnt/b")]), None);
        assert_eq!(of(warning, &[("mountpoint", "")]), Some(0.8));

        let source = |severity, labels: &[(&'static str, &str)]| {
            thresholds.source(&[], &mount, &sample(labels), severity)
        };
        assert_eq!(source(warning, &[("mountpoint", "/mnt/b")]), Source::Named("/mnt/*".into()));
        assert_eq!(source(warning, &[("mountpoint", "/mnt/a")]), Source::Default);

        // A container is known by its service too; what it has brought goes before patterns.
        let name = signal(&["name"]);
        let db = sample(&[("name", "shop-db-1"), ("project", "shop"), ("service", "db")]);
        assert_eq!(own(thresholds.of(&[], &name, &db), warning), Some(0.5));
        let other = sample(&[("name", "x"), ("project", ""), ("service", "")]);
        let brought = [exception("x", &[(warning, Some(0.3))])];
        assert_eq!(own(thresholds.of(&brought, &name, &other), warning), Some(0.3));
        assert_eq!(own(thresholds.of(&[], &name, &other), warning), Some(0.1));
        assert_eq!(thresholds.source(&brought, &name, &other, warning), Source::Brought);
        assert_eq!(
            thresholds.source(&brought, &name, &db, warning),
            Source::Named("shop/db".into())
        );
    }
}
