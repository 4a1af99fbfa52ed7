use super::*;

/// The lines of either stream; `S` is its number of settlements.
#[derive(Default)]
pub struct Taken {
    lines: Vec<(u64, Vec<u8>, bool)>,
    damaged: u64,
}

impl Sink<u64> for Taken {
    fn lines(&mut self, stream: &mut u64, piece: &Piece) {
        // The first sight of a stream gives it a number by which it is known.
        for line in piece.lines.split_inclusive(|byte| *byte == b'\n') {
            assert!(line.ends_with(b"\n"));
            self.lines.push((*stream, line[..line.len() - 1].to_vec(), piece.cut));
        }
    }

    fn settle(&mut self, stream: &mut u64) {
        *stream += 10;
    }
}

fn unwrap() -> Unwrap<u64> {
    let mut unwrap = Unwrap::default();
    (unwrap.stdout.stream, unwrap.stderr.stream) = (1, 2);
    unwrap
}

fn record(text: &str, stream: &str, time: u32) -> String {
    let text = serde_json::to_string(text).unwrap();
    format!("{{\"log\":{text},\"stream\":\"{stream}\",\"time\":\"2026-01-01T00:00:00.{time}Z\"}}\n")
}

fn fed(blocks: &[String], streams: Streams) -> (Taken, Unwrap<u64>) {
    let (mut taken, mut state) = (Taken::default(), unwrap());
    for block in blocks {
        let lines = block.as_bytes();
        let piece = Piece { lines, bytes: lines.len() as u64, cut: false, hint: None };
        let mut envelope = Envelope::new(&mut taken, streams);
        envelope.lines(&mut state, &piece);
        let damaged = envelope.damaged;
        taken.damaged += damaged;
        // As over a restart.
        let text = serde_json::to_string(&state).unwrap();
        state = serde_json::from_str(&text).unwrap();
    }
    (taken, state)
}

fn lengths(taken: &Taken, stream: u64) -> Vec<usize> {
    let of_stream = taken.lines.iter().filter(|(of, ..)| *of == stream);
    of_stream.map(|(_, line, _)| line.len()).collect()
}

/// Case 39, with the records of an Engine 20.10.
fn case_39() -> Vec<String> {
    let piece = "x".repeat(ENGINE_PIECE);
    vec![
        record(&piece, "stdout", 1),
        record(&piece, "stdout", 1),
        record("err\n", "stderr", 2),
        record(&format!("{}\n", "x".repeat(7235)), "stdout", 1),
        record("short\n", "stdout", 3),
        record(&"y".repeat(ENGINE_PIECE), "stdout", 4),
        record("\n", "stdout", 4),
        record("\n", "stdout", 5),
        record("nonl", "stdout", 6),
    ]
}

#[test]
fn case_39_pieces_are_one_line_however_they_come() {
    let records = case_39();
    for at in 0..=records.len() {
        let blocks = [records[..at].concat(), records[at..].concat()];
        let (taken, _) = fed(&blocks, Streams::Both);
        assert_eq!(lengths(&taken, 1), [40_003, 5, ENGINE_PIECE, 0, 4], "{at}");
        assert_eq!(lengths(&taken, 2), [3], "{at}");
        assert_eq!(taken.damaged, 0);
        assert!(taken.lines.iter().all(|(.., cut)| !cut));
    }
}

#[test]
fn one_stream_on_wish() {
    let records = [case_39().concat()];
    assert_eq!(fed(&records, Streams::Stderr).0.lines.len(), 1);
    assert_eq!(fed(&records, Streams::Stdout).0.lines.len(), 5);
}

#[test]
fn a_run_that_ends_within_a_line_ends_the_line() {
    let piece = "x".repeat(ENGINE_PIECE);
    let records = [record(&piece, "stdout", 1), record("next\n", "stdout", 2)];
    assert_eq!(lengths(&fed(&records, Streams::Both).0, 1), [ENGINE_PIECE, 4]);
    // Nobody knows yet whether it has ended.
    assert_eq!(lengths(&fed(&records[..1], Streams::Both).0, 1), Vec::<usize>::new());
}

#[test]
fn a_line_of_any_length_costs_64_kib() {
    let mut records = vec![record(&"ж".repeat(ENGINE_PIECE / 2), "stdout", 1); 100];
    records.push(record("end\n", "stdout", 1));
    let (taken, state) = fed(&records, Streams::Both);
    let [(1, line, true)] = &taken.lines[..] else { panic!("{} lines", taken.lines.len()) };
    assert_eq!(line.len(), MAX_LINE);
    assert!(serde_json::to_string(&state).unwrap().len() < 300);
    let (_, state) = fed(&records[..50], Streams::Both);
    assert!(serde_json::to_string(&state).unwrap().len() < MAX_LINE + 300);
}

#[test]
fn what_is_no_record_is_no_line() {
    let records = ["rubbish\n".to_owned(), "\n".to_owned(), record("a\n", "stdout", 1)];
    let (taken, mut state) = fed(&records, Streams::Both);
    assert_eq!((taken.lines.len(), taken.damaged), (1, 1));
    let mut taken = Taken::default();
    let mut envelope = Envelope::new(&mut taken, Streams::Both);
    let cut = Piece { lines: b"{\"log\":\"\\u0000\n", bytes: 100_000, cut: true, hint: None };
    envelope.lines(&mut state, &cut);
    envelope.settle(&mut state);
    assert_eq!((envelope.damaged, state.stdout.stream, state.stderr.stream), (1, 11, 12));
}

/// A crash of the machine leaves a block of zeros in the file.
#[test]
fn a_block_of_zeros_hides_no_record() {
    let record = |text: &str| {
        format!(
            "{{\"log\":\"{text}\\n\",\"stream\":\"stderr\",\"time\":\"2024-01-01T12:00:00.000000001Z\"}}\n"
        )
    };
    let text = format!("{}{}{}", record("ERROR: one"), "\0".repeat(512), record("ERROR: two"));
    assert_eq!(crate::collectors::logs::scan::judge::clean(b"\0\0{"), b"{");
    let lines: Vec<_> = text
        .lines()
        .map(|line| crate::collectors::logs::scan::judge::clean(line.as_bytes()))
        .collect();
    assert!(lines.iter().all(|line| Record::parse(line).is_some()), "{lines:?}");
}
