//! Steps, gaps, bounds, and the file.

use super::*;

fn number(n: usize) -> Number {
    Number {
        area: "docker".into(),
        target: "docker".into(),
        signal: "memory".into(),
        labels: vec![("name".into(), format!("container-{n}"))],
    }
}

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_800_000_000 + seconds)
}

fn lines(chart: &Chart) -> [Vec<(u64, f32)>; 2] {
    let (_, lines) = chart.of("docker", "docker").remove(0);
    lines.map(|line| line.points().map(|(at, value)| (at - 1_800_000_000, value)).collect())
}

#[test]
fn an_hour_finely_and_two_and_a_half_days_coarsely() {
    let chart = Chart::default();
    for second in (0..3 * 24 * 3600_u32).step_by(5) {
        chart.note(number(0), at(second.into()), f64::from(second));
    }
    let [fine, coarse] = lines(&chart);
    assert_eq!((fine.len(), coarse.len()), (FINE, COARSE));
    // The last value of each step.
    let end = 3 * 24 * 3600;
    assert_eq!(fine.last(), Some(&(end - 15, end as f32 - 5.0)));
    assert_eq!(fine[0].0, end - 3600);
    assert_eq!((coarse[0].0, coarse.last().unwrap().0), (end - 60 * 3600, end - 300));
}

#[test]
fn what_was_not_told_is_a_gap_and_a_clock_that_is_set_back_does_no_harm() {
    let chart = Chart::default();
    for (second, value) in [(0, 1.0), (45, 2.0), (30, 3.0)] {
        chart.note(number(0), at(second), value);
    }
    assert_eq!(lines(&chart)[0], [(0, 1.0), (45, 3.0)]);
    chart.note(number(0), at(45 + 239 * 15), 4.0);
    assert_eq!(lines(&chart)[0], [(45, 3.0), (45 + 239 * 15, 4.0)], "the first has gone");
    chart.note(number(0), at(100_000), 5.0);
    let [fine, coarse] = lines(&chart);
    assert_eq!((fine.len(), coarse.len()), (1, 3), "after a long silence");
}

#[test]
fn numbers_have_a_bound_and_what_is_over_makes_room() {
    let chart = Chart::default();
    for n in 0..MOST + 7 {
        for second in [0, 4000] {
            chart.note(number(n), at(second), 1.0);
        }
    }
    assert_eq!(chart.counts(), (400, 14), "two values of each of seven");
    let long = Number { target: "x".repeat(LONGEST), ..number(0) };
    chart.note(long, at(9000), 1.0);
    assert_eq!(chart.counts(), (400, 15));
    chart.note(number(MOST), at(4000 + 3700), 1.0);
    assert_eq!(chart.counts(), (400, 15), "one that was not told for an hour has gone");
}

#[test]
fn memory_has_a_bound() {
    let chart = Chart::default();
    for n in 0..MOST {
        for second in (0..70 * 3600).step_by(299) {
            chart.note(number(n), at(second), 1.0);
        }
    }
    let bytes = chart.bytes();
    let points = MOST * (FINE + COARSE) * size_of::<f32>();
    assert_eq!(points, 1_536_000);
    assert!((points..points + 100_000).contains(&bytes), "{bytes}");
}

#[test]
fn it_comes_back_after_a_restart_and_damage_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let storage = Storage::open(dir.path()).unwrap();
    let chart = Chart::default();
    for n in 0..3 {
        for second in [0, 15, 60, 900] {
            chart.note(number(n), at(second), f64::from(u32::try_from(second).unwrap()));
        }
    }
    chart.save(&storage).unwrap();
    let next = Chart::default();
    next.note(number(0), at(915), 7.0);
    next.load(&storage).unwrap();
    let of = |chart: &Chart| chart.of("docker", "docker");
    let points = |(_, [fine, _]): &(Number, [Line; 2])| fine.points().count();
    assert_eq!(of(&next).iter().map(points).collect::<Vec<_>>(), [1, 4, 4], "newer stands");
    let bytes = |line: &Line| line.points().collect::<Vec<_>>();
    assert_eq!(bytes(&of(&next)[1].1[1]), bytes(&of(&chart)[1].1[1]));
    let whole = storage.load(OWN_AREA.name, file::NAME).unwrap().unwrap();
    for cut in [0, 10, 60, whole.len() - 1] {
        assert!(file::decode(&whole[..cut]).is_err(), "{cut}");
    }
    storage.save(OWN_AREA.name, file::NAME, b"rubbish").unwrap();
    let failure = Chart::default().load(&storage).unwrap_err();
    assert!(failure.detail.contains("history: state lost"), "{failure}");
}
