//! The text that every line a pattern matches must hold.
//!
//! All rules look for theirs in one search over a block, and only lines that hold it cost more.

use regex_syntax::hir::{Class, Hir, HirKind};

/// Texts of one rule.
const MOST: usize = 20;
/// Bytes of one text.
const LONGEST: usize = 64;
/// Shorter texts stand in too many lines to be worth the search.
pub const SHORTEST: usize = 3;

/// One of the texts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Literal {
    /// Small letters if `fold`.
    pub bytes: Vec<u8>,
    /// Letters of ASCII count in either case.
    pub fold: bool,
}

/// Texts of which every match holds one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Required {
    pub literals: Vec<Literal>,
    /// Every match begins with one.
    pub first: bool,
    /// Each of them is a match, and there is no other.
    pub all: bool,
}

/// What is known of a part of a pattern.
struct Part {
    /// All texts it matches, if they are few.
    exact: Option<Vec<Text>>,
    best: Option<Need>,
}

#[derive(Clone, Default, PartialEq, Eq)]
struct Text {
    bytes: Vec<u8>,
    fold: bool,
    /// Letters whose case matters, which is lost if others fold.
    firm: bool,
}

#[derive(Clone)]
struct Need {
    texts: Vec<Text>,
    first: bool,
}

/// The best texts to look for, if there are any of some length.
pub fn required(hir: &Hir) -> Option<Required> {
    let part = walk(hir);
    let looks = !hir.properties().look_set().is_empty();
    let all = !looks
        && part
            .exact
            .as_ref()
            .is_some_and(|texts| texts.iter().all(|text| !(text.fold && text.firm)));
    let need = part.exact.map(|texts| Need { texts, first: true }).or(part.best)?;
    let mut literals: Vec<Literal> = need.texts.into_iter().map(Literal::from).collect();
    literals.sort();
    literals.dedup();
    let long = literals.iter().all(|literal| literal.bytes.len() >= SHORTEST);
    (long && !literals.is_empty()).then_some(Required { literals, first: need.first, all })
}

impl From<Text> for Literal {
    fn from(text: Text) -> Self {
        let Text { mut bytes, fold, .. } = text;
        if fold {
            bytes.make_ascii_lowercase();
        }
        Self { bytes, fold }
    }
}

fn walk(hir: &Hir) -> Part {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Part::exact(vec![Text::default()]),
        HirKind::Literal(literal) => Part::exact(vec![Text::of(&literal.0)]),
        HirKind::Class(class) => Part { exact: letters(class), best: None },
        HirKind::Capture(capture) => walk(&capture.sub),
        HirKind::Repetition(repeated) => match (repeated.min, repeated.max) {
            (0, _) => Part { exact: None, best: None },
            (1, Some(1)) => walk(&repeated.sub),
            _ => Part { exact: None, best: walk(&repeated.sub).need() },
        },
        HirKind::Concat(parts) => concat(parts),
        HirKind::Alternation(parts) => alternation(parts),
    }
}

impl Part {
    fn exact(texts: Vec<Text>) -> Self {
        Self { exact: Some(texts), best: None }
    }

    fn need(self) -> Option<Need> {
        self.exact.map(|texts| Need { texts, first: true }).or(self.best)
    }
}

impl Text {
    fn of(bytes: &[u8]) -> Self {
        let firm = bytes.iter().any(u8::is_ascii_alphabetic);
        Self { bytes: bytes.to_vec(), fold: false, firm }
    }

    fn then(&self, next: &Self) -> Self {
        Self {
            bytes: [self.bytes.as_slice(), &next.bytes].concat(),
            fold: self.fold || next.fold,
            firm: self.firm || next.firm,
        }
    }
}

/// Whether a class is a letter in its cases, or not much more.
pub fn is_letter(class: &Class) -> bool {
    letters(class).is_some()
}

/// The few texts of a class: a letter in both cases is one that folds.
fn letters(class: &Class) -> Option<Vec<Text>> {
    let mut found: Vec<Vec<u8>> = Vec::new();
    match class {
        Class::Unicode(class) => {
            for c in class.ranges().iter().flat_map(|range| range.start()..=range.end()).take(5) {
                found.push(c.encode_utf8(&mut [0; 4]).as_bytes().to_vec());
            }
        }
        Class::Bytes(class) => {
            for byte in class.ranges().iter().flat_map(|range| range.start()..=range.end()).take(5)
            {
                found.push(vec![byte]);
            }
        }
    }
    if let [large, small] = found.as_slice()
        && large.to_ascii_lowercase() == *small
    {
        return Some(vec![Text { bytes: small.clone(), fold: true, firm: false }]);
    }
    (!found.is_empty() && found.len() <= 4).then(|| found.iter().map(|one| Text::of(one)).collect())
}

fn concat(parts: &[Hir]) -> Part {
    let mut run = Run { texts: vec![Text::default()], first: true, whole: true, best: None };
    for part in parts {
        let Part { exact, best } = walk(part);
        match exact {
            Some(texts) => run.extend(&texts),
            None => run.cut(best),
        }
    }
    if run.whole {
        return Part::exact(run.texts);
    }
    run.cut(None);
    Part { exact: None, best: run.best }
}

/// Texts that follow each other.
struct Run {
    texts: Vec<Text>,
    /// They stand at the beginning.
    first: bool,
    /// Nothing has been left out.
    whole: bool,
    best: Option<Need>,
}

impl Run {
    fn extend(&mut self, next: &[Text]) {
        let longest = |texts: &[Text]| texts.iter().map(|text| text.bytes.len()).max().unwrap_or(0);
        if self.texts.len() * next.len() > MOST || longest(&self.texts) + longest(next) > LONGEST {
            self.cut(None);
        }
        if next.len() > MOST || longest(next) > LONGEST {
            let next: Vec<Text> = next.iter().map(Text::shortened).collect();
            return self.cut(Some(Need { texts: next, first: true }));
        }
        let texts = self.texts.iter().flat_map(|a| next.iter().map(|b| a.then(b)));
        self.texts = texts.collect();
    }

    /// Something follows that is no fixed text, with texts in it perhaps.
    fn cut(&mut self, inner: Option<Need>) {
        let texts = std::mem::replace(&mut self.texts, vec![Text::default()]);
        // Nothing has come yet, so what is inside comes first.
        let bare = texts.iter().all(|text| text.bytes.is_empty());
        let inner = inner.map(|need| Need { first: need.first && self.first && bare, ..need });
        let here = Need { texts, first: self.first };
        for need in [Some(here), inner].into_iter().flatten() {
            if self.best.as_ref().is_none_or(|best| need.score() > best.score()) {
                self.best = Some(need);
            }
        }
        (self.first, self.whole) = (false, false);
    }
}

impl Text {
    fn shortened(&self) -> Self {
        let bytes = self.bytes.get(..LONGEST).unwrap_or(&self.bytes).to_vec();
        Self { bytes, ..self.clone() }
    }
}

impl Need {
    /// Long texts are rare ones; few of them are found faster, and a match is tried from the first.
    fn score(&self) -> usize {
        let shortest = self.texts.iter().map(|text| text.bytes.len()).min().unwrap_or(0);
        if shortest < SHORTEST || self.texts.len() > MOST {
            return 0;
        }
        let bonus = if self.first { 30 } else { 0 };
        (shortest.min(12) * 4 + bonus).saturating_sub(self.texts.len()).max(1)
    }
}

/// Each text once: spellings may be the same.
fn unlike(texts: Vec<Text>) -> Vec<Text> {
    let mut unlike: Vec<Text> = Vec::new();
    for text in texts {
        if !unlike.contains(&text) {
            unlike.push(text);
        }
    }
    unlike
}

fn alternation(parts: &[Hir]) -> Part {
    let parts: Vec<Part> = parts.iter().map(walk).collect();
    let exact: Option<Vec<Text>> = parts
        .iter()
        .map(|part| part.exact.clone())
        .collect::<Option<Vec<_>>>()
        .map(|all| unlike(all.concat()));
    if let Some(texts) = exact.filter(|texts| texts.len() <= MOST) {
        return Part::exact(texts);
    }
    let needs: Option<Vec<Need>> = parts.into_iter().map(Part::need).collect();
    let best = needs.map(|needs| Need {
        first: needs.iter().all(|need| need.first),
        texts: needs.into_iter().flat_map(|need| need.texts).collect(),
    });
    Part { exact: None, best: best.filter(|need| need.score() > 0) }
}
