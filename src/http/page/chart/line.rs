//! A number over an hour or a day, with its thresholds.

use maud::{Markup, html};

use super::super::words::{Clock, value};
use super::{Range, at, path, share, thinned};
use crate::catalogue::{Severity, Unit};

const WIDE: f64 = 480.0;
const HIGH: f64 = 96.0;
/// A threshold further away would press the line flat; it is told in words only.
const FAR: f64 = 2.5;

/// A threshold, as a line across.
#[derive(Clone, Copy)]
pub struct Limit {
    pub severity: Severity,
    pub value: f64,
    /// "above", "below": where the trouble is.
    pub trouble: &'static str,
}

impl Limit {
    pub fn is_breached(&self, value: f64) -> bool {
        if self.trouble == "above" { value > self.value } else { value < self.value }
    }
}

/// What is drawn.
pub struct Plot<'a> {
    /// "Last hour"
    pub when: &'a str,
    /// "an hour ago"
    pub begin: &'a str,
    pub points: &'a [(u64, f32)],
    /// Seconds from one point to the next.
    pub step: u64,
    pub from: u64,
    pub to: u64,
    pub limits: &'a [Limit],
    pub unit: Unit,
}

impl Plot<'_> {
    pub fn draw(&self, clock: &Clock) -> Markup {
        let within = |(time, _): &&(u64, f32)| (self.from..=self.to).contains(time);
        let points: Vec<_> = self.points.iter().filter(within).copied().collect();
        let points = thinned(&points, 288);
        let Some(range) = Range::of(&points) else {
            return html! { figure.plot { figcaption { (self.when) ": nothing is known" } } };
        };
        let (low, high) = self.scale(range);
        let wide = self.to.saturating_sub(self.from).max(1) as f64;
        let x = |time: u64| WIDE * time.saturating_sub(self.from) as f64 / wide;
        let y = |value: f64| HIGH * (1.0 - share(value, low, high));
        let drawn = self.limits.iter().filter(|limit| (low..=high).contains(&limit.value));
        let now = points.last().map_or(range.high, |(_, now)| f64::from(*now));
        let show = |of: f64| value(self.unit, of);
        html! {
            figure.plot {
                figcaption { (range.says(self.when, &show(now), &show)) }
                div.axes {
                    svg.line viewBox={ "0 0 " (WIDE) " " (HIGH) } preserveAspectRatio="none" role="img"
                        aria-label=(self.says(range, now)) {
                        @for limit in drawn {
                            path.limit.(limit.severity.as_str()) d={ "M0 " (at(y(limit.value))) "H" (WIDE) } {}
                        }
                        path d=(path(&points, self.step.max(1), &x, &y)) {}
                    }
                    span.high { (show(high)) }
                    span.low { (show(low)) }
                    span.from { (self.begin) ", " (clock.time(self.from)) }
                    span.to { "now, " (clock.time(self.to)) }
                }
            }
        }
    }

    /// From zero, unless there are values below it, to something above the highest of all that is drawn.
    fn scale(&self, range: Range) -> (f64, f64) {
        let mut top = range.high;
        let most = if range.high > 0.0 { range.high * FAR } else { f64::INFINITY };
        for limit in self.limits.iter().filter(|limit| limit.value <= most) {
            top = top.max(limit.value);
        }
        let whole = self.unit == Unit::Ratio && (0.4..=1.0).contains(&top);
        let high = if whole { 1.0 } else { round(top) };
        (range.low.min(0.0), if high > 0.0 { high } else { 1.0 })
    }

    fn says(&self, range: Range, now: f64) -> String {
        let show = |of: f64| value(self.unit, of);
        let mut says = range.says(self.when, &show(now), &show);
        for Limit { severity, value, trouble } in self.limits {
            says += &format!(", {} {trouble} {}", severity.as_str(), show(*value));
        }
        says
    }
}

/// The next number with one digit, or a half of one: 3.2 is 3.5, 87 is 90.
fn round(value: f64) -> f64 {
    if value <= 0.0 || !value.is_finite() {
        return value.max(0.0);
    }
    let unit = 10_f64.powf(value.log10().floor()) / 2.0;
    (value / unit).ceil() * unit
}

#[cfg(test)]
mod tests {
    use super::*;

    const WARNING: Limit = Limit { severity: Severity::Warning, value: 0.8, trouble: "above" };

    fn plot<'a>(points: &'a [(u64, f32)], limits: &'a [Limit]) -> Plot<'a> {
        let unit = Unit::Ratio;
        Plot {
            when: "Last hour",
            begin: "an hour ago",
            points,
            step: 15,
            from: 3600,
            to: 7200,
            limits,
            unit,
        }
    }

    #[test]
    fn the_line_lies_where_its_numbers_are() {
        let points =
            [(3600, 0.0), (3615, 0.25), (3630, 0.5), (7170, 0.9), (7185, 0.75), (7200, 0.6)];
        let html = plot(&points, &[WARNING]).draw(&Clock::utc()).into_string();
        let told = "aria-label=\"Last hour: 0% to 90%, now 60%, warning above 80%\"";
        assert!(html.contains(told), "{html}");
        assert!(html.contains("d=\"M0 96L2 72L4 48M476 10L478 24L480 38\""), "{html}");
        assert!(html.contains("<path class=\"limit warning\" d=\"M0 19H480\">"), "{html}");
        for axis in ["high\">100%<", "low\">0%<", "from\">an hour ago, 01:00<", "to\">now, 02:00<"]
        {
            assert!(html.contains(axis), "{axis}: {html}");
        }
    }

    #[test]
    fn a_threshold_far_away_is_told_and_not_drawn() {
        let points = [(7170, 0.01), (7185, 0.012)];
        let html = plot(&points, &[WARNING]).draw(&Clock::utc()).into_string();
        assert!(html.contains("warning above 80%") && !html.contains("class=\"limit"), "{html}");
        assert!(html.contains("high\">1.5%<"), "{html}");
    }

    #[test]
    fn without_points_it_says_so() {
        let html = plot(&[(0, 1.0)], &[]).draw(&Clock::utc()).into_string();
        assert!(html.contains("Last hour: nothing is known") && !html.contains("<svg"), "{html}");
        let zero = plot(&[(7200, 0.0)], &[]).draw(&Clock::utc()).into_string();
        assert!(zero.contains("M480 96h0"), "a dot on the ground: {zero}");
    }

    #[test]
    fn the_axis_ends_at_a_round_number() {
        for (value, high) in [(3.2, 3.5), (87.0, 90.0), (1.0, 1.0), (0.012, 0.015), (0.0, 0.0)] {
            assert!((round(value) - high).abs() < 1e-9, "{value}: {}", round(value));
        }
        assert!(round(f64::INFINITY).is_infinite());
    }
}
