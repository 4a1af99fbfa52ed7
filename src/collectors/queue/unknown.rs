//! Words for states that are none of the usual ones: each is named in the log once.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use crate::text::{printable, short};

/// Words that are remembered; whoever has more has no states.
const MOST: usize = 20;
/// Of a longer one the beginning will do.
const LONGEST: usize = 40;

/// Those that were named.
#[derive(Default)]
pub struct Unknown(Mutex<BTreeSet<String>>);

impl Unknown {
    /// Names those that are new.
    pub fn tell(&self, target: &str, words: BTreeSet<&str>) {
        for word in self.unheard(words) {
            tracing::warn!(
                target,
                "jobs in state `{word}` count as `other`: say what it means, for example `states: {{ {word}: processing }}`"
            );
        }
    }

    fn unheard(&self, words: BTreeSet<&str>) -> Vec<String> {
        let mut named = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found = Vec::new();
        for word in words.into_iter().map(|word| printable(&short(word, LONGEST)).into_owned()) {
            if named.len() < MOST && named.insert(word.clone()) {
                found.push(word);
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_is_named_once_and_only_so_many() {
        let unknown = Unknown::default();
        let new = |words: &[&str]| unknown.unheard(words.iter().copied().collect());
        assert_eq!(new(&["parked", "archived"]), ["archived", "parked"]);
        assert_eq!(new(&["parked", "a\nb"]), ["a\\nb"]);
        let all: Vec<String> = (0..100).map(|n| format!("state{n}")).collect();
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        assert_eq!(new(&all).len(), MOST - 3);
        assert_eq!(new(&all), [""; 0]);
    }
}
