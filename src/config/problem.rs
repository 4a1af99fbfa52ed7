//! One mistake in a configuration file, and how it is printed.

use std::fmt;

use super::Located;

/// A mistake: where it is, what it is, and what to write instead.
///
/// The text never holds a value that may be a secret; whoever builds a problem sees to that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Line in the file, from 1.
    pub line: usize,
    /// Dotted path of the key, empty for the file as a whole.
    pub path: String,
    /// What is wrong: lower case, no full stop, literals in backticks.
    pub message: String,
    /// What to do about it, printed in parentheses.
    pub hint: Option<String>,
}

impl Problem {
    pub fn new(line: usize, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { line, path: path.into(), message: message.into(), hint: None }
    }

    /// A problem found after loading: the line is that of the nearest key that exists.
    pub fn at(located: &Located, path: &str, message: impl Into<String>) -> Self {
        Self::new(located.line_of(path), path, message)
    }

    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The problem as one line that starts with `file:line:`.
    pub fn in_file<'a>(&'a self, file: &'a str) -> InFile<'a> {
        InFile { problem: self, file }
    }
}

/// A problem with its file name, for printing.
#[derive(Debug, Clone, Copy)]
pub struct InFile<'a> {
    problem: &'a Problem,
    file: &'a str,
}

impl fmt::Display for InFile<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.file, self.problem.line)?;
        body(self.problem, f)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: ", self.line)?;
        body(self, f)
    }
}

fn body(problem: &Problem, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if !problem.path.is_empty() {
        write!(f, "{}: ", shown_path(&problem.path))?;
    }
    f.write_str(&problem.message)?;
    match &problem.hint {
        Some(hint) => write!(f, " ({hint})"),
        None => Ok(()),
    }
}

/// The path as printed. A key that does not look like one may be a secret in the wrong column, or
/// an address with a password: it is not repeated, and where it ends in the path cannot be told. The
/// line says where it is.
fn shown_path(path: &str) -> String {
    let usual = |c: char| is_key_char(c) || matches!(c, '[' | ']');
    if path.replace("<key>", "").replace("<<", "").chars().all(usual) {
        return path.to_owned();
    }
    // A section has a name of ours: below unknown ones nothing is looked at.
    match path.split_once('.') {
        Some((section, _)) if section.chars().all(usual) => format!("{section}.<key>"),
        _ => "<key>".to_owned(),
    }
}

fn is_key_char(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '$')
}

/// Orders problems as a reader meets them, and drops what was said twice.
pub fn sort(problems: &mut Vec<Problem>) {
    problems.sort_by(|a, b| (a.line, &a.path, &a.message).cmp(&(b.line, &b.path, &b.message)));
    problems.dedup();
}

/// The path of a key below `path`.
pub(super) fn join_key(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// The path of a list item below `path`.
pub(super) fn join_index(path: &str, index: usize) -> String {
    format!("{path}[{index}]")
}

/// A key that nothing vouches for. A secret in the wrong column reads as a key, and so does
/// `{password:x}` without its space, so one that does not look like a key is not printed.
pub(super) fn shown_key(key: &str) -> &str {
    if !key.is_empty() && key.chars().count() <= 64 && key.chars().all(is_key_char) {
        key
    } else {
        "<key>"
    }
}

/// "`a`, `b` and 3 more": at most twelve names.
pub(super) fn quote_list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    const MOST: usize = 12;
    let names: Vec<&str> = names.into_iter().collect();
    let shown: Vec<String> = names.iter().take(MOST).map(|name| format!("`{name}`")).collect();
    let text = shown.join(", ");
    match names.len().checked_sub(MOST) {
        Some(more) if more > 0 => format!("{text} and {more} more"),
        _ => text,
    }
}

/// The name that `wrong` was most likely meant to be, if one is close enough.
pub(crate) fn nearest<'a>(
    wrong: &str,
    names: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let plain = |text: &str| text.to_lowercase().replace(['-', ' '], "_");
    // A name this long was never meant as any of ours, and the distance is quadratic in it.
    if wrong.len() > 256 {
        return None;
    }
    let wrong = plain(wrong);
    names
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&wrong, &plain(name)), name))
        .filter(|(distance, name)| {
            let length = wrong.chars().count().max(name.chars().count());
            *distance == 0 || (length > 2 && *distance <= length.div_ceil(3).min(4))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_one_line() {
        let problem = Problem::new(12, "postgres.tasktracker.timeuot", "unknown key")
            .with_hint("did you mean `timeout`?");
        assert_eq!(
            problem.in_file("config.yaml").to_string(),
            "config.yaml:12: postgres.tasktracker.timeuot: unknown key (did you mean `timeout`?)"
        );
        assert_eq!(Problem::new(1, "", "no").in_file("c.yaml").to_string(), "c.yaml:1: no");
        assert_eq!(Problem::new(1, "a", "no").to_string(), "line 1: a: no");
    }

    #[test]
    fn lists_and_nearest() {
        let names: Vec<String> = (0..14).map(|n| format!("k{n}")).collect();
        assert!(quote_list(names.iter().map(String::as_str)).ends_with("`k11` and 2 more"));
        assert_eq!(nearest("timeuot", ["url", "timeout"]), Some("timeout"));
        assert_eq!(nearest("max-size", ["max_size"]), Some("max_size"));
        assert_eq!(nearest("zebra", ["url", "timeout"]), None);
        assert_eq!(nearest("a", ["b"]), None);
    }

    #[test]
    fn odd_keys_are_not_printed() {
        for key in [
            "a b",
            "password:hunter2",
            "password=hunter2",
            "postgresql://u:hunter2@h",
            "",
            "x@y",
            &"k".repeat(65),
        ] {
            assert_eq!(shown_key(key), "<key>");
        }
        assert_eq!(shown_key("timeuot"), "timeuot");
        assert_eq!(shown_path("web.http://u:hunter2@h.x/.timeout"), "web.<key>");
        assert_eq!(shown_path("http://h"), "<key>");
        assert_eq!(shown_path("a.b\nc"), "a.<key>");
        assert_eq!(shown_path("postgres.hun.ter 2.url"), "postgres.<key>");
        assert_eq!(shown_path("auth.basic.<key>"), "auth.basic.<key>");
        assert_eq!(shown_path("hun ter.2"), "<key>");
    }

    #[test]
    fn sorts_and_drops_repeats() {
        let mut problems = vec![
            Problem::new(2, "b", "x"),
            Problem::new(1, "z", "x"),
            Problem::new(2, "a", "x"),
            Problem::new(2, "b", "x"),
        ];
        sort(&mut problems);
        let paths: Vec<&str> = problems.iter().map(|problem| problem.path.as_str()).collect();
        assert_eq!(paths, ["z", "a", "b"]);
    }
}
