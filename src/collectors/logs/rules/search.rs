//! One search for the literals of all rules.
//!
//! A text whose case does not matter is looked for by three of its letters in all their cases, and
//! compared where they are found.

use std::collections::BTreeMap;

use aho_corasick::packed;
use aho_corasick::{AhoCorasick, MatchKind, Span};
use memchr::memmem::Finder;

use super::literal::Literal;

/// Letters by which a text in any case is looked for.
const LETTERS: usize = 3;

/// A literal and the rule that wants it.
struct Wanted {
    rule: usize,
    literal: Literal,
    /// Where the pattern stands in it.
    offset: usize,
}

pub struct Search {
    engine: Engine,
    /// By pattern.
    wanted: Vec<Vec<Wanted>>,
}

enum Engine {
    Nothing,
    One(Box<Finder<'static>>),
    /// SIMD, for up to 64 patterns, where the processor has it.
    Packed(packed::Searcher),
    Automaton(AhoCorasick),
}

impl Search {
    /// Literals with the number of their rule.
    pub fn new(literals: impl IntoIterator<Item = (usize, Literal)>) -> Self {
        let mut patterns: BTreeMap<Vec<u8>, Vec<Wanted>> = BTreeMap::new();
        for (rule, literal) in literals {
            for (offset, pattern) in spellings(&literal) {
                let wanted = Wanted { rule, literal: literal.clone(), offset };
                patterns.entry(pattern).or_default().push(wanted);
            }
        }
        // A pattern that begins with another is found by it.
        let mut kept: Vec<(Vec<u8>, Vec<Wanted>)> = Vec::new();
        for (pattern, wanted) in patterns {
            match kept.last_mut() {
                Some((shorter, all)) if pattern.starts_with(shorter) => all.extend(wanted),
                _ => kept.push((pattern, wanted)),
            }
        }
        let (patterns, wanted): (Vec<_>, Vec<_>) = kept.into_iter().unzip();
        Self { engine: Engine::new(&patterns), wanted }
    }

    /// Calls `found` with each rule and the place where one of its literals begins, in the order
    /// of their patterns' places.
    pub fn each(&self, block: &[u8], mut found: impl FnMut(usize, usize)) {
        let mut from = 0;
        while let Some((pattern, at)) = self.engine.next(block, from) {
            for wanted in self.wanted.get(pattern).into_iter().flatten() {
                let Some(start) = at.checked_sub(wanted.offset) else { continue };
                if wanted.literal.stands_at(block, start) {
                    found(wanted.rule, start);
                }
            }
            from = at + 1;
        }
    }

    #[cfg(test)]
    pub fn name(&self) -> &'static str {
        match self.engine {
            Engine::Nothing => "no search",
            Engine::One(_) => "one text",
            Engine::Packed(_) => "SIMD",
            Engine::Automaton(_) => "automaton",
        }
    }
}

impl Literal {
    fn stands_at(&self, block: &[u8], start: usize) -> bool {
        let Some(text) = block.get(start..).and_then(|rest| rest.get(..self.bytes.len())) else {
            return false;
        };
        if self.fold { text.eq_ignore_ascii_case(&self.bytes) } else { text == self.bytes }
    }
}

impl Engine {
    fn new(patterns: &[Vec<u8>]) -> Self {
        match patterns {
            [] => return Self::Nothing,
            [one] => return Self::One(Box::new(Finder::new(one).into_owned())),
            _ => {}
        }
        let mut builder =
            packed::Config::new().match_kind(packed::MatchKind::LeftmostFirst).builder();
        if let Some(packed) = builder.extend(patterns).build() {
            return Self::Packed(packed);
        }
        let built = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostFirst)
            .kind(Some(aho_corasick::AhoCorasickKind::DFA))
            .build(patterns);
        built.map_or(Self::Nothing, Self::Automaton)
    }

    /// The first pattern that begins at `from` or later, and where.
    fn next(&self, block: &[u8], from: usize) -> Option<(usize, usize)> {
        let span = Span { start: from, end: block.len() };
        match self {
            Self::Nothing => None,
            Self::One(finder) => finder.find(block.get(from..)?).map(|at| (0, from + at)),
            Self::Packed(packed) => {
                packed.find_in(block, span).map(|found| (found.pattern().as_usize(), found.start()))
            }
            Self::Automaton(automaton) => {
                let found = automaton.find(aho_corasick::Input::new(block).span(span))?;
                Some((found.pattern().as_usize(), found.start()))
            }
        }
    }
}

/// What to look for, and where it stands in the literal.
fn spellings(literal: &Literal) -> Vec<(usize, Vec<u8>)> {
    if !literal.fold {
        return vec![(0, literal.bytes.clone())];
    }
    let windows = literal.bytes.windows(LETTERS).enumerate();
    let Some((offset, window)) = windows.min_by_key(|(_, window)| commonness(window)) else {
        return vec![(0, literal.bytes.clone())];
    };
    let mut spelled: Vec<Vec<u8>> = vec![Vec::new()];
    for byte in window {
        let cases = [byte.to_ascii_lowercase(), byte.to_ascii_uppercase()];
        let cases = if cases[0] == cases[1] { &cases[..1] } else { &cases[..] };
        spelled = spelled
            .iter()
            .flat_map(|start| cases.iter().map(|case| [start.as_slice(), &[*case]].concat()))
            .collect();
    }
    spelled.into_iter().map(|pattern| (offset, pattern)).collect()
}

/// How often the bytes of a text stand in logs, roughly.
fn commonness(text: &[u8]) -> u32 {
    let of = |byte: &u8| match byte {
        b' ' | b'0'..=b'9' | b'"' | b':' => 9,
        b'e' | b't' | b'a' | b'o' | b'i' | b'n' | b's' | b'r' => 7,
        b'l' | b'c' | b'd' | b'u' | b'm' | b'p' | b'h' | b'.' | b',' | b'-' | b'/' | b'_' => 5,
        b'g' | b'f' | b'b' | b'w' | b'y' | b'v' | b'=' => 3,
        0x80..=0xff => 2,
        _ => 1,
    };
    text.iter().map(of).sum()
}
