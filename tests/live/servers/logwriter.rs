//! Log files as applications and logrotate treat them.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A file that is opened, appended to and closed for every write, as cron jobs do.
#[derive(Debug)]
pub struct LogFile {
    path: PathBuf,
}

impl LogFile {
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// The file of one day: `<folder>/<stem>_2024-01-01.log`.
    pub fn dated(folder: &Path, stem: &str, day: SystemTime) -> Self {
        Self { path: folder.join(format!("{stem}_{}.log", date(day))) }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends lines, each with its line end.
    pub fn append(&self, lines: &[&str]) {
        self.append_raw(&lines.iter().flat_map(|line| [line, "\n"]).collect::<String>());
    }

    /// Appends as it is: half a line, bytes without an end.
    ///
    /// # Panics
    /// When the file cannot be written.
    pub fn append_raw(&self, text: &str) {
        let file = File::options().create(true).append(true).open(&self.path);
        file.and_then(|mut file| file.write_all(text.as_bytes())).expect("a log file");
    }

    /// logrotate's `create`: the file becomes `<path>.1`, a new empty one takes its place.
    ///
    /// # Panics
    /// When the file cannot be renamed.
    pub fn rotate_rename(&self) -> PathBuf {
        let old = PathBuf::from(format!("{}.1", self.path.display()));
        fs::rename(&self.path, &old).expect("rename");
        File::create(&self.path).expect("a new file");
        old
    }

    /// logrotate's `copytruncate`: same inode, length 0.
    ///
    /// # Panics
    /// When the file cannot be copied.
    pub fn rotate_truncate(&self) -> PathBuf {
        let old = PathBuf::from(format!("{}.1", self.path.display()));
        fs::copy(&self.path, &old).expect("copy");
        File::options().write(true).truncate(true).open(&self.path).expect("truncate");
        old
    }
}

/// `2024-01-01`, in UTC.
pub fn date(time: SystemTime) -> String {
    let days = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs() / 86_400;
    // Years of 400 begin on 1 March, so that the leap day is the last (Hinnant's algorithm).
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

/// A program that writes numbered lines, one at a time, into a file that it keeps open.
#[derive(Debug)]
pub struct Writer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    reopen: AtomicBool,
    written: AtomicU64,
}

impl Writer {
    /// Writes a line each `pause`.
    pub fn start(path: &Path, pause: Duration) -> Self {
        let (path, shared) = (path.to_owned(), Arc::<Shared>::default());
        let thread = std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || write(&path, pause, &shared)
        });
        Self { shared, thread: Some(thread) }
    }

    /// What a program does after a signal: the next line goes to the file that has the name then.
    pub fn reopen(&self) {
        self.shared.reopen.store(true, Ordering::Release);
    }

    pub fn written(&self) -> u64 {
        self.shared.written.load(Ordering::Acquire)
    }

    /// Ends it; the number of all its lines.
    ///
    /// # Panics
    /// When it could not write.
    pub fn stop(mut self) -> u64 {
        self.shared.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the writer could write");
        }
        self.written()
    }
}

#[allow(clippy::disallowed_methods, reason = "a program that writes at a pace, in a thread")]
fn write(path: &Path, pause: Duration, shared: &Shared) {
    let open = || File::options().create(true).append(true).open(path).expect("a log file");
    let mut file = open();
    while !shared.stop.load(Ordering::Acquire) {
        if shared.reopen.swap(false, Ordering::AcqRel) {
            file = open();
        }
        let number = shared.written.load(Ordering::Acquire) + 1;
        let line = format!("2024-01-01 12:00:00,000 [INFO] writer: line {number}\n");
        file.write_all(line.as_bytes()).expect("a line");
        shared.written.store(number, Ordering::Release);
        std::thread::sleep(pause);
    }
}
