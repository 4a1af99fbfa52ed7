//! What to do about failures of the Engine. Its own texts are left out: they may quote a
//! container's settings.

use crate::engine::{Failure, Reason};

/// What to do where an answer is not understood.
pub const HINT: &str = "is this a Docker Engine? Others that speak its API may use other words";

/// What to do where the socket may not be opened.
const GROUP: &str = "run the exporter in the group that owns the socket: \
    `--group-add $(stat -c %g /var/run/docker.sock)`, or behind a filtering proxy";

/// The failure with what helps in the case of an Engine.
pub fn advised(failure: Failure) -> Failure {
    let hint = match failure.reason {
        Reason::NotFound if failure.detail.ends_with("no such socket") => {
            "is Docker running, and is the socket mounted here?"
        }
        Reason::Refused => "is Docker running? systemctl status docker",
        Reason::Rights if failure.detail.ends_with("permission denied") => GROUP,
        Reason::Rights => "a filtering proxy must allow GET of this path",
        Reason::Protocol if failure.detail.ends_with("status 400") => {
            "does the Engine speak this version of the API?"
        }
        Reason::Timeout => "the Engine hangs, or the machine is overloaded: docker info",
        _ => return failure,
    };
    failure.hint(hint)
}

pub fn timeout(what: &str) -> Failure {
    advised(Failure::new(Reason::Timeout, format!("{what}: no complete answer in time")))
}

/// An inspection that does not name the container that was asked for.
pub fn another(what: &str) -> Failure {
    let failure =
        Failure::new(Reason::Parse, format!("{what}: not of the container that was asked for"));
    failure.hint("what answers there is no Docker Engine, or a proxy mixes several")
}

/// Whether the container has gone between two calls.
pub fn is_gone(failure: &Failure) -> bool {
    failure.detail.ends_with("status 404") || failure.detail.ends_with("status 409")
}
