//! `${NAME:-default}` and its kin, as Compose fills them in.

use std::collections::BTreeMap;

/// Defaults within defaults; no file goes deeper.
const DEPTH: usize = 32;

/// What is known of the environment that `docker compose up` had: the `.env` beside the file. Its
/// values may be secrets: they are dropped after the reading, and never shown.
#[derive(Clone, Default)]
pub struct Variables(pub BTreeMap<String, String>);

impl Variables {
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

/// The text with its variables filled in. `None` where that cannot be known: a variable without a
/// default is not in `.env`, so it came from the shell, or the text is no template that Compose
/// takes. A default stands for a variable that is not known.
pub fn fill(text: &str, variables: &Variables) -> Option<String> {
    within(text, variables, 0)
}

fn within(text: &str, variables: &Variables, depth: usize) -> Option<String> {
    if depth > DEPTH {
        return None;
    }
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        filled.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            filled.push('$');
            rest = after;
        } else if let Some(after) = after.strip_prefix('{') {
            let end = closing(after)?;
            filled.push_str(&braced(after.get(..end)?, variables, depth)?);
            rest = after.get(end + 1..)?;
        } else {
            let (name, after) = name(after)?;
            filled.push_str(variables.get(name)?);
            rest = after;
        }
    }
    filled.push_str(rest);
    Some(filled)
}

/// Where the brace ends that is open at the start.
fn closing(text: &str) -> Option<usize> {
    let mut open = 1_usize;
    let mut last = ' ';
    for (at, c) in text.char_indices() {
        match c {
            '{' if last == '$' => open += 1,
            '}' => open -= 1,
            _ => {}
        }
        if open == 0 {
            return Some(at);
        }
        last = c;
    }
    None
}

/// The name at the start, and what follows.
fn name(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    starts.then(|| text.split_at(end))
}

fn braced(inner: &str, variables: &Variables, depth: usize) -> Option<String> {
    let (name, operator) = name(inner)?;
    let value = variables.get(name);
    // With a colon, empty is as good as unset.
    let (value, operator) = match operator.strip_prefix(':') {
        Some(operator) if !operator.is_empty() => (value.filter(|text| !text.is_empty()), operator),
        Some(_) => return None,
        None => (value, operator),
    };
    let fill = |text: &str| within(text, variables, depth + 1);
    if operator.is_empty() || operator.starts_with('?') {
        return value.map(str::to_owned);
    }
    if let Some(default) = operator.strip_prefix('-') {
        return value.map_or_else(|| fill(default), |value| Some(value.to_owned()));
    }
    let instead = operator.strip_prefix('+')?;
    value.map_or_else(|| Some(String::new()), |_| fill(instead))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form() {
        let known = [("SET", "value"), ("EMPTY", ""), ("_a1", "low")];
        let known = known.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let variables = Variables(known.into());
        for (text, want) in [
            ("plain", Some("plain")),
            ("$SET", Some("value")),
            ("a-$SET.b", Some("a-value.b")),
            ("${SET}${_a1}", Some("valuelow")),
            ("$EMPTY", Some("")),
            ("$GONE", None),
            ("${GONE}", None),
            ("${GONE:-d}", Some("d")),
            ("${GONE-d}", Some("d")),
            ("${EMPTY:-d}", Some("d")),
            ("${EMPTY-d}", Some("")),
            ("${SET:-d}", Some("value")),
            ("${GONE:-}", Some("")),
            ("${SET:?must be set}", Some("value")),
            ("${EMPTY:?must be set}", None),
            ("${EMPTY?must be set}", Some("")),
            ("${GONE?}", None),
            ("${SET:+r}", Some("r")),
            ("${EMPTY:+r}", Some("")),
            ("${EMPTY+r}", Some("r")),
            ("${GONE+r}", Some("")),
            ("${GONE:-${ALSO:-$SET}}", Some("value")),
            ("${GONE:-a-${ALSO}}", None),
            ("${GONE:-http://x:1/?a=b}", Some("http://x:1/?a=b")),
            ("$$SET", Some("$SET")),
            ("$${SET}", Some("${SET}")),
            ("$$$SET", Some("$value")),
            ("${GONE:-a}-${SET}", Some("a-value")),
            ("${GONE:-{}}", Some("{}")),
            ("${", None),
            ("${}", None),
            ("${SET", None),
            ("${SET:}", None),
            ("${SET!x}", None),
            ("${1}", None),
            ("$1", None),
            ("costs 5$", None),
            ("${GONE:-ü}ß", Some("üß")),
        ] {
            assert_eq!(fill(text, &variables).as_deref(), want, "{text}");
        }
        let deep = "${A:-".repeat(10_000) + &"}".repeat(10_000);
        assert_eq!(fill(&deep, &variables), None);
    }
}
