//! What mutes what: the rules of the shipped alerts/alertmanager.yml, read from it, so that there is
//! one list. A label that both sides lack counts as equal, as for Alertmanager.

use std::collections::BTreeSet;

use regex::Regex;
use schemars::JsonSchema;
use serde::Deserialize;

use super::alert::Labels;
use crate::config;

const SHIPPED: &str = include_str!("../../alerts/alertmanager.yml");

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Section {
    inhibit_rules: Vec<Written>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Written {
    source_matchers: Vec<String>,
    target_matchers: Vec<String>,
    equal: Vec<String>,
}

/// A condition on a label.
struct Matcher {
    label: String,
    value: Regex,
    not: bool,
}

impl Matcher {
    fn parse(text: &str) -> Option<Self> {
        let (label, rest) = text.split_at(text.find(['=', '!'])?);
        let (operator, value) = rest.split_once('"')?;
        let value = value.strip_suffix('"')?;
        let pattern = match operator {
            "=" | "!=" => regex::escape(value),
            "=~" | "!~" => value.to_owned(),
            _ => return None,
        };
        let value = Regex::new(&format!("^(?:{pattern})$")).ok()?;
        Some(Self { label: label.to_owned(), value, not: operator.starts_with('!') })
    }

    fn holds(&self, labels: &Labels) -> bool {
        let value = labels.get(&self.label).map_or("", String::as_str);
        self.value.is_match(value) != self.not
    }
}

fn all(matchers: &[Matcher], labels: &Labels) -> bool {
    matchers.iter().all(|matcher| matcher.holds(labels))
}

struct Rule {
    source: Vec<Matcher>,
    target: Vec<Matcher>,
    equal: Vec<String>,
}

impl Rule {
    fn identity<'a>(&self, labels: &'a Labels) -> Vec<&'a str> {
        self.equal.iter().map(|name| labels.get(name).map_or("", String::as_str)).collect()
    }
}

/// The rules.
pub(super) struct Inhibition(Vec<Rule>);

impl Inhibition {
    /// Those that are shipped. An error says what of the file is not understood.
    pub fn shipped() -> Result<Self, String> {
        let begin = SHIPPED.find("inhibit_rules:").ok_or("no inhibit_rules")?;
        let section = SHIPPED.get(begin..).unwrap_or_default();
        let section = section.split("\nreceivers:").next().unwrap_or_default();
        let read: Section = config::load("alertmanager.yml", section, &|_| None)
            .finish()
            .map_err(|mistakes| mistakes.join("; "))?;
        let matchers = |texts: Vec<String>| -> Result<Vec<Matcher>, String> {
            let read = |text: &String| Matcher::parse(text).ok_or_else(|| text.clone());
            texts.iter().map(read).collect()
        };
        let rule = |rule: Written| {
            Ok(Rule {
                source: matchers(rule.source_matchers)?,
                target: matchers(rule.target_matchers)?,
                equal: rule.equal,
            })
        };
        read.inhibit_rules.into_iter().map(rule).collect::<Result<_, String>>().map(Self)
    }

    /// No rules: nothing is muted.
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// What these alerts mute, severities included in their labels.
    pub fn by<'a>(&'a self, firing: &'a [Labels]) -> Muting<'a> {
        let sources = |rule: &'a Rule| {
            let mut found = Sources::default();
            for labels in firing.iter().filter(|labels| all(&rule.source, labels)) {
                let of = if all(&rule.target, labels) { &mut found.both } else { &mut found.plain };
                of.insert(rule.identity(labels));
            }
            (rule, found)
        };
        let rules = self.0.iter().map(sources);
        Muting(rules.filter(|(_, found)| !found.is_empty()).collect())
    }
}

/// Identities of the alerts that fit the side of the sources: of those that would fit the other side
/// too, and of the others.
#[derive(Default)]
struct Sources<'a> {
    plain: BTreeSet<Vec<&'a str>>,
    both: BTreeSet<Vec<&'a str>>,
}

impl Sources<'_> {
    fn is_empty(&self) -> bool {
        self.plain.is_empty() && self.both.is_empty()
    }
}

/// What is muted at a moment.
pub(super) struct Muting<'a>(Vec<(&'a Rule, Sources<'a>)>);

impl Muting<'_> {
    pub fn mutes(&self, labels: &Labels) -> bool {
        self.0.iter().any(|(rule, sources)| {
            if !all(&rule.target, labels) {
                return false;
            }
            let identity = rule.identity(labels);
            // Two that fit both sides do not mute each other, nor does one itself.
            let two_sided = all(&rule.source, labels);
            sources.plain.contains(&identity) || (!two_sided && sources.both.contains(&identity))
        })
    }
}

/// Labels from pairs, for who has no alert.
#[cfg(test)]
pub(super) fn labels(text: &str) -> Labels {
    let pairs = text.split(' ').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_rules_are_understood_and_mute_as_alertmanager_does() {
        let rules = Inhibition::shipped().unwrap_or_else(|why| panic!("{why}"));
        assert_eq!(rules.0.len(), SHIPPED.matches("source_matchers:").count());
        assert!(rules.0.len() > 20);
        let muted = |source: &str, target: &str| {
            let firing = [labels(source)];
            rules.by(&firing).mutes(&labels(target))
        };
        let down = "alertname=NatsDown severity=critical signal=up area=nats target=main instance=here \
                    project=shop service=nats";
        let backlog = "alertname=NatsConsumerBacklog severity=warning signal=consumer_pending area=nats \
                       target=main instance=here stream_name=s";
        assert!(muted(down, backlog));
        assert!(!muted(down, down) && !muted(backlog, down));
        assert!(!muted(down, &backlog.replace("target=main", "target=edge")));
        let service = "alertname=DockerServiceDown severity=critical area=docker target=docker \
                       instance=here project=shop service=nats";
        assert!(muted(service, down));
        assert!(!muted(service, &down.replace("service=nats", "service=db")));
        let critical = "alertname=X severity=critical area=a target=t instance=here name=n";
        assert!(muted(critical, &critical.replace("critical", "warning")));
        assert!(!muted(critical, &critical.replace("critical", "warning").replace("=n", "=m")));
    }
}
