//! Patterns of texts and runs of characters, such as `Task (\w+) completed in (\d+) ms`, walked by
//! hand from where their first text was found: ten times as fast as an automaton with captures.
//!
//! Only patterns are taken whose every choice the next byte decides, so there is no going back.

use regex_syntax::hir::{Class, Hir, HirKind, Look};

/// Where groups begin and end; [`NONE`] where one did not take part.
pub type Slots = [(usize, usize)];
pub const NONE: (usize, usize) = (usize::MAX, usize::MAX);

enum Step {
    Text(Vec<u8>),
    Run {
        of: Box<Bytes>,
        min: usize,
        max: usize,
    },
    /// Taken if it fits.
    Maybe(Vec<Step>),
    Open(usize),
    Close(usize),
    LineStart,
    LineEnd,
}

/// A set of bytes.
#[derive(Clone)]
struct Bytes {
    has: [bool; 256],
    /// Some characters beyond ASCII belong to it and others do not: only the automaton can tell.
    unsure: bool,
}

pub struct Hand(Vec<Step>);

/// What walking a line said.
#[derive(Debug, PartialEq, Eq)]
pub enum Walk {
    Match,
    No,
    /// There is a character that only the automaton can judge.
    Unsure,
}

impl Hand {
    /// The pattern as steps, if it is such a one.
    pub fn new(hir: &Hir) -> Option<Self> {
        let mut steps = Vec::new();
        flatten(hir, &mut steps)?;
        // What may follow the last step is nothing.
        decided(&steps, None)?;
        Some(Self(steps))
    }

    /// Walks the line from `at`.
    pub fn walk(&self, line: &[u8], at: usize, slots: &mut Slots) -> Walk {
        slots.fill(NONE);
        match walk(&self.0, line, at, slots) {
            Ok(Some(_)) => Walk::Match,
            Ok(None) => Walk::No,
            Err(Foreign) => Walk::Unsure,
        }
    }
}

struct Foreign;

fn walk(
    steps: &[Step],
    line: &[u8],
    start: usize,
    slots: &mut Slots,
) -> Result<Option<usize>, Foreign> {
    let mut at = start;
    for step in steps {
        match step {
            Step::Text(text) => {
                if !line.get(at..).is_some_and(|rest| rest.starts_with(text)) {
                    return Ok(None);
                }
                at += text.len();
            }
            Step::Run { of, min, max } => {
                let rest = line.get(at..).unwrap_or_default();
                let within = rest.get(..*max).unwrap_or(rest);
                let taken = within.iter().position(|byte| !of.holds(*byte)).unwrap_or(within.len());
                if of.unsure && rest.get(taken).is_some_and(|byte| !byte.is_ascii()) {
                    return Err(Foreign);
                }
                if taken < *min {
                    return Ok(None);
                }
                at += taken;
            }
            Step::Maybe(steps) => {
                if let Some(after) = walk(steps, line, at, slots)? {
                    at = after;
                }
            }
            Step::Open(group) => {
                if let Some(slot) = slots.get_mut(*group) {
                    *slot = (at, usize::MAX);
                }
            }
            Step::Close(group) => {
                if let Some(slot) = slots.get_mut(*group) {
                    slot.1 = at;
                }
            }
            // A carriage return inside a line ends one for the automaton too.
            Step::LineStart => {
                if at.checked_sub(1).is_some_and(|before| line.get(before) != Some(&b'\r')) {
                    return Ok(None);
                }
            }
            Step::LineEnd => {
                if line.get(at).is_some_and(|byte| *byte != b'\r') {
                    return Ok(None);
                }
            }
        }
    }
    Ok(Some(at))
}

impl Bytes {
    fn holds(&self, byte: u8) -> bool {
        self.has.get(usize::from(byte)).copied().unwrap_or(false)
    }

    fn meets(&self, other: &Self) -> bool {
        let both = self.has.iter().zip(&other.has).any(|(a, b)| *a && *b);
        both || (self.unsure && other.any_foreign()) || (other.unsure && self.any_foreign())
    }

    fn any_foreign(&self) -> bool {
        self.unsure || self.has.iter().skip(0x80).any(|has| *has)
    }

    fn none() -> Self {
        Self { has: [false; 256], unsure: false }
    }

    fn add(&mut self, from: u8, to: u8) {
        for byte in from..=to {
            if let Some(has) = self.has.get_mut(usize::from(byte)) {
                *has = true;
            }
        }
    }

    fn of(class: &Class) -> Self {
        let mut set = Self::none();
        match class {
            Class::Bytes(class) => {
                class.ranges().iter().for_each(|range| set.add(range.start(), range.end()));
            }
            Class::Unicode(class) => {
                for range in class.ranges() {
                    let ascii = |c: char| u8::try_from(c).ok().filter(u8::is_ascii);
                    if let Some(from) = ascii(range.start()) {
                        set.add(from, ascii(range.end()).unwrap_or(0x7f));
                    }
                    set.unsure |= !range.end().is_ascii();
                }
            }
        }
        set
    }
}

fn flatten(hir: &Hir, steps: &mut Vec<Step>) -> Option<()> {
    match hir.kind() {
        HirKind::Empty => {}
        HirKind::Literal(literal) => steps.push(Step::Text(literal.0.to_vec())),
        HirKind::Look(Look::StartCRLF)
            if steps.iter().all(|step| matches!(step, Step::Open(_))) =>
        {
            steps.push(Step::LineStart);
        }
        HirKind::Look(Look::EndCRLF) => steps.push(Step::LineEnd),
        HirKind::Class(class) => {
            steps.push(Step::Run { of: Box::new(Bytes::of(class)), min: 1, max: 1 });
        }
        HirKind::Repetition(repeated) => match (repeated.min, repeated.max, repeated.sub.kind()) {
            (min, max, HirKind::Class(class)) => {
                // A class beyond ASCII counts characters and not bytes, but for any number.
                let of = Box::new(Bytes::of(class));
                if of.any_foreign() && (min > 1 || max.is_some()) || !repeated.greedy {
                    return None;
                }
                let bound = |bound: u32| usize::try_from(bound).ok();
                let max = max.map_or(Some(usize::MAX), bound)?;
                steps.push(Step::Run { of, min: bound(min)?, max });
            }
            (0, Some(1), _) if repeated.greedy => {
                let mut inner = Vec::new();
                flatten(&repeated.sub, &mut inner)?;
                steps.push(Step::Maybe(inner));
            }
            _ => return None,
        },
        HirKind::Capture(capture) => {
            let group = usize::try_from(capture.index).ok()?;
            steps.push(Step::Open(group));
            flatten(&capture.sub, steps)?;
            steps.push(Step::Close(group));
        }
        HirKind::Concat(parts) => {
            for part in parts {
                flatten(part, steps)?;
            }
        }
        HirKind::Look(_) | HirKind::Alternation(_) => return None,
    }
    Some(())
}

/// Passes if the next byte decides every choice. What follows the steps begins with one of `after`;
/// none means that nothing has to follow, and then taking as much as possible is right.
fn decided(steps: &[Step], after: Option<&Bytes>) -> Option<()> {
    for (index, step) in steps.iter().enumerate() {
        let rest = steps.get(index + 1..).unwrap_or_default();
        let next = first(rest, after);
        match step {
            Step::Run { of, min, max }
                if min != max && next.as_ref().is_some_and(|next| next.meets(of)) =>
            {
                return None;
            }
            Step::Maybe(inner) => {
                // A group would keep the place that it had in a choice that was given up.
                let own = first(inner, None)?;
                if next.as_ref().is_some_and(|next| next.meets(&own)) || has_group(inner) {
                    return None;
                }
                decided(inner, next.as_ref())?;
            }
            _ => {}
        }
    }
    Some(())
}

fn has_group(steps: &[Step]) -> bool {
    steps.iter().any(|step| match step {
        Step::Open(_) => true,
        Step::Maybe(inner) => has_group(inner),
        _ => false,
    })
}

/// The bytes that these steps and what follows them can begin with; none if that can be nothing.
fn first(steps: &[Step], after: Option<&Bytes>) -> Option<Bytes> {
    let mut set = Bytes::none();
    let mut join = |other: &Bytes| {
        set.unsure |= other.unsure;
        set.has.iter_mut().zip(&other.has).for_each(|(mine, other)| *mine |= *other);
    };
    for step in steps {
        match step {
            Step::Text(text) => {
                let mut one = Bytes::none();
                text.iter().take(1).for_each(|byte| one.add(*byte, *byte));
                join(&one);
                return Some(set);
            }
            Step::Run { of, min, .. } => {
                join(of);
                if *min > 0 {
                    return Some(set);
                }
            }
            Step::Maybe(inner) => join(&first(inner, None)?),
            Step::Open(_) | Step::Close(_) | Step::LineStart => {}
            Step::LineEnd => {
                let mut end = Bytes::none();
                end.add(b'\r', b'\r');
                join(&end);
                return Some(set);
            }
        }
    }
    join(after?);
    Some(set)
}
