//! The `.env` file beside a Compose file.

use super::interpolate::{Variables, fill};

/// Reads `NAME=value` lines. What `outer` has goes before it, as the shell does in Compose. The
/// number of the first line that Compose would not take, if there is one; what stands before it
/// holds.
pub fn parse(text: &str, outer: &Variables) -> (Variables, Option<usize>) {
    let mut known = outer.clone();
    let mut rest = text.trim_start_matches('\u{feff}');
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            return (known, None);
        }
        if rest.starts_with('#') {
            rest = after_line(rest);
            continue;
        }
        let Some((name, value, after)) = assignment(rest, &known) else {
            let read = text.len() - rest.len();
            let line = text.get(..read).map_or(1, |read| read.matches('\n').count() + 1);
            return (known, Some(line));
        };
        rest = after;
        // A value that cannot be known leaves the variable unknown. Without one it comes from the
        // shell, which is not ours.
        if outer.get(name).is_none()
            && let Some(value) = value
        {
            known.0.insert(name.to_owned(), value);
        }
    }
}

fn after_line(text: &str) -> &str {
    text.split_once('\n').map_or("", |(_, rest)| rest)
}

/// The name, the value if it can be known, and what follows. `None` if it is no assignment.
fn assignment<'a>(text: &'a str, known: &Variables) -> Option<(&'a str, Option<String>, &'a str)> {
    let text = match text.strip_prefix("export") {
        Some(rest) if rest.starts_with([' ', '\t']) => rest.trim_start_matches([' ', '\t']),
        _ => text,
    };
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '[' | ']');
    let end = text.find(|c: char| !is_name(c)).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    if name.is_empty() {
        return None;
    }
    let rest = rest.trim_start_matches([' ', '\t', '\r']);
    if rest.is_empty() || rest.starts_with('\n') {
        return Some((name, None, rest));
    }
    let value = rest.strip_prefix(['=', ':'])?.trim_start_matches([' ', '\t', '\r']);
    if let Some(quote @ ('"' | '\'')) = value.chars().next() {
        let (inner, rest) = quoted(value.get(1..)?, quote)?;
        let value = if quote == '"' { fill(&unescape(&inner), known) } else { Some(inner) };
        return Some((name, value, rest));
    }
    let line = value.split('\n').next().unwrap_or_default();
    let rest = value.get(line.len()..).unwrap_or_default();
    let bare = line.split_once(" #").map_or(line, |(value, _)| value);
    let bare = if bare.starts_with('#') { "" } else { bare };
    Some((name, fill(bare.trim_end(), known), rest))
}

/// The text up to the quote, which a backslash keeps, and what follows. May span lines.
fn quoted(text: &str, quote: char) -> Option<(String, &str)> {
    let mut inner = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        if c == quote {
            return Some((inner, text.get(at + 1..)?));
        }
        if c != '\\' {
            inner.push(c);
            continue;
        }
        let (_, next) = chars.next()?;
        if next != quote {
            inner.push('\\');
        }
        inner.push(next);
    }
    None
}

/// The escapes of a text in double quotes.
fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            plain.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => plain.push('\n'),
            Some('r') => plain.push('\r'),
            Some('t') => plain.push('\t'),
            // Still to be filled in: there a dollar is written twice.
            Some('$') => plain.push_str("$$"),
            Some('\\') | None => plain.push('\\'),
            Some(other) => plain.extend(['\\', other]),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, String)> {
        let (variables, wrong) = parse(text, &Variables::default());
        assert_eq!(wrong, None, "{text}");
        variables.0.into_iter().collect()
    }

    #[test]
    fn values_as_compose_reads_them() {
        for (text, want) in [
            ("A=1", "1"),
            ("\u{feff}# first\n\n  A = 1  \r\n", "1"),
            ("export A=1", "1"),
            ("A: 1", "1"),
            ("A=", ""),
            ("A=1 # why", "1"),
            ("A=1#no comment", "1#no comment"),
            ("A=# why", ""),
            ("A='single $X # \\n'", "single $X # \\n"),
            ("A=\"double # \\n\\\"x\\\" \\$X\"", "double # \n\"x\" $X"),
            ("A=\"two\nlines\" # why", "two\nlines"),
            ("A='it\\'s'", "it's"),
            ("A=${B:-d}", "d"),
        ] {
            assert_eq!(read(text), [("A".to_owned(), want.to_owned())], "{text}");
        }
        let (a, b) = (("A".to_owned(), "1".to_owned()), ("B".to_owned(), "x1".to_owned()));
        assert_eq!(read("A=1\nB=\"x${A}\"\n"), [a, b]);
    }

    #[test]
    fn what_the_shell_has_is_not_known() {
        assert!(read("A").is_empty());
        assert!(read("A=$HOME/x").is_empty());
    }

    #[test]
    fn the_file_around_goes_first_and_mistakes_have_a_line() {
        let (outer, _) = parse("A=outer", &Variables::default());
        let (both, _) = parse("A=inner\nB=$A", &outer);
        assert_eq!((both.get("A"), both.get("B")), (Some("outer"), Some("outer")));
        for (text, line) in [("A=1\n=x", 2), ("A B=1", 1), ("A='x\n", 1), ("A=1\n\n!", 3)] {
            assert_eq!(parse(text, &outer).1, Some(line), "{text}");
        }
    }
}
