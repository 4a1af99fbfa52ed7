//! Scripts that end with a line which says so, SQLite and zip.

use std::io::{self, BufRead};

use super::scan::{self, cut};
use super::{Fault, Source, Verdict, What, broken};

/// As much of the end as is looked at: the last line, and what newer versions write behind it.
const TAIL: usize = 1024;

/// The first line of `pg_dumpall`, of which each database ends with the line of `pg_dump`.
const CLUSTER: &[u8] = b"-- PostgreSQL database cluster dump\n";

fn says_complete(head: &[u8], tail: &[u8], what: What) -> bool {
    let after = |line: &[u8]| {
        let at = memchr::memmem::rfind(tail, line)?;
        tail.get(at + line.len()..)
    };
    if what == What::MysqlDump {
        return after(b"\n-- Dump completed").is_some_and(|rest| rest.ends_with(b"\n"));
    }
    // Since the versions of August 2025 it begins with `\restrict` and a word, and ends with that word.
    let word = memchr::memmem::find(head, b"\n\\restrict ").and_then(|at| {
        let rest = head.get(at + 11..)?;
        rest.get(..memchr::memchr(b'\n', rest)?)
    });
    let end = word.map_or_else(Vec::new, |word| [b"\\unrestrict ", word, b"\n\n"].concat());
    let ends = |line: &[u8], end: &[u8]| {
        after(line).and_then(|rest| rest.strip_prefix(b"\n--\n\n")).is_some_and(|rest| rest == end)
    };
    // Of `pg_dumpall` the word ends before the databases, each of which has one of its own.
    let is_cluster = memchr::memmem::find(head, CLUSTER).is_some();
    if is_cluster {
        ends(b"\n-- PostgreSQL database cluster dump complete", b"")
    } else {
        ends(b"\n-- PostgreSQL database dump complete", &end)
    }
}

fn verdict(head: &[u8], tail: &[u8], what: What) -> Verdict {
    if says_complete(head, tail, what) { Verdict::Whole } else { cut(what) }
}

/// By the first and the last lines.
pub fn ends(file: &Source<'_>, size: u64, what: What) -> io::Result<Verdict> {
    let (mut head, mut tail) = ([0; TAIL], [0; TAIL]);
    let first = file.read_at(0, &mut head)?;
    let last = file.read_at(size.saturating_sub(TAIL as u64), &mut tail)?;
    let (head, tail) = (head.get(..first), tail.get(..last));
    Ok(verdict(head.unwrap_or_default(), tail.unwrap_or_default(), what))
}

/// The last bytes of what is read to its end.
fn tail(from: &mut dyn BufRead, most: usize) -> io::Result<(Vec<u8>, u64)> {
    let (mut tail, mut all) = (Vec::new(), 0_u64);
    loop {
        let piece = from.fill_buf()?;
        let length = piece.len();
        if length == 0 {
            return Ok((tail, all));
        }
        let last = piece.get(length.saturating_sub(most)..).unwrap_or_default();
        let kept = most.saturating_sub(last.len());
        tail.drain(..tail.len().saturating_sub(kept));
        tail.extend_from_slice(last);
        all = all.saturating_add(length as u64);
        from.consume(length);
    }
}

pub fn through(from: &mut dyn BufRead, what: What) -> io::Result<Verdict> {
    let head = from.fill_buf()?;
    let head = head.get(..TAIL).unwrap_or(head).to_vec();
    Ok(verdict(&head, &tail(from, TAIL)?.0, what))
}

/// The length that the header speaks of, which is kept up only by versions since 3.7.0.
fn sqlite_length(head: &[u8; 100]) -> Option<u64> {
    let four = |at: usize| {
        let bytes = head.get(at..at + 4)?.try_into().ok()?;
        Some(u32::from_be_bytes(bytes))
    };
    let page = match head.get(16..18)? {
        [0, 1] => 65_536,
        [high, low] => u64::from(u16::from_be_bytes([*high, *low])),
        _ => return None,
    };
    let pages = four(28)?;
    (pages > 0 && four(24) == four(92)).then_some(page * u64::from(pages))
}

fn sqlite_verdict(head: &[u8; 100], size: u64) -> Verdict {
    match sqlite_length(head) {
        Some(length) if size < length => cut(What::Sqlite),
        Some(length) if size == length => Verdict::Whole,
        _ => Verdict::Unknown,
    }
}

pub fn sqlite(file: &Source<'_>, size: u64) -> io::Result<Verdict> {
    let mut head = [0; 100];
    if file.read_at(0, &mut head)? < head.len() {
        return Ok(cut(What::Sqlite));
    }
    Ok(sqlite_verdict(&head, size))
}

pub fn sqlite_through(from: &mut dyn BufRead) -> io::Result<Verdict> {
    let Some(head) = scan::exactly::<100>(from)? else { return Ok(cut(What::Sqlite)) };
    let size = scan::drain(from)?.saturating_add(100);
    Ok(sqlite_verdict(&head, size))
}

/// The end of the central directory, and a comment of at most 64 KiB.
const ZIP_END: usize = 22;
const ZIP_TAIL: usize = ZIP_END + (64 << 10);

/// Where the directory has to begin, as the record at the very end says.
fn zip_directory(tail: &[u8], size: u64) -> Option<Result<(u64, u64), Verdict>> {
    let at = memchr::memmem::rfind(tail, b"PK\x05\x06")?;
    let record = tail.get(at..)?;
    let two = |at: usize| Some(u16::from_le_bytes(record.get(at..at + 2)?.try_into().ok()?));
    let four = |at: usize| Some(u32::from_le_bytes(record.get(at..at + 4)?.try_into().ok()?));
    let comment = usize::from(two(20)?);
    if record.len() != ZIP_END + comment {
        return None;
    }
    let (entries, length, begin) = (two(10)?, four(12)?, four(16)?);
    if entries == u16::MAX || length == u32::MAX || begin == u32::MAX {
        return Some(Err(Verdict::Unknown));
    }
    if entries == 0 {
        return Some(Err(broken(Fault::Empty, What::Zip)));
    }
    let end = size.saturating_sub(record.len() as u64);
    let fits = u64::from(begin) + u64::from(length) <= end;
    Some(if fits {
        Ok((end - u64::from(length), end))
    } else {
        Err(broken(Fault::Damaged, What::Zip))
    })
}

pub fn zip(file: &Source<'_>, size: u64) -> io::Result<Verdict> {
    let mut tail = vec![0; ZIP_TAIL];
    let length = file.read_at(size.saturating_sub(ZIP_TAIL as u64), &mut tail)?;
    let begin = match zip_directory(tail.get(..length).unwrap_or_default(), size) {
        None => return Ok(cut(What::Zip)),
        Some(Err(verdict)) => return Ok(verdict),
        Some(Ok((begin, _))) => begin,
    };
    let mut magic = [0; 4];
    file.read_at(begin, &mut magic)?;
    Ok(if magic == *b"PK\x01\x02" { Verdict::Whole } else { broken(Fault::Damaged, What::Zip) })
}

/// Read through, the directory's beginning is seen only if it is within the tail.
pub fn zip_through(from: &mut dyn BufRead) -> io::Result<Verdict> {
    let (tail, size) = tail(from, ZIP_TAIL)?;
    Ok(match zip_directory(&tail, size) {
        None => cut(What::Zip),
        Some(Err(verdict)) => verdict,
        Some(Ok((begin, _))) => {
            let first = size.saturating_sub(tail.len() as u64);
            let at = begin.checked_sub(first).and_then(|at| usize::try_from(at).ok());
            match at.and_then(|at| tail.get(at..at + 4)) {
                Some(b"PK\x01\x02") => Verdict::Whole,
                Some(_) => broken(Fault::Damaged, What::Zip),
                None => Verdict::Unknown,
            }
        }
    })
}
