//! What a scrape says of a target, and what a case must lead to.

use crate::servers::exporter::Scrape;

/// What a case must lead to. Lines are those that must be shown all the while, by their start.
#[derive(Clone, Copy, Debug)]
pub enum Expect {
    /// The target is down for one of these reasons; any, if none is named.
    Down(&'static [&'static str]),
    /// The target is up, says that something is left out or cannot be read, and shows the rest.
    Gap(&'static [&'static str]),
    /// The target is up and shows these: the rest is skipped without a word.
    Shown(&'static [&'static str]),
    /// Any of them: it lives, and what it says is a reason or an answer.
    Lives,
}

impl Expect {
    fn lines(&self) -> &'static [&'static str] {
        match self {
            Self::Gap(lines) | Self::Shown(lines) => lines,
            Self::Down(_) | Self::Lives => &[],
        }
    }

    /// Lines that must be shown and are not.
    pub fn missing(&self, scrape: &Scrape) -> Vec<&'static str> {
        let lines = self.lines().iter().copied();
        lines.filter(|start| scrape.line(start).is_none()).collect()
    }

    pub fn is_met(&self, seen: &Seen, before: &Seen, scrape: &Scrape) -> bool {
        let read = seen.reads > before.reads;
        let left_out = seen.dropped > before.dropped || !seen.reasons.is_empty();
        let shown = seen.up == Some(true) && self.missing(scrape).is_empty();
        match self {
            Self::Down(reasons) => {
                let known = |reason: &String| reasons.contains(&reason.as_str());
                seen.up == Some(false) && (reasons.is_empty() || seen.reasons.iter().any(known))
            }
            Self::Gap(_) => shown && left_out,
            Self::Shown(_) => shown && read,
            Self::Lives => read,
        }
    }
}

/// The state of a target in a scrape.
#[derive(Default)]
pub struct Seen {
    pub up: Option<bool>,
    pub reasons: Vec<String>,
    pub dropped: f64,
    pub reads: f64,
}

impl Seen {
    pub fn of(scrape: &Scrape, area: &str, target: &str) -> Self {
        let labels = format!("{{target=\"{target}\",area=\"{area}\"");
        let sum = |name: &str| {
            let start = format!("{name}{labels}");
            let lines = scrape.body.lines().filter(|line| line.starts_with(&start));
            lines.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok()).sum()
        };
        let start = format!("stack_target_failure{labels},reason=\"");
        let reasons = scrape.body.lines().filter_map(|line| line.strip_prefix(&start));
        let up = scrape.value(&format!("stack_target_up{labels}}}"));
        Self {
            up: up.map(|up| up > 0.5),
            reasons: reasons.filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())).collect(),
            dropped: sum("stack_target_series_dropped_total"),
            reads: sum("stack_target_reads_total"),
        }
    }

    pub fn says(&self, before: &Self) -> String {
        let up = match self.up {
            Some(true) => "up",
            Some(false) => "down",
            None => "absent",
        };
        let reasons = self.reasons.join(", ");
        let dropped = self.dropped - before.dropped;
        let left = if dropped > 0.0 { format!(", {dropped} left out") } else { String::new() };
        if reasons.is_empty() { format!("{up}{left}") } else { format!("{up}: {reasons}{left}") }
    }
}
