//! The cheapest way to tell whether a line matches, and where its groups are.

use memchr::{memchr, memrchr};
use regex_automata::meta::{self, Regex};
use regex_automata::util::primitives::NonMaxUsize;
use regex_automata::{Anchored, Input, PatternID};
use regex_syntax::hir::{Hir, HirKind, Look};

use super::literal::{Literal, Required, is_letter, required};
use super::refine::{refine, spellings, with_escapes};

/// Memory of one compiled pattern.
const SIZE: usize = 1 << 20;
/// Memory of one automaton that is built while it is used: what a full one costs is a fresh start.
const CACHE: usize = 1 << 18;

/// Where groups begin and end; [`NONE`] where one did not take part.
pub type Slots = [(usize, usize)];
pub const NONE: (usize, usize) = (usize::MAX, usize::MAX);

pub struct Matcher {
    regex: Regex,
    /// Groups of a match, the whole one included.
    pub groups: usize,
    /// Groups that stand for another one where that took no part.
    stands_for: Vec<(usize, usize)>,
    way: Way,
}

enum Way {
    /// A literal is found, and that is all.
    Literal(Vec<Literal>),
    /// From the literal on.
    Anchored(Vec<Literal>),
    /// In the line of the literal.
    Line(Vec<Literal>),
    /// In the whole block.
    Block { line_by_line: bool },
}

/// Characters that a match can be at work on at the same time. A line of 64 KiB takes well under
/// 100 ms with as many, where each byte costs time for all of them.
const WEIGHT: usize = 128;

fn weight(hir: &Hir, times: usize) -> usize {
    match hir.kind() {
        HirKind::Literal(literal) if times > 1 => literal.0.len().saturating_mul(times),
        HirKind::Empty | HirKind::Look(_) | HirKind::Literal(_) => 0,
        // A letter whose case does not matter weighs nothing either.
        HirKind::Class(class) => times * usize::from(times > 1 || !is_letter(class)),
        HirKind::Capture(capture) => weight(&capture.sub, times),
        HirKind::Repetition(repeated) => {
            let most = repeated.max.unwrap_or(repeated.min).max(repeated.min).max(1);
            let most = usize::try_from(most).unwrap_or(usize::MAX);
            weight(&repeated.sub, times.saturating_mul(most))
        }
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            parts.iter().map(|part| weight(part, times)).fold(0, usize::saturating_add)
        }
    }
}

/// Why a pattern is none, without the pattern.
pub fn parse(pattern: &str, ignore_case: bool) -> Result<Hir, String> {
    let mut parser = regex_syntax::ParserBuilder::new();
    parser.case_insensitive(ignore_case).multi_line(true).crlf(true).utf8(false).nest_limit(100);
    let hir = parser.build().parse(pattern).map_err(|error| {
        let what = match error {
            regex_syntax::Error::Parse(error) => error.kind().to_string(),
            regex_syntax::Error::Translate(error) => error.kind().to_string(),
            other => other.to_string().lines().last().unwrap_or_default().to_owned(),
        };
        format!("is no regular expression: {what}")
    })?;
    let hir = refine(hir);
    if weight(&hir, 1) > WEIGHT {
        return Err(format!(
            "counts too far, which is slow: write `*` or `+` where it repeats more than {WEIGHT} characters"
        ));
    }
    match hir.properties().minimum_len() {
        None => Err("a rule sees one line at a time".into()),
        Some(0) => Err("matches the empty text, so it would count any line".into()),
        Some(_) => Ok(hir),
    }
}

impl Matcher {
    /// `captures` says whether groups are read.
    pub fn new(pattern: &str, ignore_case: bool, captures: bool) -> Result<Self, String> {
        let hir = with_escapes(parse(pattern, ignore_case)?);
        let regex = build(&hir)?;
        let way = match required(&hir) {
            None => {
                let looks = hir.properties().look_set();
                let line_by_line = looks.contains(Look::Start) || looks.contains(Look::End);
                Way::Block { line_by_line }
            }
            Some(Required { literals, all: true, .. }) if !captures => Way::Literal(literals),
            Some(Required { literals, first: true, .. }) if in_order(&literals) => {
                Way::Anchored(literals)
            }
            Some(Required { literals, .. }) => Way::Line(literals),
        };
        // The spellings of a pattern share its groups; `captures_len` would count them anew.
        let groups = regex.group_info().slot_len() / 2;
        let mut matcher = Self { regex, groups, stands_for: Vec::new(), way };
        matcher.stands_for = matcher.second_names();
        Ok(matcher)
    }

    /// A text that stands in a line, as it is or as JSON writes it.
    pub fn literal(text: &str, ignore_case: bool) -> Result<Self, String> {
        let spelled: Vec<_> = spellings(text).iter().map(|one| regex_syntax::escape(one)).collect();
        Self::new(&spelled.join("|"), ignore_case, false)
    }

    /// Groups whose name is that of another one with `_2` to `_9` at its end, and that one.
    fn second_names(&self) -> Vec<(usize, usize)> {
        let names = self.regex.group_info().pattern_names(PatternID::ZERO).enumerate();
        let first = |name: Option<&str>| {
            let (first, number) = name?.rsplit_once('_')?;
            matches!(number.as_bytes(), [b'2'..=b'9']).then(|| self.group(first)).flatten()
        };
        names.filter_map(|(second, name)| Some((second, first(name)?))).collect()
    }

    /// What to look for in a block; nothing if the rule looks for itself.
    pub fn literals(&self) -> &[Literal] {
        match &self.way {
            Way::Literal(all) | Way::Anchored(all) | Way::Line(all) => all,
            Way::Block { .. } => &[],
        }
    }

    pub fn group(&self, name: &str) -> Option<usize> {
        self.regex.group_info().to_index(PatternID::ZERO, name)
    }

    pub fn memory(&self) -> usize {
        self.regex.memory_usage()
    }

    /// Whether the text stands in a line, without groups and without a place.
    pub fn is_in(&self, line: &[u8]) -> bool {
        self.run(Input::new(line), &mut [])
    }

    /// How it is done, for people.
    pub fn way(&self) -> &'static str {
        match self.way {
            Way::Literal(_) => "text",
            Way::Anchored(_) => "pattern from",
            Way::Line(_) => "pattern in lines with",
            Way::Block { .. } => "pattern everywhere",
        }
    }

    /// Whether a line matches whose first literal is at `at`. Groups go to `slots`, if there is
    /// room.
    pub fn matches(&self, line: &[u8], at: usize, slots: &mut Slots) -> bool {
        match &self.way {
            Way::Literal(_) => true,
            Way::Anchored(_) => self.from(line, at, slots),
            Way::Line(_) | Way::Block { .. } => self.run(Input::new(line), slots),
        }
    }

    fn from(&self, line: &[u8], at: usize, slots: &mut Slots) -> bool {
        let here = Input::new(line).range(at.min(line.len())..).anchored(Anchored::Yes);
        self.run(here, slots) || self.after(line, at, slots)
    }

    /// The match may begin with a later literal. One search for all of them, since a try from each
    /// would take the square of the time in a line that is full of them.
    fn after(&self, line: &[u8], at: usize, slots: &mut Slots) -> bool {
        at < line.len() && self.run(Input::new(line).range(at + 1..), slots)
    }

    fn run(&self, input: Input, slots: &mut Slots) -> bool {
        if slots.is_empty() {
            return self.regex.search_half(&input.earliest(true)).is_some();
        }
        // Room for nine groups without asking for memory; nobody names more than a few.
        let (mut few, mut many) = ([None; 20], Vec::new());
        let found: &mut [Option<NonMaxUsize>] = if let Some(few) = few.get_mut(..slots.len() * 2) {
            few
        } else {
            many.resize(slots.len() * 2, None);
            &mut many
        };
        if self.regex.search_slots(&input, found).is_none() {
            return false;
        }
        for (slot, pair) in slots.iter_mut().zip(found.chunks_exact(2)) {
            *slot = match pair {
                [Some(start), Some(end)] => (start.get(), end.get()),
                _ => NONE,
            };
        }
        for (second, first) in &self.stands_for {
            let found = slots.get(*second).copied().unwrap_or(NONE);
            if let Some(slot) = slots.get_mut(*first).filter(|slot| **slot == NONE) {
                *slot = found;
            }
        }
        true
    }

    /// Calls `hit` with the bounds of each line of the block that matches, if this is a rule that
    /// looks for itself.
    pub fn each_line(&self, block: &[u8], mut hit: impl FnMut(usize, usize)) {
        let Way::Block { line_by_line } = self.way else { return };
        let mut at = 0;
        while at < block.len() {
            let found = if line_by_line { Some(at..at) } else { self.next(block, at) };
            let Some(found) = found else { return };
            let (start, end) = bounds(block, at, found.start);
            let line = line(block, start, end);
            // What touches the end of a line may have taken a part of it.
            let sure = !line_by_line && found.end <= start + line.len();
            if sure || self.regex.search_half(&Input::new(line).earliest(true)).is_some() {
                hit(start, end);
            }
            at = end + 1;
        }
    }

    #[cfg(test)]
    pub fn whole(&self, line: &[u8]) -> Option<(usize, usize)> {
        self.regex.search(&Input::new(line)).map(|found| (found.start(), found.end()))
    }

    fn next(&self, block: &[u8], at: usize) -> Option<std::ops::Range<usize>> {
        self.regex.search(&Input::new(block).range(at..)).map(|found| found.range())
    }
}

/// The line around a place: where it starts, not before `least`, and where its newline is.
pub fn bounds(block: &[u8], least: usize, place: usize) -> (usize, usize) {
    let before = block.get(least..place).unwrap_or_default();
    let start = memrchr(b'\n', before).map_or(least, |newline| least + newline + 1);
    let after = block.get(place..).unwrap_or_default();
    let end = memchr(b'\n', after).map_or(block.len(), |newline| place + newline);
    (start, end)
}

/// A line without its end.
pub fn line(block: &[u8], start: usize, end: usize) -> &[u8] {
    let line = block.get(start..end).unwrap_or_default();
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Whether the first one that is found is the first one in the line: those that fold are found by
/// what stands somewhere in them.
fn in_order(literals: &[Literal]) -> bool {
    literals.len() == 1 || literals.iter().all(|literal| !literal.fold)
}

fn build(hir: &Hir) -> Result<Regex, String> {
    let config = meta::Config::new()
        .utf8_empty(false)
        .nfa_size_limit(Some(SIZE))
        .onepass_size_limit(Some(SIZE))
        .hybrid_cache_capacity(CACHE);
    let built = meta::Builder::new().configure(config).build_from_hir(hir);
    built.map_err(|_| "the pattern is too large, write it smaller".to_owned())
}
