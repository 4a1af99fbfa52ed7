//! Rules as they are applied: one pass of each over a block of whole lines.

use std::collections::BTreeMap;

use memchr::{memchr, memrchr};
use regex::bytes::{CaptureLocations, Regex, RegexBuilder};

use super::config::{Logs, Rule as Written};

/// Memory of one compiled pattern.
const SIZE_LIMIT: usize = 1 << 20;
const MAX_RULES: usize = 50;
const MAX_NAME: usize = 64;

/// A compiled rule.
pub struct Rule {
    pub name: String,
    regex: Regex,
    /// Named groups by their index.
    pub labels: Vec<(String, usize)>,
    pub values: Vec<(String, usize)>,
    /// The pattern can ask for the ends of the text, which in a block are not those of the line.
    line_by_line: bool,
}

/// A mistake in the rules, by the key under the target.
pub type Mistakes = Vec<(String, String)>;

/// The rules of the presets and of the file, each name once.
pub fn compile(logs: &Logs) -> (Vec<Rule>, Mistakes) {
    let (mut rules, mut mistakes) = (Vec::new(), Vec::new());
    let mut written: BTreeMap<String, Written> = BTreeMap::new();
    for (name, rule) in logs.presets.iter().flat_map(|preset| preset.rules()) {
        written.insert(name.to_owned(), rule);
    }
    written.extend(logs.rules.clone());
    if written.len() > MAX_RULES {
        mistakes.push(("rules".into(), format!("at most {MAX_RULES} rules, presets included")));
    }
    for (name, rule) in written.into_iter().take(MAX_RULES) {
        match Rule::new(&name, &rule) {
            Ok(rule) => rules.push(rule),
            Err((key, message)) => {
                let dot = if key.is_empty() { "" } else { "." };
                mistakes.push((format!("rules.{name}{dot}{key}"), message));
            }
        }
    }
    (rules, mistakes)
}

impl Rule {
    fn new(name: &str, written: &Written) -> Result<Self, (&'static str, String)> {
        if name.is_empty() || name.len() > MAX_NAME || name.contains(char::is_control) {
            return Err(("", format!("a name of a rule has 1 to {MAX_NAME} characters")));
        }
        let (key, pattern) = match (&written.literal, &written.regex) {
            (Some(text), None) if text.contains(['\n', '\r']) => {
                return Err(("literal", "a rule sees one line at a time".into()));
            }
            (Some(text), None) => ("literal", regex::escape(text)),
            (None, Some(pattern)) => ("regex", pattern.clone()),
            _ => return Err(("", "needs either `literal` or `regex`".into())),
        };
        let regex = RegexBuilder::new(&pattern)
            .case_insensitive(written.ignore_case)
            .multi_line(true)
            .crlf(true)
            .size_limit(SIZE_LIMIT)
            .build()
            .map_err(|error| (key, why(&error)))?;
        if regex.is_match(b"") {
            return Err((key, "matches the empty text, so it would count any line".into()));
        }
        let group = |key, names: &[String]| {
            let found = names.iter().map(|name| {
                let index = regex.capture_names().position(|group| group == Some(name));
                index.map(|index| (name.clone(), index)).ok_or_else(|| {
                    (
                        key,
                        format!("`{name}` is no named group of `regex`, such as `(?<{name}>...)`"),
                    )
                })
            });
            found.collect::<Result<Vec<_>, _>>()
        };
        let labels = group("labels", &written.labels)?;
        let values = group("values", &written.values)?;
        let line_by_line = asks_for_text_ends(&pattern);
        Ok(Self { name: name.to_owned(), labels, values, line_by_line, regex })
    }

    /// Calls `hit` for every line of the block that matches, once, with the groups of the first
    /// match if the rule has any to read. The block consists of whole lines.
    pub fn apply(&self, block: &[u8], mut hit: impl FnMut(&[u8], Option<&CaptureLocations>)) {
        let captures = !(self.labels.is_empty() && self.values.is_empty());
        let mut groups = self.regex.capture_locations();
        let mut at = 0;
        while at < block.len() {
            // A match in the block only says where to look: it may reach over the line's end.
            let (found, inside) = match (!self.line_by_line).then(|| self.regex.find_at(block, at))
            {
                None => (at, false),
                Some(Some(found)) => (found.start(), !found.as_bytes().contains(&b'\n')),
                Some(None) => return,
            };
            let (before, after) = block.split_at(found);
            let before = before.get(at..).unwrap_or_default();
            let start = memrchr(b'\n', before).map_or(at, |newline| at + newline + 1);
            let end = memchr(b'\n', after).map_or(block.len(), |newline| found + newline);
            let line = block.get(start..end).unwrap_or_default();
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if captures {
                if self.regex.captures_read(&mut groups, line).is_some() {
                    hit(line, Some(&groups));
                }
            } else if inside || self.regex.is_match(line) {
                hit(line, None);
            }
            at = end + 1;
        }
    }
}

/// `\A`, `\z` and a multi-line mode that is switched off. Seeing too many costs speed only.
fn asks_for_text_ends(pattern: &str) -> bool {
    let switched_off = pattern.split("(?").skip(1).any(|rest| {
        let flags = rest.split([')', ':']).next().unwrap_or_default();
        flags.contains('-') && !flags.starts_with(['<', 'P'])
    });
    switched_off || pattern.contains(r"\A") || pattern.contains(r"\z")
}

/// The reason alone: the crate's text has the pattern in it, over several lines.
fn why(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(_) => "the pattern is too large, write it smaller".to_owned(),
        other => {
            let text = other.to_string();
            let last = text.lines().last().unwrap_or_default();
            format!("is no regular expression: {}", last.trim_start_matches("error: "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hits(pattern: &str, block: &str) -> Vec<String> {
        let written = Written { regex: Some(pattern.to_owned()), ..Written::default() };
        let rule = Rule::new("x", &written).unwrap();
        let mut found = Vec::new();
        rule.apply(block.as_bytes(), |line, _| {
            found.push(String::from_utf8_lossy(line).into_owned());
        });
        found
    }

    #[test]
    fn a_block_gives_the_same_as_its_lines() {
        let block = "foo a\r\nb foo\nfoo\n\n x foo foo\r\n10%\r20%\nend\n";
        for pattern in [
            "foo",
            "^foo",
            "foo$",
            "^foo$",
            r"\bfoo\s",
            r"foo\s+b",
            r"[^x]foo",
            r"\Afoo",
            r"foo\z",
            r"(?-m:^)foo",
            r"(?s)a.*b",
            r"(?m-s)a.*b",
            r"\d%$",
            r"^20",
            "(?i)FOO",
            "zzz",
            "d$",
        ] {
            let regex = RegexBuilder::new(pattern).multi_line(true).crlf(true).build().unwrap();
            let lines =
                block.split_terminator('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
            let wanted: Vec<_> =
                lines.filter(|line| regex.is_match(line.as_bytes())).map(str::to_owned).collect();
            assert_eq!(hits(pattern, block), wanted, "{pattern}");
        }
    }

    #[test]
    fn mistakes_say_what_is_right() {
        let mistake = |literal: Option<&str>, regex: Option<&str>, labels: &[&str]| {
            let written = Written {
                literal: literal.map(str::to_owned),
                regex: regex.map(str::to_owned),
                labels: labels.iter().map(|name| (*name).to_owned()).collect(),
                ..Written::default()
            };
            Rule::new("x", &written).err().expect("a mistake")
        };
        let either = "needs either `literal` or `regex`";
        let empty = "matches the empty text, so it would count any line";
        let no_group = "`who` is no named group of `regex`, such as `(?<who>...)`";
        for (found, key, message) in [
            (mistake(None, None, &[]), "", either),
            (mistake(Some("a"), Some("a"), &[]), "", either),
            (mistake(Some(""), None, &[]), "literal", empty),
            (mistake(Some("a\nb"), None, &[]), "literal", "a rule sees one line at a time"),
            (mistake(None, Some("a*"), &[]), "regex", empty),
            (mistake(None, Some("(a"), &[]), "regex", "is no regular expression: unclosed group"),
            (
                mistake(None, Some(r"(\w{100}){100}"), &[]),
                "regex",
                "the pattern is too large, write it smaller",
            ),
            (mistake(None, Some("(?<whom>a)"), &["who"]), "labels", no_group),
            (mistake(Some("a"), None, &["who"]), "labels", no_group),
        ] {
            assert_eq!(found, (key, message.to_owned()));
        }
    }
}
