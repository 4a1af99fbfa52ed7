//! A query that the server refuses. Its texts are repeated only where they name objects, never where they can
//! quote data.

use tokio_postgres::Error;
use tokio_postgres::error::DbError;

use super::failure::{of_end, of_refused, refused};
use super::reasons::{LOCK_TIMEOUT, POOLER, QUERY};
use super::session::Terms;
use crate::failure::{Failure, Reason};

/// A query on an open session.
pub(super) fn of_query(error: &Error, sql: &str, terms: &Terms) -> Failure {
    let Terms { at, limit, .. } = terms;
    let named = terms.users;
    let Some(db) = error.as_db_error() else {
        if let Some(refused) = refused(error) {
            return of_refused(refused, at);
        }
        let text = format!("{at}: the connection was lost during a query");
        let reason = if terms.pooler { POOLER } else { Reason::PROTOCOL };
        return Failure::new(reason, text).hint("did the server restart?");
    };
    let code = db.code().code();
    let user = identifier(&at.user);
    match code {
        "42501" => Failure::new(Reason::RIGHTS, said(db)).hint(grant(
            db.message(),
            if named { sql } else { "" },
            &user,
        )),
        "57014" => {
            let text =
                format!("the query was stopped by the server after {} s", limit.as_secs_f64());
            Failure::new(Reason::TIMEOUT, text)
                .hint("it is too dear for each reading, or the server is overloaded")
        }
        "55P03" => Failure::new(LOCK_TIMEOUT, "the query waits behind a lock")
            .hint("a migration, ALTER TABLE or VACUUM FULL holds it, or waits for it"),
        "25006" => {
            Failure::new(Reason::RIGHTS, "the query wants to write; only reading is allowed")
        }
        "42P01" | "42883" | "42704" | "3F000" if named => Failure::new(Reason::NOT_FOUND, said(db))
            .hint(
                "names are looked for in the schemas of `search_path` alone, by default `public`: \
                 add the schema there, or write it before the name",
            ),
        "42P01" | "42703" | "42704" | "42883" | "3F000" => {
            Failure::new(Reason::NOT_FOUND, said(db))
        }
        code if code.starts_with("42") => Failure::new(Reason::PARSE, said(db)),
        "40001" => Failure::new(of_end(code), "a standby ended the query to go on replaying")
            .hint("it is read again; max_standby_streaming_delay says how long queries may take"),
        code if code.starts_with("57P") => {
            Failure::new(of_end(code), format!("{at}: the server ended the session ({code})"))
                .hint("it restarts or shuts down")
        }
        code if code.starts_with("08") && (terms.pooler || db.routine().is_none()) => {
            Failure::new(POOLER, format!("{at}: the pooler refuses the query ({code})"))
                .hint("its console is no database: name the database in the address")
        }
        // These texts can quote data.
        _ => Failure::new(QUERY, format!("the query failed with SQLSTATE {code}")),
    }
}

/// The server's own text on errors of class 42, which name objects and not data.
fn said(db: &DbError) -> String {
    let line = db.message().lines().next().unwrap_or_default();
    let text: String = line.chars().take(200).collect();
    format!("{text} (SQLSTATE {})", db.code().code())
}

/// The statement that gives the right that is missing. The server names the thing in a sentence of its
/// language, so it is that name of the query which stands in the sentence; what the thing is, is told by what
/// follows it in the query. Without a query of a user it is one of ours.
fn grant(message: &str, sql: &str, user: &str) -> String {
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$');
    // From the end: the name comes last in most languages, and words before it may be names as well.
    let said: Vec<&str> = message.split(|c| !is_name(c)).filter(|word| !word.is_empty()).collect();
    let found = said.iter().rev().find_map(|word| {
        sql.match_indices(word).find_map(|(at, word)| {
            let (before, after) = (sql.get(..at)?, sql.get(at + word.len()..)?);
            let whole = !before.ends_with(is_name) && !after.starts_with(is_name);
            let after = after.trim_start_matches('"').trim_start();
            // A keyword is no name of a thing.
            let word = (whole && !KEYWORDS.contains(&word.to_ascii_lowercase().as_str()))
                .then_some(word)?;
            Some((identifier(word), after.chars().next()))
        })
    });
    match found {
        Some((name, Some('.'))) => format!("GRANT USAGE ON SCHEMA {name} TO {user}"),
        Some((name, Some('('))) => format!("GRANT EXECUTE ON FUNCTION {name} TO {user}"),
        Some((name, _)) => format!("GRANT SELECT ON {name} TO {user}"),
        None if sql.is_empty() => format!("GRANT pg_monitor TO {user}"),
        None => format!("GRANT SELECT ON the tables of the query TO {user}"),
    }
}

/// Words of queries that stand in the server's sentences as well.
const KEYWORDS: [&str; 8] = ["table", "view", "for", "function", "schema", "select", "on", "in"];

/// A name as SQL takes it.
pub fn identifier(name: &str) -> String {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_') && name.chars().all(plain) {
        return name.to_owned();
    }
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_missing_right_is_named_in_any_language() {
        let sql = "select status as state, count(*) from jobs join app.work w on true \
                   where \"Mv\" or due() group by 1";
        for (message, want) in [
            ("permission denied for table jobs", "GRANT SELECT ON jobs TO mon"),
            ("keine Berechtigung für Tabelle jobs", "GRANT SELECT ON jobs TO mon"),
            ("нет доступа к таблице jobs", "GRANT SELECT ON jobs TO mon"),
            ("permission denied for materialized view Mv", "GRANT SELECT ON \"Mv\" TO mon"),
            ("keine Berechtigung für Schema app", "GRANT USAGE ON SCHEMA app TO mon"),
            ("keine Berechtigung für Funktion due", "GRANT EXECUTE ON FUNCTION due TO mon"),
            ("keine Berechtigung", "GRANT SELECT ON the tables of the query TO mon"),
        ] {
            assert_eq!(grant(message, sql, "mon"), want, "{message}");
        }
        let ours = "permission denied for function pg_ls_waldir";
        assert_eq!(grant(ours, "", "mon"), "GRANT pg_monitor TO mon");
    }
}
