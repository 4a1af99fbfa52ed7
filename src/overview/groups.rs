//! Everything that is no service, by area.

use std::collections::BTreeMap;

use super::container::read;
use super::days::{Days, Thing};
use super::items::items;
use super::{Figure, Group, Mood, Target, epoch};
use crate::catalogue::{Direction, Glance};
use crate::check::{Finding, Report, Verdict};
use crate::engine::{Chart, Entry, Number, Snapshot};
use crate::text::printable;

/// The area whose targets are shown as their services.
pub(super) const DOCKER: &str = "docker";
/// Points of a figure, and how far back they go.
const POINTS: u64 = 96;
const BACK: u64 = 86_400;

/// The findings on each target.
pub(super) type ByTarget<'a> = BTreeMap<(&'static str, &'a str), Vec<&'a Finding>>;

pub(super) fn by_target(report: &Report) -> ByTarget<'_> {
    let mut found = ByTarget::new();
    for finding in &report.findings {
        found.entry((finding.area, finding.target.as_str())).or_default().push(finding);
    }
    found
}

/// The findings on one target.
pub(super) fn of<'a, 'b>(findings: &'b ByTarget<'a>, entry: &'a Entry) -> &'b [&'a Finding] {
    let id = entry.target.as_ref().map(|target| (target.id.area, target.id.name.as_str()));
    id.and_then(|id| findings.get(&id)).map_or(&[], Vec::as_slice)
}

/// Which targets have a row of their own.
pub(super) fn targets(snapshot: &Snapshot) -> impl Iterator<Item = &Entry> {
    let is_one =
        |entry: &&Entry| entry.target.as_ref().is_some_and(|target| target.id.area != DOCKER);
    snapshot.entries.iter().filter(is_one)
}

pub(super) fn thing(entry: &Entry) -> Thing {
    let id = entry.target.as_ref().map(|target| &target.id);
    id.map(|id| Thing { area: id.area.to_owned(), target: id.name.clone(), ..Thing::default() })
        .unwrap_or_default()
}

/// All of them, areas in the order of the snapshot, which is that of the catalogue.
pub(super) fn groups<'a>(
    snapshot: &'a Snapshot,
    findings: &ByTarget<'a>,
    days: &Days,
    chart: &Chart,
) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let now = epoch(snapshot.at);
    for entry in targets(snapshot) {
        let Some(target) = target(entry, of(findings, entry), chart, now) else { continue };
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a time")]
        let target = Target { day: days.day(&thing(entry), now as u64), ..target };
        match groups.iter_mut().find(|group| group.area == target.area) {
            Some(group) => group.targets.push(target),
            None => groups.push(Group {
                area: target.area,
                title: entry.target.as_ref().map_or("", |target| target.area.title),
                targets: vec![target],
            }),
        }
    }
    groups
}

fn target(entry: &Entry, findings: &[&Finding], chart: &Chart, now: f64) -> Option<Target> {
    let (target, state) = (entry.target.as_ref()?, entry.state.as_ref()?);
    let home = entry.service.clone();
    let (items, items_total, items_bad) = items(entry, findings, now);
    let (project, service) = home.map(|home| (home.project, home.service)).unwrap_or_default();
    Some(Target {
        area: target.id.area,
        target: target.id.name.clone(),
        place: target.place.clone(),
        mood: mood(entry, findings),
        why: state.failure.as_ref().map(|failure| printable(&failure.detail).into_owned()),
        since: epoch(state.since),
        project,
        service,
        figures: figures(entry, findings, chart, now),
        items,
        items_total,
        items_bad,
        ..Target::default()
    })
}

/// How a target is. What is watched through it counts: a probe that fails has been read well.
pub(super) fn mood(entry: &Entry, findings: &[&Finding]) -> Mood {
    match entry.state.as_ref().and_then(crate::engine::State::up) {
        None => return Mood::Unknown,
        Some(false) => return Mood::Down,
        Some(true) => {}
    }
    let troubles = findings.iter().filter(|finding| finding.verdict >= Verdict::Warning);
    let moods = troubles.map(
        |finding| {
            if finding.signal.tells_gone() { Mood::Down } else { Mood::Degraded }
        },
    );
    moods.max().unwrap_or(Mood::Up)
}

/// The numbers that an area names, as far as they are known.
fn figures(entry: &Entry, findings: &[&Finding], chart: &Chart, now: f64) -> Vec<Figure> {
    let Some(target) = &entry.target else { return Vec::new() };
    let figure = |glance: &Glance| match *glance {
        Glance::Signal(name) => {
            let ours = findings.iter().filter(|finding| finding.signal.name == name);
            let worst = ours.max_by(|a, b| {
                a.verdict.cmp(&b.verdict).then(nearness(a).total_cmp(&nearness(b)))
            })?;
            Some(judged(worst, chart, now))
        }
        Glance::Fact { metric, unit, what } => {
            let value = fact(entry, metric)?;
            Some(Figure {
                signal: metric,
                labels: Vec::new(),
                what,
                value: Some(value),
                shown: unit.show(value),
                verdict: Verdict::Ok.as_str(),
                points: points(chart, &number(entry, metric), Direction::Above, now),
            })
        }
    };
    target.area.glance.iter().filter_map(figure).collect()
}

/// The highest of the samples of a fact.
pub(super) fn fact(entry: &Entry, metric: &str) -> Option<f64> {
    let all = read(entry, metric).into_iter().map(|sample| sample.value);
    all.filter(|value| value.is_finite()).reduce(f64::max)
}

/// Under which a fact's history is kept.
pub(super) fn number(entry: &Entry, metric: &str) -> Number {
    let Thing { area, target, .. } = thing(entry);
    Number { area, target, signal: metric.to_owned(), labels: Vec::new() }
}

fn judged(finding: &Finding, chart: &Chart, now: f64) -> Figure {
    Figure {
        signal: finding.signal.name,
        labels: finding.labels.clone(),
        what: finding.signal.what,
        value: finding.value,
        shown: finding.shown_value(),
        verdict: finding.verdict.as_str(),
        points: points(chart, &finding.number(), finding.signal.direction, now),
    }
}

/// How far a value is on the way to its threshold, or beyond.
fn nearness(finding: &Finding) -> f64 {
    let (Some(value), Some(threshold)) = (finding.value, finding.threshold) else {
        return f64::NEG_INFINITY;
    };
    let beyond = (value - threshold) / threshold.abs().max(f64::MIN_POSITIVE);
    match finding.signal.direction {
        Direction::Above => beyond,
        Direction::Below => -beyond,
    }
}

/// The last day of a number, of several points that fall together the worst.
fn points(chart: &Chart, number: &Number, direction: Direction, now: f64) -> Vec<(u64, f32)> {
    let Some(line) = chart.coarse(number) else { return Vec::new() };
    let step = BACK / POINTS;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a time")]
    let first = (now as u64 / step + 1).saturating_sub(POINTS) * step;
    let mut found: Vec<(u64, f32)> = Vec::new();
    for (at, value) in line.points().filter(|(at, _)| *at >= first) {
        let at = at / step * step;
        match found.last_mut().filter(|(last, _)| *last == at) {
            Some((_, worst)) => {
                *worst = match direction {
                    Direction::Above => worst.max(value),
                    Direction::Below => worst.min(value),
                }
            }
            None => found.push((at, value)),
        }
    }
    found
}
