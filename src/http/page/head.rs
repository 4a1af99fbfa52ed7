//! The head: one sentence that says how it is and what is worst, on which machine, and as of when.

use std::time::SystemTime;

use maud::{Markup, html};

use super::layout::Tone;
use super::troubles;
use super::when::{ago, clock};
use crate::check::{Off, Trouble};
use crate::text::printable;

/// What the head is made of.
pub(super) struct Head<'a> {
    /// Troubles and advice.
    pub troubles: &'a [Trouble<'a>],
    pub machine: &'a str,
    pub now: SystemTime,
    /// When something was read last.
    pub read: Option<SystemTime>,
    pub watched: usize,
    /// Of these, not read even once.
    pub unread: usize,
    /// What the configuration switches off.
    pub off: &'a [Off],
    /// Since when nobody has scraped the metrics, if that is long ago.
    pub silent: Option<SystemTime>,
    /// What is wrong with the messages that the exporter sends itself, a sentence for each way.
    pub unsent: &'a [String],
    /// Troubles from before the start of which it is not known yet whether they are over.
    pub waiting: usize,
}

impl Head<'_> {
    /// What is told, the worst first, without advice.
    fn bad(&self) -> impl Iterator<Item = &Trouble<'_>> {
        self.troubles.iter().filter(|trouble| troubles::tone(trouble) > Tone::Advice)
    }

    fn count(&self, tone: Tone) -> usize {
        self.troubles.iter().filter(|trouble| troubles::tone(trouble) == tone).count()
    }

    /// How much of what would be told is switched off.
    fn off(&self) -> usize {
        self.off.iter().filter(|off| !off.advice).count()
    }

    pub(super) fn tone(&self) -> Tone {
        let worst = self.bad().map(troubles::tone).max();
        let blank = self.watched == 0 || self.unread > 0 || self.waiting > 0;
        worst.unwrap_or(if blank { Tone::Unknown } else { Tone::Ok })
    }

    /// "worker (shop) restarts again and again, and 2 more troubles"
    pub(super) fn sentence(&self) -> String {
        let all = self.bad().count();
        if let Some(worst) = self.bad().max_by_key(|trouble| troubles::tone(trouble)) {
            // The first of several that are equally bad.
            let tone = troubles::tone(worst);
            let first = self.bad().find(|trouble| troubles::tone(trouble) == tone);
            let sentence = printable(&first.unwrap_or(worst).sentence).into_owned();
            return match all {
                1 => sentence,
                2 => format!("{sentence}, and 1 more trouble"),
                more => format!("{sentence}, and {} more troubles", more - 1),
            };
        }
        if let Some(waiting) = self.not_judged_yet().filter(|_| self.watched > 0) {
            return waiting;
        }
        match (self.watched, self.unread, self.off()) {
            (0, ..) => "Nothing is watched".to_owned(),
            (_, 1.., _) => "Not everything has been read yet".to_owned(),
            (.., 0) => "All is well".to_owned(),
            (.., 1) => "All is well, with 1 threshold switched off".to_owned(),
            (.., off) => format!("All is well, with {off} thresholds switched off"),
        }
    }

    /// What was wrong before the start, and may be still.
    fn not_judged_yet(&self) -> Option<String> {
        match self.waiting {
            0 => None,
            1 => Some("1 trouble from before the restart is not judged yet".to_owned()),
            more => Some(format!("{more} troubles from before the restart are not judged yet")),
        }
    }

    /// "2 critical, 1 warning"; nothing where nothing is wrong.
    fn counts(&self) -> Vec<String> {
        [(Tone::Critical, "critical"), (Tone::Warning, "warning"), (Tone::Unknown, "not visible")]
            .into_iter()
            .map(|(tone, word)| (self.count(tone), word))
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| format!("{count} {word}"))
            .collect()
    }

    /// For the tab, of which a few letters are seen: "2 critical · db1".
    pub(super) fn title(&self) -> String {
        let counts = self.counts().join(", ");
        let verdict = match (counts.as_str(), self.watched, self.unread) {
            ("", 0, _) => "nothing is watched",
            ("", ..) if self.waiting > 0 => "not judged yet",
            ("", _, 1..) => "not read yet",
            ("", ..) => "all is well",
            (counts, ..) => counts,
        };
        match self.machine {
            "" => format!("{verdict} · stack-exporter"),
            machine => format!("{verdict} · {}", printable(machine)),
        }
    }

    pub(super) fn render(&self) -> Markup {
        let tone = self.tone();
        html! {
            div .head {
                h1 .(tone.class()) aria-live="polite" aria-atomic="true" {
                    span .badge { (tone.word()) } " " (self.sentence())
                }
                p .dim {
                    @if !self.machine.is_empty() { "On " b { (printable(self.machine)) } ": " }
                    (self.watched) @if self.watched == 1 { " target" } @else { " targets" } " watched"
                    @for count in self.counts() { ", " (count) }
                    @if self.count(Tone::Advice) > 0 { ", " (self.count(Tone::Advice)) " advice" }
                    @if let Some(waiting) = self.not_judged_yet().filter(|_| self.bad().count() > 0) { ", " (waiting) }
                    @if let Some(read) = self.read { ". Last reading at " (clock(read)) }
                    "."
                }
                @if self.off() > 0 {
                    p { "Not judged, because it is " a href="#off" { "switched off" } ": " (self.off_names()) "." }
                }
                @for unsent in self.unsent {
                    p .warning { b { "A message was not delivered. " } (printable(unsent)) }
                }
                @if let Some(silent) = self.silent {
                    p .warning {
                        b { "Nobody has scraped the metrics for " (ago(silent, self.now)) "." }
                        " What is wrong is seen here, and nobody is told of it. Does Prometheus run, and is this exporter among its targets?"
                    }
                }
            }
        }
    }

    /// A few of them.
    fn off_names(&self) -> String {
        const MOST: usize = 4;
        let names: Vec<_> = self
            .off
            .iter()
            .filter(|off| !off.advice)
            .map(|off| printable(&off.subject()).into_owned())
            .collect();
        let more = names.len().saturating_sub(MOST);
        let some = names.into_iter().take(MOST).collect::<Vec<_>>().join(", ");
        if more == 0 { some } else { format!("{some} and {more} more") }
    }
}
