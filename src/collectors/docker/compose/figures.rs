//! Numbers in Compose files. Compose reads plain ones as YAML 1.1 does (`010` is 8, `1_0` is 10, `3.0`
//! is 3), and what is quoted or came from a variable by its digits (`"010"` is 10).

use crate::config::tree::{Scalar, Style};

/// A scalar that may be a number.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    pub text: String,
    /// Of a plain one.
    pub number: Option<Number>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    Whole(i64),
    Decimal(f64),
}

impl Figure {
    /// `text` is that of the scalar, with variables filled in.
    pub fn of(scalar: &Scalar, text: String) -> Self {
        let number = (scalar.style == Style::Plain).then(|| number(&scalar.text)).flatten();
        Self { text, number }
    }
}

/// As Compose's YAML reader has it.
fn number(text: &str) -> Option<Number> {
    // A name may hold them anywhere else.
    if text.starts_with('_') {
        return None;
    }
    let plain = text.replace('_', "");
    let (negative, digits) = match plain.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, plain.strip_prefix('+').unwrap_or(&plain)),
    };
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    let with =
        |prefix: [&str; 2]| prefix.into_iter().find_map(|prefix| digits.strip_prefix(prefix));
    let (radix, rest) = if let Some(rest) = with(["0x", "0X"]) {
        (16, rest)
    } else if let Some(rest) = with(["0b", "0B"]) {
        (2, rest)
    } else if let Some(rest) = with(["0o", "0O"]) {
        (8, rest)
    } else if digits.len() > 1 && digits.starts_with('0') {
        (8, digits)
    } else {
        (10, digits)
    };
    let is_plain = rest.chars().all(|c| c.is_ascii_alphanumeric());
    if is_plain && let Ok(whole) = i64::from_str_radix(rest, radix) {
        return Some(Number::Whole(if negative { -whole } else { whole }));
    }
    float(digits).map(|value| Number::Decimal(if negative { -value } else { value }))
}

/// A number as Go reads it from a text: no infinity, no hexadecimal digits.
pub fn float(text: &str) -> Option<f64> {
    let known = |c: char| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-');
    let has_digit = text.contains(|c: char| c.is_ascii_digit());
    (has_digit && text.chars().all(known)).then(|| text.parse::<f64>().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_numbers() {
        use Number::{Decimal, Whole};
        for (text, want) in [
            ("0", Some(Whole(0))),
            ("10", Some(Whole(10))),
            ("010", Some(Whole(8))),
            ("0_7", Some(Whole(7))),
            ("0o10", Some(Whole(8))),
            ("0x3", Some(Whole(3))),
            ("0X1f", Some(Whole(31))),
            ("0b11", Some(Whole(3))),
            ("1_0", Some(Whole(10))),
            ("3_", Some(Whole(3))),
            ("+3", Some(Whole(3))),
            ("-1", Some(Whole(-1))),
            ("-0x10", Some(Whole(-16))),
            // No octal digit.
            ("08", Some(Decimal(8.0))),
            ("3.0", Some(Decimal(3.0))),
            ("1e1", Some(Decimal(10.0))),
            ("1e-1", Some(Decimal(0.1))),
            (".5", Some(Decimal(0.5))),
            ("-.5", Some(Decimal(-0.5))),
            (".inf", None),
            ("1:30", None),
            ("--1", None),
            ("+-1", None),
            ("0x", None),
            ("5m", None),
            ("e1", None),
            ("_1", None),
            ("", None),
            (".", None),
            ("99999999999999999999", Some(Decimal(1e20))),
        ] {
            assert_eq!(number(text), want, "{text}");
        }
    }
}
