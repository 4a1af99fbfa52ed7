//! How a container that does not run has come to that.

use super::super::container::Container;
use super::super::ledger::{Death, Known};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The Engine could not start it.
    FailedStart,
    /// With exit code 0, by itself.
    Done,
    /// Somebody stopped it.
    Stopped,
    /// By itself, with an error.
    Crashed,
    /// With the Engine or the machine.
    Lost,
}

/// `None` for one that is alive, or was made and never started. `lost`: its end, if nobody saw it,
/// was that of the Engine.
pub fn end(container: &Container, known: Known, lost: bool) -> Option<End> {
    let detail = container.detail.as_deref();
    let has_ended = container.has_ended();
    if (has_ended || container.state == "created")
        && detail.is_some_and(|detail| detail.start_error.is_some())
    {
        return Some(End::FailedStart);
    }
    if !has_ended {
        return None;
    }
    Some(match known.death {
        Some(Death::Stopped) => End::Stopped,
        Some(Death::Done) => End::Done,
        Some(Death::Engine) => End::Lost,
        Some(Death::Unknown) | None => guess(container, lost),
        Some(_) => End::Crashed,
    })
}

/// It ended before we looked. The Engine would have started it again by its policy unless somebody
/// stopped it; an exit code says the rest.
fn guess(container: &Container, lost: bool) -> End {
    // Not inspected: no alarm on a guess.
    let Some(detail) = container.detail.as_deref() else { return End::Stopped };
    let code = detail.exit_code.or(container.ended_with);
    if detail.oom_killed == Some(true) && code == Some(137) {
        return End::Crashed;
    }
    match code {
        // 255: the Engine found it dead.
        None | Some(0 | 130 | 137 | 143 | 255) if lost => End::Lost,
        _ if detail.always_restarts() => End::Stopped,
        Some(0) => End::Done,
        // SIGINT, SIGKILL and SIGTERM, as `docker stop` leaves them.
        Some(130 | 137 | 143) => End::Stopped,
        _ => End::Crashed,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::super::api::Summary;
    use super::super::super::container::Naming;
    use super::super::super::detail::{Detail, StartError};
    use super::*;

    fn ended(state: &str, detail: Detail, death: Option<Death>) -> Option<End> {
        let summary = Summary { id: "a".into(), state: state.into(), ..Summary::default() };
        let mut container = Container::of(summary, &Naming::default()).unwrap();
        container.inspected(Arc::new(detail), false);
        end(&container, Known { death, ..Known::default() }, false)
    }

    fn code(code: i64) -> Detail {
        Detail { exit_code: Some(code), ..Detail::default() }
    }

    #[test]
    fn what_was_seen_goes_before_what_can_be_guessed() {
        assert_eq!(ended("exited", code(137), Some(Death::Stopped)), Some(End::Stopped));
        assert_eq!(ended("exited", code(0), Some(Death::Done)), Some(End::Done));
        assert_eq!(ended("exited", code(143), Some(Death::Terminated)), Some(End::Crashed));
        assert_eq!(ended("running", code(1), Some(Death::Error)), None);
        assert_eq!(ended("created", code(0), None), None);
    }

    #[test]
    fn an_end_before_we_came() {
        assert_eq!(ended("exited", code(3), None), Some(End::Crashed));
        assert_eq!(ended("exited", code(0), None), Some(End::Done));
        assert_eq!(ended("exited", code(137), None), Some(End::Stopped));
        let oom = Detail { oom_killed: Some(true), ..code(137) };
        assert_eq!(ended("exited", oom, None), Some(End::Crashed));
        let always = Detail { policy: "unless-stopped".into(), ..code(1) };
        assert_eq!(ended("exited", always, None), Some(End::Stopped));
    }

    #[test]
    fn a_failed_start() {
        let failed = || Detail { start_error: Some(StartError::PortInUse), ..code(128) };
        assert_eq!(ended("created", failed(), None), Some(End::FailedStart));
        assert_eq!(ended("exited", failed(), Some(Death::Stopped)), Some(End::FailedStart));
    }
}
