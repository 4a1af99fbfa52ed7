//! What is wrong, the worst first: the sentence, the number, what to do next, since when, and where
//! more is said. Advice stands apart and is folded.

use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::time::{Duration, SystemTime};

use maud::{Markup, html};

use super::chart::sparkline;
use super::layout::Tone;
use super::link;
use super::watched::more;
use super::when::lasting;
use super::words::{counted, target_path};
use crate::check::{Blind, Finding, Trouble, Verdict, capitalised};
use crate::engine::{Chart, title};
use crate::overview::Overview;
use crate::text::printable;

/// Cards of troubles, and of advice.
const CARDS: usize = 100;
/// Things of one trouble that are listed; the others are in the answer of the API.
const MEMBERS: usize = 50;
const FEW: usize = 3;
const DAY: Duration = Duration::from_hours(24);

/// Where the past of a trouble is.
pub(super) struct Past<'a> {
    pub now: SystemTime,
    pub overview: &'a Overview,
    pub chart: &'a Chart,
}

/// How bad a trouble is; what cannot be seen without a verdict on that is neither good nor bad.
pub(super) fn tone(trouble: &Trouble) -> Tone {
    if trouble.verdict < Verdict::Advice {
        return Tone::Unknown;
    }
    Tone::from(trouble.verdict)
}

/// The troubles, and the advice.
pub(super) fn render(all: &[Trouble], past: &Past) -> Markup {
    let mut bad: Vec<_> = all.iter().filter(|trouble| tone(trouble) > Tone::Advice).collect();
    bad.sort_by_key(|trouble| std::cmp::Reverse(tone(trouble)));
    let advice: Vec<_> = all.iter().filter(|trouble| tone(trouble) == Tone::Advice).collect();
    html! {
        @if !bad.is_empty() {
            section #troubles aria-labelledby="troubles-title" data-group {
                h2 #troubles-title { "What is wrong" }
                div .cards { @for trouble in bad.iter().take(CARDS) { (past.card(trouble)) } }
                (more(bad.len(), CARDS))
            }
        }
        @if !advice.is_empty() {
            section #advice aria-labelledby="advice-title" data-group {
                h2 #advice-title { "Advice" }
                details #advice-list data-fold {
                    summary { (counted(advice.len(), "thing that can wait", "things that can wait")) }
                    div .cards { @for trouble in advice.iter().take(CARDS) { (past.card(trouble)) } }
                    (more(advice.len(), CARDS))
                }
            }
        }
    }
}

impl Past<'_> {
    fn card(&self, trouble: &Trouble) -> Markup {
        let tone = tone(trouble);
        let alone = match trouble.findings.as_slice() {
            [one] => Some(*one),
            _ => None,
        };
        html! {
            article #(name(trouble)) .trouble .(tone.class()) data-row
                data-words=(words(trouble)) data-project=[project(trouble)] {
                h3 { span .verdict { (tone.word()) } " " (printable(&trouble.sentence)) }
                @if let Some(one) = alone { @if let Some(figure) = one.figure() {
                    p { (printable(&figure)) ". " (self.line(one)) }
                } }
                @if let Some(first) = trouble.findings.first() {
                    p { (capitalised(first.signal.hint)) "." }
                    @for next in &trouble.next { (command(next)) }
                }
                @match trouble.blind.as_slice() {
                    [] => {}
                    [one] => (why(one, trouble)),
                    [first, ..] => {
                        @if trouble.findings.is_empty() { (remedy(first)) }
                        (blind_list(trouble))
                    }
                }
                @if trouble.findings.len() > 1 { (self.members(trouble)) }
                p .facts .dim {
                    @if let Some(since) = self.since(trouble) { (lasting(since, self.now)) }
                    @match (alone, trouble.blind.as_slice()) {
                        (Some(one), _) => (about(one)),
                        (None, [first, more @ ..]) if more.iter().all(|one| same_target(first, one)) => (about_target(first)),
                        _ => {}
                    }
                    @if !trouble.alert.is_empty() {
                        a href=(link::runbook(trouble.alert)) { "Runbook " (trouble.alert) }
                        a href={ (link::runbook(trouble.alert)) "#silence" } { "Silence it" }
                    }
                }
            }
        }
    }

    /// The things of one trouble, each with its own command.
    fn members(&self, trouble: &Trouble) -> Markup {
        let findings = &trouble.findings;
        html! {
            details #{ (name(trouble)) "-all" } {
                summary { "Each of the " (findings.len()) }
                ul {
                    @for finding in findings.iter().take(MEMBERS) {
                        li {
                            (printable(&finding.title())) "."
                            @if let Some(figure) = finding.figure() { " " (printable(&figure)) ". " (self.line(finding)) }
                            (command(&finding.next()))
                            p .facts .dim {
                                @if let Some(since) = self.overview.since(finding) { (lasting(since, self.now)) }
                                (about(finding))
                            }
                        }
                    }
                    @if findings.len() > MEMBERS { li { "and " (findings.len() - MEMBERS) " more" } }
                }
            }
        }
    }

    /// What the number of a finding was in the last 24 hours.
    fn line(&self, finding: &Finding) -> Markup {
        let Some(line) = self.chart.coarse(&finding.number()) else { return html! {} };
        let day =
            self.now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().saturating_sub(DAY);
        let points: Vec<_> = line.points().filter(|(at, _)| *at >= day.as_secs()).collect();
        // A dot or two say nothing of a day.
        html! { @if points.len() >= FEW { (sparkline(&points, &|value| finding.signal.unit.show(value))) } }
    }

    /// Since when the first of its things has been in it.
    fn since(&self, trouble: &Trouble) -> Option<SystemTime> {
        let found = trouble.findings.iter().filter_map(|finding| self.overview.since(finding));
        found.chain(trouble.blind.iter().map(|blind| blind.since)).min()
    }
}

/// The page of what a finding is about.
fn about(finding: &Finding) -> Markup {
    let name = match link::service_of(finding) {
        Some((project, service)) if project.is_empty() => service,
        Some((project, service)) => format!("{service} ({project})"),
        None => title(finding.area, &finding.target),
    };
    html! { a href=(link::of(finding)) { (printable(&name)) } }
}

fn same_target(one: &Blind, other: &Blind) -> bool {
    one.area == other.area && one.target == other.target
}

fn about_target(blind: &Blind) -> Markup {
    let name = title(blind.area, &blind.target);
    html! { a href=(target_path(blind.area, &blind.target)) { (printable(&name)) } }
}

/// All that one trouble keeps from being seen.
fn blind_list(trouble: &Trouble) -> Markup {
    html! {
        details #{ (name(trouble)) "-blind" } {
            summary { (trouble.blind.len()) " things that cannot be seen" }
            ul {
                @for blind in trouble.blind.iter().take(MEMBERS) {
                    li {
                        (about_target(blind)) ": " (printable(&blind.sentence())) "."
                        (place(blind)) (remedy(blind))
                    }
                }
                @if trouble.blind.len() > MEMBERS { li { "and " (trouble.blind.len() - MEMBERS) " more" } }
            }
        }
    }
}

/// Why something cannot be seen, where it is, and what helps.
fn why(blind: &Blind, trouble: &Trouble) -> Markup {
    let told = trouble.sentence.contains(printable(&blind.failure.detail).as_ref());
    html! {
        @if !told { p { (capitalised(&printable(&blind.sentence()))) "." } }
        (place(blind)) (remedy(blind))
    }
}

fn place(blind: &Blind) -> Markup {
    html! { @if !blind.place.is_empty() { p .dim { "It is at " code { (printable(&blind.place)) } } } }
}

/// The reason's own hint is a sentence, the signal's next step a command.
fn remedy(blind: &Blind) -> Markup {
    html! {
        @if blind.failure.hint.is_none() && blind.up.is_some() {
            (command(&blind.remedy()))
        } @else {
            p .command {
                span { "What to do:" } span data-text { (printable(&blind.remedy())) } (copy(&blind.remedy()))
            }
        }
    }
}

fn command(next: &str) -> Markup {
    html! { p .command { span { "Next:" } code data-text { (printable(next)) } (copy(next)) } }
}

/// The script copies the text beside it, and shows it only where there is a script. Its label tells it
/// from the others.
fn copy(text: &str) -> Markup {
    html! { button .copy type="button" aria-label={ "Copy: " (printable(text)) } { "Copy" } }
}

/// By this the page knows a trouble again when it is fetched anew, whatever things join it.
fn name(trouble: &Trouble) -> String {
    let found = trouble.findings.first();
    let found = found.map(|one| one.signal.many.map_or_else(|| one.title(), |_| String::new()));
    let blind = trouble.blind.first().filter(|_| trouble.findings.is_empty());
    let blind = blind.map(|one| (one.area, one.target.as_str(), one.what.as_deref()));
    format!("t{:x}", hash(&(trouble.alert, trouble.verdict.as_str(), found, blind)))
}

fn hash(of: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

/// What a reader may look for and does not stand in the card.
fn words(trouble: &Trouble) -> String {
    let found = trouble.findings.iter().flat_map(|finding| {
        let labels = finding.labels.iter().map(|(_, value)| value.clone());
        labels.chain([finding.area.to_owned(), finding.target.clone()])
    });
    let blind =
        trouble.blind.iter().flat_map(|blind| [blind.area.to_owned(), blind.target.clone()]);
    let mut all: Vec<_> = found.chain(blind).filter(|word| !word.is_empty()).collect();
    all.sort_unstable();
    all.dedup();
    printable(&all.join(" ")).into_owned()
}

/// The one project that it is about.
fn project(trouble: &Trouble) -> Option<String> {
    let mut all = trouble
        .findings
        .iter()
        .map(|finding| link::service_of(finding).map(|(project, _)| project));
    let first = all.next()??;
    let alone = !first.is_empty() && all.all(|other| other.as_ref() == Some(&first));
    alone.then(|| printable(&first).into_owned())
}
