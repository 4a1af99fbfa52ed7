//! Things among things, by exporter:
//!
//! - `none`, `raised` and `own` have one thing with a threshold of its own (off, beyond the value, before
//!   it), and things without, of this target and of a second one;
//! - `special` and `special-fine` have a threshold for one thing only, seen by two jobs, and
//!   thresholds of another area, signal and severity for it; `special-muted` has one that the measure
//!   is to keep quiet about; `bare` has no threshold at all;
//! - `decoyed` has such foreign thresholds for a thing, and the usual one;
//! - `muted-beside` has one thing that the measure is to keep quiet about, and others;
//! - `met` has one thing that meets the second condition of the measure, and others.

use super::around::Around;
use super::series::{Course, Place};
use crate::catalogue::{Fold, Match};

impl Around<'_> {
    pub(super) fn things(&mut self) {
        let case = self.case;
        if case.signal.measure.fold == Fold::Predict {
            return;
        }
        if let Some(unless) = case.signal.measure.unless {
            self.muted(unless.on);
        }
        if let Some(and) = case.signal.measure.others().next() {
            self.met(and.on);
        }
        if !case.signal.item.is_empty() {
            self.other_thresholds();
            self.only_its_own();
            self.decoyed();
        }
    }

    /// The usual threshold, and one of its own for one thing.
    fn other_thresholds(&mut self) {
        let case = self.case;
        let step = case.bad - case.threshold;
        let mut all = vec![("none", f64::NAN, case.bad, case.bad)];
        if !case.signal.is_fact() {
            all.push(("raised", case.bad + step, case.bad, case.bad));
            all.push(("own", case.good - step, case.good, case.good));
        }
        for (instance, limit, value, beside) in all {
            let place = case.at(instance);
            self.add(&place, value, instance == "own");
            self.push(&case.limit_of(&place, self.of(), &self.thing(), limit));
            self.beside(&place, case.signal.item, beside, instance != "own");
            let second = Place { target: "second", ..place };
            self.push(&case.limit(&second, case.threshold));
            self.push(&case.measured(&second, Course::Steady(beside)));
            if instance != "own" {
                self.fires.push((instance.to_owned(), "second"));
            }
        }
    }

    /// No threshold but one of its own.
    fn only_its_own(&mut self) {
        let case = self.case;
        for (instance, value) in [("special", case.bad), ("special-fine", case.good)] {
            for job in ["one", "two"] {
                let place = Place { job: Some(job), ..case.at(instance) };
                self.push(&case.limit_of(&place, self.of(), &self.thing(), case.threshold));
                self.push(&case.measured(&place, Course::Steady(value)));
            }
            self.foreign(&case.at(instance));
            self.beside(&case.at(instance), case.signal.item, case.bad, false);
            let second = Place { target: "second", ..case.at(instance) };
            self.push(&case.measured(&second, Course::Steady(case.bad)));
        }
        self.fires.push(("special".to_owned(), case.target));
        for Match { label, values, not } in case.signal.measure.select {
            let value = values.first().filter(|_| *not).unwrap_or(&"decoy");
            let labels = vec![(*label, (*value).to_owned())];
            let place = Place { labels, ..case.at("special-fine") };
            self.push(&case.measured(&place, Course::Steady(case.bad)));
        }
        if case.signal.measure.unless.is_some() {
            for job in ["one", "two"] {
                let place = Place { job: Some(job), muted: true, ..case.at("special-muted") };
                self.push(&case.limit_of(&place, self.of(), &self.thing(), case.threshold));
                self.push(&case.measured(&place, Course::Steady(case.bad)));
            }
        }
        self.push(&case.measured(&case.at("bare"), Course::Steady(case.bad)));
    }

    fn decoyed(&mut self) {
        let case = self.case;
        let place = case.at("decoyed");
        self.add(&place, case.bad, true);
        self.foreign(&place);
    }

    fn muted(&mut self, on: &[&'static str]) {
        let case = self.case;
        for job in ["one", "two"] {
            let place = Place { job: Some(job), muted: true, ..case.at("muted-beside") };
            self.add(&place, case.bad, false);
        }
        self.others("muted-beside", on, true);
    }

    fn met(&mut self, on: &[&'static str]) {
        let case = self.case;
        self.add(&case.at("met"), case.bad, true);
        self.others("met", on, false);
    }

    /// Other things of an exporter, each of which differs by one label: they are beyond the threshold,
    /// neither muted nor do they meet the second condition where that is what should keep them quiet.
    fn others(&mut self, instance: &str, on: &[&'static str], fires: bool) {
        let case = self.case;
        let place = Place { alone: !fires, ..case.at(instance) };
        self.beside(&place, on, case.bad, fires);
        let second = Place { target: "second", ..place };
        self.push(&case.limit(&second, case.threshold));
        self.push(&case.measured(&second, Course::Steady(case.bad)));
        if fires {
            self.fires.push((instance.to_owned(), "second"));
        }
    }

    /// Things that differ from the usual one by one of these labels.
    fn beside(&mut self, place: &Place, labels: &[&'static str], value: f64, fires: bool) {
        let case = self.case;
        for label in labels {
            let Some(another) = self.another(label) else { continue };
            let place = Place { labels: vec![(*label, another)], ..place.clone() };
            self.push(&case.measured(&place, Course::Steady(value)));
            if fires {
                self.fires.push((place.instance.to_owned(), case.target));
            }
        }
    }

    /// Thresholds of another area, signal and severity for the thing.
    fn foreign(&mut self, place: &Place) {
        let (area, signal, severity) = self.of();
        for of in [("decoy", signal, severity), (area, "decoy", severity), (area, signal, "decoy")]
        {
            self.push(&self.case.limit_of(place, of, &self.thing(), 1e12));
        }
    }

    fn of(&self) -> (&'static str, &'static str, &'static str) {
        (self.case.area.name, self.case.signal.name, self.case.severity.as_str())
    }

    /// The labels of the thing of the examples.
    fn thing(&self) -> Vec<(&'static str, String)> {
        self.case.signal.item.iter().map(|label| (*label, self.example(label))).collect()
    }

    /// Another value of a label of the measure that is selected as well; `None` if it has no such label.
    fn another(&self, label: &str) -> Option<String> {
        let measure = &self.case.signal.measure;
        let facts = self.case.area.facts(measure.metric);
        let kept = |label: &str| measure.sum_by.is_none_or(|kept| kept.contains(&label));
        if !facts.is_some_and(|facts| facts.labels.contains(&label)) || !kept(label) {
            return None;
        }
        match measure.select.iter().find(|m| m.label == label && !m.not) {
            Some(selected) => selected.values.get(1).map(ToString::to_string),
            None => Some("another".to_owned()),
        }
    }

    /// The value of a label in the examples.
    fn example(&self, label: &str) -> String {
        let measure = &self.case.signal.measure;
        let all = super::example_labels(self.case.area, measure.metric, &[measure.select]);
        all.get(label).cloned().unwrap_or_default()
    }
}
