//! What to do about failures of the Engine. Its own texts are left out: they may quote a
//! container's settings.

use crate::failure::{Failure, Reason};

/// What to do where an answer is not understood.
pub const HINT: &str = "is this a Docker Engine? Others that speak its API may use other words";

/// What to do where the socket may not be opened.
const GROUP: &str = "join the group that owns the socket, and log in anew: \
    sudo usermod -aG docker USER; or ask a filtering proxy by `tcp://`. In that group one is root";
/// The same within a container.
const GROUP_ADD: &str = "run the container in the group that owns the socket: \
    `--group-add $(stat -c %g /var/run/docker.sock)`, or behind a filtering proxy";
/// What Docker and Podman lay into each container.
const MARKS: [&str; 2] = ["/.dockerenv", "/run/.containerenv"];

fn group() -> &'static str {
    let inside = MARKS.iter().any(|mark| std::path::Path::new(mark).exists());
    if inside { GROUP_ADD } else { GROUP }
}

/// The failure with what helps in the case of an Engine.
pub fn advised(failure: Failure) -> Failure {
    let hint = match failure.reason {
        Reason::NOT_FOUND if failure.detail.ends_with("no such socket") => {
            "is Docker running, and is the socket mounted here?"
        }
        Reason::REFUSED => "is Docker running? systemctl status docker",
        Reason::RIGHTS if failure.detail.ends_with("permission denied") => {
            // It fails before anything is asked: what was to be asked tells nobody anything.
            let detail = "the socket of the Engine: permission denied".to_owned();
            return Failure { detail, ..failure }.hint(group());
        }
        Reason::RIGHTS => "a filtering proxy must allow GET of this path",
        Reason::PROTOCOL if failure.detail.ends_with("status 400") => {
            "does the Engine speak this version of the API?"
        }
        Reason::TIMEOUT => "the Engine hangs, or the machine is overloaded: docker info",
        _ => return failure,
    };
    failure.hint(hint)
}

pub fn timeout(what: &str) -> Failure {
    advised(Failure::new(Reason::TIMEOUT, format!("{what}: no complete answer in time")))
}

/// An inspection that does not name the container that was asked for.
pub fn another(what: &str) -> Failure {
    let failure =
        Failure::new(Reason::PARSE, format!("{what}: not of the container that was asked for"));
    failure.hint("what answers there is no Docker Engine, or a proxy mixes several")
}

/// Whether the container has gone between two calls.
pub fn is_gone(failure: &Failure) -> bool {
    failure.detail.ends_with("status 404") || failure.detail.ends_with("status 409")
}
