//! Errors of the server and of the way to it, as reasons and advice. Texts of the server are
//! repeated only where they name objects, never where they can quote data.

use std::error::Error as _;
use std::time::Duration;

use tokio_postgres::Error;
use tokio_postgres::error::DbError;

use super::Address;
use super::methods::Refused;
use super::server::Wanted;
use crate::failure::{Failure, Reason, lacks_files};

/// How the failure for want of a connection slot ends.
pub const NO_SLOT: &str = "no connection is free";

/// Why a session could not be opened.
pub(super) enum Open {
    /// The server, or a pooler before it, takes no start-up options.
    Options,
    Late,
    /// The server is none of those that `target_session_attrs` asks for.
    Unwanted(Wanted),
    /// The host has no name that a certificate could be for.
    Name,
    Failed(Failure),
    /// The way there.
    Io(std::io::Error),
    Error(Error),
}

impl Open {
    pub(super) fn of(error: Error) -> Self {
        let refused = error.as_db_error().is_some_and(|db| {
            db.code().code() == "08P01" && db.message().contains("startup parameter")
        });
        if refused { Self::Options } else { Self::Error(error) }
    }

    /// Whether another server of the same address would say the same.
    pub(super) fn is_about_us(&self) -> bool {
        let Self::Error(error) = self else { return false };
        error.as_db_error().is_some_and(|db| db.code().code().starts_with("28"))
    }

    pub(super) fn into_failure(self, at: &Address) -> Failure {
        match self {
            Self::Options => Failure::new(Reason::PROTOCOL, "start-up options are refused"),
            Self::Late => Failure::new(Reason::TIMEOUT, format!("{at}: no log-in within 2 s"))
                .hint("the server is overloaded, stuck, or not reachable from here"),
            Self::Unwanted(wanted) => {
                Failure::new(Reason::NOT_FOUND, format!("{at}: {}", wanted.refusal()))
                    .hint("check which of the servers is the primary, or leave it out")
            }
            Self::Name => Failure::new(Reason::TLS, format!("{at}: no host name for TLS"))
                .hint("name the host as its certificate does"),
            Self::Failed(failure) => failure,
            Self::Io(error) => of_io(Some(&error), at),
            Self::Error(error) => match error.as_db_error() {
                Some(db) => of_log_in(db, at),
                None => of_connection(&error, at),
            },
        }
    }
}

/// Whether the session is gone, so that another one may fare better.
pub(super) fn is_loss(error: &Error) -> bool {
    match error.as_db_error() {
        // Shut down by an administrator, a crash, a conflict on a standby or an idle limit.
        Some(db) => {
            let code = db.code().code();
            code.starts_with("08") || code.starts_with("57P") || code == "25P03" || code == "25P04"
        }
        None => true,
    }
}

fn of_log_in(db: &DbError, at: &Address) -> Failure {
    let (user, database) = (&at.user, &at.database);
    let code = db.code().code();
    let (reason, what) = match code {
        "28P01" => (Reason::AUTH, format!("the password of user `{user}` is refused")),
        "28000" if db.message().contains("pg_hba.conf") => {
            (Reason::AUTH, format!("pg_hba.conf does not let user `{user}` in from here"))
        }
        "28000" => (Reason::AUTH, format!("user `{user}` may not log in")),
        "3D000" => (Reason::NOT_FOUND, format!("database `{database}` does not exist")),
        "42501" => {
            (Reason::RIGHTS, format!("user `{user}` may not connect to database `{database}`"))
        }
        "53300" => (Reason::OTHER, NO_SLOT.to_owned()),
        "55000" => (Reason::RIGHTS, format!("database `{database}` takes no connections")),
        "55P03" | "57014" => {
            (Reason::TIMEOUT, "the log-in waits behind a lock on the catalogue".to_owned())
        }
        "57P03" => {
            (Reason::REFUSED, "the server is starting up, shutting down or in recovery".to_owned())
        }
        _ => (Reason::OTHER, format!("the log-in is refused with SQLSTATE {code}")),
    };
    Failure::new(reason, format!("{at}: {what}")).hint(log_in_hint(db, at))
}

fn log_in_hint(db: &DbError, at: &Address) -> String {
    let (user, database) = (identifier(&at.user), identifier(&at.database));
    let unencrypted = || db.message().contains("no encryption") || db.message().contains("SSL off");
    match db.code().code() {
        "28P01" => "check the password, its file and that the role exists".to_owned(),
        "28000" if db.message().contains("pg_hba.conf") && unencrypted() => {
            "add `?sslmode=require` to the address, or a line to pg_hba.conf".to_owned()
        }
        "28000" if db.message().contains("pg_hba.conf") => {
            format!("add a line for {user} and this host to pg_hba.conf, then reload")
        }
        "28000" => format!("CREATE ROLE {user} LOGIN PASSWORD '...'"),
        "3D000" => "the server itself is up: check the name, or restore the database".to_owned(),
        "42501" => format!("GRANT CONNECT ON DATABASE {database} TO {user}"),
        "53300" => "applications hold all of them: look for leaked or too large pools, or raise \
                    max_connections or the CONNECTION LIMIT"
            .to_owned(),
        "55000" => format!("ALTER DATABASE {database} ALLOW_CONNECTIONS true"),
        "55P03" | "57014" => "look for VACUUM FULL or LOCK on pg_catalog".to_owned(),
        "57P03" => "wait; if it lasts, read the server's log".to_owned(),
        _ => "the server's log says why".to_owned(),
    }
}

/// A log-in that ended without the server's word.
fn of_connection(error: &Error, at: &Address) -> Failure {
    let kind = error.to_string();
    let cause = error.source().map(ToString::to_string).unwrap_or_default();
    let io = error.source().and_then(|cause| cause.downcast_ref::<std::io::Error>());
    if let Some(refused) = refused(error) {
        return of_refused(refused, at);
    }
    if io.is_some_and(lacks_files) {
        return Failure::no_files(&at.to_string());
    }
    let (reason, what, hint) = if kind.contains("TLS") {
        of_tls(&cause)
    } else if cause.contains("password missing") {
        (Reason::AUTH, "a password is asked for and none is set", "set `password_file`")
    } else if kind.contains("authentication") {
        (Reason::AUTH, "the log-in failed", "check the password and the method in pg_hba.conf")
    } else {
        return of_io(io, at);
    };
    Failure::new(reason, format!("{at}: {what}")).hint(hint)
}

/// We have not sent what was asked for, or not read on.
fn of_refused(refused: Refused, at: &Address) -> Failure {
    const LIES: &str = "check the port: what answers there is not PostgreSQL, or means harm";
    let (reason, hint) = match refused {
        Refused::ClearText => (
            Reason::AUTH,
            "add `?sslmode=require` to the address, use scram-sha-256 in pg_hba.conf, or allow it \
             with `?require_auth=password` on a trusted network",
        ),
        Refused::Method => {
            (Reason::AUTH, "change the method in pg_hba.conf, or `require_auth` in the address")
        }
        Refused::TooMuch => (Reason::PROTOCOL, "count or limit in the query"),
        Refused::Length | Refused::Asides => (Reason::PROTOCOL, LIES),
    };
    Failure::new(reason, format!("{at}: {refused}")).hint(hint)
}

/// Ours, where it lies at the bottom of the driver's error.
fn refused(error: &Error) -> Option<Refused> {
    let io = error.source()?.downcast_ref::<std::io::Error>()?;
    io.get_ref()?.downcast_ref::<Refused>().copied()
}

/// The way to the server.
fn of_io(error: Option<&std::io::Error>, at: &Address) -> Failure {
    use std::io::ErrorKind;
    let (reason, what, hint) = match error.map(std::io::Error::kind) {
        Some(ErrorKind::AddrNotAvailable) => (
            Reason::DNS,
            "the host name does not resolve",
            "check the name; in Compose it is the service's, in its network",
        ),
        Some(ErrorKind::ConnectionRefused) => {
            (Reason::REFUSED, "connection refused", "is the server running, and on this port?")
        }
        Some(ErrorKind::NotFound) => {
            (Reason::REFUSED, "there is no such socket", "is the server running?")
        }
        Some(ErrorKind::PermissionDenied) => {
            (Reason::RIGHTS, "the socket may not be opened", "check its rights")
        }
        Some(ErrorKind::TimedOut) => {
            (Reason::TIMEOUT, "no answer to the connection", "is a firewall in between?")
        }
        Some(ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable) => {
            (Reason::OTHER, "no route to the host", "check the network")
        }
        _ => (
            Reason::PROTOCOL,
            "the connection ended, or what answers is not PostgreSQL",
            "check the port; if it is right, read the server's log",
        ),
    };
    Failure::new(reason, format!("{at}: {what}")).hint(hint)
}

fn of_tls(cause: &str) -> (Reason, &'static str, &'static str) {
    let what = if cause.contains("does not support TLS") {
        let hint = "turn `ssl` on in postgresql.conf, or leave `sslmode` out on a trusted network";
        return (Reason::TLS, "the server does not offer TLS", hint);
    } else if cause.contains("UnknownIssuer") {
        "the certificate is signed by an unknown authority"
    } else if cause.contains("Expired") {
        "the certificate has expired"
    } else if cause.contains("NotValidForName") {
        "the certificate is for another host name"
    } else {
        "the TLS handshake failed"
    };
    let hint = "give the certificate of the authority with `?sslrootcert=<file>`, or use \
                `?sslmode=disable` on a trusted network";
    (Reason::TLS, what, hint)
}

/// A query on an open session. `named`: it is not ours, and its names are looked for in schemas.
pub(super) fn of_query(error: &Error, at: &Address, limit: Duration, named: bool) -> Failure {
    let Some(db) = error.as_db_error() else {
        if let Some(refused) = refused(error) {
            return of_refused(refused, at);
        }
        let text = format!("{at}: the connection was lost during a query");
        return Failure::new(Reason::PROTOCOL, text).hint("did the server restart?");
    };
    let code = db.code().code();
    let user = identifier(&at.user);
    match code {
        "42501" => Failure::new(Reason::RIGHTS, said(db)).hint(grant(db.message(), &user)),
        "57014" => {
            let text =
                format!("the query was stopped by the server after {} s", limit.as_secs_f64());
            Failure::new(Reason::TIMEOUT, text)
                .hint("it is too dear for each reading, or the server is overloaded")
        }
        "55P03" => Failure::new(Reason::TIMEOUT, "the query waits behind a lock")
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
        code if code.starts_with("57P") => {
            Failure::new(Reason::REFUSED, format!("{at}: the server ended the session ({code})"))
                .hint("it restarts or shuts down")
        }
        // These texts can quote data.
        _ => Failure::new(Reason::OTHER, format!("the query failed with SQLSTATE {code}")),
    }
}

/// The server's own text on errors of class 42, which name objects and not data.
fn said(db: &DbError) -> String {
    let line = db.message().lines().next().unwrap_or_default();
    let text: String = line.chars().take(200).collect();
    format!("{text} (SQLSTATE {})", db.code().code())
}

/// The statement that gives the right that is missing.
fn grant(message: &str, user: &str) -> String {
    let object = message.strip_prefix("permission denied for ").unwrap_or_default();
    let (kind, name) = object.split_once(' ').unwrap_or((object, ""));
    let name = identifier(name.trim_start_matches("view "));
    match kind {
        "table" | "view" | "materialized" | "relation" => {
            format!("GRANT SELECT ON {name} TO {user}")
        }
        "sequence" => format!("GRANT SELECT ON SEQUENCE {name} TO {user}"),
        "schema" => format!("GRANT USAGE ON SCHEMA {name} TO {user}"),
        "database" => format!("GRANT CONNECT ON DATABASE {name} TO {user}"),
        _ => format!("GRANT pg_monitor TO {user}"),
    }
}

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
    fn the_missing_right_is_named() {
        for (message, want) in [
            ("permission denied for table message", "GRANT SELECT ON message TO mon"),
            ("permission denied for materialized view Mv", "GRANT SELECT ON \"Mv\" TO mon"),
            ("permission denied for schema app", "GRANT USAGE ON SCHEMA app TO mon"),
            ("permission denied for function pg_ls_waldir", "GRANT pg_monitor TO mon"),
            ("keine Berechtigung", "GRANT pg_monitor TO mon"),
        ] {
            assert_eq!(grant(message, "mon"), want);
        }
    }
}
