//! What is shown of a statement's text.
//!
//! The server replaces constants by `$1`, but not always: those of utility statements stay (`CREATE ROLE ...
//! PASSWORD '...'`), and so do all of a statement whose entry was pushed out while it ran. So of anything but
//! a query no more than its first words is shown, and whatever looks like a constant or a comment goes.

/// The longest text that is shown.
const LONGEST: usize = 300;
/// These read or change rows. Whatever else there is may have a password in it.
const QUERIES: [&str; 8] =
    ["select", "with", "insert", "update", "delete", "merge", "values", "table"];

pub fn shown(text: &str) -> String {
    let masked = Masked::of(text);
    let begin = masked.trim_start_matches([' ', '(']);
    let mut words = begin.split(|c: char| !c.is_ascii_alphabetic()).take(2);
    let first = words.next().unwrap_or_default();
    if !QUERIES.contains(&first.to_ascii_lowercase().as_str()) {
        let second = words.next().filter(|word| !word.is_empty());
        let words: Vec<&str> = [first].into_iter().chain(second).collect();
        return format!("{} …", cut(&words.join(" "), LONGEST)).trim_start().to_owned();
    }
    match cut(&masked, LONGEST) {
        all if all.len() == masked.len() => masked,
        begin => format!("{begin} …"),
    }
}

fn cut(text: &str, most: usize) -> &str {
    text.get(..text.floor_char_boundary(most)).unwrap_or_default()
}

/// A text without its comments, strings and numbers.
struct Masked<'a> {
    rest: &'a str,
    out: String,
}

impl<'a> Masked<'a> {
    fn of(text: &'a str) -> String {
        let mut masked = Self { rest: text, out: String::new() };
        while let Some(next) = masked.rest.chars().next() {
            masked.take(next);
        }
        masked.out.trim_end().to_owned()
    }

    fn take(&mut self, next: char) {
        let after_name = self.out.chars().next_back().is_some_and(|c| is_name(c) || c == '$');
        match next {
            '\'' => self.string(),
            '"' => self.identifier(),
            '$' if !after_name && self.dollar() => {}
            '-' if self.rest.starts_with("--") => {
                let end = self.rest.find('\n').unwrap_or(self.rest.len());
                self.skip(end);
                self.space();
            }
            '/' if self.rest.starts_with("/*") => self.comment(),
            c if c.is_ascii_digit() && !after_name => {
                let end = self.rest.find(|c| !is_name(c) && c != '.');
                self.skip(end.unwrap_or(self.rest.len()));
                self.out.push('*');
            }
            c if c.is_whitespace() => {
                self.skip(c.len_utf8());
                self.space();
            }
            c => {
                self.skip(c.len_utf8());
                self.out.push(c);
            }
        }
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }

    fn space(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with(' ') {
            self.out.push(' ');
        }
    }

    /// A string has an end that a setting decides on where there is a backslash before a quote: then nothing
    /// of what follows is shown.
    fn string(&mut self) {
        let inside = self.rest.get(1..).unwrap_or_default();
        let mut end = None;
        let (mut before, mut odd) = (' ', false);
        for (at, c) in inside.char_indices() {
            if c == '\'' {
                odd = before == '\\';
                end = Some(at + 2);
                break;
            }
            before = c;
        }
        match end {
            Some(end) if !odd => self.skip(end),
            _ => self.rest = "",
        }
        // `'it''s'` is one.
        if !self.out.ends_with('*') {
            self.out.push('*');
        }
    }

    fn identifier(&mut self) {
        let end = self.rest.get(1..).and_then(|inside| inside.find('"'));
        let (name, rest) = self.rest.split_at(end.map_or(self.rest.len(), |end| end + 2));
        self.out.push_str(name);
        self.rest = rest;
    }

    /// `$tag$ ... $tag$`; `$1` is none.
    fn dollar(&mut self) -> bool {
        let inside = self.rest.get(1..).unwrap_or_default();
        let Some(end) = inside.find('$') else { return false };
        let (tag, rest) = inside.split_at(end);
        if tag.starts_with(|c: char| c.is_ascii_digit()) || !tag.chars().all(is_name) {
            return false;
        }
        let closing = format!("${tag}$");
        let rest = rest.get(1..).unwrap_or_default();
        self.rest = rest.split_once(&closing).map_or("", |(_, after)| after);
        self.out.push('*');
        true
    }

    /// They nest.
    fn comment(&mut self) {
        let mut depth = 0_u32;
        while let Some(next) = self.rest.chars().next() {
            if self.rest.starts_with("/*") {
                depth += 1;
                self.skip(2);
            } else if self.rest.starts_with("*/") {
                depth -= 1;
                self.skip(2);
                if depth == 0 {
                    break;
                }
            } else {
                self.skip(next.len_utf8());
            }
        }
        self.space();
    }
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_shown_as_the_server_has_it() {
        for (text, want) in [
            ("select  *\n from t1\twhere id = $1", "select * from t1 where id = $1"),
            ("(select \"a'b\"\"c\", \"d 1\" from t)", "(select \"a'b\"\"c\", \"d 1\" from t)"),
            (
                "WITH a AS (SELECT $1::jsonb) SELECT * FROM a",
                "WITH a AS (SELECT $1::jsonb) SELECT * FROM a",
            ),
            ("insert into Задачи values ($1, $2)", "insert into Задачи values ($1, $2)"),
            ("", "…"),
        ] {
            assert_eq!(shown(text), want);
        }
        let long = shown(&format!("select {}", "ä, ".repeat(1000)));
        assert!(long.len() <= LONGEST + 5 && long.ends_with(" …"), "{long}");
    }

    #[test]
    fn constants_that_were_left_in_and_comments_are_not() {
        for (text, want) in [
            ("select 'hunter2', 1.5e3, a1 from t", "select *, *, a1 from t"),
            ("select 'it''s hunter2' || x", "select * || x"),
            ("select E'a\\'hunter2', b", "select E*"),
            ("select 'a\\', 'hunter2'", "select *"),
            ("select $$hunter2$$, $x$ $$hunter2 $x$ from t", "select *, * from t"),
            ("select $x$hunter2", "select *"),
            ("select 'hunter2", "select *"),
            ("/* user=hunter2 /* a */ b */ select 1 -- hunter2\n from t", "select * from t"),
            ("select 1 /* hunter2", "select *"),
        ] {
            let shown = shown(text);
            assert_eq!(shown, want, "{text}");
            assert!(!shown.contains("hunter2"));
        }
    }

    #[test]
    fn of_a_utility_statement_only_its_first_words_are() {
        for (text, want) in [
            ("CREATE ROLE app LOGIN PASSWORD 'hunter2'", "CREATE ROLE …"),
            ("alter user app password $$hunter2$$", "alter user …"),
            (
                "/* a */ CREATE USER MAPPING FOR x SERVER y OPTIONS (password 'hunter2')",
                "CREATE USER …",
            ),
            ("COPY (select hunter2) to program 'x'", "COPY …"),
            ("DO $$ begin perform 'hunter2'; end $$", "DO …"),
            ("SET my.secret = hunter2", "SET my …"),
            ("vacuum", "vacuum …"),
        ] {
            assert_eq!(shown(text), want);
        }
    }
}
