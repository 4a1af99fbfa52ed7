//! What is near the alert, by exporter:
//!
//! - `twice` is scraped by two jobs and fires once; `fine-twice` is not beyond the threshold, and
//!   counted double it would be;
//! - both have thresholds of another area, signal and severity, which are not to be taken;
//! - `neighbour` has a second target, which alone is beyond the threshold;
//! - `decoy-*` have a value of a label that the measure does not select, `also-*` each other one
//!   that it does;
//! - `sum` has two series, which count together;
//! - things with a threshold of their own are in `things.rs`;
//! - `ended` is over after a while.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::series::{Case, Course, Place};
use crate::catalogue::{Direction, Fold, Match};
use crate::generate::rules::kept_minutes;

/// The cases, as far as they are written.
pub(super) struct Around<'a> {
    pub(super) case: &'a Case<'a>,
    series: String,
    /// The names of those series.
    written: BTreeSet<String>,
    /// Instances and targets that fire when the alert is due, as often as they have such things.
    pub(super) fires: Vec<(String, &'static str)>,
}

pub(super) fn write(out: &mut String, case: &Case) {
    let mut around =
        Around { case, series: String::new(), written: BTreeSet::new(), fires: Vec::new() };
    around.jobs();
    around.neighbour();
    around.selections();
    around.sum();
    around.things();
    let mut looks = vec![(case.due(), around.fires.clone())];
    if case.signal.measure.fold != Fold::Predict {
        looks = around.end();
    }
    let (name, severity) = (case.signal.name, case.severity.as_str());
    let _ =
        writeln!(out, "  - name: around {name} {severity}\n    interval: 1m\n    input_series:");
    *out += &around.series;
    let _ = writeln!(out, "    promql_expr_test:");
    for (at, mut fires) in looks {
        fires.sort_unstable();
        let alert = case.signal.alert;
        let _ = writeln!(
            out,
            "      - expr: count by (instance, target) (ALERTS{{alertname=\"{alert}\", severity=\"{severity}\", alertstate=\"firing\"}})\n        \
             eval_time: {at}m\n        exp_samples:"
        );
        for same in fires.chunk_by(|one, other| one == other) {
            let Some((instance, target)) = same.first() else { continue };
            let _ = writeln!(
                out,
                "          - {{ labels: '{{instance=\"{instance}\", target=\"{target}\"}}', value: {} }}",
                same.len()
            );
        }
    }
}

impl Around<'_> {
    /// Writes series, those once that two things share: what they are divided by, or muted by.
    pub(super) fn push(&mut self, series: &str) {
        for one in series.split("      - series: ").filter(|one| !one.is_empty()) {
            let name = one.lines().next().unwrap_or_default();
            if self.written.insert(name.to_owned()) {
                self.series += "      - series: ";
                self.series += one;
            }
        }
    }

    /// Series of a place with the usual threshold.
    pub(super) fn add(&mut self, place: &Place, value: f64, fires: bool) {
        let case = self.case;
        self.push(&case.limit(place, case.threshold));
        self.push(&case.measured(place, Course::Steady(value)));
        if fires {
            self.fires.push((place.instance.to_owned(), self.case.target));
        }
    }

    fn jobs(&mut self) {
        let case = self.case;
        let severity = case.severity.as_str();
        for (instance, value) in [("twice", case.bad), ("fine-twice", case.good)] {
            for job in ["one", "two"] {
                let place = Place { job: Some(job), ..case.at(instance) };
                self.add(&place, value, instance == "twice" && job == "one");
            }
            for of in [
                ("decoy", case.signal.name, severity),
                (case.area.name, "decoy", severity),
                (case.area.name, case.signal.name, "decoy"),
            ] {
                // Above, it would keep the first quiet; below, the second would fire.
                self.push(&case.limit_of(&case.at(instance), of, &[], 1e12));
            }
        }
    }

    fn neighbour(&mut self) {
        let case = self.case;
        self.add(&case.at("neighbour"), case.good, false);
        self.add(&Place { target: "second", ..case.at("neighbour") }, case.bad, false);
        self.fires.push(("neighbour".to_owned(), "second"));
    }

    fn selections(&mut self) {
        let case = self.case;
        for Match { label, values, not } in case.signal.measure.select {
            let others: Vec<&str> = if *not { values.to_vec() } else { vec!["decoy"] };
            for value in others {
                let instance = format!("decoy-{label}-{value}");
                let labels = vec![(*label, value.to_owned())];
                self.add(&Place { labels, ..case.at(&instance) }, case.bad, false);
            }
            for value in values.iter().skip(1).filter(|_| !not) {
                let instance = format!("also-{label}-{value}");
                let labels = vec![(*label, (*value).to_owned())];
                self.add(&Place { labels, ..case.at(&instance) }, case.bad, true);
            }
        }
    }

    fn sum(&mut self) {
        let case = self.case;
        let measure = &case.signal.measure;
        let Some(kept) = measure.sum_by.filter(|_| case.threshold > 0.0) else { return };
        let selected = |label: &str| measure.select.iter().any(|m| m.label == label && !m.not);
        let labels = case.area.facts(measure.metric).map(|facts| facts.labels).unwrap_or_default();
        let Some(gone) = labels.into_iter().find(|l| !kept.contains(l) && !selected(l)) else {
            return;
        };
        self.push(&case.limit(&case.at("sum"), case.threshold));
        // Above, both together are beyond it; below, they are not while each would be.
        let above = case.signal.direction == Direction::Above;
        let half = if above { case.bad } else { case.good } / 2.0;
        for value in ["x", "another"] {
            let labels = vec![(gone, value.to_owned())];
            let place = Place { labels, ..case.at("sum") };
            self.push(&case.measured(&place, Course::Steady(half)));
        }
        if above {
            self.fires.push(("sum".to_owned(), case.target));
        }
    }

    /// When to look, and who fires then.
    fn end(&mut self) -> Vec<(u64, Vec<(String, &'static str)>)> {
        let case = self.case;
        let place = case.at("ended");
        let over = case.due() + 2;
        self.push(&case.limit(&place, case.threshold));
        self.push(&case.measured(&place, Course::Ends(case.bad, over, case.good)));
        let lasting = self.fires.clone();
        let mut with_it = lasting.clone();
        with_it.push(("ended".to_owned(), case.target));
        // A change is beyond its threshold until the window has passed on: one of nothing until it
        // has passed whole, another for three minutes.
        let cleared = match (case.signal.measure.fold, case.threshold == 0.0) {
            (Fold::Level | Fold::Predict, _) => over + 1,
            (_, true) => over + 6,
            (_, false) => over + 3,
        };
        match kept_minutes(case.signal) {
            0 => vec![(case.due(), with_it), (over + 1, lasting)],
            kept => vec![
                (case.due(), with_it.clone()),
                ((cleared + kept).saturating_sub(2), with_it),
                (cleared + kept + 2, lasting),
            ],
        }
    }
}
