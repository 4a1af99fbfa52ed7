//! Many files, large ones, and what the caps do.

use super::file::CHUNK;
use super::*;

fn descriptors(bench: &Bench) -> usize {
    bench.files.records.values().filter(|record| record.held.is_some()).count()
}

#[test]
fn case_21_ten_thousand_files() {
    let mut bench = Bench::within(super::chance::place(), &["*.log"]);
    bench.step();
    for index in 0..MAX_FILES {
        bench.text(&format!("{index}.log"), "");
    }
    bench.step();
    assert!(descriptors(&bench) <= MAX_HELD);
    for index in 0..MAX_FILES {
        bench.write(&format!("{index}.log"), 1);
    }
    let report = bench.step();
    assert_eq!((bench.counts.lines, report.caught_up, report.open), (10_000, true, 10_000));
    assert!(descriptors(&bench) <= MAX_HELD);
    bench.write("extra.log", 1);
    assert_eq!(bench.step().crowded_out, 1);
    for index in (0..MAX_FILES).step_by(100) {
        bench.write(&format!("{index}.log"), 1);
    }
    bench.restart();
    let counted = bench.lines();
    assert!((10_100..=10_101).contains(&counted), "{counted}");
    assert_eq!(bench.doubt(), (0, 0));
}

#[test]
fn few_descriptors_suffice() {
    let mut bench = Bench::watching("*.log");
    bench.follow.held = 3;
    for round in 0..20 {
        for index in 0..10 {
            bench.write(&format!("{index}.log"), 3);
            if round % 3 == index % 3 {
                bench.text(&format!("{index}.log"), "begun ");
            }
        }
        bench.step();
        assert!(descriptors(&bench) <= 3);
    }
    assert_eq!((bench.lines(), bench.doubt()), (600, (0, 0)));
}

#[test]
fn files_that_end_in_half_a_line_are_done_when_they_are_quiet() {
    let mut bench = Bench::watching("*.log");
    bench.follow.held = 3;
    for index in 0..10 {
        bench.write(&format!("{index}.log"), 3);
        bench.text(&format!("{index}.log"), "begun ");
    }
    bench.now = SystemTime::now() + Duration::from_secs(10);
    for _ in 0..10 {
        bench.step();
    }
    let report = bench.step();
    assert_eq!((bench.counts.lines, report.caught_up, report.lag), (30, true, 0));
    bench.text("4.log", "and done\n");
    assert_eq!((bench.lines(), bench.doubt()), (31, (0, 0)));
}

#[test]
fn a_large_file_does_not_delay_the_others() {
    let mut bench = Bench::watching("*.log");
    bench.follow.budget = 3 * CHUNK;
    bench.write("a.log", 100_000);
    for name in ["b.log", "c.log"] {
        bench.write(name, 10);
    }
    let report = bench.step();
    assert!(report.lag > 0 && !report.caught_up);
    assert_eq!(report.oldest_unread, Some(bench.now));
    let since = bench.now;
    let large = bench.counts.lines - 20;
    assert!(large < 100_000, "the small ones are done, {large} of the large one");
    assert_eq!(bench.step().oldest_unread, Some(since));
    while !bench.step().caught_up {}
    assert_eq!((bench.lines(), bench.step().oldest_unread), (100_020, None));
}

#[test]
fn a_step_ends_when_its_time_is_over_and_the_next_goes_on() {
    let mut bench = Bench::watching("*.log");
    let line = "ERROR: some error\n";
    let lines = 4 * CHUNK / line.len();
    bench.text("a.log", line.repeat(lines));
    bench.text("b.log", line.repeat(lines));
    bench.text("idle.log", "");
    // Time is over at once, then after three chunks.
    let total = 2 * lines * line.len();
    for step in 1..=2 {
        assert_eq!(bench.step_while(&|| false).lag, (total - step * CHUNK) as u64);
    }
    while !bench.step().caught_up {}
    assert_eq!(bench.lines(), 2 * lines as u64);
}

#[test]
fn memory_stays_bounded_over_many_rotations() {
    let mut bench = Bench::watching("app.log");
    for round in 1..=400 {
        bench.write("app.log", 1);
        bench.step();
        bench.rename("app.log", &format!("app.log.{round}"));
    }
    assert_eq!(bench.lines(), 400);
    assert!(descriptors(&bench) <= close::MAX_GONE + 1);
    for round in 1..=400 {
        bench.remove(&format!("app.log.{round}"));
    }
    bench.quiet();
    bench.now += Duration::from_hours(25);
    bench.step();
    assert_eq!(bench.files.records.len(), 0);
    assert_eq!(bench.doubt(), (0, 0));
}

#[test]
#[ignore = "a measurement, to be run with --release"]
fn what_a_step_over_quiet_files_costs() {
    for count in [1, 100, 1_000, 10_000] {
        let mut bench = Bench::watching("*.log");
        for index in 0..count {
            bench.write(&format!("bot-{index}.log"), 20);
        }
        bench.now = SystemTime::now() + Duration::from_secs(10);
        for _ in 0..3 {
            bench.step();
        }
        let begun = std::time::Instant::now();
        for _ in 0..20 {
            bench.step();
        }
        let step = begun.elapsed() / 20;
        let mut touch = Duration::ZERO;
        for _ in 0..20 {
            bench.write("bot-0.log", 10);
            let begun = std::time::Instant::now();
            assert!(bench.touch(&["bot-0.log"]).is_some());
            touch += begun.elapsed() / 20;
        }
        let begun = std::time::Instant::now();
        let saved = bench.save().positions.len();
        let state = begun.elapsed();
        let begun = std::time::Instant::now();
        let added = serde_json::to_string(&bench.files.touched()).unwrap().len();
        let addition = begun.elapsed();
        let mut to = io::stderr();
        writeln!(
            to,
            "{count} files: {step:?} a step, {saved} bytes of state in {state:?}; \
             {touch:?} a touch of one, {added} bytes in {addition:?}"
        )
        .unwrap();
    }
}
