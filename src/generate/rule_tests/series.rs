//! The series of a case: a metric such that the measure comes out as a value.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Example, example_labels};
use crate::catalogue::{AHEAD, Area, Fold, Severity, Signal};
use crate::generate::rules::hold_minutes;

/// The divisor of ratios in the cases.
const DIVISOR: f64 = 8.0;
/// Where counters start.
const START: f64 = 1_000_000.0;

/// One signal and severity.
pub(super) struct Case<'a> {
    pub(super) area: &'a Area,
    pub(super) signal: &'a Signal,
    pub(super) severity: Severity,
    pub(super) threshold: f64,
    pub(super) bad: f64,
    pub(super) good: f64,
    pub(super) target: &'static str,
}

/// Whose series they are.
#[derive(Clone, Default)]
pub(super) struct Place<'a> {
    pub(super) instance: &'a str,
    pub(super) target: &'a str,
    pub(super) job: Option<&'a str>,
    /// Labels that are not those of the example.
    pub(super) labels: Vec<(&'a str, String)>,
    pub(super) muted: bool,
    /// Its divisor stands still.
    pub(super) idle: bool,
    /// The other conditions of its measure are not met.
    pub(super) alone: bool,
}

/// What the measure is, over time.
#[derive(Clone, Copy)]
pub(super) enum Course {
    Steady(f64),
    /// The first value for so many minutes, then the second.
    Ends(f64, u64, f64),
}

/// Held times are short.
fn minutes(whole: u64) -> f64 {
    u32::try_from(whole).map_or(f64::INFINITY, f64::from)
}

impl<'a> Case<'a> {
    pub(super) fn new(area: &'a Area, signal: &'a Signal, severity: Severity) -> Self {
        let Example { threshold, bad, good } = Example::of(signal, severity);
        let target = if area.single { area.name } else { "main" };
        Self { area, signal, severity, threshold, bad, good, target }
    }

    pub(super) fn at<'p>(&self, instance: &'p str) -> Place<'p>
    where
        'a: 'p,
    {
        Place { instance, target: self.target, ..Place::default() }
    }

    pub(super) fn hold(&self) -> u64 {
        hold_minutes(self.signal, self.severity)
    }

    /// Minutes until the measure has its value.
    pub(super) fn known(&self) -> u64 {
        let measure = &self.signal.measure;
        match measure.fold {
            Fold::Level => 0,
            // Two samples make a trend.
            Fold::Predict => 1,
            // They also make a change, and what both counters lack for the window cancels out.
            _ if measure.changes_divisor(self.area) => 1,
            // A rate has its full value once the samples reach to within one interval of its window.
            Fold::Rate | Fold::Increase => 4,
        }
    }

    /// When the alert fires.
    pub(super) fn due(&self) -> u64 {
        self.known() + self.hold()
    }

    /// Minutes that the series are long.
    pub(super) fn steps(&self) -> u64 {
        30 + self.hold()
    }

    fn line<'l>(
        place: &'l Place,
        metric: &str,
        mut labels: BTreeMap<&'l str, String>,
        values: &str,
    ) -> String {
        for (name, value) in &place.labels {
            if let Some(label) = labels.get_mut(name) {
                label.clone_from(value);
            }
        }
        labels.extend([("instance", place.instance.into()), ("target", place.target.into())]);
        labels.extend(place.job.map(|job| ("job", job.to_owned())));
        let labels: Vec<_> = labels.iter().map(|(k, v)| format!("{k}=\"{v}\"")).collect();
        format!("      - series: '{metric}{{{}}}'\n        values: '{values}'\n", labels.join(", "))
    }

    /// Values of a series that come out as the course once they are folded.
    fn values(&self, course: Course, scale: f64) -> String {
        let steps = self.steps();
        let change = match self.signal.measure.fold {
            Fold::Level => {
                return match course {
                    Course::Steady(value) => format!("{}x{steps}", value * scale),
                    Course::Ends(bad, until, good) => {
                        let rest = steps - until;
                        format!("{}x{until} {}x{rest}", bad * scale, good * scale)
                    }
                };
            }
            Fold::Predict => {
                let (Course::Steady(value) | Course::Ends(value, ..)) = course;
                let (start, slope) = self.trend(value * scale);
                return format!("{start}{slope:+}x{steps}");
            }
            Fold::Rate => 60.0,
            Fold::Increase => 0.2,
        };
        match course {
            Course::Steady(value) => format!("{START}+{}x{steps}", value * scale * change),
            Course::Ends(bad, until, good) => {
                let (first, then) = (bad * scale * change, good * scale * change);
                // promtool adds step by step: what is rounded must not look like a reset.
                let from = START + first * minutes(until) + then + 1e-6;
                format!("{START}+{first}x{until} {from}+{then}x{}", steps - until)
            }
        }
    }

    /// Start, and slope a minute, of a line whose prediction is `value` when the alert is due. It is
    /// so flat that the prediction of a line that is beyond the threshold then has been so for the
    /// whole hold time, and steep enough that the level itself never is (held below two hours).
    fn trend(&self, value: f64) -> (f64, f64) {
        let scale = if self.signal.measure.per.is_some() { DIVISOR } else { 1.0 };
        let hold = minutes(self.hold());
        let slope = (self.bad - self.threshold) * scale / (2.0 * (hold + 1.0));
        let seen = minutes(self.known()) + hold + f64::from(AHEAD / 60);
        (value - slope * seen, slope)
    }

    /// All series that make the measure what it is.
    pub(super) fn measured(&self, place: &Place, course: Course) -> String {
        let measure = &self.signal.measure;
        let labels = |metric: &str| example_labels(self.area, metric, &[measure.select]);
        let scale = if measure.per.is_some() { DIVISOR } else { 1.0 };
        let steps = self.steps();
        let values = self.values(course, scale);
        let mut out = Self::line(place, measure.metric, labels(measure.metric), &values);
        if let Some((divisor, _)) = measure.per {
            let values = match measure.changes_divisor(self.area) {
                true if place.idle => format!("{START}x{steps}"),
                true => self.values(Course::Steady(1.0), DIVISOR),
                false => format!("{DIVISOR}x{steps}"),
            };
            out += &Self::line(place, divisor, labels(divisor), &values);
        }
        if let Some(other) = measure.unless {
            let labels = example_labels(self.area, other.metric, &[other.select, measure.select]);
            let mutes = u8::from(place.muted);
            out += &Self::line(place, other.metric, labels, &format!("{mutes}x{steps}"));
        }
        // A condition on the judged series itself is met by its own values.
        for and in measure.others() {
            let beyond = if place.alone { and.bound } else { and.direction.beyond(and.bound) };
            let values = match and.rate_per {
                None => format!("{beyond}x{steps}"),
                // A hair less where it is not to be met: what is computed is not exact.
                Some(_) if place.alone => format!("{START}+{}x{steps}", beyond * DIVISOR * 59.9),
                Some(_) => format!("{START}+{}x{steps}", beyond * DIVISOR * 60.0),
            };
            out += &Self::line(place, and.metric, labels(and.metric), &values);
            if let Some(per) = and.rate_per {
                out += &Self::line(place, per, labels(per), &format!("{DIVISOR}x{steps}"));
            }
        }
        out
    }

    /// The reason why a target is down, for the alert that says it.
    pub(super) fn reason(&self, instance: &str) -> String {
        let mut out = String::new();
        if self.signal.is_up() {
            let _ = write!(
                out,
                "      - series: 'stack_target_failure{{area=\"{}\", instance=\"{instance}\", \
                 target=\"{}\", reason=\"refused\"}}'\n        values: '1x{}'\n",
                self.area.name,
                self.target,
                self.steps()
            );
        }
        if self.signal.is_probe() {
            let _ = write!(
                out,
                "      - series: 'stack_probe_failure{{instance=\"{instance}\", target=\"{}\", \
                 phase=\"connect\", reason=\"refused\"}}'\n        values: '1x{}'\n",
                self.target,
                self.steps()
            );
        }
        out
    }

    /// The threshold in force at a place.
    pub(super) fn limit(&self, place: &Place, value: f64) -> String {
        let of = (self.area.name, self.signal.name, self.severity.as_str());
        self.limit_of(place, of, &[], value)
    }

    /// A threshold of any area, signal and severity, for all things or with the labels of one.
    pub(super) fn limit_of(
        &self,
        place: &Place,
        (area, signal, severity): (&str, &str, &str),
        thing: &[(&'static str, String)],
        value: f64,
    ) -> String {
        let labels = [("area", area), ("signal", signal), ("severity", severity)];
        let labels = labels.into_iter().map(|(name, value)| (name, value.to_owned()));
        let labels = labels.chain(thing.iter().cloned()).collect();
        // promtool reads no `NaNx20`.
        let values = if value.is_nan() {
            format!("NaN+0x{}", self.steps())
        } else {
            format!("{value}x{}", self.steps())
        };
        let place = Place { labels: Vec::new(), ..place.clone() };
        Self::line(&place, "stack_threshold", labels, &values)
    }
}
