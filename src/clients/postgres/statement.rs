//! What is sent: one query in a read-only transaction with limits.

use std::time::Duration;

/// The limit of one query, also where the deadline would allow more.
pub(super) const STATEMENT: Duration = Duration::from_secs(3);

const CATALOGUE: &str = "pg_catalog";
const TEMPORARY: &str = "pg_temp";

const BACKSLASH: &str = "a backslash stands before a quote in it, which can be read in two ways; \
                         double the quote, or use `chr(92)` for the backslash";

/// How long one query may take on the server within the deadline of a reading, so that the server
/// says which statement it was.
pub(super) fn limit_within(deadline: Duration) -> Duration {
    deadline.mul_f64(0.6).clamp(Duration::from_millis(100), STATEMENT)
}

/// Where the server looks for names that have no schema: tables, but functions, operators, casts
/// and aggregates as well.
///
/// The owner of a database, or of a role, chooses the usual one, and whoever may create things in a
/// schema of it can have an `=` of his own run as our role (the kind of CVE-2018-1058). So ours is
/// the catalogue alone, said in each batch before the first name of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchPath(Vec<String>);

impl SearchPath {
    /// Also these schemas, after the catalogue unless it is among them.
    pub fn of(schemas: impl IntoIterator<Item = String>) -> Self {
        Self(schemas.into_iter().collect())
    }

    fn sql(&self) -> String {
        let catalogue = (!self.0.iter().any(|name| name == CATALOGUE)).then_some(CATALOGUE);
        let own = self.0.iter().map(String::as_str).filter(|name| *name != TEMPORARY);
        // The schema of temporary tables would come first if it were not named.
        let names = catalogue.into_iter().chain(own).chain([TEMPORARY]);
        let quoted = names.map(|name| format!("\"{}\"", name.replace('"', "\"\"")));
        quoted.collect::<Vec<_>>().join(", ")
    }
}

/// A text as SQL takes it, whatever the role's settings say of backslashes.
pub fn quoted(text: &str) -> String {
    format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

/// The whole message of one query.
pub(super) fn read_only(
    sql: &str,
    limit: Duration,
    lock: Duration,
    major: u32,
    path: &SearchPath,
) -> String {
    let path = path.sql();
    let (limit, lock) = (limit.as_millis(), lock.as_millis());
    // From 14 on the server notices during a query that we are gone, also when we were killed.
    let check = if major >= 14 { "SET LOCAL client_connection_check_interval = 500; " } else { "" };
    // Several statements in one message are one transaction: it ends with the message, whole or not.
    format!(
        "SET TRANSACTION READ ONLY; SET LOCAL search_path = {path}; \
         SET LOCAL statement_timeout = {limit}; SET LOCAL lock_timeout = {lock}; {check}{}",
        sql.trim().trim_end_matches(';')
    )
}

/// What keeps this from being one statement, if anything. A second one could end the read-only
/// transaction and write.
pub fn not_one_statement(sql: &str) -> Option<&'static str> {
    let body = sql.trim().trim_end_matches(';');
    if body.trim().is_empty() {
        return Some("the query is empty");
    }
    let mut rest = body;
    while let Some(next) = rest.chars().next() {
        let length = match next {
            ';' => return Some("expected one statement, found `;` inside"),
            '\'' if ends_in_backslash(rest) => return Some(BACKSLASH),
            '\'' | '"' => quotation(rest, next),
            '-' if rest.starts_with("--") => rest.find(['\n', '\r']),
            '/' if rest.starts_with("/*") => comment(rest),
            '$' => dollars(rest),
            // A number is no name: a dollar after it may start a text.
            '0'..='9' => Some(next.len_utf8()),
            // A dollar inside a name starts no text.
            c if is_name(c) => Some(rest.find(|c| !is_name(c) && c != '$').unwrap_or(rest.len())),
            _ => Some(next.len_utf8()),
        };
        let Some(length) = length else {
            let line_comment = next == '-';
            return (!line_comment).then_some("a quote or a comment in it does not end");
        };
        rest = rest.get(length..).unwrap_or_default();
    }
    None
}

/// What is wrong with this as one query that reads. The session is read-only besides.
pub fn not_a_query(text: &str) -> Option<&'static str> {
    if let Some(message) = not_one_statement(text) {
        return Some(message);
    }
    let first: String = text.trim_start().chars().take_while(char::is_ascii_alphabetic).collect();
    let reads = ["select", "with", "values", "table", ""];
    let known = reads.iter().any(|word| first.eq_ignore_ascii_case(word));
    (!known).then_some("expected a query that reads: `select ...`")
}

/// The query as it may be shown: without its texts and comments, which can hold anything.
pub fn without_texts(sql: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(sql.len()), sql);
    while let Some(next) = rest.chars().next() {
        let (length, shown) = match next {
            '\'' => (quotation(rest, next), "'<secret>'"),
            '-' if rest.starts_with("--") => (rest.find(['\n', '\r']), "-- <secret>"),
            '/' if rest.starts_with("/*") => (comment(rest), "/* <secret> */"),
            '$' if dollars(rest).is_none_or(|length| length > 1) => (dollars(rest), "'<secret>'"),
            '"' => {
                let length = quotation(rest, next).unwrap_or(rest.len());
                (Some(length), rest.get(..length).unwrap_or_default())
            }
            c if is_name(c) && !c.is_ascii_digit() => {
                let length = rest.find(|c| !is_name(c) && c != '$').unwrap_or(rest.len());
                (Some(length), rest.get(..length).unwrap_or_default())
            }
            c => (Some(c.len_utf8()), rest.get(..c.len_utf8()).unwrap_or_default()),
        };
        out.push_str(shown);
        rest = rest.get(length.unwrap_or(rest.len())..).unwrap_or_default();
    }
    out
}

/// As the server has it: whatever is not ASCII belongs to a name, also a space of that kind.
fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || !c.is_ascii()
}

/// Length of a quoted text. A doubled quote is two texts side by side, which comes to the same.
fn quotation(text: &str, quote: char) -> Option<usize> {
    Some(text.get(1..)?.find(quote)? + 2)
}

/// Whether settings and the letter before the quote decide where this text ends: backslashes
/// escape there or do not, and an odd number of them stands before the quote at its end.
fn ends_in_backslash(text: &str) -> bool {
    let inside = text.get(1..).and_then(|text| text.split_once('\''));
    inside.is_some_and(|(inside, _)| (inside.len() - inside.trim_end_matches('\\').len()) % 2 == 1)
}

/// Length of a comment; they nest.
fn comment(text: &str) -> Option<usize> {
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if rest.starts_with("*/") {
            (depth, at) = (depth.saturating_sub(1), at + 2);
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

/// Length of `$tag$ ... $tag$`, or of the dollar where it starts none.
fn dollars(text: &str) -> Option<usize> {
    let Some(end) = text.get(1..)?.find('$') else { return Some(1) };
    let tag = text.get(..end + 2)?;
    let name = tag.trim_matches('$');
    if name.starts_with(|c: char| c.is_ascii_digit()) || !name.chars().all(is_name) {
        return Some(1);
    }
    let body = text.get(tag.len()..)?;
    body.find(tag).map(|at| at + 2 * tag.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_statement_is_told_from_two() {
        for sql in [
            "select 1",
            "select 1;",
            " select ';' as \"a;b\" -- one; two",
            "select /* ; /* ; */ ; */ $$;$$, $a$ ; $b$ $a$, 'it''s; here'",
            "select $1, 2$",
            r"select name ~ '^\d+\.\d+$', '\\', E'\\'",
            "select 1 as é$b$c, 'é;'",
        ] {
            assert_eq!(not_one_statement(sql), None, "{sql}");
        }
        for sql in [
            "",
            ";",
            "commit; delete from t",
            "select 'a'; drop table t",
            "select 'a",
            r"select E'\'; drop table t; --'",
            "select /* a",
            "select $a$ ; $b$",
            "-- a\n; drop table t",
            "select 1 as a$b$; drop table t; --$b$",
            "select 1 -- a\r; drop table t",
            "select 1 as\u{a0}$b$; drop table t; --$b$",
            "select 1$a$ ' $a$; drop table t; --'",
            r"select '\''; drop table t; --'",
        ] {
            assert!(not_one_statement(sql).is_some(), "{sql}");
        }
    }

    #[test]
    fn a_query_is_shown_without_its_texts() {
        for (sql, want) in [
            ("select state, count(*) from jobs", "select state, count(*) from jobs"),
            ("select 'it''s hunter2', 5", "select '<secret>''<secret>', 5"),
            (
                "select $$hunter2$$, $a$ ' $a$ -- hunter2",
                "select '<secret>', '<secret>' -- <secret>",
            ),
            ("select a$b$c, \"d'e\", 1 /* hunter2 */", "select a$b$c, \"d'e\", 1 /* <secret> */"),
            ("select 'hunter2", "select '<secret>'"),
            ("select $1, n -- hunter2\nfrom t", "select $1, n -- <secret>\nfrom t"),
        ] {
            assert_eq!(without_texts(sql), want);
        }
    }

    #[test]
    fn a_text_ends_where_it_should() {
        for (text, want) in [("app", "E'app'"), ("a'b", "E'a''b'"), (r"a\'; x", r"E'a\\''; x'")] {
            assert_eq!(quoted(text), want);
            assert_eq!(not_one_statement(&format!("select {want}")), None);
        }
    }

    #[test]
    fn a_backslash_has_a_message_of_its_own() {
        assert_eq!(not_one_statement(r"select 'C:\'"), Some(BACKSLASH));
        assert_eq!(not_one_statement(r"select E'it\'s'"), Some(BACKSLASH));
    }

    #[test]
    fn a_query_ends_before_its_reading() {
        let limit = |millis| limit_within(Duration::from_millis(millis)).as_millis();
        assert_eq!((limit(1), limit(1000), limit(60_000)), (100, 600, 3000));
    }

    #[test]
    fn the_query_comes_last_and_only_read() {
        let limit = Duration::from_secs(1);
        let path = SearchPath::default();
        let text = read_only("select 1 -- one;", limit, limit, 15, &path);
        assert!(text.starts_with("SET TRANSACTION READ ONLY; "), "{text}");
        assert!(text.ends_with("; select 1 -- one"), "{text}");
        assert!(!read_only("select 1", limit, limit, 13, &path).contains("check_interval"));
    }

    #[test]
    fn the_search_path_is_said_before_any_name() {
        let limit = Duration::from_secs(1);
        for (schemas, want) in [
            (&[][..], r#""pg_catalog", "pg_temp""#),
            (&["app", "public"], r#""pg_catalog", "app", "public", "pg_temp""#),
            (&["app", "pg_catalog"], r#""app", "pg_catalog", "pg_temp""#),
            (&["pg_temp", "$user"], r#""pg_catalog", "$user", "pg_temp""#),
            (&[r#"a", x; drop"#], r#""pg_catalog", "a"", x; drop", "pg_temp""#),
        ] {
            let path = SearchPath::of(schemas.iter().map(ToString::to_string));
            let text = read_only("select 1", limit, limit, 15, &path);
            let start =
                format!("SET TRANSACTION READ ONLY; SET LOCAL search_path = {want}; SET LOCAL ");
            assert!(text.starts_with(&start), "{text}");
        }
    }
}
