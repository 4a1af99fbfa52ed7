//! The last 24 hours of a thing as a bar: what was well lies low, what was not stands out.

use std::fmt::Write as _;

use maud::{Markup, html};

use super::super::words::{Clock, span};
use crate::overview::{Day, Mood};

/// Steps of five minutes in a day, and columns of the bar: each shows the worst of a quarter of an hour.
const STEPS: usize = 288;
const COLUMNS: usize = 96;
const STEP: u64 = 300;
const HIGH: usize = 12;

/// A stretch of one mood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    pub mood: Mood,
    pub from: u64,
    pub to: u64,
}

/// The bar of a day, which says so in words.
pub fn day(day: &Day, clock: &Clock) -> Markup {
    strip(&day.steps, &words(day, clock))
}

/// The same for a page of its own: with the words beside it.
pub fn day_in_words(day: &Day, clock: &Clock) -> Markup {
    let words = words(day, clock);
    html! {
        @if !day.steps.is_empty() {
            figure.plot { (strip(&day.steps, &words)) figcaption { "Last 24 hours: " (words) } }
        }
    }
}

/// A bar of steps that end now, with its words.
pub fn strip(steps: &[Mood], says: &str) -> Markup {
    let columns = columns(steps);
    html! {
        svg.day viewBox={ "0 0 " (COLUMNS) " " (HIGH) } preserveAspectRatio="none" role="img" aria-label=(says) {
            title { (says) }
            @for mood in Mood::ALL.into_iter().filter(|mood| *mood != Mood::Unknown && columns.contains(mood)) {
                path class=(mood.as_str()) d=(path(&columns, mood)) {}
            }
        }
    }
}

/// The worst of each quarter of an hour; the last one ends now.
fn columns(steps: &[Mood]) -> Vec<Mood> {
    let newest = steps.rchunks(STEPS / COLUMNS).take(COLUMNS);
    let worst = newest.map(|some| some.iter().copied().max().unwrap_or_default());
    let mut columns: Vec<_> = worst.collect();
    columns.resize(COLUMNS, Mood::Unknown);
    columns.reverse();
    columns
}

/// A rectangle for each run of a mood. Trouble is higher, so that no colour is needed to see it.
fn path(columns: &[Mood], mood: Mood) -> String {
    let high = match mood {
        Mood::Unknown | Mood::Idle => 2,
        Mood::Up => 5,
        Mood::Deploying => 8,
        Mood::Degraded => 10,
        Mood::Down => HIGH,
    };
    let mut path = String::new();
    let mut x = 0;
    for run in columns.chunk_by(|one, next| one == next) {
        if run.first() == Some(&mood) {
            // Writing into a text cannot fail.
            let _ = write!(path, "M{x} {HIGH}v-{high}h{}v{high}z", run.len());
        }
        x += run.len();
    }
    path
}

/// The stretches of one mood, the oldest first.
pub fn stretches(day: &Day) -> Vec<Step> {
    let count = day.steps.len() as u64;
    let mut from = (day.last + STEP).saturating_sub(count * STEP);
    let runs = day.steps.chunk_by(|one, next| one == next);
    runs.map(|run| {
        let to = from + run.len() as u64 * STEP;
        let step = Step { mood: run.first().copied().unwrap_or_default(), from, to };
        from = to;
        step
    })
    .collect()
}

/// "down 02:10 to 02:15, up else", "up all day".
pub fn words(day: &Day, clock: &Clock) -> String {
    let all = stretches(day);
    let seconds = |mood| {
        let of = all.iter().filter(|one| one.mood == mood);
        of.map(|one| one.to - one.from).sum::<u64>()
    };
    let watched: u64 = Mood::ALL.into_iter().filter(|m| *m != Mood::Unknown).map(seconds).sum();
    if watched == 0 {
        return "not watched yet".to_owned();
    }
    let end = day.last + STEP;
    // A quarter of an hour is lost at a restart of the machine.
    let whole = watched + 3 * STEP >= STEPS as u64 * STEP;
    let told = [Mood::Down, Mood::Degraded, Mood::Deploying];
    let mut parts: Vec<_> =
        told.into_iter().filter_map(|mood| times(&all, mood, end, clock)).collect();
    let rest = if seconds(Mood::Up) > 0 { "up" } else { "not wanted" };
    let calm = seconds(Mood::Up) + seconds(Mood::Idle) > 0;
    match (parts.is_empty(), whole) {
        (true, true) => parts.push(format!("{rest} all day")),
        (true, false) => {
            parts.push(format!("{rest} for the {} it was watched", span(watched as f64)));
        }
        (false, _) if calm => parts.push(format!("{rest} else")),
        (false, _) => {}
    }
    if !whole && parts.len() > 1 {
        parts.push(format!("watched for {}", span(watched as f64)));
    }
    parts.join(", ")
}

/// "down 02:10 to 02:15", "down since 02:10", "down 3 times for 25m, last 02:10 to 02:15".
fn times(all: &[Step], mood: Mood, end: u64, clock: &Clock) -> Option<String> {
    let of: Vec<_> = all.iter().filter(|one| one.mood == mood).collect();
    let last = of.last()?;
    let word = mood.as_str();
    let from = clock.time(last.from);
    let when = if last.to >= end {
        format!("since {from}")
    } else {
        format!("{from} to {}", clock.time(last.to))
    };
    if of.len() == 1 {
        return Some(format!("{word} {when}"));
    }
    let seconds: u64 = of.iter().map(|one| one.to - one.from).sum();
    Some(format!("{word} {} times for {}, last {when}", of.len(), span(seconds as f64)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Noon of a day in UTC.
    const NOON: u64 = 1_704_110_400;

    fn of(parts: &[(Mood, usize)]) -> Day {
        let steps: Vec<Mood> =
            parts.iter().flat_map(|(mood, count)| std::iter::repeat_n(*mood, *count)).collect();
        Day { last: NOON - STEP, steps, restarts: vec![] }
    }

    #[test]
    fn it_says_in_words_when_it_was_how() {
        use Mood::{Degraded, Deploying, Down, Idle, Unknown, Up};
        for (parts, text) in [
            (vec![(Up, 288)], "up all day"),
            (vec![(Up, 285)], "up all day"),
            (vec![(Up, 24)], "up for the 2h it was watched"),
            (vec![(Idle, 288)], "not wanted all day"),
            (vec![], "not watched yet"),
            (vec![(Unknown, 288)], "not watched yet"),
            (vec![(Up, 240), (Down, 1), (Up, 47)], "down 08:00 to 08:05, up else"),
            (vec![(Up, 264), (Down, 24)], "down since 10:00, up else"),
            (vec![(Down, 288)], "down since 12:00"),
            (
                vec![(Up, 200), (Down, 1), (Up, 39), (Down, 2), (Up, 46)],
                "down 2 times for 15m, last 08:00 to 08:10, up else",
            ),
            (
                vec![(Up, 228), (Deploying, 12), (Up, 36), (Degraded, 12)],
                "degraded since 11:00, deploying 07:00 to 08:00, up else",
            ),
            (vec![(Up, 6), (Down, 6)], "down since 11:30, up else, watched for 1h"),
        ] {
            assert_eq!(words(&of(&parts), &Clock::utc()), text);
        }
    }

    #[test]
    fn runs_of_a_mood_are_one_rectangle() {
        let svg = |parts: &[(Mood, usize)]| day(&of(parts), &Clock::utc()).into_string();
        let html = svg(&[(Mood::Up, 288)]);
        assert!(html.contains("<path class=\"up\" d=\"M0 12v-5h96v5z\">"), "{html}");
        assert!(html.contains("aria-label=\"up all day\"><title>up all day</title>"), "{html}");
        let html = svg(&[(Mood::Up, 144), (Mood::Down, 1), (Mood::Up, 143)]);
        assert!(html.contains("class=\"down\" d=\"M48 12v-12h1v12z\""), "a step is seen: {html}");
        assert!(html.contains("class=\"up\" d=\"M0 12v-5h48v5zM49 12v-5h47v5z\""), "{html}");
        let html = svg(&[(Mood::Up, 12)]);
        assert!(html.contains("d=\"M92 12v-5h4v5z\""), "the last hour is at the right: {html}");
        assert!(!html.contains("unknown"), "what is not known is not drawn: {html}");
    }

    #[test]
    fn the_worst_day_of_all_is_small() {
        let moods = [Mood::Up, Mood::Down, Mood::Degraded, Mood::Deploying, Mood::Idle];
        let steps = (0..288).map(|n| moods[n / 3 % 5]).collect();
        let html = day(&Day { last: NOON, steps, restarts: vec![] }, &Clock::utc()).into_string();
        assert!(html.len() < 2500, "{}", html.len());
    }
}
