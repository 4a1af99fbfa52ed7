//! Containers that went down with the Engine or the machine before the exporter came, and were not
//! brought back. Nobody tells of that: it follows from when they ended.
//!
//! | the Engine | what ran then | what it leaves |
//! |---|---|---|
//! | stopped in order | is stopped by it | an end before the Engine's start, of all within a minute |
//! | killed, or the power failed | is found dead at its next start | an end just after that start, of a run from before it |
//!
//! `always` and `unless-stopped` come back, unless somebody had stopped the latter by hand; `no` and
//! often `on-failure` do not. An exit code says nothing: it is 137, 143 or 0, as after `docker stop`.

use std::collections::BTreeSet;

use super::super::container::Container;

/// An Engine that is stopped waits for its containers, in seconds.
const TOGETHER: f64 = 60.0;
/// From the Engine's start until it has found out what is left of its containers, in seconds.
const RECOVERY: f64 = 120.0;
/// An end that is alone was the Engine's or the machine's if it started again within this time, in
/// seconds. Older ones are somebody's.
const ALONE: f64 = 24.0 * 3600.0;

struct Past<'a> {
    container: &'a Container,
    ended: f64,
    started: f64,
    dead: bool,
}

/// `since` is when the Engine, or its machine, was started.
pub fn lost(containers: &[Container], since: f64) -> BTreeSet<String> {
    let past = containers.iter().filter_map(|container| {
        let detail = container.detail.as_deref()?;
        Some(Past {
            container,
            ended: detail.finished.filter(|ended| *ended > 0.0)?,
            started: detail.started.unwrap_or(0.0),
            dead: container.has_ended(),
        })
    });
    let past: Vec<Past> = past.collect();
    let recovered = |ended: f64| ended >= since && ended < since + RECOVERY;
    let found_dead = |one: &Past| {
        let spans = one.started < since;
        let restarted = one.started >= one.ended && was_there(one.container, since);
        recovered(one.ended) && (spans || restarted)
    };
    let lost: Vec<&Past> = if past.iter().any(found_dead) {
        past.iter().filter(|one| one.dead && one.started < since && recovered(one.ended)).collect()
    } else {
        stopped(&past, since)
    };
    lost.into_iter().map(|one| one.container.id.clone()).collect()
}

fn was_there(container: &Container, since: f64) -> bool {
    container.created.is_some_and(|created| (created as f64) < since)
}

/// What an Engine has stopped at its own end.
fn stopped<'a>(past: &'a [Past<'a>], since: f64) -> Vec<&'a Past<'a>> {
    let before = || past.iter().filter(|one| one.ended < since);
    let last = before().map(|one| one.ended).fold(0.0, f64::max);
    // What was stopped by hand had ended before others were even started.
    let alive = before().filter(|one| one.dead && last - one.ended < TOGETHER);
    let begun = alive.map(|one| one.started).fold(last - TOGETHER, f64::max);
    let with_it = |one: &&Past| one.ended > begun;
    let several = before().filter(with_it).count() > 1;
    before()
        .filter(|one| one.dead)
        .filter(|one| {
            let detail = one.container.detail.as_deref();
            match detail.map(|detail| (detail.policy.as_str(), detail.exit_code)) {
                // The Engine starts it whatever happened.
                Some(("always", _)) => true,
                // And this, but for somebody's stop.
                Some(("unless-stopped", _)) | None => false,
                // A job may have done its work, and then nothing more happened.
                Some((_, Some(0))) => with_it(one) && several,
                Some(_) => with_it(one) && (several || since - one.ended < ALONE),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::super::api::Summary;
    use super::super::super::container::Naming;
    use super::super::super::detail::Detail;
    use super::*;

    const UP: f64 = 100_000.0;

    fn container(id: &str, policy: &str, code: Option<i64>, run: (f64, f64)) -> Container {
        let state = if code.is_some() { "exited" } else { "running" };
        let summary = Summary {
            id: id.into(),
            state: state.into(),
            created: Some(1000),
            ..Summary::default()
        };
        let mut container = Container::of(summary, &Naming::default()).unwrap();
        let detail = Detail {
            started: Some(run.0),
            finished: Some(run.1),
            exit_code: code,
            policy: policy.into(),
            ..Detail::default()
        };
        container.inspected(Arc::new(detail), false);
        container
    }

    fn names(containers: &[Container]) -> Vec<String> {
        lost(containers, UP).into_iter().collect()
    }

    #[test]
    fn an_engine_that_was_stopped_in_order() {
        let stopped = UP - 90.0;
        let ran = (UP - 50_000.0, stopped);
        let containers = [
            container("a-no", "no", Some(137), ran),
            container("b-term", "", Some(143), (UP - 50_000.0, stopped + 9.0)),
            container("c-zero", "no", Some(0), (UP - 50_000.0, stopped + 0.4)),
            container("d-failure", "on-failure", Some(0), ran),
            // It came back, and is what tells when the Engine was stopped.
            container("e-always", "always", None, (UP + 2.0, stopped + 10.0)),
            container("f-never-back", "always", Some(137), ran),
            // By hand, long before, as nobody would have started it again.
            container("g-by-hand", "no", Some(137), (UP - 50_000.0, UP - 20_000.0)),
            container("h-by-hand", "unless-stopped", Some(137), ran),
            container("i-job", "no", Some(0), (UP - 50_000.0, UP - 49_000.0)),
            // By hand since then.
            container("j-today", "always", Some(137), (UP + 2.0, UP + 5000.0)),
            container("k-today", "no", Some(143), (UP + 500.0, UP + 5000.0)),
        ];
        assert_eq!(names(&containers), ["a-no", "b-term", "c-zero", "d-failure", "f-never-back"]);
    }

    #[test]
    fn a_stop_by_hand_just_before() {
        let containers = [
            container("a-by-hand", "no", Some(137), (UP - 5000.0, UP - 40.0)),
            container("b-new", "no", Some(137), (UP - 39.0, UP - 20.0)),
        ];
        assert_eq!(names(&containers), ["b-new"]);
    }

    #[test]
    fn an_engine_that_was_killed() {
        // Found dead at the start.
        let containers = [
            container("a-no", "no", Some(137), (UP - 50_000.0, UP + 3.0)),
            container("b-always", "always", None, (UP + 4.0, UP + 3.0)),
            container("c-by-hand", "no", Some(143), (UP - 50_000.0, UP - 30_000.0)),
            container("d-by-hand", "unless-stopped", Some(0), (UP - 50_000.0, UP - 30.0)),
            container("e-since", "no", Some(143), (UP + 5.0, UP + 50.0)),
        ];
        assert_eq!(names(&containers), ["a-no"]);
        // Nothing but what came back says so.
        assert_eq!(names(&containers[1..]), [""; 0]);
    }

    #[test]
    fn one_alone() {
        let one = |code, before| names(&[container("a", "no", Some(code), (1.0, UP - before))]);
        assert_eq!(one(137, 100.0), ["a"], "it cannot be known: then it is down");
        assert_eq!(one(143, 8.0 * 3600.0), ["a"], "the machine was off for the night");
        assert_eq!(one(143, 30.0 * 24.0 * 3600.0), [""; 0]);
        assert_eq!(one(0, 100.0), [""; 0], "a job that has done its work");
        assert_eq!(names(&[container("a", "", Some(137), (UP + 1.0, UP + 2.0))]), [""; 0]);
        assert_eq!(names(&[container("a", "no", Some(137), (0.0, 0.0))]), [""; 0], "no time");
    }
}
