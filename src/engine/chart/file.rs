//! The history as it is written down: the header of all states, then per number its names and its
//! points, little-endian.

use std::collections::BTreeMap;

use super::super::storage::Form;
use super::{Line, MOST, Number, Ring};
use crate::failure::{Failure, Reason};

pub(super) const NAME: &str = "history";
const FORM: Form = Form { kind: "history", version: 1 };

pub(super) fn encode(rings: &BTreeMap<Number, Ring>) -> Vec<u8> {
    let mut body = Vec::new();
    for (number, ring) in rings {
        let labels = number.labels.iter().flat_map(|(name, value)| [name, value]);
        let words: Vec<&String> =
            [&number.area, &number.target, &number.signal].into_iter().chain(labels).collect();
        put(&mut body, words.len());
        for word in words {
            put(&mut body, word.len());
            body.extend(word.as_bytes());
        }
        for line in [&ring.fine, &ring.coarse] {
            body.extend(line.last.to_le_bytes());
            put(&mut body, line.points.len());
            body.extend(line.points.iter().flat_map(|point| point.to_le_bytes()));
        }
    }
    FORM.seal(body)
}

/// Words and points are fewer than that.
fn put(body: &mut Vec<u8>, count: usize) {
    body.extend(u16::try_from(count).unwrap_or(u16::MAX).to_le_bytes());
}

pub(super) fn decode(bytes: &[u8]) -> Result<Vec<(Number, Ring)>, Failure> {
    let lost = |why: &dyn std::fmt::Display| Failure::new(Reason::PARSE, format!("history: {why}"));
    let mut body = Body(FORM.open(bytes).map_err(|why| lost(&why))?);
    let mut found = Vec::new();
    while !body.0.is_empty() && found.len() < MOST {
        found.push(body.ring().ok_or_else(|| lost(&"state lost: the file is damaged"))?);
    }
    Ok(found)
}

/// What is still to be read.
struct Body<'a>(&'a [u8]);

impl Body<'_> {
    fn take(&mut self, count: usize) -> Option<&[u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn count(&mut self) -> Option<usize> {
        let bytes = self.take(2)?.try_into().ok()?;
        Some(usize::from(u16::from_le_bytes(bytes)))
    }

    fn word(&mut self) -> Option<String> {
        let length = self.count()?;
        String::from_utf8(self.take(length)?.to_vec()).ok()
    }

    fn ring(&mut self) -> Option<(Number, Ring)> {
        let words = self.count()?.checked_sub(3)?;
        let (area, target, signal) = (self.word()?, self.word()?, self.word()?);
        let label = |_| Some((self.word()?, self.word()?));
        let labels = (0..words / 2).map(label).collect::<Option<_>>()?;
        let mut ring = Ring::default();
        self.line(&mut ring.fine)?;
        self.line(&mut ring.coarse)?;
        Some((Number { area, target, signal, labels }, ring))
    }

    fn line(&mut self, line: &mut Line) -> Option<()> {
        line.last = u64::from_le_bytes(self.take(8)?.try_into().ok()?);
        let count = self.count().filter(|count| *count <= line.most)?;
        line.points.reserve_exact(line.most);
        for _ in 0..count {
            line.points.push(f32::from_le_bytes(self.take(4)?.try_into().ok()?));
        }
        Some(())
    }
}
