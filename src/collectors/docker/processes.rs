//! Processes that must run inside of containers, by their command lines.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;

use super::container::{ById, Container};
use super::ledger::Key;

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
                let wrong = |why: &str| (format!("{name}[{index}]"), why.to_owned());
                let built = built.map_err(|_| wrong("is no regular expression"))?;
                let kept = patterns.of.entry(name.clone()).or_default();
                if kept.iter().any(|other: &Regex| other.as_str() == pattern) {
                    return Err(wrong("is listed twice"));
                }
                kept.push(built);
            }
        }
        Ok(patterns)
    }

    pub fn wants(&self, container: &Container) -> bool {
        self.of.contains_key(name(container))
    }

    /// A row for each pattern and project, also where nothing runs. `seen` are the services that
    /// there were.
    pub fn count<'a>(
        &self,
        containers: &'a [Container],
        commands: &ById<Vec<String>>,
        seen: impl Iterator<Item = &'a Key>,
    ) -> Vec<Process> {
        let mut known = BTreeSet::<(&str, &str)>::new();
        known.extend(seen.map(|(project, service)| (service.as_str(), project.as_str())));
        known.extend(containers.iter().map(|one| (name(one), project(one))));
        let mut rows = Vec::new();
        for (name, patterns) in &self.of {
            let mut projects: Vec<&str> =
                known.iter().filter(|(of, _)| of == name).map(|(_, project)| *project).collect();
            if projects.is_empty() {
                projects.push("");
            }
            for of in projects {
                let mine = |one: &&Container| self::name(one) == name && project(one) == of;
                let mine: Vec<&Container> = containers.iter().filter(mine).collect();
                rows.extend(patterns.iter().map(|pattern| Process {
                    project: of.to_owned(),
                    service: name.clone(),
                    pattern: pattern.as_str().to_owned(),
                    count: count(&mine, commands, pattern),
                }));
            }
        }
        rows
    }
}

fn count(mine: &[&Container], commands: &ById<Vec<String>>, pattern: &Regex) -> Option<u64> {
    let lines = mine.iter().filter_map(|container| commands.get(&container.id)).flatten();
    let count = lines.filter(|line| pattern.is_match(line)).count() as u64;
    // One that runs and shows no command lines hides them.
    let hidden = mine.iter().any(|one| one.has_usage() && !commands.contains_key(&one.id));
    (count > 0 || !hidden).then_some(count)
}

fn project(container: &Container) -> &str {
    if container.is_of_compose() { &container.names.project } else { "" }
}

fn name(container: &Container) -> &str {
    let names = &container.names;
    if container.is_of_compose() { &names.service } else { &names.name }
}

#[cfg(test)]
mod tests {
    use super::super::api::Summary;
    use super::super::container::Naming;
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
        Container::of(summary, &Naming::default()).unwrap()
    }

    #[test]
    fn every_pattern_has_a_number() {
        let written = [("worker".to_owned(), vec!["taskiq worker".to_owned()])].into();
        let patterns = Patterns::new(&written).unwrap();
        let lines = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect();
        let count = |containers: &[Container], commands: &[(&str, Vec<String>)]| {
            let commands = commands.iter().cloned().map(|(id, lines)| (id.to_owned(), lines));
            patterns.count(containers, &commands.collect(), [].iter())[0].count
        };
        let two = [container("a", "worker", "running"), container("b", "worker", "running")];
        let line = "python -m taskiq worker app:broker";
        let both = [("a", lines(&[line, "sh"])), ("b", lines(&[line]))];
        assert_eq!(count(&two, &both), Some(2));
        assert_eq!(count(&two[..1], &[("a", lines(&["sh"]))]), Some(0));
        assert_eq!(count(&two[..1], &[]), None, "not to be seen");
        assert_eq!(count(&[container("a", "worker", "exited")], &[]), Some(0));
        assert_eq!(count(&[], &[]), Some(0), "declared, and there is none");
        let seen = [("p".to_owned(), "worker".to_owned()), ("q".to_owned(), "worker".to_owned())];
        let rows = patterns.count(
            &two,
            &both.iter().cloned().map(|(id, l)| (id.into(), l)).collect(),
            seen.iter(),
        );
        let rows: Vec<_> = rows.iter().map(|row| (row.project.as_str(), row.count)).collect();
        assert_eq!(rows, [("p", Some(2)), ("q", Some(0))], "each project has its own");
    }

    #[test]
    fn a_wrong_pattern_is_named() {
        let written = [("worker".to_owned(), vec!["ok".to_owned(), "(".to_owned()])].into();
        let (key, why) = Patterns::new(&written).unwrap_err();
        assert_eq!((key.as_str(), why.as_str()), ("worker[1]", "is no regular expression"));
    }
}
