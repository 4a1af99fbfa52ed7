//! Standard input: lines that another program pipes here.
//!
//! One source has it, for what was read is gone from the pipe. A thread reads and waits; what it has
//! read lies in a buffer of 1 MiB until a step takes it. A full buffer makes the writer wait, as any
//! pipe does, and nothing else. There is no position: after a restart the pipe is another one. Lines
//! count exactly for as long as the exporter runs.

use std::io::{self, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::collectors::logs::follow::Sink;
use crate::collectors::logs::scan::lines::{Lines, Piece};
use crate::failure::Failure;

/// Bytes that wait for a step.
const ROOM: usize = 1 << 20;
const CHUNK: usize = 64 << 10;

/// What the thread and the steps share.
#[derive(Default)]
struct Shared {
    buffer: Mutex<Buffer>,
    taken: Condvar,
}

#[derive(Default)]
struct Buffer {
    bytes: Vec<u8>,
    end: Option<End>,
    /// Nobody will take more.
    closed: bool,
}

/// Why no more comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The writer is done.
    Ended,
    Failed(Failure),
}

/// The input, and the line that is not finished.
pub struct Reader {
    shared: Arc<Shared>,
    lines: Lines,
    finished: bool,
}

/// What is kept of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, bound(deserialize = "S: Default + Deserialize<'de>"))]
pub struct Stdin<S> {
    pub stream: S,
}

/// What came of a step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    pub bytes: u64,
    pub cut: u64,
    /// A last line without its newline was counted.
    pub unterminated: u64,
    /// There is more at once.
    pub more: bool,
    /// It is over: nothing will come any more.
    pub end: Option<End>,
}

impl Reader {
    /// Begins to read. The thread ends with the input, or with the first read after it was dropped.
    pub fn start(input: impl Read + Send + 'static) -> Result<Self, Failure> {
        let shared = Arc::new(Shared::default());
        let of_thread = Arc::clone(&shared);
        std::thread::Builder::new()
            .name("stdin".into())
            .spawn(move || of_thread.fill(input))
            .map_err(|error| Failure::io("the thread that reads standard input", &error))?;
        Ok(Self { shared, lines: Lines::default(), finished: false })
    }

    /// Takes what is there.
    pub fn step<S>(&mut self, state: &mut Stdin<S>, sink: &mut dyn Sink<S>) -> Report {
        let (bytes, end) = self.shared.take();
        let mut report = Report { bytes: bytes.len() as u64, ..Report::default() };
        let stream = &mut state.stream;
        let mut give = |piece: &Piece| {
            report.cut += u64::from(piece.cut);
            sink.lines(stream, piece);
        };
        self.lines.feed(&bytes, &mut give);
        if end.is_some() && !self.finished {
            report.unterminated = u64::from(self.lines.unfinished() > 0);
            self.lines.finish(give);
            self.finished = true;
        }
        if bytes.is_empty() {
            sink.settle(stream);
        }
        report.more = bytes.len() >= ROOM - CHUNK;
        report.end = end;
        report
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.taken.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Buffer> {
        self.buffer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> (Vec<u8>, Option<End>) {
        let mut buffer = self.lock();
        let taken = (std::mem::take(&mut buffer.bytes), buffer.end.clone());
        self.taken.notify_all();
        taken
    }

    fn fill(&self, mut input: impl Read) {
        let mut chunk = vec![0; CHUNK];
        loop {
            let read = match input.read(&mut chunk) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => Err(End::Failed(Failure::io("standard input", &error))),
                Ok(0) => Err(End::Ended),
                Ok(count) => Ok(count),
            };
            let mut buffer = self.lock();
            match read {
                Ok(count) => buffer.bytes.extend_from_slice(chunk.get(..count).unwrap_or_default()),
                Err(end) => buffer.end = Some(end),
            }
            let full = |buffer: &mut Buffer| buffer.bytes.len() + CHUNK > ROOM && !buffer.closed;
            let buffer = self.taken.wait_while(buffer, full);
            let buffer = buffer.unwrap_or_else(PoisonError::into_inner);
            if buffer.closed || buffer.end.is_some() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::time::{Duration, Instant};

    use super::*;

    #[derive(Default)]
    struct Count(u64);

    impl Sink<u64> for Count {
        fn lines(&mut self, stream: &mut u64, piece: &Piece) {
            *stream += memchr::memchr_iter(b'\n', piece.lines).count() as u64;
            self.0 += piece.bytes;
        }

        fn settle(&mut self, _: &mut u64) {}
    }

    struct World {
        input: Reader,
        state: Stdin<u64>,
        count: Count,
    }

    impl World {
        fn new(input: impl Read + Send + 'static) -> Self {
            let input = Reader::start(input).unwrap();
            Self { input, state: Stdin::default(), count: Count::default() }
        }

        /// Steps until it is as wanted.
        fn until(&mut self, wanted: impl Fn(&Report, u64) -> bool) -> Report {
            let deadline = Instant::now() + Duration::from_secs(20);
            loop {
                let report = self.input.step(&mut self.state, &mut self.count);
                if wanted(&report, self.state.stream) {
                    return report;
                }
                assert!(Instant::now() < deadline, "{report:?}");
                std::thread::yield_now();
            }
        }
    }

    #[test]
    fn lines_count_as_they_come_and_the_end_is_told() {
        let (reader, mut writer) = io::pipe().unwrap();
        let mut world = World::new(reader);
        assert_eq!(world.input.step(&mut world.state, &mut world.count), Report::default());
        writer.write_all(b"one\ntwo\nthr").unwrap();
        world.until(|_, lines| lines == 2);
        writer.write_all(b"ee\nfour").unwrap();
        world.until(|_, lines| lines == 3);
        drop(writer);
        let report = world.until(|report, _| report.end.is_some());
        assert_eq!((report.end, world.state.stream), (Some(End::Ended), 4));
        let again = world.input.step(&mut world.state, &mut world.count);
        assert_eq!((again.unterminated, world.state.stream), (0, 4));
    }

    #[test]
    fn a_flood_is_counted_whole_in_bounded_memory() {
        let (reader, mut writer) = io::pipe().unwrap();
        let mut world = World::new(reader);
        let line = b"a line of some length that comes again and again\n";
        let flood = std::thread::spawn(move || {
            for _ in 0..2000 {
                writer.write_all(&line.repeat(100)).unwrap();
            }
        });
        let report = world.until(|report, _| {
            assert!(report.bytes <= ROOM as u64);
            report.end.is_some() && report.bytes == 0
        });
        flood.join().unwrap();
        assert_eq!((world.state.stream, report.unterminated), (200_000, 0));
        assert_eq!(world.count.0, 200_000 * line.len() as u64);
    }

    #[test]
    fn nobody_waits_for_a_writer_who_says_nothing_and_a_full_buffer_lets_go() {
        let (reader, writer) = io::pipe().unwrap();
        let world = World::new(reader);
        drop(world);
        drop(writer);
        // What is full when nobody takes it any more.
        let world = World::new(io::repeat(b'\n'));
        let shared = Arc::clone(&world.input.shared);
        let deadline = Instant::now() + Duration::from_secs(20);
        while shared.lock().bytes.len() + CHUNK <= ROOM {
            assert!(Instant::now() < deadline);
            std::thread::yield_now();
        }
        drop(world);
        // The thread has the other one.
        while Arc::strong_count(&shared) > 1 {
            assert!(Instant::now() < deadline);
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_failure_is_told() {
        let file = std::fs::File::open("/").unwrap();
        let report = World::new(file).until(|report, _| report.end.is_some());
        assert!(matches!(report.end, Some(End::Failed(_))));
    }
}
