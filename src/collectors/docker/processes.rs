//! Processes that must run inside of containers, by their command lines.

use std::collections::BTreeMap;

use regex::Regex;

use super::container::{ById, Container};

/// Command lines are looked through for this; a regular expression larger than this is refused.
const SIZE: usize = 1 << 20;

/// By the name of a service or container.
#[derive(Clone, Debug, Default)]
pub struct Patterns {
    of: BTreeMap<String, Vec<Regex>>,
}

/// How many processes match.
#[derive(Debug, PartialEq)]
pub struct Process {
    pub project: String,
    pub service: String,
    pub pattern: String,
    /// `None` where the command lines cannot be seen.
    pub count: Option<u64>,
}

impl Patterns {
    /// `Err` names the key and what is wrong with it.
    pub fn new(written: &BTreeMap<String, Vec<String>>) -> Result<Self, (String, String)> {
        let mut patterns = Self::default();
        for (name, list) in written {
            for (index, pattern) in list.iter().enumerate() {
                let built = regex::RegexBuilder::new(pattern).size_limit(SIZE).build();
                let wrong = |_| (format!("{name}[{index}]"), "is no regular expression".to_owned());
                patterns.of.entry(name.clone()).or_default().push(built.map_err(wrong)?);
            }
        }
        Ok(patterns)
    }

    pub fn wants(&self, container: &Container) -> bool {
        self.of.contains_key(name(container))
    }

    /// A row for each pattern, also where nothing runs.
    pub fn count(&self, containers: &[Container], commands: &ById<Vec<String>>) -> Vec<Process> {
        let mut rows = Vec::new();
        for (name, patterns) in &self.of {
            let mine = containers.iter().filter(|container| self::name(container) == name);
            let mine: Vec<&Container> = mine.collect();
            let project = mine.first().map(|container| container.names.project.clone());
            let lines: Vec<&Vec<String>> =
                mine.iter().filter_map(|container| commands.get(&container.id)).collect();
            // One that runs and shows no command lines hides them.
            let hidden = mine.iter().any(|c| c.has_usage() && !commands.contains_key(&c.id));
            for pattern in patterns {
                let hits = lines.iter().flat_map(|lines| lines.iter());
                let count = hits.filter(|line| pattern.is_match(line)).count() as u64;
                rows.push(Process {
                    project: project.clone().unwrap_or_default(),
                    service: name.clone(),
                    pattern: pattern.as_str().to_owned(),
                    count: (count > 0 || !hidden).then_some(count),
                });
            }
        }
        rows
    }
}

fn name(container: &Container) -> &str {
    let names = &container.names;
    if container.is_of_compose() { &names.service } else { &names.name }
}

#[cfg(test)]
mod tests {
    use super::super::api::Summary;
    use super::*;

    fn container(id: &str, service: &str, state: &str) -> Container {
        let label =
            |key: &str, value: &str| (format!("com.docker.compose.{key}"), value.to_owned());
        let summary = Summary {
            id: id.into(),
            state: state.into(),
            labels: [label("project", "p"), label("service", service)].into(),
            ..Summary::default()
        };
        Container::of(summary, &[]).unwrap()
    }

    #[test]
    fn every_pattern_has_a_number() {
        let written = [("worker".to_owned(), vec!["taskiq worker".to_owned()])].into();
        let patterns = Patterns::new(&written).unwrap();
        let lines = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect();
        let count = |containers: &[Container], commands: &[(&str, Vec<String>)]| {
            let commands = commands.iter().cloned().map(|(id, lines)| (id.to_owned(), lines));
            patterns.count(containers, &commands.collect())[0].count
        };
        let two = [container("a", "worker", "running"), container("b", "worker", "running")];
        let line = "python -m taskiq worker app:broker";
        let both = [("a", lines(&[line, "sh"])), ("b", lines(&[line]))];
        assert_eq!(count(&two, &both), Some(2));
        assert_eq!(count(&two[..1], &[("a", lines(&["sh"]))]), Some(0));
        assert_eq!(count(&two[..1], &[]), None, "not to be seen");
        assert_eq!(count(&[container("a", "worker", "exited")], &[]), Some(0));
        assert_eq!(count(&[], &[]), Some(0), "declared, and there is none");
    }

    #[test]
    fn a_wrong_pattern_is_named() {
        let written = [("worker".to_owned(), vec!["ok".to_owned(), "(".to_owned()])].into();
        let (key, why) = Patterns::new(&written).unwrap_err();
        assert_eq!((key.as_str(), why.as_str()), ("worker[1]", "is no regular expression"));
    }
}
