//! Errors of the server and of the way to it, as reasons and advice. Judged are SQLSTATE and the routine
//! that refused, never the server's texts: they are in any language.

use std::error::Error as _;

use tokio_postgres::Error;
use tokio_postgres::error::DbError;

use super::Address;
use super::hub::ADVISED;
use super::methods::Refused;
use super::reasons::{
    DATABASE_FULL, LOCK_TIMEOUT, NO_DATABASE, NO_HBA, POOLER, RECOVERY_CONFLICT, ROLE_FULL,
    SERVER_FULL, SHUTTING_DOWN, STARTING_UP, TLS_REQUIRED,
};
pub use super::refusal::identifier;
pub(super) use super::refusal::of_query;
use super::server::Wanted;
use crate::failure::{Failure, Reason, lacks_files};

/// The routine of the server that looks for a line of pg_hba.conf.
const BY_LINE: &str = "ClientAuthentication";
/// The one that looks at the role, and the one that looks at the database.
const BY_ROLE: &str = "InitializeSessionUserId";
const BY_DATABASE: &str = "CheckMyDatabase";

/// Why a session could not be opened.
pub(super) enum Open {
    /// A pooler stands before the server; mostly it takes no start-up options.
    Options,
    Late,
    /// The server is none of those that `target_session_attrs` asks for.
    Unwanted(Wanted),
    /// It would let us in over TLS.
    Unencrypted,
    /// The host has no name that a certificate could be for.
    Name,
    Failed(Failure),
    /// The way there.
    Io(std::io::Error),
    Error(Error),
}

impl Open {
    pub(super) fn of(error: Error) -> Self {
        // A server names the routine that complains, a pooler does not; and only poolers complain of
        // start-up options that all servers know.
        let pooler = error
            .as_db_error()
            .is_some_and(|db| db.code().code() == "08P01" && db.routine().is_none());
        if pooler { Self::Options } else { Self::Error(error) }
    }

    /// There may be a line of pg_hba.conf that would let us in otherwise.
    pub(super) fn is_for_want_of_a_line(&self) -> bool {
        let Self::Error(error) = self else { return false };
        error.as_db_error().is_some_and(|db| db.routine() == Some(BY_LINE))
    }

    /// One side does not talk encrypted, or not so.
    pub(super) fn is_about_tls(&self) -> bool {
        let Self::Error(error) = self else { return matches!(self, Self::Name) };
        error.as_db_error().is_none() && error.to_string().contains("TLS")
    }

    /// Whether another server of the same address would say the same.
    pub(super) fn is_about_us(&self) -> bool {
        let Self::Error(error) = self else { return false };
        error.as_db_error().is_some_and(|db| db.code().code().starts_with("28"))
    }

    pub(super) fn into_failure(self, at: &Address, pooler: bool) -> Failure {
        match self {
            Self::Options => Failure::new(POOLER, format!("{at}: the pooler lets us not in"))
                .hint("check that its configuration has this database and user"),
            Self::Late if pooler => Failure::new(
                POOLER,
                format!("{at}: the pooler gives no connection within 2 s"),
            )
            .hint("its pool is used up, or the server hangs: look at SHOW POOLS in its console"),
            Self::Unencrypted => {
                let text = format!("{at}: user `{}` is let in over TLS only", at.user);
                Failure::new(TLS_REQUIRED, text).hint("add `?sslmode=require` to the address")
            }
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

/// Whether a session ended for what a standby had to replay, or because the server goes.
pub(super) fn of_end(code: &str) -> Reason {
    match code {
        "40001" | "57P04" => RECOVERY_CONFLICT,
        "57P01" => SHUTTING_DOWN,
        _ => STARTING_UP,
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

/// Which limit is reached: three with one SQLSTATE.
fn full(db: &DbError) -> Reason {
    match db.routine() {
        Some(BY_ROLE) => ROLE_FULL,
        Some(BY_DATABASE) => DATABASE_FULL,
        _ => SERVER_FULL,
    }
}

fn of_log_in(db: &DbError, at: &Address) -> Failure {
    let (user, database) = (&at.user, &at.database);
    let (role, name) = (identifier(user), identifier(database));
    let code = db.code().code();
    let (reason, what, hint) = match (code, db.routine()) {
        ("28P01", _) => (
            Reason::AUTH,
            format!("the password of user `{user}` is refused"),
            "check the password, its file, that the role exists and that it has not expired (VALID UNTIL)".to_owned(),
        ),
        ("28000", Some(BY_LINE)) => (
            NO_HBA,
            format!("pg_hba.conf does not let user `{user}` in from here"),
            format!(
                "add a line for {role} and this host to pg_hba.conf, then reload; if there is one with `cert` or \
                 `clientcert`, give our certificate with `sslcert` and `sslkey`"
            ),
        ),
        ("28000", _) => (
            Reason::AUTH,
            format!("user `{user}` may not log in"),
            format!("ALTER ROLE {role} LOGIN, or CREATE ROLE {role} LOGIN PASSWORD '...'"),
        ),
        ("3D000", _) => (
            NO_DATABASE,
            format!("database `{database}` does not exist"),
            "the server itself is up: check the name, or restore the database".to_owned(),
        ),
        ("42501", _) => (
            Reason::RIGHTS,
            format!("user `{user}` may not connect to database `{database}`"),
            format!("GRANT CONNECT ON DATABASE {name} TO {role}"),
        ),
        ("53300", _) => return full_up(full(db), at),
        ("55000", routine) => closed(routine, at),
        ("55P03" | "57014", _) => (
            LOCK_TIMEOUT,
            "the log-in waits behind a lock on the catalogue".to_owned(),
            "look for VACUUM FULL or LOCK on pg_catalog".to_owned(),
        ),
        ("57P01", _) => (SHUTTING_DOWN, "the server shuts down".to_owned(), WAIT.to_owned()),
        ("57P03", _) => (
            STARTING_UP,
            "the server is starting up, shutting down or in recovery".to_owned(),
            WAIT.to_owned(),
        ),
        (code, None) if code.starts_with("08") => (
            POOLER,
            format!("the pooler refuses the log-in ({code})"),
            "check that its configuration has this database and user".to_owned(),
        ),
        _ => (
            Reason::OTHER,
            format!("the log-in is refused with SQLSTATE {code}"),
            "the server's log says why".to_owned(),
        ),
    };
    Failure::new(reason, format!("{at}: {what}")).hint(hint)
}

const WAIT: &str = "wait; if it lasts, read the server's log";

/// A database that takes no connections: one whose DROP was interrupted can only be dropped.
fn closed(routine: Option<&str>, at: &Address) -> (Reason, String, String) {
    let (database, name) = (&at.database, identifier(&at.database));
    if database == "template0" {
        let hint = "it is a template, which nobody connects to: name another database";
        return (
            NO_DATABASE,
            format!("database `{database}` takes no connections"),
            hint.to_owned(),
        );
    }
    if routine == Some(BY_DATABASE) {
        let hint = format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true");
        return (NO_DATABASE, format!("database `{database}` takes no connections"), hint);
    }
    let what = format!("database `{database}` is invalid: a DROP DATABASE was interrupted");
    let hint = format!("DROP DATABASE {name}; nothing else helps, restore it from a dump");
    (NO_DATABASE, what, hint)
}

fn full_up(which: Reason, at: &Address) -> Failure {
    let (role, name) = (identifier(&at.user), identifier(&at.database));
    let (what, hint) = if which == ROLE_FULL {
        (
            format!("no connection is free for our own role `{}`", at.user),
            format!("ALTER ROLE {role} CONNECTION LIMIT {ADVISED}, and let nobody else use it"),
        )
    } else if which == DATABASE_FULL {
        (
            format!(
                "no connection is free in database `{}`, its own limit is reached",
                at.database
            ),
            format!(
                "applications hold all of them: look for leaked or too large pools, or \
                 ALTER DATABASE {name} CONNECTION LIMIT ..."
            ),
        )
    } else {
        (
            "no connection is free on the server".to_owned(),
            "applications hold all of them: look for leaked or too large pools, or raise max_connections"
                .to_owned(),
        )
    };
    Failure::new(which, format!("{at}: {what}")).hint(hint)
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
pub(super) fn of_refused(refused: Refused, at: &Address) -> Failure {
    const LIES: &str = "check the port: what answers there is not PostgreSQL, or means harm";
    let (reason, hint) = match refused {
        Refused::ClearText => (
            Reason::AUTH,
            "add `?sslmode=verify-full` to the address, use scram-sha-256 in pg_hba.conf, or allow it \
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
pub(super) fn refused(error: &Error) -> Option<Refused> {
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
                `?sslmode=require`, which encrypts and asks for no certificate";
    (Reason::TLS, what, hint)
}
