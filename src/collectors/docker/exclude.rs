//! Containers that nobody wants to see, by patterns of the configuration or by a label of their own.
//! They are left out before anything is asked about them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::container::{Container, Names};
use super::labels;
use super::ledger::Key as Life;
use super::sample::CAP;
use crate::catalogue::Key;

/// What a pattern of images begins with.
const IMAGE: &str = "image:";

/// The setting `exclude`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Exclude {
    patterns: Vec<Pattern>,
}

#[derive(Clone, Debug, PartialEq)]
struct Pattern {
    /// As the configuration has it.
    text: String,
    key: Key,
    of_image: bool,
}

/// All that a container may be called by.
struct Called {
    /// Its name, its service, and `project/service`.
    names: Vec<String>,
    /// The image with its tag, and without.
    images: Vec<String>,
}

impl Exclude {
    /// And what is wrong with the patterns, by their number.
    pub fn new(texts: &[String]) -> (Self, Vec<(usize, String)>) {
        let (mut exclude, mut wrong) = (Self::default(), Vec::new());
        for (index, text) in texts.iter().enumerate() {
            match exclude.pattern(text) {
                Ok(pattern) => exclude.patterns.push(pattern),
                Err(why) => wrong.push((index, why)),
            }
        }
        (exclude, wrong)
    }

    fn pattern(&self, text: &str) -> Result<Pattern, String> {
        let of = text.strip_prefix(IMAGE);
        let name = of.unwrap_or(text);
        if name.trim().is_empty() {
            return Err("names nothing".into());
        }
        if name.chars().all(|c| matches!(c, '*' | '/')) {
            return Err("would leave out all containers: `enabled: false` does that".into());
        }
        if self.patterns.iter().any(|pattern| pattern.text == text) {
            return Err("is listed twice".into());
        }
        let key = Key::new(name).map_err(|why| format!("not a pattern: {why}"))?;
        Ok(Pattern { text: text.to_owned(), key, of_image: of.is_some() })
    }

    fn matches(&self, called: &Called) -> impl Iterator<Item = bool> {
        self.patterns.iter().map(move |pattern| {
            let names = if pattern.of_image { &called.images } else { &called.names };
            names.iter().any(|name| pattern.key.is(name))
        })
    }

    /// Whether an event is of a container that is left out: its labels are among the attributes.
    pub fn is_about_event(
        &self,
        (project, service): &Life,
        about: &BTreeMap<String, String>,
    ) -> bool {
        let attribute = |name: &str| about.get(name).map_or("", String::as_str);
        let called = || Called::new(attribute("name"), project, service, attribute("image"));
        labels::is_ignored(about)
            || !self.patterns.is_empty() && self.matches(&called()).any(|is| is)
    }

    /// Whether it speaks of a service, or of a container without one, whatever its containers are.
    fn is_about(&self, (project, service): &Life) -> bool {
        self.matches(&Called::new("", project, service, "")).any(|is| is)
    }
}

impl Called {
    fn new(name: &str, project: &str, service: &str, image: &str) -> Self {
        let said = |texts: &[&str]| {
            texts.iter().filter(|text| !text.is_empty()).map(|text| (*text).to_owned()).collect()
        };
        let mut names: Vec<String> = said(&[name, service]);
        if !project.is_empty() && !service.is_empty() {
            names.push(format!("{project}/{service}"));
        }
        Self { names, images: said(&[image, repository(image)]) }
    }

    fn of(names: &Names) -> Self {
        Self::new(&names.name, &names.project, &names.service, &names.image)
    }
}

/// An image without tag and digest; a colon before a slash is a port.
fn repository(image: &str) -> &str {
    let image = image.split_once('@').map_or(image, |(name, _)| name);
    match image.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => name,
        _ => image,
    }
}

/// What a reading leaves out because somebody wants it so.
#[derive(Clone, Debug, Default)]
pub struct Aside {
    exclude: Arc<Exclude>,
    pub containers: u64,
    /// Containers by pattern.
    matches: Vec<u64>,
    /// Compose services and lone containers, with how many containers of them are left out; 0 of
    /// one whose containers are gone.
    lives: BTreeMap<Life, u64>,
}

impl Aside {
    /// `before`: services of which containers were left out, and that may be gone now.
    pub fn new(exclude: &Arc<Exclude>, before: Vec<Life>) -> Self {
        Self {
            exclude: Arc::clone(exclude),
            matches: vec![0; exclude.patterns.len()],
            lives: before.into_iter().map(|key| (key, 0)).collect(),
            containers: 0,
        }
    }

    /// Takes what is to be left out from among the containers.
    pub fn take_from(&mut self, containers: &mut Vec<Container>) {
        containers.retain(|container| !self.takes(container));
    }

    /// Whether this one is to be left out.
    pub fn takes(&mut self, container: &Container) -> bool {
        let mut is = container.asked.ignored;
        if !self.exclude.patterns.is_empty() {
            let called = Called::of(&container.names);
            for (matched, count) in self.exclude.matches(&called).zip(&mut self.matches) {
                is |= matched;
                *count += u64::from(matched);
            }
        }
        if is {
            self.containers += 1;
            let key = container.life_key();
            if self.lives.len() < 4 * CAP || self.lives.contains_key(&key) {
                *self.lives.entry(key).or_default() += 1;
            }
        }
        is
    }

    /// Services of which something was left out, for the next reading. Those with containers that are
    /// shown are seen by these.
    pub fn services(&self, shown: &[Container]) -> Vec<Life> {
        let of_compose = self.lives.keys().filter(|key| !key.0.is_empty());
        let is_shown = |key: &Life| shown.iter().any(|container| container.life_key() == *key);
        of_compose.filter(|key| !is_shown(key)).cloned().collect()
    }

    /// Whether nothing is to be said of this one, unless some of its containers are shown.
    pub fn hides(&self, key: &Life) -> bool {
        self.lives.contains_key(key)
            || !self.exclude.patterns.is_empty() && self.exclude.is_about(key)
    }

    /// How many containers of a service are left out.
    pub fn of(&self, key: &Life) -> u64 {
        self.lives.get(key).copied().unwrap_or_default()
    }

    /// Of each pattern how many containers it speaks of, and declared services without one.
    pub fn told(&self, hidden: &[Life]) -> Vec<(String, u64)> {
        let mut counts = self.matches.clone();
        for (project, service) in hidden.iter().filter(|key| self.of(key) == 0) {
            let called = Called::new("", project, service, "");
            for (matched, count) in self.exclude.matches(&called).zip(&mut counts) {
                *count += u64::from(matched);
            }
        }
        let texts = self.exclude.patterns.iter().map(|pattern| pattern.text.clone());
        texts.zip(counts).collect()
    }
}

#[cfg(test)]
mod tests;
