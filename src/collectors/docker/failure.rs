//! Errors of the Engine, sorted into reasons. Texts of the Engine are left out: they may quote a
//! container's settings.

use std::error::Error as _;
use std::io::ErrorKind;

use bollard::errors::Error;

use crate::engine::{Failure, Reason};

/// What to do where the socket may not be opened.
const GROUP: &str = "run the exporter in the group that owns the socket: \
    `--group-add $(stat -c %g /var/run/docker.sock)`, or behind a filtering proxy";

/// `what` is the call: "list of containers".
pub fn failure(what: &str, error: &Error) -> Failure {
    match error {
        Error::SocketNotFoundError(path) => {
            Failure::new(Reason::NotFound, format!("{what}: no socket at {path}"))
                .hint("is Docker running, and is the socket mounted here?")
        }
        Error::DockerResponseServerError { status_code, .. } => refused(what, *status_code),
        Error::RequestTimeoutError => timeout(what),
        Error::JsonDataError { .. }
        | Error::JsonSerdeError { .. }
        | Error::APIVersionParseError {} => {
            Failure::new(Reason::Parse, format!("{what}: not the expected JSON"))
                .hint("is this a Docker Engine? Others that speak its API may use other words")
        }
        Error::HyperResponseError { .. } | Error::HyperLegacyError { .. } => transport(what, error),
        Error::IOError { err } => io(what, err.kind()),
        _ => Failure::new(Reason::Other, format!("{what}: the request could not be made")),
    }
}

pub fn timeout(what: &str) -> Failure {
    Failure::new(Reason::Timeout, format!("{what}: no complete answer in time"))
        .hint("the Engine hangs, or the machine is overloaded: docker info")
}

/// Whether the container has gone between two calls.
pub fn is_gone(error: &Error) -> bool {
    matches!(error, Error::DockerResponseServerError { status_code: 404 | 409, .. })
}

fn refused(what: &str, status: u16) -> Failure {
    let reason = match status {
        401 => Reason::Auth,
        403 => Reason::Rights,
        404 => Reason::NotFound,
        _ => Reason::Protocol,
    };
    let failure = Failure::new(reason, format!("{what}: HTTP status {status}"));
    match reason {
        Reason::Rights => {
            failure.hint("a filtering proxy must allow GET of /version and /containers")
        }
        _ if status == 400 => failure.hint("does the Engine speak this version of the API?"),
        _ => failure,
    }
}

fn transport(what: &str, error: &Error) -> Failure {
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(error) = cause.downcast_ref::<std::io::Error>() {
            return io(what, error.kind());
        }
        if cause.to_string().contains("dns error") {
            return Failure::new(Reason::Dns, format!("{what}: the host name does not resolve"));
        }
        source = cause.source();
    }
    Failure::new(Reason::Protocol, format!("{what}: the answer is not HTTP, or was cut off"))
}

fn io(what: &str, kind: ErrorKind) -> Failure {
    let failed = |reason, why: &str| Failure::new(reason, format!("{what}: {why}"));
    match kind {
        ErrorKind::PermissionDenied => failed(Reason::Rights, "permission denied").hint(GROUP),
        ErrorKind::NotFound => failed(Reason::NotFound, "no such socket"),
        ErrorKind::ConnectionRefused => failed(Reason::Refused, "nobody listens there")
            .hint("is Docker running? systemctl status docker"),
        ErrorKind::TimedOut => timeout(what),
        _ => failed(Reason::Protocol, "the answer was cut off"),
    }
}
