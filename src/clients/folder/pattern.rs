//! Patterns of paths: names, globs in any part of them, `**`, and dates.

use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

use globset::{Glob, GlobMatcher};
use jiff::ToSpan as _;
use jiff::civil::Date;

#[derive(Clone)]
pub enum Part {
    Name(OsString),
    Any(GlobMatcher),
    /// `**`
    Deep,
}

/// One pattern: parts of a path, the last one names files.
#[derive(Clone)]
pub struct Pattern {
    pub parts: Vec<Part>,
    /// The text, if it names days that come and go.
    dated: Option<String>,
}

/// Words for a day within a pattern, as in `bot_{today:%Y-%m-%d}.log`, and how far back it is.
const DAYS: [(&str, i64); 2] = [("{today:", 0), ("{yesterday:", 1)];

impl Pattern {
    /// The pattern, or what is wrong with it. A path that ends in `/` names all files below.
    pub fn new(text: &str) -> Result<Self, String> {
        // Any day will do: the text is the same for all.
        let day = jiff::civil::date(2001, 1, 1);
        let mut pattern = Self::parse(&on(text, day)?)?;
        let dated = DAYS.iter().any(|(word, _)| text.contains(word));
        pattern.dated = dated.then(|| text.to_owned());
        Ok(pattern)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let Some(rest) = text.strip_prefix('/') else {
            return Err("must be an absolute path, such as `/srv/bot/logs/*.log`".into());
        };
        let mut parts = Vec::new();
        for part in rest.split('/').filter(|part| !part.is_empty()) {
            parts.push(match part {
                "**" => Part::Deep,
                "." | ".." => return Err("must not contain `.` or `..`".into()),
                _ if part.contains(['*', '?', '[', '{', '\\']) => Part::Any(glob(part)?),
                _ => Part::Name(part.into()),
            });
        }
        if text.ends_with('/') && !parts.is_empty() {
            if !matches!(parts.last(), Some(Part::Deep)) {
                parts.push(Part::Deep);
            }
            parts.push(Part::Any(glob("*")?));
        }
        match parts.last() {
            Some(Part::Name(_) | Part::Any(_)) => Ok(Self { parts, dated: None }),
            _ => Err("must end in the name of a file, such as `*.log`".into()),
        }
    }

    /// The one file at this path, whatever characters are in it.
    pub fn of(path: &Path) -> Self {
        let names = path.components().filter_map(|part| match part {
            Component::Normal(name) => Some(Part::Name(name.to_owned())),
            _ => None,
        });
        Self { parts: names.collect(), dated: None }
    }

    /// Whether it names days that come and go.
    pub fn is_dated(&self) -> bool {
        self.dated.is_some()
    }

    /// The pattern as it is on this day.
    #[must_use]
    pub fn on(&self, today: Date) -> Self {
        let text = self.dated.as_ref().and_then(|text| on(text, today).ok());
        text.and_then(|text| Self::parse(&text).ok()).unwrap_or_else(|| self.clone())
    }

    /// The path, of a pattern that names one file.
    pub fn literal(&self) -> Option<PathBuf> {
        let mut path = PathBuf::from("/");
        for part in &self.parts {
            let Part::Name(name) = part else { return None };
            path.push(name);
        }
        Some(path)
    }

    /// The folder that all it names is below, whatever varies.
    pub fn fixed(&self) -> PathBuf {
        let folders = self.parts.split_last().map_or(&[][..], |(_, folders)| folders);
        let names = folders.iter().map_while(|part| match part {
            Part::Name(name) => Some(name),
            _ => None,
        });
        std::iter::once(PathBuf::from("/")).chain(names.map(PathBuf::from)).collect()
    }

    /// Whether it names all files below a folder.
    pub fn is_deep(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Deep))
    }

    /// Whether it would find a file at `path`, if there were one.
    pub fn names(&self, path: &Path) -> bool {
        path.strip_prefix("/").is_ok_and(|path| names(&self.parts, path))
    }
}

fn glob(part: &str) -> Result<GlobMatcher, String> {
    let glob = Glob::new(part)
        .map_err(|error| format!("is no pattern of file names: {}", error.kind()))?;
    Ok(glob.compile_matcher())
}

fn names(parts: &[Part], path: &Path) -> bool {
    let Some((part, rest)) = parts.split_first() else { return path.as_os_str().is_empty() };
    let mut below = path.components();
    let Some(first) = below.next().map(Component::as_os_str) else { return false };
    match part {
        Part::Name(name) => name == first && names(rest, below.as_path()),
        Part::Any(glob) => glob.is_match(Path::new(first)) && names(rest, below.as_path()),
        Part::Deep => names(rest, path) || names(parts, below.as_path()),
    }
}

/// The text with dates filled in: of the named days as they are, of any other day as digits.
fn on(text: &str, today: Date) -> Result<String, String> {
    let mut text = text.to_owned();
    for (word, back) in DAYS {
        while let Some((before, rest)) = text.split_once(word) {
            let Some((format, after)) = rest.split_once('}') else {
                return Err(format!("`{word}` has no end, write for example `{word}%Y-%m-%d}}`"));
            };
            let day = today.checked_sub(back.days()).unwrap_or(today);
            let day = jiff::fmt::strtime::format(format, day)
                .map_err(|_| format!("`{format}` is no date, such as `%Y-%m-%d`"))?;
            text = format!("{before}{day}{after}");
        }
    }
    Ok(any_day(&text))
}

/// `%Y-%m-%d` stands for the digits of any day.
fn any_day(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(letter) = rest.next() {
        let digits = match (letter, rest.clone().next()) {
            ('%', Some('Y')) => 4,
            ('%', Some('j')) => 3,
            ('%', Some('m' | 'd' | 'H' | 'M' | 'S' | 'y')) => 2,
            ('%', Some('%')) => 0,
            _ => {
                out.push(letter);
                continue;
            }
        };
        rest.next();
        if digits == 0 {
            out.push('%');
        }
        (0..digits).for_each(|_| out.push_str("[0-9]"));
    }
    out
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn found(pattern: &str, path: &str) -> bool {
        Pattern::new(pattern).unwrap().on(date(2026, 3, 1)).names(Path::new(path))
    }

    #[test]
    fn globs_dates_and_all_below() {
        for (pattern, path, is) in [
            ("/a/b.txt", "/a/b.txt", true),
            ("/a/*.txt", "/a/b.txt", true),
            ("/a/*.txt", "/a/c/b.txt", false),
            ("/a/**/*.txt", "/a/c/d/b.txt", true),
            ("/a/**/*.txt", "/a/b.txt", true),
            ("/a/", "/a/b/.c", true),
            ("/a/**/", "/a/b/c", true),
            ("/a/", "/b/c", false),
            ("/a/{x,y}.gz", "/a/y.gz", true),
            ("/a/db_%Y-%m-%d.gz", "/a/db_2024-12-31.gz", true),
            ("/a/db_%Y-%m-%d.gz", "/a/db_latest.gz", false),
            ("/a/%Y/%m/x", "/a/2024/07/x", true),
            ("/a/100%/x", "/a/100%/x", true),
            ("/a/%%Y", "/a/%Y", true),
            ("/a/x_{today:%Y-%m-%d}.log", "/a/x_2026-03-01.log", true),
            ("/a/x_{yesterday:%Y%m%d}*", "/a/x_20260228.log", true),
            ("/a/x_{yesterday:%Y%m%d}*", "/a/x_20260301.log", false),
            ("/a/{today:%Y/%m}/x{1,2}", "/a/2026/03/x2", true),
        ] {
            assert_eq!(found(pattern, path), is, "{pattern} {path}");
        }
    }

    #[test]
    fn mistakes() {
        for (pattern, message) in [
            ("a/*.log", "must be an absolute path, such as `/srv/bot/logs/*.log`"),
            ("/", "must end in the name of a file, such as `*.log`"),
            ("/a/**", "must end in the name of a file, such as `*.log`"),
            ("/a/../x", "must not contain `.` or `..`"),
            ("/a/[x", "is no pattern of file names: unclosed character class; missing ']'"),
            ("/a/{today:%Y", "`{today:` has no end, write for example `{today:%Y-%m-%d}`"),
            ("/a/{today:%H}", "`%H` is no date, such as `%Y-%m-%d`"),
        ] {
            assert_eq!(Pattern::new(pattern).err().as_deref(), Some(message), "{pattern}");
        }
        let odd = Path::new("/a/[x]*.log");
        assert_eq!(Pattern::of(odd).literal().as_deref(), Some(odd));
        for (pattern, fixed) in [
            ("/a/b/x_*.gz", "/a/b"),
            ("/a/%Y-%m-%d/db.gz", "/a"),
            ("/a/b.gz", "/a"),
            ("/a/", "/a"),
            ("/*", "/"),
        ] {
            assert_eq!(Pattern::new(pattern).unwrap().fixed(), Path::new(fixed), "{pattern}");
        }
        assert_eq!(Pattern::new("/a/b").unwrap().literal().as_deref(), Some(Path::new("/a/b")));
    }
}
