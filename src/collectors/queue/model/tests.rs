use super::*;

fn queue(pending: u64, processing: u64, idle_workers: Option<u64>) -> Observed {
    let jobs = [(State::Pending, pending), (State::Processing, processing)];
    Observed {
        jobs: jobs.into(),
        idle_workers,
        attended: idle_workers.map(|workers| workers > 0),
        ..Observed::named("q")
    }
}

/// Where nobody can tell what is worked on.
fn waiting(pending: u64, attended: Option<bool>) -> Observed {
    let jobs = [(State::Pending, pending)].into();
    Observed { jobs, attended, ..Observed::named("q") }
}

#[test]
fn conditions_of_the_table() {
    use Condition::{Busy, Idle, NoWorkers, Saturated, Stalled, Unknown};
    let minutes = Duration::from_mins;
    for (seen, still, limit, want) in [
        (queue(0, 0, Some(1)), Some(minutes(99)), None, Idle),
        (queue(0, 3, Some(1)), Some(minutes(1)), None, Busy),
        (queue(4, 3, Some(1)), None, None, Busy),
        (queue(4, 3, Some(0)), None, None, Saturated),
        (queue(4, 3, None), None, Some(3), Saturated),
        (queue(0, 3, None), None, Some(3), Busy),
        (queue(0, 3, Some(0)), Some(minutes(11)), None, Stalled),
        (queue(4, 0, Some(0)), None, None, Unknown),
        (queue(4, 0, Some(0)), Some(minutes(1)), None, NoWorkers),
        (queue(4, 0, None), Some(minutes(1)), None, Busy),
        (queue(4, 0, None), Some(minutes(11)), None, Stalled),
        (Observed::named("q"), Some(minutes(11)), None, Unknown),
        (waiting(0, Some(false)), Some(minutes(11)), None, Unknown),
        (waiting(4, Some(true)), Some(minutes(1)), None, Busy),
        (waiting(4, Some(true)), Some(minutes(11)), None, Stalled),
        (waiting(4, Some(false)), Some(minutes(1)), None, NoWorkers),
    ] {
        assert_eq!(
            seen.condition(still, PATIENCE, limit, Duration::ZERO),
            want,
            "{seen:?} {still:?}"
        );
    }
}

#[test]
fn standing_still_needs_an_earlier_reading() {
    let mut history = History::default();
    let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    let seen = |n| Observed { progress: Some(vec![n]), ..queue(1, 1, None) };
    assert_eq!(history.still(&seen(1), at(100)), None);
    assert_eq!(history.still(&seen(1), at(160)), Some(Duration::from_mins(1)));
    assert_eq!(history.still(&seen(2), at(170)), None);
    // A clock that was set back begins anew.
    assert_eq!(history.still(&seen(2), at(50)), None);
    assert_eq!(history.still(&seen(2), at(60)), Some(Duration::from_secs(10)));
    let pending = |n| Observed { progress: Some(vec![2]), ..queue(n, 1, None) };
    assert_eq!(history.still(&pending(9), at(70)), Some(Duration::from_secs(20)));
    assert_eq!(history.still(&pending(8), at(80)), None);
    assert_eq!(history.still(&queue(1, 1, None), at(90)), None);
}

#[test]
fn what_is_paused_deserted_or_visited_at_intervals() {
    let minutes = Duration::from_mins;
    let paused = Observed { paused: true, ..queue(7, 0, Some(0)) };
    assert_eq!(paused.condition(Some(minutes(99)), PATIENCE, None, minutes(0)), Condition::Paused);
    let deserted = Observed { deserted: true, ..queue(7, 3, None) };
    let told = |still, interval| deserted.condition(still, PATIENCE, None, interval);
    assert_eq!(told(Some(minutes(1)), minutes(0)), Condition::NoWorkers);
    assert_eq!(told(Some(minutes(1)), minutes(5)), Condition::Busy);
    assert_eq!(told(Some(minutes(6)), minutes(5)), Condition::NoWorkers);
}

#[test]
fn a_worker_that_is_gone_ends_nothing_and_a_new_one_has_time() {
    let minutes = Duration::from_mins;
    let with = |connected, newest: Option<f64>| Observed {
        workers: Some(Workers { connected, silence: None, newest }),
        ..queue(0, 3, Some(0))
    };
    let told = |seen: &Observed, still| {
        seen.condition(Some(minutes(still)), PATIENCE, Some(3), Duration::ZERO)
    };
    assert_eq!(told(&with(0, None), 1), Condition::NoWorkers);
    assert_eq!(told(&with(1, None), 1), Condition::Busy);
    assert_eq!(told(&with(1, Some(3_600.0)), 11), Condition::Stalled);
    assert_eq!(told(&with(1, Some(60.0)), 11), Condition::Busy);
    assert_eq!(told(&with(1, Some(60.0)), 31), Condition::Stalled);
    // Somebody asks, so somebody is there, wherever that is connected.
    let asks = Observed { idle_workers: Some(1), attended: Some(true), ..with(0, None) };
    assert_eq!(told(&asks, 1), Condition::Busy);
    let first = with(0, None).condition(None, PATIENCE, None, Duration::ZERO);
    assert_eq!(first, Condition::Unknown);
}

#[test]
fn the_dead_count_when_two_readings_agree() {
    let mut history = History::default();
    let conditions = &[];
    let mut read = |dead: u64| {
        let mut seen = Observed { doubts_dead: true, ..queue(0, 0, Some(1)) };
        seen.jobs.insert(State::Dead, dead);
        let rows = history.rows(vec![seen], conditions, |_| Limits::default(), SystemTime::now());
        (rows[0].seen.count(State::Dead), rows[0].condition)
    };
    assert_eq!(read(5), (None, Condition::Unknown));
    assert_eq!(read(0), (Some(0), Condition::Idle));
    assert_eq!(read(9), (Some(0), Condition::Idle));
    assert_eq!(read(3), (Some(3), Condition::Poisoned));
}

#[test]
fn words_with_hyphens_and_spaces() {
    for word in ["in-progress", "In Progress", " in_progress "] {
        assert_eq!(State::of_word(word), State::Processing, "{word}");
    }
}

#[test]
fn the_stuck_are_counted_or_at_least_seen() {
    let limit = Duration::from_secs(30);
    let ages = Observed { processing_ages: Some(vec![1.0, 31.0, 99.0]), ..queue(0, 3, None) };
    assert_eq!(ages.stuck(limit), Some(2));
    let oldest = |age| Observed { oldest_processing: Some(age), ..queue(0, 3, None) };
    assert_eq!((oldest(30.0).stuck(limit), oldest(31.0).stuck(limit)), (Some(0), Some(1)));
    assert_eq!(queue(0, 3, None).stuck(limit), None);
}
