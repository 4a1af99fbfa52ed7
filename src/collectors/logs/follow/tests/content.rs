//! What is in the files, and what they are.

use super::report::Skipped;
use super::*;
use crate::collectors::logs::scan::lines::MAX_LINE;

#[test]
fn case_24_25_28_any_bytes_are_lines() {
    let mut bench = Bench::watching("app.log");
    bench.text("app.log", "ERROR: some error\r\n".repeat(10));
    assert_eq!(bench.lines(), 10);
    bench.text("app.log", b"10%\r20%\r\n");
    assert_eq!(bench.lines(), 11);
    bench.text("app.log", b"ERROR: \xff\xfe error\n\x80\n\xf0\x9f\n\0\0\0\n");
    assert_eq!(bench.lines(), 15);
}

#[test]
fn case_26_long_lines_count_once() {
    let mut bench = Bench::watching("app.log");
    let part = vec![b'x'; 1_000_000];
    for _ in 0..100 {
        bench.text("app.log", &part);
        bench.step();
    }
    let buffer = bench.files.buffer.capacity();
    assert!(buffer <= 2 * file::CHUNK, "{buffer}");
    bench.text("app.log", "\nERROR: the last error\n");
    assert_eq!((bench.lines(), bench.cut), (2, 1));
    assert_eq!(bench.counts.bytes, 100_000_000 + 1 + 22);
    // In one go, and over a restart in its middle.
    bench.text("app.log", vec![b'y'; 3 * MAX_LINE]);
    bench.step();
    bench.restart();
    bench.text("app.log", "\n");
    assert_eq!((bench.lines(), bench.cut), (3, 2));
    assert_eq!(bench.doubt(), (0, 0));
}

#[test]
fn case_29_30_what_is_no_text_is_skipped() {
    let mut bench = Bench::watching("*");
    bench.text("zipped.log", b"\x1f\x8b\x08\0\n\n\n");
    bench.text("wide.log", b"\xff\xfea\0\n\0");
    bench.text("program", b"\x7fELF\0\0\0\n\0\0\0\n");
    bench.write("app.log.1.gz", 3);
    fs::create_dir(bench.path("folder")).unwrap();
    let report = bench.step();
    let skipped = Skipped { compressed: 2, utf16: 1, binary: 1, irregular: 1, link: 0, pseudo: 0 };
    assert_eq!((report.open, report.skipped, report.lag), (0, skipped, 0));
    assert_eq!(report.skipped.all(), 5);
    // They may grow, and stay what they are; also over a restart and a deletion.
    bench.text("zipped.log", "line\n".repeat(1000));
    bench.restart();
    assert_eq!((bench.lines(), bench.step().skipped), (0, skipped));
    bench.restart();
    bench.remove("wide.log");
    assert_eq!((bench.lines(), bench.doubt()), (0, (0, 0)));
    assert!(bench.step().caught_up);
    // Rewritten as text it is read.
    bench.truncate("zipped.log", 0);
    bench.write("zipped.log", 4);
    assert_eq!(bench.lines(), 4);
}

#[test]
fn case_31_a_file_that_may_be_read_later() {
    fn denied(_: &Path) -> io::Result<File> {
        Err(io::ErrorKind::PermissionDenied.into())
    }
    let mut bench = Bench::new("*.log");
    bench.follow.open = denied;
    bench.write("old.log", 100);
    bench.text("old.log", "ERROR: begun ");
    let report = bench.step();
    assert_eq!((report.open, report.unreadable, report.caught_up), (0, 1, true));
    assert_eq!(report.problem.unwrap().reason, crate::failure::Reason::RIGHTS);
    bench.write("new.log", 10);
    bench.write("old.log", 5);
    assert_eq!(bench.step().unreadable, 2);
    bench.follow.open = file::open;
    assert_eq!(bench.lines(), 15, "from where they were when they came");
    assert_eq!(bench.doubt(), (0, 0));

    let mut bench = Bench::watching("app.log");
    fs::create_dir(bench.path("app.log")).unwrap();
    assert_eq!(bench.step().skipped.irregular, 1);
    fs::remove_dir(bench.path("app.log")).unwrap();
    bench.write("app.log", 10);
    assert_eq!(bench.lines(), 10);
}

#[test]
fn a_file_that_its_file_system_forgets() {
    thread_local!(static STALE: Cell<bool> = const { Cell::new(false) });
    fn stale(path: &Path) -> io::Result<File> {
        if STALE.get() { Err(io::Error::from_raw_os_error(116)) } else { file::open(path) }
    }
    let mut bench = Bench::watching("app.log");
    bench.follow.open = stale;
    bench.write("app.log", 10);
    bench.step();
    bench.restart();
    bench.write("app.log", 10);
    STALE.set(true);
    assert!(bench.step().problem.is_some());
    // The server is back and gives the file another number.
    STALE.set(false);
    bench.copy("app.log", "new");
    bench.rename("new", "app.log");
    assert_eq!((bench.lines(), bench.doubt()), (20, (0, 0)));
}

#[test]
fn a_device_that_gets_another_number() {
    let mut bench = Bench::watching("app.log");
    bench.write("app.log", 10);
    bench.step();
    let mut saved = bench.files.saved();
    for position in &mut saved.files {
        position.id.device += 1;
    }
    bench.files = Files::restore(saved);
    bench.write("app.log", 10);
    assert_eq!((bench.lines(), bench.doubt()), (20, (0, 0)));
    bench.write("app.log", 10);
    assert_eq!((bench.lines(), bench.doubt()), (30, (0, 0)));
}

#[test]
fn a_pipe_does_not_hang() {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    let mut bench = Bench::watching("*.log");
    let fifo = bench.path("app.log");
    mknodat(CWD, &fifo, FileType::Fifo, Mode::RUSR, 0).unwrap();
    let report = bench.step();
    assert_eq!((report.open, report.skipped.irregular), (0, 1));
    // Even when it takes the place of a file between the look and the opening.
    assert!(file::open(&fifo).is_ok());
}

#[test]
fn a_link_that_somebody_else_made_is_not_followed() {
    use std::os::unix::fs::{lchown, symlink};
    let mut bench = Bench::watching("*.log");
    bench.write("secret", 10);
    symlink("secret", bench.path("app.log")).unwrap();
    if lchown(bench.path("app.log"), Some(4711), None).is_err() {
        return crate::skip::skip("only root can give files away");
    }
    let report = bench.step();
    assert_eq!((bench.counts.lines, report.skipped.link, report.open), (0, 1, 0));
    // What he links to his own files is his business.
    lchown(bench.path("secret"), Some(4711), None).unwrap();
    assert_eq!(bench.lines(), 10);
}

#[test]
fn a_link_that_is_put_there_after_the_look_is_not_followed() {
    let bench = Bench::new("app.log");
    bench.write("secret", 1);
    std::os::unix::fs::symlink("secret", bench.path("app.log")).unwrap();
    std::os::unix::fs::symlink(".", bench.path("sub")).unwrap();
    let root = bench.dir.path().canonicalize().unwrap();
    assert!(file::open(&root.join("secret")).is_ok());
    assert!(file::open(&root.join("app.log")).is_err());
    assert!(file::open(&root.join("sub/secret")).is_err());
}

#[test]
fn case_53_writers_that_interleave_half_lines() {
    // What is written while a file is looked at for the first time counts too.
    (0..30).for_each(|_| interleaved(100));
    interleaved(2000);
}

fn interleaved(lines: u64) {
    let mut bench = Bench::watching("app.log");
    let writers: Vec<_> = (0..2)
        .map(|_| {
            let mut file = bench.append("app.log");
            std::thread::spawn(move || {
                for _ in 0..lines {
                    for part in ["ERR", "OR: some ", "error\n"] {
                        file.write_all(part.as_bytes()).unwrap();
                    }
                }
            })
        })
        .collect();
    while !writers.iter().all(std::thread::JoinHandle::is_finished) {
        bench.step();
    }
    assert_eq!((bench.lines(), bench.doubt()), (2 * lines, (0, 0)));
}

#[test]
fn an_event_is_complete_when_its_file_is_quiet() {
    let mut bench = Bench::watching("app.log");
    bench.write("app.log", 1);
    bench.step();
    assert_eq!(bench.counts.settled, 0);
    bench.restart();
    bench.now += Duration::from_secs(5);
    bench.step();
    bench.now += Duration::from_secs(5);
    bench.step();
    assert_eq!(bench.counts.settled, 1);
    bench.write("app.log", 1);
    bench.step();
    bench.remove("app.log");
    bench.quiet();
    assert_eq!(bench.counts.settled, 2);
}

#[test]
fn a_time_without_measure_is_no_harm() {
    let mut bench = Bench::within(super::chance::place(), &["*.log"]);
    bench.write("app.log", 1);
    let far = SystemTime::UNIX_EPOCH + Duration::from_secs(i64::MAX.unsigned_abs());
    let times = fs::FileTimes::new().set_modified(far);
    File::open(bench.path("app.log")).unwrap().set_times(times).unwrap();
    File::open(bench.dir.path()).unwrap().set_times(times).unwrap();
    bench.step();
    bench.write("app.log", 2);
    bench.step();
    bench.restart();
    assert_eq!((bench.lines(), bench.doubt()), (2, (0, 0)));
}

#[test]
fn what_the_kernel_makes_up_is_no_log() {
    for pattern in ["/sys/**/*", "/proc/*/stat*", "/proc/uptime", "/sys/kernel/*"] {
        let mut bench = Bench::new("none.log");
        bench.names(&[pattern]);
        let begun = std::time::Instant::now();
        let report = bench.step();
        assert_eq!((report.open, report.lag, report.caught_up), (0, 0, true), "{pattern}");
        assert!(report.skipped.pseudo > 0, "{pattern}: {:?}", report.skipped);
        assert!(begun.elapsed() < std::time::Duration::from_secs(5), "{pattern}");
    }
    // Nor by a link.
    let mut bench = Bench::watching("*.log");
    std::os::unix::fs::symlink("/proc/uptime", bench.path("app.log")).unwrap();
    bench.write("other.log", 3);
    let report = bench.step();
    assert_eq!((report.open, report.skipped.pseudo), (1, 1), "{:?}", report.skipped);
}
