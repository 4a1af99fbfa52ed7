//! Thresholds for one thing: how people name it, and what they say of it.

use globset::{Glob, GlobMatcher};

use super::signal::{Severity, Signal};

/// How a person names things: a name, or a pattern such as `ci-*`.
#[derive(Clone, Debug)]
pub struct Key {
    text: String,
    pattern: Option<GlobMatcher>,
    /// It is what the item's labels say, and none of the other names that people have for things.
    is_thing: bool,
}

impl Key {
    /// What is wrong with the pattern is the error.
    pub fn new(text: &str) -> Result<Self, String> {
        let is_pattern = text.contains(['*', '?', '[', '{']);
        let pattern = if is_pattern {
            let glob = Glob::new(text).map_err(|error| error.kind().to_string())?;
            Some(glob.compile_matcher())
        } else {
            None
        };
        Ok(Self { text: text.to_owned(), pattern, is_thing: false })
    }

    /// One thing by its item's labels, joined, whatever characters are in them: another thing that
    /// people also call so is not meant.
    pub fn exact(name: &str) -> Self {
        Self { text: name.to_owned(), pattern: None, is_thing: true }
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub const fn is_thing(&self) -> bool {
        self.is_thing
    }

    pub fn is(&self, name: &str) -> bool {
        match &self.pattern {
            Some(pattern) => pattern.is_match(name),
            None => self.text == name,
        }
    }

    /// A name goes before a pattern, and a longer pattern before a shorter one.
    pub const fn rank(&self) -> (bool, usize) {
        (self.pattern.is_none(), self.text.len())
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
            && self.pattern.is_some() == other.pattern.is_some()
            && self.is_thing == other.is_thing
    }
}

/// Thresholds for some of a target's things: those that are called like the key.
#[derive(Clone, Debug, PartialEq)]
pub struct Exception {
    pub signal: &'static str,
    pub key: Key,
    /// What it says of each severity: `None` for off. What it does not name is as for all.
    pub limits: Vec<(Severity, Option<f64>)>,
}

/// Labels of Compose by which a container is known as a service.
const COMPOSE: [(&str, &str); 2] = [
    ("project", "service"),
    ("container_label_com_docker_compose_project", "container_label_com_docker_compose_service"),
];

/// What the thing of a sample is called.
pub struct Called {
    names: Vec<String>,
    thing: String,
}

impl Called {
    pub fn of<'a>(signal: &Signal, label: &dyn Fn(&str) -> &'a str) -> Self {
        Self { names: names(signal.item, label), thing: joined(signal.item, label) }
    }
}

/// How a person may call the thing with these labels: by the item's labels, joined, or by the last of
/// them; a container by its service as well.
fn names<'a>(item: &[&'static str], label: &dyn Fn(&str) -> &'a str) -> Vec<String> {
    let Some(last) = item.last() else { return Vec::new() };
    let value = label(last);
    if value.is_empty() {
        return Vec::new();
    }
    let mut names = vec![value.to_owned()];
    let mut add = |labels: &[&str]| {
        let values: Vec<&str> =
            labels.iter().map(|name| label(name)).filter(|value| !value.is_empty()).collect();
        if values.len() == labels.len() {
            names.push(values.join("/"));
        }
    };
    add(item);
    if *item == ["name"] {
        for (project, service) in COMPOSE {
            add(&[project, service]);
            add(&[service]);
        }
    }
    names
}

/// What a thing is called by its item's labels alone; a container without Compose has no project.
fn joined<'a>(item: &[&'static str], label: &dyn Fn(&str) -> &'a str) -> String {
    let values = item.iter().map(|name| label(name)).filter(|value| !value.is_empty());
    values.collect::<Vec<_>>().join("/")
}

impl Exception {
    /// Whether it speaks of the thing that a signal judges.
    pub fn is_about(&self, signal: &Signal, called: &Called) -> bool {
        self.signal == signal.name
            && if self.key.is_thing {
                self.key.text == called.thing
            } else {
                called.names.iter().any(|name| self.key.is(name))
            }
    }

    pub fn says(&self, severity: Severity) -> Option<Option<f64>> {
        self.limits.iter().find(|(of, _)| *of == severity).map(|(_, value)| *value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::examples::plain;

    fn is_about(key: Key, item: &'static [&'static str], thing: [&'static str; 3]) -> bool {
        let signal = Signal { name: "memory", item, ..plain() };
        let [name, project, service] = thing;
        let label = |of: &str| match of {
            "name" => name,
            "project" => project,
            "service" => service,
            _ => "",
        };
        Exception { signal: "memory", key, limits: Vec::new() }
            .is_about(&signal, &Called::of(&signal, &label))
    }

    #[test]
    fn what_a_thing_says_of_itself_is_of_nothing_else() {
        let (of_container, of_service): (&[_], &[_]) = (&["name"], &["project", "service"]);
        let (lone, replica) = (["db", "", "db"], ["shop-db-1", "shop", "db"]);
        for item in [of_container, of_service] {
            assert!(is_about(Key::exact("db"), item, lone));
            assert!(
                !is_about(Key::exact("db"), item, replica),
                "people may call it so, it does not"
            );
            assert!(is_about(Key::new("db").unwrap(), item, replica));
        }
        assert!(is_about(Key::exact("shop/db"), of_service, replica));
        assert!(is_about(Key::exact("shop-db-1"), of_container, replica));
        assert!(!is_about(Key::exact("shop-db-*"), of_container, replica), "no pattern");
    }
}
