//! The last hour and the last day of each number, those in trouble first.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::super::chart::{Limit, Plot, day};
use super::super::stack::View;
use super::Thing;
use crate::catalogue::{Direction, Glance, Severity, Signal, Unit};
use crate::check::{Finding, Verdict};
use crate::engine::{Line, Number, Sample};
use crate::overview::{Day, Mood};

/// Numbers that are drawn; the API has them all.
const MOST: usize = 24;
const HOUR: u64 = 3600;
const DAY: u64 = 86_400;

/// One number with its past.
struct Drawn<'a> {
    what: String,
    /// Which of several things.
    of: String,
    unit: Unit,
    verdict: Verdict,
    limits: Vec<Limit>,
    signal: Option<&'static Signal>,
    lines: &'a [Line; 2],
}

impl Drawn<'_> {
    /// There is nothing to see.
    fn is_nothing(&self) -> bool {
        let zero = |line: &Line| line.points().all(|(_, value)| value == 0.0);
        self.verdict < Verdict::Advice && self.lines.iter().all(zero)
    }
}

pub(super) fn section(thing: &Thing, view: &View) -> Markup {
    let mut all = drawn(thing);
    all.sort_by_key(|one| std::cmp::Reverse(one.verdict));
    let (facts, numbers): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|one| one.signal.is_some_and(Signal::is_fact));
    let (calm, numbers): (Vec<_>, Vec<_>) = numbers.into_iter().partition(Drawn::is_nothing);
    html! {
        @if !numbers.is_empty() || !calm.is_empty() {
            section #numbers {
                h2 { "Numbers" }
                div.all-numbers { @for one in numbers.iter().take(MOST) { (plots(one, view)) } }
                @if !calm.is_empty() {
                    p.dim { "Zero as long as it was watched: "
                        @for (index, one) in calm.iter().enumerate() {
                            @if index > 0 { "; " } (one.what) @if !one.of.is_empty() { " (" (one.of) ")" }
                        }
                        "."
                    }
                }
                @if numbers.len() > MOST { p.dim { (numbers.len() - MOST) " more numbers have a history: see /api/v1/history" } }
            }
        }
        @if !facts.is_empty() {
            section #facts {
                h2 { "Yes or no" }
                div.scroll {
                    table.facts-table {
                        caption.apart { "Judgements that are a yes or a no, over the last 24 hours" }
                        thead { tr { th scope="col" { "Signal" } th scope="col" { "Now" } th scope="col" { "Last 24 hours" } } }
                        tbody { @for one in &facts { (fact(one, view)) } }
                    }
                }
            }
        }
    }
}

fn drawn<'a>(thing: &'a Thing) -> Vec<Drawn<'a>> {
    let found: BTreeMap<Number, &Finding> =
        thing.findings.iter().map(|finding| (finding.number(), *finding)).collect();
    let one = |(number, lines): &'a (Number, [Line; 2])| match found.get(number) {
        Some(finding) => Some(judged(thing, finding, lines)),
        None => glanced(thing, number, lines),
    };
    thing.lines.iter().filter_map(one).collect()
}

fn judged<'a>(thing: &Thing, finding: &Finding, lines: &'a [Line; 2]) -> Drawn<'a> {
    let signal = finding.signal;
    let sample = Sample { labels: finding.labels.clone(), value: 0.0 };
    let limits = thing
        .entry
        .target
        .as_ref()
        .map(|target| target.thresholds.of(thing.entry.exceptions(), signal, &sample));
    let trouble = if signal.direction == Direction::Above { "above" } else { "below" };
    let limit = |(severity, value): (Severity, f64)| Limit { severity, value, trouble };
    Drawn {
        what: if signal.what.is_empty() {
            signal.name.replace('_', " ")
        } else {
            signal.what.to_owned()
        },
        of: thing.which(finding),
        unit: signal.unit,
        verdict: finding.verdict,
        limits: limits.unwrap_or_default().into_iter().map(limit).collect(),
        signal: Some(signal),
        lines,
    }
}

/// A fact that nobody judges.
fn glanced<'a>(thing: &Thing, number: &Number, lines: &'a [Line; 2]) -> Option<Drawn<'a>> {
    let area = thing.entry.target.as_ref()?.area;
    let fact = area.glance.iter().find_map(|glance| match *glance {
        Glance::Fact { metric, unit, what } if metric == number.signal => Some((unit, what)),
        _ => None,
    });
    let (unit, what) = fact?;
    Some(Drawn {
        what: what.to_owned(),
        of: String::new(),
        unit,
        verdict: Verdict::Ok,
        limits: Vec::new(),
        signal: None,
        lines,
    })
}

fn plots(one: &Drawn, view: &View) -> Markup {
    let now = seconds(view.at);
    let [fine, coarse] = one.lines;
    let draw = |when, begin, line: &Line, long: u64| {
        let points: Vec<_> = line.points().collect();
        let from = now.saturating_sub(long);
        let step = line.step.as_secs();
        Plot {
            when,
            begin,
            points: &points,
            step,
            from,
            to: now,
            limits: &one.limits,
            unit: one.unit,
        }
        .draw(&view.clock)
    };
    html! {
        div.number-over-time {
            h3.(tone(one.verdict)) { (one.what) @if !one.of.is_empty() { " " span.dim { (one.of) } } }
            div.plots { (draw("Last hour", "an hour ago", fine, HOUR)) (draw("Last day", "a day ago", coarse, DAY)) }
        }
    }
}

const fn tone(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Critical => "critical",
        Verdict::Warning => "warning",
        Verdict::Ok | Verdict::NeedsHistory | Verdict::Advice => "calm",
    }
}

fn fact(one: &Drawn, view: &View) -> Markup {
    let now = seconds(view.at);
    let points: Vec<_> = one.lines.iter().rev().take(1).flat_map(Line::points).collect();
    let last = points.last().map(|(_, value)| if *value == 0.0 { "no" } else { "yes" });
    html! {
        tr {
            td data-label="Signal" { (one.what) @if !one.of.is_empty() { " " span.dim { (one.of) } } }
            td.(tone(one.verdict)) data-label="Now" { @if let Some(last) = last { (last) } }
            td.past data-label="Last 24 hours" { (day(&moods(&points, &one.limits, now), &view.clock)) }
        }
    }
}

/// What a yes or no was like, in the steps of a day.
fn moods(points: &[(u64, f32)], limits: &[Limit], now: u64) -> Day {
    const STEP: u64 = 300;
    let last = now / STEP * STEP;
    let first = (last + STEP).saturating_sub(DAY);
    let mut steps = vec![Mood::Unknown; 288];
    for (time, value) in points.iter().filter(|(time, _)| *time >= first) {
        let place = usize::try_from((time - first) / STEP).unwrap_or(usize::MAX);
        let breached = limits.iter().filter(|limit| limit.is_breached(f64::from(*value)));
        let mood = match breached.map(|limit| limit.severity).max() {
            Some(Severity::Critical) => Mood::Down,
            Some(Severity::Warning | Severity::Info) => Mood::Degraded,
            None => Mood::Up,
        };
        if let Some(step) = steps.get_mut(place) {
            *step = mood;
        }
    }
    let known = steps.iter().position(|mood| *mood != Mood::Unknown).unwrap_or(steps.len());
    Day { last, steps: steps.split_off(known), restarts: Vec::new() }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a time")]
const fn seconds(at: f64) -> u64 {
    at as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_yes_or_no_is_a_bar_in_the_colours_of_its_verdict() {
        let limit = |severity| Limit { severity, value: 0.0, trouble: "above" };
        let now = 1_704_110_400;
        let points = [(now - 900, 0.0), (now - 600, 1.0), (now - 300, 1.0), (now, 0.0)];
        let of = |severity| moods(&points, &[limit(severity)], now).steps;
        assert_eq!(of(Severity::Critical), [Mood::Up, Mood::Down, Mood::Down, Mood::Up]);
        assert_eq!(of(Severity::Info)[1], Mood::Degraded);
        assert_eq!(moods(&points, &[], now).steps, [Mood::Up; 4], "nobody judges it");
        assert_eq!(moods(&[], &[], now).steps, []);
        let old = [(now - 2 * DAY, 1.0), (now, 0.0)];
        assert_eq!(moods(&old, &[limit(Severity::Critical)], now).steps, [Mood::Up]);
    }
}
