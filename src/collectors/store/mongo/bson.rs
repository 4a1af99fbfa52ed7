//! BSON, as far as MongoDB's own answers go: numbers, texts, truth values and documents within documents.

use std::collections::BTreeMap;

/// Documents within documents: MongoDB itself allows 100.
const DEEPEST: usize = 16;
/// Values in one answer.
const MOST: usize = 20_000;

#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Number(f64),
    Text(String),
    Bool(bool),
    Document(Document),
    /// Of a kind that nobody asks for.
    Other,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Document(BTreeMap<String, Value>);

impl Document {
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    pub fn number(&self, key: &str) -> Option<f64> {
        match self.get(key)? {
            Value::Number(number) => Some(*number),
            _ => None,
        }
    }

    pub fn text(&self, key: &str) -> Option<&str> {
        match self.get(key)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn is(&self, key: &str) -> bool {
        self.get(key) == Some(&Value::Bool(true))
    }

    pub fn document(&self, key: &str) -> Option<&Self> {
        match self.get(key)? {
            Value::Document(document) => Some(document),
            _ => None,
        }
    }
}

/// The document that these bytes begin with, if it is one.
pub fn read(bytes: &[u8]) -> Option<Document> {
    let mut left = MOST;
    Reader(bytes).document(DEEPEST, &mut left)
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    /// A length that the bytes can have.
    fn length(&mut self) -> Option<usize> {
        let length = usize::try_from(i32::from_le_bytes(self.array()?)).ok()?;
        (length <= self.0.len() + 4).then_some(length)
    }

    fn name(&mut self) -> Option<&'a [u8]> {
        let end = memchr::memchr(0, self.0)?;
        let name = self.take(end)?;
        self.take(1)?;
        Some(name)
    }

    fn text(&mut self) -> Option<String> {
        let length = self.length()?;
        let (last, text) = self.take(length)?.split_last()?;
        (*last == 0).then(|| String::from_utf8_lossy(text).into_owned())
    }

    fn document(&mut self, depth: usize, left: &mut usize) -> Option<Document> {
        let all = self.length()?.checked_sub(4)?;
        let mut inner = Self(self.take(all)?);
        let mut document = Document::default();
        loop {
            let [kind] = inner.array()?;
            if kind == 0 {
                return inner.0.is_empty().then_some(document);
            }
            *left = left.checked_sub(1)?;
            let name = String::from_utf8_lossy(inner.name()?).into_owned();
            let value = inner.value(kind, depth, left)?;
            document.0.insert(name, value);
        }
    }

    fn value(&mut self, kind: u8, depth: usize, left: &mut usize) -> Option<Value> {
        Some(match kind {
            1 => Value::Number(f64::from_le_bytes(self.array()?)),
            2 | 13 | 14 => Value::Text(self.text()?),
            3 | 4 => Value::Document(self.document(depth.checked_sub(1)?, left)?),
            5 => {
                let length = self.length()?.checked_add(1)?;
                self.skip(length)?
            }
            7 => self.skip(12)?,
            8 => Value::Bool(self.array()? == [1]),
            9 | 17 => self.skip(8)?,
            // Nothing follows: no value, and the ends of all orders.
            6 | 10 | 127 | 255 => Value::Other,
            11 => {
                self.name()?;
                self.name()?;
                Value::Other
            }
            15 => {
                let length = self.length()?.checked_sub(4)?;
                self.skip(length)?
            }
            16 => Value::Number(i32::from_le_bytes(self.array()?).into()),
            18 => Value::Number(i64::from_le_bytes(self.array()?) as f64),
            19 => self.skip(16)?,
            _ => return None,
        })
    }

    fn skip(&mut self, length: usize) -> Option<Value> {
        self.take(length).map(|_| Value::Other)
    }
}

/// A document of these.
pub fn written<'a>(values: impl Iterator<Item = &'a (&'a str, Value)>) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, value) in values {
        let (kind, bytes) = match value {
            Value::Number(number) => (1, number.to_le_bytes().to_vec()),
            Value::Bool(yes) => (8, vec![u8::from(*yes)]),
            Value::Text(text) => (2, [&length(text.len() + 1)[..], text.as_bytes(), &[0]].concat()),
            Value::Document(document) => {
                let inner: Vec<_> =
                    document.0.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
                (3, written(inner.iter()))
            }
            Value::Other => (10, Vec::new()),
        };
        body.push(kind);
        body.extend_from_slice(name.as_bytes());
        body.push(0);
        body.extend_from_slice(&bytes);
    }
    body.push(0);
    [&length(body.len() + 4)[..], &body].concat()
}

fn length(length: usize) -> [u8; 4] {
    i32::try_from(length).unwrap_or(i32::MAX).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[(&str, Value)]) -> Document {
        read(&written(values.iter())).unwrap()
    }

    #[test]
    fn what_is_written_is_read() {
        let inner = of(&[("current", Value::Number(7.0))]);
        let values = [
            ("ok", Value::Number(1.0)),
            ("$db", Value::Text("admin".into())),
            ("secondary", Value::Bool(false)),
            ("connections", Value::Document(inner)),
            ("none", Value::Other),
        ];
        let document = of(&values);
        assert_eq!((document.number("ok"), document.text("$db")), (Some(1.0), Some("admin")));
        assert!(!document.is("secondary") && !document.is("missing"));
        assert_eq!(document.document("connections").unwrap().number("current"), Some(7.0));
        assert_eq!(document.number("$db"), None);
    }

    /// Each kind of value as the specification lays it out, all of them skipped rightly.
    #[test]
    fn kinds_that_nobody_asks_for_are_passed_over() {
        let mut body = Vec::new();
        for (kind, bytes) in [
            (5, b"\x02\0\0\0\x00ab".to_vec()),
            (7, vec![1; 12]),
            (9, vec![1; 8]),
            (11, b"a\0i\0".to_vec()),
            (13, b"\x02\0\0\0x\0".to_vec()),
            (15, b"\x08\0\0\0abcd".to_vec()),
            (17, vec![1; 8]),
            (19, vec![1; 16]),
            (255, vec![]),
            (127, vec![]),
            (16, 5_i32.to_le_bytes().to_vec()),
        ] {
            body.push(kind);
            body.extend_from_slice(format!("k{kind}\0").as_bytes());
            body.extend_from_slice(&bytes);
        }
        body.push(18);
        body.extend_from_slice(b"last\0");
        body.extend_from_slice(&9_i64.to_le_bytes());
        body.push(0);
        let bytes = [&length(body.len() + 4)[..], &body].concat();
        let document = read(&bytes).unwrap();
        assert_eq!((document.number("k16"), document.number("last")), (Some(5.0), Some(9.0)));
    }

    #[test]
    fn depth_and_number_of_values_have_bounds() {
        let nested = |depth: usize| {
            (0..depth).fold(written([].iter()), |inner, _| {
                let body = [&[3, b'a', 0][..], &inner, &[0]].concat();
                [&length(body.len() + 4)[..], &body].concat()
            })
        };
        assert!(read(&nested(DEEPEST)).is_some());
        assert!(read(&nested(DEEPEST + 1)).is_none());
        assert!(read(&nested(2000)).is_none());
        let names: Vec<String> = (0..=MOST).map(|n| n.to_string()).collect();
        let many: Vec<_> = names.iter().map(|name| (name.as_str(), Value::Other)).collect();
        assert!(read(&written(many.iter())).is_none());
        assert!(read(&written(many.iter().take(MOST))).is_some());
    }

    /// Every beginning, and every byte changed: an answer or none, and no panic.
    #[test]
    fn no_bytes_are_too_odd() {
        let inner = of(&[("n", Value::Number(2.0)), ("t", Value::Text("x".into()))]);
        let good = written([("a", Value::Document(inner)), ("b", Value::Text("y".into()))].iter());
        for end in 0..good.len() {
            assert!(read(&good[..end]).is_none(), "{end}");
        }
        for at in 0..good.len() {
            for byte in 0..=255 {
                let mut odd = good.clone();
                odd[at] = byte;
                let _ = read(&odd);
            }
        }
    }
}
