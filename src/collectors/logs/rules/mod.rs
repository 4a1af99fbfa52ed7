//! Rules: what to look for in lines, and what to count of it.
//!
//! All literals are looked for in one search over a block of whole lines. What a line costs beyond
//! that is paid only where one of them stands: the bounds of the line, and its groups by the
//! cheapest way that the pattern allows. A pattern that requires no text runs by itself over the
//! block. Every way is linear in the length of the line.

mod compile;
pub mod cost;
mod expect;
mod literal;
mod matcher;
mod metrics;
mod number;
mod pairs;
mod refine;
pub mod rows;
mod search;
mod tally;
#[cfg(test)]
mod tests;
pub mod written;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use jiff::tz::TimeZone;

use self::compile::Rule;
use self::matcher::{NONE, bounds, line};
use self::pairs::Event;
use self::search::Search;
use self::tally::{Moment, RuleTally, text};

pub use self::compile::Mistakes;
pub use self::tally::Tallies;

/// Compiled rules, in the order of their names.
pub struct Rules {
    all: Vec<Rule>,
    search: Search,
    zone: TimeZone,
    /// Tells these rules from others.
    token: Arc<()>,
}

/// None.
impl Default for Rules {
    fn default() -> Self {
        Self::compile(&BTreeMap::new()).0
    }
}

impl Rules {
    pub fn compile(written: &BTreeMap<String, written::Rule>) -> (Self, Mistakes) {
        let (all, mistakes) = compile::compile(written);
        let literals = all.iter().enumerate().flat_map(|(place, rule)| {
            rule.matcher.literals().iter().map(move |literal| (place, literal.clone()))
        });
        let search = Search::new(literals);
        (Self { search, all, zone: TimeZone::system(), token: Arc::default() }, mistakes)
    }

    /// Makes room for the rules, so that what never matched is 0. Returns whether there was none.
    pub fn expect(&self, tallies: &mut Tallies, now: SystemTime) -> bool {
        if self.fit(tallies) {
            return false;
        }
        for rule in &self.all {
            tallies.rules.entry(rule.name.clone()).or_default().expect(rule, now);
        }
        tallies.fits = Some(Arc::clone(&self.token));
        true
    }

    fn fit(&self, tallies: &Tallies) -> bool {
        tallies.fits.as_ref().is_some_and(|fits| Arc::ptr_eq(fits, &self.token))
    }

    /// Counts whole lines.
    pub fn apply(&self, block: &[u8], now: SystemTime, tallies: &mut Tallies) {
        if self.all.is_empty() || block.is_empty() {
            return;
        }
        self.expect(tallies, now);
        Pass::new(self, block, now, tallies).run();
    }

    /// What only time changes: pairs that are given up, texts that have been shown as 0 for long
    /// enough. Returns whether anything has.
    pub fn tick(&self, now: SystemTime, tallies: &mut Tallies) -> bool {
        let mut changed = false;
        for rule in &self.all {
            let Some(tally) = tallies.rules.get_mut(&rule.name) else { continue };
            changed |= tally.grow(now);
            if let Some(pair) = &rule.pair {
                changed |= tally.pairs.tick(pair.timeout, now);
            }
        }
        changed
    }
}

/// One block on its way.
struct Pass<'a> {
    rules: &'a Rules,
    block: &'a [u8],
    moment: Moment<'a>,
    /// By rule: its counts, and the end of the last line that it has judged.
    counts: Vec<Option<&'a mut RuleTally>>,
    done: Vec<usize>,
    events: Vec<Event>,
    slots: Vec<(usize, usize)>,
    /// The line of the last literal.
    start: usize,
    end: usize,
}

impl<'a> Pass<'a> {
    fn new(rules: &'a Rules, block: &'a [u8], now: SystemTime, tallies: &'a mut Tallies) -> Self {
        let Tallies { rules: tallies, capped, no_number, .. } = tallies;
        // Both are in the order of the names.
        let mut tallies = tallies.iter_mut();
        let counts = rules.all.iter().map(|rule| {
            tallies.by_ref().find(|(name, _)| **name == rule.name).map(|(_, tally)| tally)
        });
        let slots = rules.all.iter().map(|rule| rule.slots).max().unwrap_or(0);
        Self {
            counts: counts.collect(),
            done: vec![0; rules.all.len()],
            events: Vec::new(),
            slots: vec![NONE; slots],
            moment: Moment { now, capped, no_number },
            start: 0,
            end: 0,
            rules,
            block,
        }
    }

    fn run(mut self) {
        let (rules, block) = (self.rules, self.block);
        rules.search.each(block, |place, at| self.literal(place, at));
        for (place, rule) in rules.all.iter().enumerate() {
            if rule.matcher.literals().is_empty() {
                rule.matcher.each_line(block, |start, end| self.judge(place, start, end, None));
            }
        }
        self.pairs();
    }

    /// A literal of a rule has been found.
    fn literal(&mut self, place: usize, at: usize) {
        if at >= self.end {
            (self.start, self.end) = bounds(self.block, self.end, at);
        }
        // The newline is not part of a line, but no line ends at 0.
        let line = self.end + 1;
        if self.done.get(place).is_some_and(|done| *done == line) {
            return;
        }
        let (start, end) = (self.start, self.end);
        self.judge(place, start, end, Some(at));
        if let Some(done) = self.done.get_mut(place) {
            *done = line;
        }
    }

    /// Counts a line if it matches, which is to be seen where there is a literal, and otherwise
    /// known.
    fn judge(&mut self, place: usize, start: usize, end: usize, at: Option<usize>) {
        let rules = self.rules;
        let Some(rule) = rules.all.get(place) else { return };
        let line = line(self.block, start, end);
        let slots = self.slots.get_mut(..rule.slots).unwrap_or_default();
        let known = at.is_none() && slots.is_empty();
        if !known && !rule.matcher.matches(line, at.unwrap_or(start) - start, slots) {
            return;
        }
        if rule.not.as_ref().is_some_and(|not| not.is_in(line)) {
            return;
        }
        if let Some(Some(tally)) = self.counts.get_mut(place) {
            tally.hit(rule, line, slots, &mut self.moment);
        }
        for (pair, is_start, group) in &rule.parts {
            let id = group.and_then(|group| text(line, slots, group)).map(pairs::hash);
            // A line without its identifier says nothing of any pair.
            if group.is_none() || id.is_some() {
                self.events.push(Event { at: start, pair: *pair, start: *is_start, id });
            }
        }
    }

    /// Starts and ends in the order of their lines.
    fn pairs(&mut self) {
        self.events.sort_by_key(|event| event.at);
        let now = self.moment.now;
        for event in &self.events {
            let Some(Some(tally)) = self.counts.get_mut(event.pair) else { continue };
            if event.start {
                tally.pairs.start(event.id, now);
            } else {
                tally.pairs.end(event.id, now);
            }
        }
    }
}
