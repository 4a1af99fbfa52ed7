//! How the same trouble of several things is told at once.

use super::sentence::Sentence;

/// What stands for the number of things.
const COUNT: &str = "{count}";

/// The plural of a signal's sentence.
#[derive(Clone, Copy, Debug)]
pub struct Many {
    /// "{count} containers have no bound on their log"; their names follow.
    pub title: &'static str,
    /// What one of them is called. What stands in brackets is left out where the name is clear
    /// without it: `{name}[ ({project})]`.
    pub thing: Sentence,
    /// One command about all of them, a label's values side by side, where there is one.
    pub next: Option<Sentence>,
}

impl Many {
    pub const fn of(title: &'static str, thing: &'static str) -> Option<Self> {
        Some(Self { title, thing: Sentence::new(thing), next: None })
    }

    /// Of whole targets.
    pub const fn targets(title: &'static str) -> Option<Self> {
        Self::of(title, "{target}")
    }

    /// With a command about all of them.
    pub const fn at_once(
        title: &'static str,
        thing: &'static str,
        next: &'static str,
    ) -> Option<Self> {
        let next = Some(Sentence::new(next));
        Some(Self { title, thing: Sentence::new(thing), next })
    }

    /// "6 containers have no bound on their log".
    pub fn told(&self, count: usize) -> String {
        self.title.replacen(COUNT, &count.to_string(), 1)
    }
}
