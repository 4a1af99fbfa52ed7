use super::super::frames::Form;
use super::super::reading::Reading;
use super::*;
use crate::collectors::logs::scan::lines::Piece;

/// Counts the lines of each stream in the stream itself.
#[derive(Default)]
struct Count {
    cut: u64,
    settled: u64,
}

impl Sink<u64> for Count {
    fn lines(&mut self, stream: &mut u64, piece: &Piece) {
        *stream += memchr::memchr_iter(b'\n', piece.lines).count() as u64;
        self.cut += u64::from(piece.cut);
    }

    fn settle(&mut self, _: &mut u64) {
        self.settled += 1;
    }
}

/// Multiplies numbers: the same ones at every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

#[derive(Clone)]
struct Record {
    stderr: bool,
    at: i64,
    text: String,
}

/// An Engine's log of one container.
#[derive(Default)]
struct Log {
    records: Vec<Record>,
    /// The newest that were thrown away.
    thrown: usize,
}

const SECOND: i64 = 1_000_000_000;
const START: i64 = 1_767_225_600 * SECOND;

fn stamp(at: i64) -> String {
    // A second of one minute is enough.
    let from = at - START;
    let (minutes, seconds) = (from / SECOND / 60, from / SECOND % 60);
    format!("2026-01-01T{:02}:{:02}:{seconds:02}.{:09}Z", minutes / 60, minutes % 60, from % SECOND)
}

impl Log {
    fn answer(&self, floor: i64, left_out: impl Fn(usize) -> bool) -> Vec<u8> {
        let mut answer = Vec::new();
        for (index, record) in self.records.iter().enumerate().skip(self.thrown) {
            if record.at < floor || left_out(index) {
                continue;
            }
            let text = format!("{} {}", stamp(record.at), record.text);
            answer.extend([1 + u8::from(record.stderr), 0, 0, 0]);
            answer.extend(u32::try_from(text.len()).unwrap().to_be_bytes());
            answer.extend(text.as_bytes());
        }
        answer
    }
}

fn found(running: bool) -> Found {
    Found { id: "a".into(), running, from_start: true, ..Found::default() }
}

struct World {
    log: Log,
    memory: Containers<u64>,
    now: i64,
    count: Count,
    limit: usize,
    running: bool,
}

impl World {
    fn new() -> Self {
        let mut world = Self {
            log: Log::default(),
            memory: Containers::default(),
            now: START / SECOND,
            count: Count::default(),
            limit: 1 << 20,
            running: true,
        };
        world.took(Vec::new());
        world
    }

    fn took(&mut self, polls: Vec<Poll>) -> Absorbed {
        let polls = polls.into_iter().map(|poll| ("a".to_owned(), poll)).collect();
        let found = Some(vec![found(self.running)]);
        let turn = self.memory.turn;
        let prepared = Prepared { found, polls, turn, ..Prepared::default() };
        let at = UNIX_EPOCH + Duration::from_secs(self.now.unsigned_abs());
        let absorbed = self.memory.absorb(&prepared, at, &mut self.count);
        // As over a restart.
        let text = serde_json::to_string(&self.memory).unwrap();
        self.memory = serde_json::from_str(&text).unwrap();
        absorbed
    }

    fn marks(&self) -> &Marks {
        &self.memory.known["a"].marks
    }

    fn read(&self, answer: &[u8]) -> Answer {
        let mut reading = Reading::new(Form::Multiplexed, self.marks(), self.limit);
        for chunk in answer.chunks(10_000) {
            if !reading.feed(chunk).unwrap() {
                break;
            }
        }
        reading.end(!self.running, self.now).unwrap()
    }

    fn poll(&mut self, left_out: impl Fn(usize) -> bool) -> Absorbed {
        let answer = self.read(&self.log.answer(self.marks().floor, left_out));
        self.took(vec![Poll::Lines(answer)])
    }

    fn write(&mut self, stderr: bool, at: i64, text: &str) {
        self.log.records.push(Record { stderr, at, text: text.to_owned() });
    }

    fn counted(&self) -> (u64, u64) {
        let (_, out, err) = self.memory.streams().next().unwrap();
        (*out, *err)
    }
}

#[test]
fn case_39_what_a_real_engine_answered() {
    use super::super::frames::tests::captured;
    for (name, form, want) in [
        ("odd-json-file", Form::Multiplexed, (7, 1)),
        ("odd-local", Form::Multiplexed, (7, 1)),
        ("tty", Form::Raw { local: false }, (5, 0)),
        ("tty-local", Form::Raw { local: true }, (8, 0)),
    ] {
        let bytes = captured(name);
        let mut world = World::new();
        world.running = false;
        for _ in 0..3 {
            let mut reading = Reading::new(form, world.marks(), 1 << 20);
            reading.feed(&bytes).unwrap();
            let answer = reading.end(true, 0).unwrap();
            let absorbed = world.took(vec![Poll::Lines(answer)]);
            assert_eq!((absorbed.overrun, absorbed.more), (0, false));
            assert_eq!(world.counted(), want, "{name}");
        }
        // Wherever the answer is cut off, the rest comes with the next one.
        for at in (0..bytes.len()).step_by(97) {
            let mut world = World::new();
            for part in [&bytes[..at], &bytes] {
                let mut reading = Reading::new(form, world.marks(), 1 << 20);
                reading.feed(part).unwrap();
                let all = part.len() == bytes.len();
                let answer = if all { reading.end(true, 0).unwrap() } else { reading.so_far() };
                world.took(vec![Poll::Lines(answer)]);
            }
            assert_eq!(world.counted(), want, "{name} {at}");
        }
    }
}

#[test]
fn overlapping_answers_with_holes_count_each_line_once() {
    for seed in 0..60 {
        let mut chance = Chance(seed);
        let mut world = World::new();
        world.limit = [200, 5000, 1 << 20][usize::try_from(seed % 3).unwrap()];
        let (mut at, mut want, mut asked) = (START, (0, 0), 0);
        for _ in 0..20 {
            for _ in 0..chance.below(60) {
                at += 1 + i64::try_from(chance.below(40_000_000)).unwrap();
                let stderr = chance.below(3) == 0;
                if chance.below(15) == 0 {
                    world.write(stderr, at, &"x".repeat(16_384));
                    let end = ["rest\n", "", "\n"][usize::try_from(chance.below(3)).unwrap()];
                    world.write(stderr, at, end);
                } else {
                    world.write(stderr, at, "line\n");
                }
                *if stderr { &mut want.1 } else { &mut want.0 } += 1;
            }
            world.now = at / SECOND;
            // The newest lines of an answer may be left out, once, but for the very last one.
            let (mark, last) = (world.marks().newest, world.log.records.len().saturating_sub(3));
            let holes = chance.below(2) == 0;
            let newer: Vec<_> = world.log.records.iter().map(|record| record.at > mark).collect();
            asked += world.poll(|index| holes && index < last && newer[index]).overrun;
            while world.poll(|_| false).more {}
        }
        world.poll(|_| false);
        assert_eq!((world.counted(), asked), (want, 0), "seed {seed}");
    }
}

#[test]
fn what_was_thrown_away_is_told_and_only_then() {
    let mut world = World::new();
    for index in 0..1000 {
        world.write(false, START + index * SECOND / 100, "line\n");
    }
    world.log.thrown = 100;
    // Before the first answer nobody knows what there was.
    assert_eq!(world.poll(|_| false).overrun, 0);
    world.log.thrown = 999;
    assert_eq!(world.poll(|_| false).overrun, 0, "the newest is still there");
    for index in 1000..1200 {
        world.write(false, START + index * SECOND / 100, "line\n");
    }
    world.log.thrown = 1100;
    assert_eq!(world.poll(|_| false).overrun, 0, "once may be an accident");
    assert_eq!(world.poll(|_| false).overrun, 1);
    assert_eq!(world.poll(|_| false).overrun, 0);
    assert_eq!(world.counted(), (1000, 0));
}

#[test]
fn a_line_that_goes_on_counts_once_whenever_it_ends() {
    for (pause, want) in [(2, 1), (60, 1)] {
        let mut world = World::new();
        world.write(false, START, &"x".repeat(16_384));
        world.poll(|_| false);
        assert_eq!(world.counted().0, 0);
        for index in 0..pause {
            world.write(true, START + (index + 1) * SECOND, "other\n");
            world.now += 1;
            world.poll(|_| false);
        }
        world.write(false, START, "end\n");
        for _ in 0..3 {
            world.poll(|_| false);
        }
        assert_eq!(world.counted(), (want, u64::try_from(pause).unwrap()), "{pause} s");
    }
    // The end of the run ends it too.
    let mut world = World::new();
    world.write(true, START, &"x".repeat(16_384));
    world.running = false;
    world.poll(|_| false);
    assert_eq!(world.counted(), (0, 1));
}

#[test]
fn a_line_of_any_length_costs_little() {
    let mut world = World::new();
    for _ in 0..500 {
        world.write(false, START, &"x".repeat(16_384));
    }
    world.write(false, START, "\n");
    world.write(false, START + 1, "next\n");
    let answer = world.read(&world.log.answer(0, |_| false));
    assert!(answer.stdout.block.len() < 66_000);
    world.took(vec![Poll::Lines(answer)]);
    assert_eq!((world.counted().0, world.count.cut), (2, 1));
}

#[test]
fn a_stuck_engine_is_found_out() {
    let mut world = World::new();
    world.write(false, START, "one\n");
    world.poll(|_| false);
    world.write(false, START + SECOND, "two\n");
    world.now += CHECK;
    let ask = |world: &World| world.memory.known["a"].ask(world.now);
    assert_eq!(ask(&world), Ask::Check);
    world.took(vec![Poll::Check(Some(START + SECOND))]);
    assert_eq!(ask(&world), Ask::Lines, "it may be just new");
    assert_eq!(world.poll(|index| index > 0).stuck, 1);
    assert_eq!(ask(&world), Ask::Last);
    let answer = world.read(&world.log.answer(0, |_| false));
    let absorbed = world.took(vec![Poll::Last(answer)]);
    assert_eq!((absorbed.lines, absorbed.overrun, absorbed.stuck), (1, 0, 1));
    world.write(false, START + 9 * SECOND, "much later\n");
    world.log.thrown = 2;
    let answer = world.read(&world.log.answer(0, |_| false));
    assert_eq!(world.took(vec![Poll::Last(answer)]).overrun, 1);
    world.now += CHECK;
    assert_eq!(ask(&world), Ask::Lines, "whether it is cured");
    assert_eq!(world.poll(|_| false).stuck, 0);
    assert_eq!(world.counted().0, 3);
}

#[test]
fn what_is_there_first_counts_from_now_on() {
    let mut world = World::new();
    world.memory.known.get_mut("a").unwrap().begun = false;
    world.write(false, START, "old\n");
    world.write(true, START + 1, "old\n");
    world.took(vec![Poll::Begin(Some(START + 1))]);
    world.write(true, START + 2, "new\n");
    assert_eq!(world.poll(|_| false).overrun, 0);
    assert_eq!(world.counted(), (0, 1));
}

#[test]
fn containers_that_go_are_told_if_they_ran() {
    let mut world = World::new();
    let none = Prepared { found: Some(Vec::new()), ..Prepared::default() };
    let mut gone = world.memory.clone();
    assert_eq!(gone.absorb(&none, UNIX_EPOCH, &mut world.count).removed, 1);
    assert_eq!((gone.streams().count(), world.count.settled), (0, 2));
    world.running = false;
    world.took(Vec::new());
    assert_eq!(world.memory.absorb(&none, UNIX_EPOCH, &mut world.count).removed, 0);
    // An Engine that does not answer takes nothing away.
    let mut world = World::new();
    assert_eq!(
        world.memory.absorb(&Prepared::default(), UNIX_EPOCH, &mut world.count).containers,
        1
    );
}

#[test]
fn an_answer_from_before_the_last_one_counts_nothing() {
    let mut world = World::new();
    world.write(false, START, "once\n");
    let answer = || world.read(&world.log.answer(0, |_| false));
    let looks = [answer(), answer()].map(|answer| {
        let polls = vec![("a".to_owned(), Poll::Lines(answer))];
        Prepared { polls, ..Prepared::default() }
    });
    let [first, late] = looks.map(|look| world.memory.absorb(&look, UNIX_EPOCH, &mut world.count));
    assert_eq!((first.lines, late.lines), (1, 0));
    assert!(late.more, "it is asked again");
    assert_eq!(world.counted(), (1, 0));
}
