//! Charts as inline SVG, drawn here: no script, no style attribute, and each says in words what it
//! shows.
//!
//! All are stretched to the width they get, so lines have no thickness and texts no place in them:
//! the style sheet gives the one, HTML beside them the other.

mod day;
mod line;

use std::fmt::Write as _;

use maud::{Markup, html};

pub(super) use day::{day, day_in_words};
pub(super) use line::{Limit, Plot};

use crate::overview::Usage;

/// How wide and high a sparkline is in its own units.
const WIDE: f64 = 96.0;
const HIGH: f64 = 24.0;
/// Points in it; more would be narrower than a pixel.
const MOST: usize = 48;
const DAY: u64 = 24 * 3600;

/// A coordinate: whole numbers are enough, and short.
#[allow(clippy::cast_possible_truncation, reason = "a few hundred at most, and saturating")]
fn at(value: f64) -> i64 {
    value.round() as i64
}

/// The last 24 hours of a number in a few points, on a ground of zero. Nothing where nothing is known.
pub(super) fn sparkline(points: &[(u64, f32)], show: &dyn Fn(f64) -> String) -> Markup {
    let points = thinned(points, MOST);
    let (Some(range), Some((last, now))) = (Range::of(&points), points.last()) else {
        return html! {};
    };
    let step = step(&points);
    // It ends at its right edge.
    let x = |time: u64| WIDE * (1.0 - share(last.saturating_sub(time) as f64, 0.0, DAY as f64));
    let top = range.high * 1.1;
    let y = |value: f64| 1.0 + (HIGH - 2.0) * (1.0 - share(value, range.low.min(0.0), top));
    let path = path(&points, step, &x, &y);
    let says = range.says("24 hours", &show(f64::from(*now)), show);
    html! {
        svg.spark viewBox={ "0 0 " (WIDE) " " (HIGH) } preserveAspectRatio="none" role="img"
            aria-label=(says) { path d=(path) {} }
    }
}

/// What is used against what may be: the text, and a bar where there is a limit.
pub(super) fn bar(usage: Usage, texts: &Texts) -> Markup {
    let Some(limit) = usage.limit.filter(|limit| *limit > 0.0) else {
        return html! { @if let Some(used) = usage.used { ((texts.one)(used)) } };
    };
    let Some(used) = usage.used else { return html! { span.dim { "of " ((texts.one)(limit)) } } };
    let (amount, of) = (texts.of)(used, limit);
    let full = at(100.0 * share(used, 0.0, limit)).clamp(0, 100);
    html! {
        (amount) " " span.dim { (of) }
        svg.filled.warning[full >= NEARLY] viewBox="0 0 100 4" preserveAspectRatio="none" role="img"
            aria-label={ (full) "% of its " (texts.what) } { path d={ "M0 0h" (full) "v4H0z" } {} }
    }
}

/// From so many hundredths of its limit on a bar warns.
const NEARLY: i64 = 90;

/// How a bar names its numbers.
pub(super) struct Texts {
    /// "memory"
    pub what: &'static str,
    /// A value by itself.
    pub one: fn(f64) -> String,
    /// What is used, and of how much.
    pub of: fn(f64, f64) -> (String, String),
}

/// From 0 to 1.
fn share(value: f64, low: f64, high: f64) -> f64 {
    if high > low { ((value - low) / (high - low)).clamp(0.0, 1.0) } else { 0.0 }
}

/// The smallest and the largest of some points.
#[derive(Clone, Copy)]
struct Range {
    low: f64,
    high: f64,
}

impl Range {
    fn of(points: &[(u64, f32)]) -> Option<Self> {
        let mut values = points.iter().map(|(_, value)| f64::from(*value));
        let first = values.next()?;
        let widen = |range: Self, value: f64| Self {
            low: range.low.min(value),
            high: range.high.max(value),
        };
        Some(values.fold(Self { low: first, high: first }, widen))
    }

    /// "24 hours: 12% to 93%, now 90%".
    fn says(self, when: &str, now: &str, show: &dyn Fn(f64) -> String) -> String {
        let (low, high) = (show(self.low), show(self.high));
        if low == high {
            format!("{when}: {now}")
        } else {
            format!("{when}: {low} to {high}, now {now}")
        }
    }
}

/// At most so many points: of neighbours the last one.
fn thinned(points: &[(u64, f32)], most: usize) -> Vec<(u64, f32)> {
    let known = points.iter().filter(|(_, value)| value.is_finite());
    let known: Vec<_> = known.copied().collect();
    let of_each = known.len().div_ceil(most).max(1);
    known.rchunks(of_each).rev().filter_map(|chunk| chunk.last().copied()).collect()
}

/// The usual distance of points: the smallest there is.
fn step(points: &[(u64, f32)]) -> u64 {
    let pairs = points.iter().zip(points.iter().skip(1));
    pairs.map(|(one, next)| next.0.saturating_sub(one.0)).filter(|gap| *gap > 0).min().unwrap_or(1)
}

/// A line through the points; it is interrupted where some are missing. One by itself is a dot, which
/// a round cap makes of a line without a length.
fn path(
    points: &[(u64, f32)],
    step: u64,
    x: &dyn Fn(u64) -> f64,
    y: &dyn Fn(f64) -> f64,
) -> String {
    let mut path = String::new();
    let mut last: Option<u64> = None;
    let mut alone = false;
    for (time, value) in points {
        let joined = last.is_some_and(|last| time.saturating_sub(last) <= step * 5 / 2);
        if !joined && alone {
            path += "h0";
        }
        let sign = if joined { 'L' } else { 'M' };
        // Writing into a text cannot fail.
        let _ = write!(path, "{sign}{} {}", at(x(*time)), at(y(f64::from(*value))));
        alone = !joined;
        last = Some(*time);
    }
    if alone {
        path += "h0";
    }
    path
}

#[cfg(test)]
mod tests {
    use super::super::words::{bytes, bytes_of};
    use super::*;

    fn percent(value: f64) -> String {
        format!("{:.0}%", value * 100.0)
    }

    #[test]
    fn a_sparkline_is_small_and_ends_at_its_last_point() {
        let half_hours = (0..48_u16).map(|n| (u64::from(n) * 1800 + 1800, f32::from(n) / 47.0));
        let points: Vec<_> = half_hours.collect();
        let svg = sparkline(&points, &percent).into_string();
        assert!(svg.contains("aria-label=\"24 hours: 0% to 100%, now 100%\""), "{svg}");
        assert!(svg.contains("d=\"M2 23L4 23L6 22"), "from the bottom: {svg}");
        assert!(svg.contains("L96 3\""), "to the right, below the edge: {svg}");
        assert!(svg.len() <= 1000, "{} bytes", svg.len());
        // As many points as there are.
        let all: Vec<_> = (0..288_u16).map(|n| (u64::from(n) * 300, f32::from(n % 7))).collect();
        let svg = sparkline(&all, &percent).into_string();
        assert!(svg.len() <= 1000, "{} bytes", svg.len());
    }

    #[test]
    fn a_sparkline_has_gaps_and_needs_no_more_than_a_point() {
        let svg = sparkline(&[(0, 1.0), (1800, 1.0), (7200, 0.5), (9000, 2.0)], &percent);
        let svg = svg.into_string();
        assert_eq!(svg.matches('M').count(), 2, "{svg}");
        let svg = sparkline(&[(1800, 4.0)], &percent).into_string();
        assert!(svg.contains("d=\"M96 3h0\""), "a dot: {svg}");
        assert!(svg.contains("\"24 hours: 400%\""), "{svg}");
        assert_eq!(sparkline(&[], &percent).into_string(), "");
        assert_eq!(sparkline(&[(0, f32::NAN)], &percent).into_string(), "");
        let zero = sparkline(&[(0, 0.0), (300, 0.0)], &percent).into_string();
        assert!(zero.contains("M96 23L96 23"), "zero is on the ground: {zero}");
    }

    #[test]
    fn a_bar_says_how_much_of_how_much() {
        let texts = Texts { what: "memory", one: bytes, of: bytes_of };
        let mib = 1_048_576.0;
        let of = |used: Option<f64>, limit: Option<f64>| {
            bar(Usage { used, limit }, &texts).into_string()
        };
        let html = of(Some(212.0 * mib), Some(512.0 * mib));
        assert!(html.starts_with("212 <span class=\"dim\">of 512 MiB</span><svg"), "{html}");
        assert!(html.contains("aria-label=\"41% of its memory\""), "{html}");
        assert!(html.contains("M0 0h41v4H0z"), "{html}");
        assert!(of(Some(9.0), Some(3.0)).contains("h100v4"), "no further than full");
        assert_eq!(of(Some(mib), None), "1.0 MiB");
        assert_eq!(of(Some(mib), Some(0.0)), "1.0 MiB", "0 is no limit");
        assert_eq!(of(None, Some(mib)), "<span class=\"dim\">of 1.0 MiB</span>");
        assert_eq!(of(None, None), "");
    }

    #[test]
    fn a_bar_that_is_nearly_full_has_the_colour_of_a_warning() {
        let texts = Texts { what: "memory", one: bytes, of: bytes_of };
        let shown =
            |used| bar(Usage { used: Some(used), limit: Some(100.0) }, &texts).into_string();
        assert!(shown(89.0).contains("class=\"filled\""), "{}", shown(89.0));
        assert!(shown(90.0).contains("class=\"filled warning\""), "{}", shown(90.0));
        assert!(shown(300.0).contains("class=\"filled warning\""));
    }
}
