//! What a container asks for by labels of its own: to be left out, and thresholds for itself. Whoever
//! may start a container writes them, so they are few and short, and what is wrong with them is told.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use super::AREA;
use super::container::Container;
use crate::catalogue::{Batch, Exception, Key, Signal};
use crate::config::nearest;
use crate::failure::{Failure, Reason};
use crate::{plan, text};

/// What our labels begin with.
const PREFIX: &str = "stack-exporter.";
/// Whether a container is left out.
pub const IGNORE: &str = "stack-exporter.ignore";
const THRESHOLD: &str = "threshold.";
const WORDS: [&str; 2] = ["ignore", "threshold"];
/// Thresholds that one container may ask for, and all together.
const MOST: usize = 16;
const MOST_IN_ALL: usize = 200;
/// No signal and no value is longer, in bytes.
const LONGEST: usize = 100;
/// Mistakes that are told word by word.
const TOLD: usize = 3;

/// What the labels of one container ask for.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Asked {
    pub ignored: bool,
    /// By the name of the signal, as they are written.
    thresholds: Vec<(String, String)>,
    /// What is wrong with others.
    wrong: Vec<String>,
}

impl Asked {
    pub fn of(labels: &BTreeMap<String, String>) -> Self {
        let mut asked = Self { ignored: is_ignored(labels), ..Self::default() };
        let mut more = 0;
        for (key, value) in ours(labels) {
            if let Some(signal) = key.strip_prefix(THRESHOLD) {
                if asked.thresholds.len() == MOST {
                    more += 1;
                } else if signal.len() > LONGEST || value.len() > LONGEST {
                    asked.is_wrong(format!("{}: is too long", shown(key)));
                } else {
                    asked.thresholds.push((signal.to_owned(), value.to_owned()));
                }
            } else if key == WORDS[0] {
                if truth(value).is_none() {
                    asked.is_wrong(format!("{}: write `true` or `false`", shown(key)));
                }
            } else if let Some(meant) = nearest(word(key), WORDS) {
                let meant = format!("{PREFIX}{meant}");
                asked.is_wrong(format!("{}: did you mean `{meant}`?", shown(key)));
            }
        }
        if more > 0 {
            asked.is_wrong(format!("{more} thresholds more than the {MOST} that are read"));
        }
        asked
    }

    fn is_wrong(&mut self, why: String) {
        if self.wrong.len() < MOST {
            self.wrong.push(why);
        }
    }
}

/// Whether a container is to be left out, by its labels or by what an event says of them.
pub fn is_ignored(labels: &BTreeMap<String, String>) -> bool {
    labels.get(IGNORE).and_then(|value| truth(value)) == Some(true)
}

pub fn truth(value: &str) -> Option<bool> {
    let is = |word: &str| value.trim().eq_ignore_ascii_case(word);
    if is("true") { Some(true) } else { is("false").then_some(false) }
}

/// Our labels, without what they begin with.
fn ours(labels: &BTreeMap<String, String>) -> impl Iterator<Item = (&str, &str)> {
    let from = labels.range::<str, _>((Bound::Included(PREFIX), Bound::Unbounded));
    from.map_while(|(key, value)| Some((key.strip_prefix(PREFIX)?, value.as_str())))
}

/// `treshold` of `treshold.memory`.
fn word(key: &str) -> &str {
    key.split_once('.').map_or(key, |(word, _)| word)
}

fn shown(key: &str) -> String {
    format!("{PREFIX}{}", text::short(key, LONGEST))
}

/// Thresholds that containers have brought along for themselves, and what is wrong with others. Of
/// replicas that want different ones for their service the first is taken: the newest that is alive.
pub fn exceptions(containers: &[Container]) -> (Vec<Exception>, Vec<String>) {
    let (mut found, mut wrong) = (Vec::new(), BTreeSet::new());
    let (mut seen, mut more) = (BTreeSet::new(), 0);
    for container in containers {
        let mut tell = |why: &str| {
            wrong.insert(format!("{}: {why}", container.names.name));
        };
        container.asked.wrong.iter().for_each(|why| tell(why));
        for (name, value) in &container.asked.thresholds {
            match exception(container, name, value) {
                Err(why) => tell(&format!("{}: {why}", shown(&format!("{THRESHOLD}{name}")))),
                Ok(one) if !seen.insert((one.signal, one.key.as_str().to_owned())) => {}
                Ok(_) if found.len() == MOST_IN_ALL => more += 1,
                Ok(one) => found.push(one),
            }
        }
    }
    let mut wrong: Vec<String> = wrong.into_iter().collect();
    if more > 0 {
        wrong.push(format!("{more} thresholds more than the {MOST_IN_ALL} that are read in all"));
    }
    (found, wrong)
}

fn exception(container: &Container, name: &str, value: &str) -> Result<Exception, String> {
    let of_things = || AREA.signals.iter().filter(|signal| !signal.item.is_empty());
    let Some(signal) = of_things().find(|signal| signal.name == name) else {
        return Err(match (AREA.signal(name), nearest(name, of_things().map(|one| one.name))) {
            (Some(_), _) => {
                "judges the Engine as a whole: its threshold is in the configuration".into()
            }
            (None, Some(meant)) => format!("unknown signal (did you mean `{meant}`?)"),
            (None, None) => "unknown signal".into(),
        });
    };
    let limits = plan::threshold_of_one(signal, value)?;
    Ok(Exception { signal: signal.name, key: Key::exact(&thing(container, signal)), limits })
}

/// What the signal judges of this container: itself, or its service.
fn thing(container: &Container, signal: &Signal) -> String {
    let (project, service) = container.life_key();
    match signal.item {
        ["name"] => container.names.name.clone(),
        _ if project.is_empty() => service,
        _ => format!("{project}/{service}"),
    }
}

/// Hands on what containers have asked for, and tells what is wrong with it.
pub fn note(containers: &[Container], batch: Batch) -> Batch {
    let (found, wrong) = exceptions(containers);
    let batch = batch.excepting(found);
    if wrong.is_empty() {
        return batch;
    }
    let more = wrong.len().saturating_sub(TOLD);
    let mut detail = wrong.into_iter().take(TOLD).collect::<Vec<_>>().join("; ");
    if more > 0 {
        detail.push_str(&format!("; and {more} more"));
    }
    let hint = "these labels have no effect; docs/configuration.md says how they are written";
    batch.gap("labels of containers", Failure::new(Reason::PARSE, detail).hint(hint))
}

#[cfg(test)]
mod tests;
