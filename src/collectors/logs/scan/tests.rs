//! What is counted in runs of lines, and that the fast ways agree with the slow one.

use std::time::{Duration, SystemTime};

use super::format::Format;
use super::forms::Forms;
use super::judge::judge;
use super::level::Level;
use super::lines::Lines;
use super::request::{Method, Status};
use super::{Scanner, Stream};
use crate::collectors::logs::tally::Tally;

fn scanner() -> Scanner {
    Scanner { levels: true, access: true, errors: true, ..Scanner::default() }
}

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_714_557_601)
}

/// The text in pieces of a size, as reading gives them.
fn scan(scanner: &Scanner, stream: &mut Stream, text: &[u8], size: usize) -> Tally {
    let (mut lines, mut tally) = (Lines::default(), Tally::default());
    for chunk in text.chunks(size) {
        lines.feed(chunk, |piece| scanner.scan(stream, piece, now(), &mut tally));
    }
    tally
}

fn all(text: &str) -> Tally {
    scan(&scanner(), &mut Stream::default(), text.as_bytes(), usize::MAX)
}

fn levels(tally: &Tally) -> String {
    let counts = Level::ALL.into_iter().zip(tally.levels).filter(|(_, count)| *count > 0);
    let texts: Vec<_> =
        counts.map(|(level, count)| format!("{} {count}", level.as_str())).collect();
    texts.join(", ")
}

/// Cases 46 and 47 of the research.
#[test]
fn a_traceback_is_one_event() {
    let traceback = "2024-01-01 12:00:00,123 [ERROR] app: failed\nTraceback (most recent call last):\n  \
        File \"a.py\", line 1, in x\n    raise ValueError\nValueError: no ERROR here\n\nDuring handling of \
        the above exception, another exception occurred:\n\nTraceback (most recent call last):\nKeyError: 1\n";
    let tally = all(traceback);
    assert_eq!((tally.events.all, tally.events.errors), (1, 1));
    assert_eq!(levels(&tally), "error 1, none 9");
    let alone =
        all("Traceback (most recent call last):\n  File \"a.py\", line 1, in x\nValueError: x\n");
    assert_eq!((alone.events.all, alone.events.errors), (1, 1));
    assert_eq!(levels(&alone), "none 3");
}

/// Cases 48 to 51.
#[test]
fn fields_and_not_words() {
    let tally = all(concat!(
        "{\"level\":\"info\",\"message\":\"ERROR\"}\n",
        "{\"level\":50,\"msg\":\"x\"}\n{\"severity\":\"ERROR\"}\n{\"levelname\":\"WARNING\"}\n{\"lvl\":\"debug\"}\n",
        "1.2.3.4 - - [01/Jan/2024:12:00:00 +0000] \"GET /?\" 500 1 ERROR HTTP/1.1\" 200 1 \"-\" \"-\"\n",
        "\x1b[32m2024-01-01 12:00:00.000\x1b[0m | \x1b[31mCRITICAL\x1b[0m | \x1b[36mmod:f:1\x1b[0m - \x1b[1mgone\x1b[0m\n",
    ));
    assert_eq!(levels(&tally), "debug 1, info 1, warning 1, error 2, critical 1, none 1");
    assert_eq!(tally.access.requests(Method::Get, Status::Success), 1);
    assert_eq!((tally.events.all, tally.events.errors), (7, 3));
}

/// What a line counts as does not depend on the lines before it.
#[test]
fn a_word_in_a_text_is_a_level_whatever_came_before() {
    let loose = "worker-3 ERROR cannot write\n";
    assert_eq!(levels(&all(loose)), "error 1");
    let firm = "2024-01-01 12:00:00,123 [INFO] app: an answer\n".repeat(40);
    assert_eq!(levels(&all(&format!("{firm}{loose}"))), "info 40, error 1");
    // Where the form is set it is a part of the event before it.
    let set = Scanner { format: Some(Format::Python), ..scanner() };
    let text = format!("{firm}{loose}");
    let tally = scan(&set, &mut Stream::default(), text.as_bytes(), usize::MAX);
    assert_eq!(levels(&tally), "info 40, none 1");
}

#[test]
fn what_is_not_recognised_is_counted() {
    let unknown = |format, text: &str| {
        let scanner = Scanner { format, ..scanner() };
        let tally = scan(&scanner, &mut Stream::default(), text.as_bytes(), usize::MAX);
        (tally.unknown.text, tally.unknown.objects, tally.unknown.share())
    };
    let text = "starting\n  more of it\n\n{\"a\":1}\nGET / 200\n";
    assert_eq!(unknown(None, text), (2, 1, None));
    let many = text.repeat(10);
    assert_eq!(unknown(None, &many), (20, 10, Some(1.0)));
    let event = "2024-01-01 12:00:00,123 [INFO] app: x\n";
    let mixed = format!("{}{}", event.repeat(30), "more\n".repeat(10));
    assert_eq!(unknown(None, &mixed), (10, 0, Some(0.25)));
    // With its form set a line of another belongs to the event before it, if there is one.
    assert_eq!(unknown(Some(Format::Python), &mixed), (0, 0, Some(0.0)));
    assert_eq!(unknown(Some(Format::Json), &mixed), (40, 0, Some(1.0)));
    // And where lines without a level are meant so, they are no trouble.
    assert_eq!(unknown(Some(Format::Plain), &many), (0, 0, None));
    // What belongs to an error is known, and so is a traceback on its own.
    let error = "2024-01-01 12:00:00,123 [ERROR] app: x\nwhy\nTraceback (most recent call last):\nKeyError: 1\n";
    assert_eq!(unknown(None, error), (0, 0, None));
    let requests =
        "1.2.3.4 - - [01/Jan/2024:12:00:00 +0000] \"GET / HTTP/1.1\" 200 1 \"-\" \"-\"\n"
            .repeat(20);
    assert_eq!(unknown(None, &requests), (0, 0, Some(0.0)));
}

/// With other settings it is judged anew.
#[test]
fn other_settings_begin_anew() {
    let mut tally = all(&"what\n".repeat(30));
    assert_eq!(tally.unknown.share(), Some(1.0));
    tally.unknown.begin("");
    assert_eq!(tally.unknown.share(), Some(1.0), "the same");
    tally.unknown.begin("plain");
    assert_eq!((tally.unknown.share(), tally.unknown.all()), (None, 30));
}

/// An error and its event count at the same moment, so that their share is never above one.
#[test]
fn an_error_is_an_event_at_once() {
    let text = "2024-01-01 12:00:00,123 [ERROR] app: failed\n".repeat(25);
    let mut tally = Tally::default();
    let mark = tally.mark();
    let (mut lines, mut stream) = (Lines::default(), Stream::default());
    lines.feed(text.as_bytes(), |piece| scanner().scan(&mut stream, piece, now(), &mut tally));
    tally.keep_pace(&mark, now());
    assert_eq!((tally.pace.error_ratio(now()), tally.events.errors), (Some(1.0), 25));
    // The last one is complete when the source has been quiet.
    assert_eq!(tally.errors.total, 24);
    let mark = tally.mark();
    scanner().settle(&mut stream, now(), &mut tally);
    tally.keep_pace(&mark, now());
    assert_eq!((tally.pace.error_ratio(now()), tally.errors.total), (Some(1.0), 25));
}

#[test]
fn marks_and_blocks_of_zeros_hide_no_line() {
    let text =
        [b"\xef\xbb\xbfERROR: one\n".as_slice(), &[0; 512], b"ERROR: two\nERROR: three\n"].concat();
    let tally = scan(&scanner(), &mut Stream::default(), &text, usize::MAX);
    assert_eq!(levels(&tally), "error 3");
    let mut tally = scan(
        &scanner(),
        &mut Stream::default(),
        b"\xef\xbb\xbf{\"level\":\"error\",\"msg\":\"x\"}\n",
        7,
    );
    scanner().settle(&mut Stream::default(), now(), &mut tally);
    assert_eq!(levels(&tally), "error 1");
}

#[test]
fn the_level_at_the_end_of_a_long_line_counts() {
    let text = format!("{{\"msg\":\"{}\",\"level\":\"error\"}}\n", "x".repeat(5_000_000));
    for size in [100_000, 262_144, usize::MAX] {
        let tally = scan(&scanner(), &mut Stream::default(), text.as_bytes(), size);
        assert_eq!((levels(&tally).as_str(), tally.doubt.cut), ("error 1", 1));
    }
}

#[test]
fn a_format_that_is_set_is_the_only_one() {
    let text = concat!(
        "2024-01-01 12:00:00,123 [INFO] app: an answer\n",
        "ERROR: is what follows\n{\"level\":\"error\"}\nERROR:app:x and something\n",
        "INFO:     127.0.0.1:5 - \"GET / HTTP/1.1\" 200 OK\n",
        "1.2.3.4 - - [01/Jan/2024:12:00:00 +0000] \"GET / HTTP/1.1\" 200 1 \"-\" \"-\"\n",
    );
    for (format, wanted, requests) in [
        (None, "info 2, error 3, none 1", 2),
        (Some(Format::Python), "info 1, error 1, none 4", 0),
        (Some(Format::Json), "error 1, none 5", 0),
        (Some(Format::Uvicorn), "info 1, none 5", 1),
        (Some(Format::NginxCombined), "none 6", 1),
        (Some(Format::Plain), "info 2, error 3, none 1", 1),
    ] {
        let scanner = Scanner { format, ..scanner() };
        // Once more, with what the first time has taught.
        let mut stream = Stream::default();
        for _ in 0..2 {
            let tally = scan(&scanner, &mut stream, text.as_bytes(), usize::MAX);
            assert_eq!(
                (levels(&tally).as_str(), tally.access.total()),
                (wanted, requests),
                "{format:?}"
            );
        }
    }
}

#[test]
fn a_setting_that_changes_forgets_what_was_learned() {
    let text = b"ERROR:app:something that is long enough\n";
    let mut stream = Stream::default();
    assert_eq!(levels(&scan(&scanner(), &mut stream, text, usize::MAX)), "error 1");
    let json = Scanner { format: Some(Format::Json), ..scanner() };
    assert_eq!(levels(&scan(&json, &mut stream, text, usize::MAX)), "none 1");
}

#[test]
fn a_hint_is_for_lines_that_name_no_level() {
    let piece = |lines: &[u8], hint| {
        let (mut stream, mut tally) = (Stream::default(), Tally::default());
        let piece = super::lines::Piece { lines, bytes: 0, cut: false, hint: Some(hint) };
        scanner().scan(&mut stream, &piece, now(), &mut tally);
        (levels(&tally), tally.events.errors)
    };
    assert_eq!(piece(b"gone\nmore\n", Level::Critical), ("critical 2".to_owned(), 2));
    assert_eq!(piece(b"ERROR: gone\n", Level::Info), ("error 1".to_owned(), 1));
    assert_eq!(piece(b"gone\n", Level::None), ("none 1".to_owned(), 0));
}

#[test]
fn odd_bytes_are_harmless() {
    let text = b"\r\n\r\r\n\0\0\n\xff\xfe ERROR\n2024-01-01 12:00:00,123 [ERROR] \xff: \xfe\r\n10%\r20%\r\n{\n{\"\n\x1b\n\x1b[\n\"\n= ERROR\n";
    let tally = scan(&scanner(), &mut Stream::default(), text, usize::MAX);
    assert_eq!(tally.levels.iter().sum::<u64>(), 12);
}

#[test]
fn without_levels_lines_are_counted_alone() {
    let mut stream = Stream::default();
    let tally = scan(&Scanner::default(), &mut stream, b"ERROR:a:x\nb\n", usize::MAX);
    assert_eq!((levels(&tally).as_str(), stream.lines), ("none 2", tally.levels));
}

#[test]
fn a_stream_goes_on_after_a_restart() {
    let mut stream = Stream::default();
    let text = b"2024-01-01 12:00:00,123 [ERROR] app: failed\n";
    scan(&scanner(), &mut stream, text, usize::MAX);
    let text = serde_json::to_string(&stream).unwrap();
    let mut again: Stream = serde_json::from_str(&text).unwrap();
    assert_eq!(again.lines, stream.lines);
    let tally = scan(&scanner(), &mut again, b"Traceback (most recent call last):\n", usize::MAX);
    assert_eq!((tally.events.all, again.lines.iter().sum::<u64>()), (0, 2));
    assert_eq!(serde_json::from_str::<Stream>("{}").unwrap(), Stream::default());
}

/// A small generator, so that every run sees the same.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }
}

/// Lines of all forms in any order: levels are those that each line has by itself, however the
/// bytes come.
#[test]
fn the_fast_way_agrees_with_the_slow_one() {
    let forms: [fn(&str, usize) -> String; 15] = [
        |level, n| {
            format!(
                "{{\"level\":\"{level}\",\"ts\":\"2024-01-01T00:00:00.{:03}Z\",\"msg\":\"own {n}\"}}",
                n % 1000
            )
        },
        |level, n| {
            format!(
                "{{\"level\":\"info\",\"ts\":\"2024-01-01T00:00:00.{:03}Z\",\"record\":{{\"error_severity\":\"{level}\"}}}}",
                n % 1000
            )
        },
        |level, n| format!("{{\"level\":{},\"time\":{n},\"msg\":\"{level}\"}}", n % 9),
        |level, n| format!("2024-01-01 12:00:00.{:03} UTC [12] {level} C-0x5: ERROR {n}", n % 1000),
        |level, n| format!("<{}>Oct 11 22:14:15 host app[{n}]: {level}: x and something", n % 190),
        |level, n| format!("2024-01-01 12:{:02}:00,123 [{level}] app.m{n}: x {n}", n % 60),
        |level, n| format!("2024-01-01 12:00:00,{:03} - app.m{n} - {level} - x", n % 1000),
        |level, n| format!("{level}:app:x and something {n}"),
        |level, n| {
            format!(
                "{{\"timestamp\": \"2024-01-01 12:00:00,{:03}\", \"level\": \"{level}\", \"message\": \"x ERROR {n}\"}}",
                n % 1000
            )
        },
        |level, n| format!("{{\"message\": \"x {n}\", \"level\": \"{level}\"}}"),
        |level, n| format!("2024-01-01 12:00:00.{:03} | {level:8} | m:f:{n} - INFO x", n % 1000),
        |level, n| format!("time=2024-01-01T00:00:{:02}Z level={level} msg=x", n % 60),
        |level, n| format!("{:10}127.0.0.1:{n} - \"GET / HTTP/1.1\" 200 OK", format!("{level}:")),
        |level, n| format!("2024-01-01 12:00:00.000 UTC [{n}] {level}:  x ERROR"),
        |_, n| {
            format!(
                "1.2.3.{} - - [01/Jan/2024:12:00:00 +0000] \"GET /{n} HTTP/1.1\" 200 {n} \"-\" \"-\"",
                n % 256
            )
        },
    ];
    let names = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL", "FATAL", "NOTICE", "LOUD"];
    let forms_of = Forms::default();
    for seed in 0..50_usize {
        let mut chance = Chance(seed as u64);
        let few = 1 + chance.below(forms.len());
        let (mut text, mut wanted) = (String::new(), [0_u64; 6]);
        for _ in 0..500 {
            let form = forms[(chance.below(few) + seed) % forms.len()];
            let line = form(names[chance.below(names.len())], chance.below(100_000));
            let level = judge(&forms_of, line.as_bytes(), None).level.unwrap_or(Level::None);
            wanted[level as usize] += 1;
            text += &line;
            text += ["\n", "\r\n"][chance.below(2)];
        }
        for size in [text.len(), 4096, 100] {
            let mut stream = Stream::default();
            let tally = scan(&scanner(), &mut stream, text.as_bytes(), size);
            assert_eq!((tally.levels, stream.lines), (wanted, wanted), "{seed} {size}");
        }
    }
}
