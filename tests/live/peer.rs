//! Another exporter of the same source beside us: family by family, label set by label set, value by value. Each
//! difference is a line of a list with its reason; one that is not there any more has no line.

use std::collections::{BTreeMap, BTreeSet};

use crate::servers::exporter::Exporter;
use crate::servers::wait::{PATIENT, until};

pub type Labels = BTreeMap<String, String>;

/// A page: families with their kinds and series.
#[derive(Default)]
pub struct Page {
    kinds: BTreeMap<String, String>,
    pub series: BTreeMap<String, Vec<(Labels, f64)>>,
}

fn labels_of(text: &str) -> Labels {
    let (mut labels, mut rest) = (Labels::new(), text);
    while let Some((name, after)) = rest.split_once("=\"") {
        let mut end = 0;
        while let Some(at) = after[end..].find(['"', '\\']) {
            end += at;
            if after[end..].starts_with('"') {
                break;
            }
            end += 2;
        }
        let value = &after[..end];
        // What is empty is not there, and who was read is said by us alone.
        if !value.is_empty() && !["target", "server"].contains(&name) {
            let number = value.parse::<f64>().ok().filter(|_| name == "le");
            let value = number.map_or_else(|| value.to_owned(), |number| number.to_string());
            labels.insert(name.to_owned(), value);
        }
        rest = after[end + 1..].trim_start_matches(',');
    }
    labels
}

impl Page {
    /// The series that are compared.
    pub fn of(text: &str, keeps: &dyn Fn(&str, &Labels) -> bool) -> Self {
        let mut page = Self::default();
        for line in text.lines() {
            if let Some(kind) = line.strip_prefix("# TYPE ") {
                let (name, kind) = kind.split_once(' ').unwrap();
                page.kinds.insert(name.to_owned(), kind.to_owned());
                continue;
            }
            let (series, value) = line.rsplit_once(' ').unwrap();
            let value: f64 = value.parse().unwrap_or(f64::NAN);
            let name = series.split('{').next().unwrap();
            // NaN says nothing.
            if line.starts_with('#') || value.is_nan() {
                continue;
            }
            let labels = series.split_once('{').map(|(_, rest)| rest.trim_end_matches('}'));
            let labels = labels_of(labels.unwrap_or_default());
            if keeps(name, &labels) {
                page.series.entry(name.to_owned()).or_default().push((labels, value));
            }
        }
        page
    }

    /// The series of a family by those labels that the other one has as well.
    fn by(&self, family: &str, names: &BTreeSet<&String>) -> BTreeMap<Labels, f64> {
        let series = self.series.get(family).into_iter().flatten();
        let kept = |labels: &Labels| -> Labels {
            let mut kept = labels.clone();
            kept.retain(|name, _| names.contains(name));
            kept
        };
        series.map(|(labels, value)| (kept(labels), *value)).collect()
    }
}

/// What differs, as family and kind of difference, with an example.
type Differences = BTreeMap<(String, &'static str), String>;

/// A line of the list: what, and whether it is always so.
struct Line {
    family: &'static str,
    what: &'static str,
    always: bool,
}

impl Line {
    fn is_about(&self, family: &str, what: &str) -> bool {
        let named = match self.family.strip_suffix('*') {
            Some(start) => family.starts_with(start),
            None => self.family == family,
        };
        named && self.what == what
    }
}

/// The list: versions, family, what differs, `always` or `sometimes`, and why; tabs between. Of what `moves`, up and
/// down, the values are near each other.
pub struct Listed(Vec<Line>);

impl Listed {
    pub fn of(list: &'static str, version: &str) -> Self {
        let lines = list.lines().filter(|line| !line.starts_with('#'));
        let parts = lines.map(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            let [versions, family, what, when, why] = fields.as_slice() else { panic!("{line}") };
            assert!(why.len() > 15 && ["always", "sometimes"].contains(when), "{line}");
            let is_it = versions.split(' ').any(|one| one == version);
            (is_it, *family, *what, *when == "always")
        });
        let lines = parts.filter(|it| it.0);
        Self(lines.map(|(_, family, what, always)| Line { family, what, always }).collect())
    }

    fn is_listed(&self, family: &str, what: &str) -> bool {
        self.0.iter().any(|line| line.is_about(family, what))
    }

    /// Whether there is no difference that is not listed, and each that is.
    pub fn holds(&self, before: &Page, ours: &Page, after: &Page) -> Result<(), String> {
        let found = self.differences(before, ours, after);
        let new: Vec<_> = found.iter().filter(|((a, b), _)| !self.is_listed(a, b)).collect();
        let gone: Vec<_> = self
            .0
            .iter()
            .filter(|line| line.always && !found.keys().any(|(a, b)| line.is_about(a, b)))
            .map(|line| (line.family, line.what))
            .collect();
        if new.is_empty() && gone.is_empty() {
            Ok(())
        } else {
            Err(format!("{new:#?}\ngone: {gone:?}"))
        }
    }

    fn differences(&self, before: &Page, ours: &Page, after: &Page) -> Differences {
        let mut found = Differences::new();
        let mut note = |family: &String, what, example: String| {
            found.entry((family.clone(), what)).or_insert(example);
        };
        for (family, theirs) in &before.series {
            if !ours.series.contains_key(family) {
                note(family, "missing", format!("{theirs:?}"));
                continue;
            }
            let (kind, own) = (before.kinds.get(family), ours.kinds.get(family));
            if kind != own {
                note(family, "kind", format!("{kind:?} {own:?}"));
            }
            let names = theirs.iter().flat_map(|(labels, _)| labels.keys()).collect();
            let (low, own, high) =
                (before.by(family, &names), ours.by(family, &names), after.by(family, &names));
            for (labels, value) in &own {
                let (Some(low), Some(high)) = (low.get(labels), high.get(labels)) else {
                    note(family, "ours", format!("{labels:?}"));
                    continue;
                };
                // What moves was read in between.
                let near = if self.is_listed(family, "moves") { 0.25 } else { 1e-9 };
                let least = if near > 0.1 { 16.0 } else { 0.0 };
                let bytes = if family.ends_with("_bytes") { 1e6 } else { 1.0 };
                let slack = near * value.abs() + least * bytes;
                let (low, high) = (low.min(*high) - slack, high.max(*low) + slack);
                if !(low..=high).contains(value) {
                    note(family, "value", format!("{labels:?}: {low} {value} {high}"));
                }
            }
            let lost =
                low.keys().find(|labels| high.contains_key(*labels) && !own.contains_key(*labels));
            if let Some(labels) = lost {
                note(family, "theirs", format!("{labels:?}"));
            }
        }
        found
    }
}

/// A page with a reading that was begun after this was called: a look within a second shows the one before.
pub async fn read_anew(exporter: &Exporter, target: &str, area: &str) -> String {
    let reads =
        format!("stack_target_reads_total{{target=\"{target}\",area=\"{area}\",outcome=\"ok\"}}");
    let before = exporter.scrape().await.value(&reads);
    until("a new reading", PATIENT, async || {
        let scrape = exporter.scrape().await;
        if scrape.value(&reads) > before { Ok(scrape.body) } else { Err(scrape.body) }
    })
    .await
}
