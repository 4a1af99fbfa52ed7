//! What is to be written to standard error, and the one thread that does it.
//!
//! `tracing-appender` has such a queue too. It bounds the number of lines and not their size, and
//! at the end it prints to standard output when its own writer hangs, which is the very case.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;

/// More than a start with hundreds of targets says, and little beside what the process takes.
const MOST_BYTES: usize = 1 << 20;
/// What a line costs beside its text, so that empty lines have a bound too.
const LINE_COST: usize = 64;

enum Item {
    Line(Vec<u8>),
    /// The place of a panic.
    Defect(String),
}

impl Item {
    fn cost(&self) -> usize {
        LINE_COST
            + match self {
                Self::Line(bytes) => bytes.len(),
                Self::Defect(place) => place.len(),
            }
    }
}

#[derive(Default)]
struct Inner {
    items: VecDeque<Item>,
    bytes: usize,
    /// The thread has an item in hand.
    writing: bool,
}

/// Lines on their way. Whoever has one to say never waits: what finds no room is dropped, counted,
/// and told of once there is room again.
pub(super) struct Queue {
    inner: Mutex<Inner>,
    changed: Condvar,
    dropped: Arc<AtomicU64>,
}

impl Queue {
    pub(super) fn new(dropped: Arc<AtomicU64>) -> Arc<Self> {
        Arc::new(Self { inner: Mutex::default(), changed: Condvar::new(), dropped })
    }

    pub(super) fn push(&self, bytes: Vec<u8>) {
        self.put(Item::Line(bytes), self.lock());
    }

    /// From a panic, which may have come from within this very lock: that one is not waited for.
    pub(super) fn defect(&self, place: String) {
        match self.inner.try_lock() {
            Ok(inner) => self.put(Item::Defect(place), inner),
            Err(_) => self.drop_one(),
        }
    }

    fn put(&self, item: Item, mut inner: MutexGuard<'_, Inner>) {
        let cost = item.cost();
        if inner.bytes + cost > MOST_BYTES {
            drop(inner);
            self.drop_one();
            return;
        }
        inner.bytes += cost;
        inner.items.push_back(item);
        drop(inner);
        self.changed.notify_all();
    }

    fn drop_one(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }

    /// Waits until everything is written, or until `patience` is over.
    pub(super) fn flush(&self, patience: Duration) {
        let end = Instant::now() + patience;
        let mut inner = self.lock();
        while !inner.items.is_empty() || inner.writing {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let woken = self.changed.wait_timeout(inner, left);
            inner = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts the thread that writes to standard error.
    pub(super) fn start(self: &Arc<Self>) -> std::io::Result<()> {
        let queue = Arc::clone(self);
        let thread = std::thread::Builder::new().name("log".into());
        thread.spawn(move || queue.write_for_ever()).map(drop)
    }

    fn write_for_ever(&self) {
        let (mut torn, mut told) = (false, 0);
        loop {
            match self.next() {
                Item::Defect(place) => {
                    tracing::error!(place, "a defect in stack-exporter: please report it");
                }
                Item::Line(mut bytes) => {
                    if torn {
                        // What was begun before standard error failed does not swallow this line.
                        bytes.insert(0, b'\n');
                    }
                    match write_all(&bytes) {
                        Ok(()) => {
                            torn = false;
                            let dropped = self.dropped.load(Ordering::Relaxed);
                            if dropped > told {
                                let lost = dropped - told;
                                told = dropped;
                                tracing::warn!(
                                    lost,
                                    "log lines were lost: standard error was full, or nobody read it"
                                );
                            }
                        }
                        Err(written) => {
                            torn |= written > 0;
                            self.drop_one();
                        }
                    }
                }
            }
        }
    }

    fn next(&self) -> Item {
        let mut inner = self.lock();
        inner.writing = false;
        loop {
            if let Some(item) = inner.items.pop_front() {
                inner.bytes -= item.cost();
                inner.writing = true;
                return item;
            }
            // For those who wait until all is written.
            self.changed.notify_all();
            inner = self.changed.wait(inner).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Writes to standard error, without the lock that the standard library has around it: whoever
/// else wants that one must not wait for a reader. After a failure, how much was written.
fn write_all(mut bytes: &[u8]) -> Result<(), usize> {
    let all = bytes.len();
    let stderr = rustix::stdio::stderr();
    while !bytes.is_empty() {
        match rustix::io::write(stderr, bytes) {
            Ok(count) if count > 0 => bytes = bytes.get(count..).unwrap_or_default(),
            Err(Errno::INTR) => {}
            // Another process has made the pipe or the terminal so; it has no room now.
            Err(Errno::AGAIN) => {
                let _ = rustix::event::poll(&mut [PollFd::new(&stderr, PollFlags::OUT)], None);
            }
            Ok(_) | Err(_) => return Err(all - bytes.len()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_takes_has_a_bound_and_is_counted() {
        let dropped = Arc::new(AtomicU64::new(0));
        let queue = Queue::new(Arc::clone(&dropped));
        for _ in 0..MOST_BYTES / LINE_COST {
            queue.push(Vec::new());
        }
        assert_eq!(dropped.load(Ordering::Relaxed), 0);
        queue.push(b"one too many".to_vec());
        queue.defect("src/x.rs:1:1".into());
        assert_eq!(dropped.load(Ordering::Relaxed), 2);
        // A line that is larger than all the room.
        let queue = Queue::new(Arc::clone(&dropped));
        queue.push(vec![b'x'; MOST_BYTES + 1]);
        assert_eq!(dropped.load(Ordering::Relaxed), 3);
    }

    #[test]
    fn a_panic_within_the_lock_waits_for_nobody() {
        let dropped = Arc::new(AtomicU64::new(0));
        let queue = Queue::new(Arc::clone(&dropped));
        let held = queue.lock();
        queue.defect("src/x.rs:1:1".into());
        assert_eq!(dropped.load(Ordering::Relaxed), 1);
        drop(held);
        queue.defect("src/x.rs:1:1".into());
        assert_eq!(queue.lock().items.len(), 1);
    }

    #[test]
    fn the_end_does_not_wait_for_ever() {
        let queue = Queue::new(Arc::default());
        queue.push(b"nobody writes me".to_vec());
        let start = Instant::now();
        queue.flush(Duration::from_millis(20));
        assert!((20..5000).contains(&start.elapsed().as_millis()));
        // Taken, but not yet written: not done either.
        assert!(matches!(queue.next(), Item::Line(_)));
        assert!(queue.lock().writing);
        queue.flush(Duration::from_millis(20));
        assert!(queue.lock().writing);
    }
}
