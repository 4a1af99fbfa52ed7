//! Whether a file is a whole backup: by its beginning and its end, or from the first byte to the last.
//!
//! | form | by its ends | in full |
//! |---|---|---|
//! | gzip | magic, and whether the length in its trailer can be true; that it is whole cannot be seen there | each member with its CRC, and what is inside |
//! | zstd | the chain of block headers, to the last byte | each frame with its checksum, and what is inside |
//! | tar | the chain of headers with their checksums, to the two blocks of zeros | the same, read through |
//! | pg_dump, plain | first and last lines | the same |
//! | pg_dump, custom | table of contents, and the last block that it names | each block of data, with its zlib checksum |
//! | mongodump archive | prelude and last terminator; not whether all collections are there | each document and the CRC of each collection |
//! | SQLite | header and length | not looked further: `PRAGMA integrity_check` is a restore test |
//! | zip | end of the central directory | not looked further |
//!
//! A file that is small is always read in full: it costs no more. Nothing says that a file is whole
//! before that has been seen: what only looks well is [`Verdict::Unknown`].

mod gzip;
mod kind;
mod mongo;
mod pgdump;
mod plain;
mod scan;
mod source;
mod tar;
mod toc;
mod wrong;
mod zstd;

#[cfg(test)]
pub(super) mod made;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};

pub use kind::{Expected, Inside};
use kind::{Form, Packed};
use scan::{Counted, Watch};
pub use source::Whole;
use source::{At, Source};

/// What a look at a file has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Whole,
    Broken(Fault, What),
    /// It looks well as far as it was looked at, or nobody knows what it should look like.
    Unknown,
}

/// How it is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// There is nothing in it: the command whose output it should have been has failed.
    Empty,
    /// Its end is missing.
    Cut,
    /// Something in it is not as it was written.
    Damaged,
    /// It is something else.
    Other,
}

/// Where that was seen, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    File,
    Gzip,
    Zstd,
    Tar,
    PgDump,
    PgDumpCustom,
    Mongodump,
    Sqlite,
    Zip,
    MysqlDump,
    Script,
}

impl What {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::File => "the file",
            Self::Gzip => "the gzip stream",
            Self::Zstd => "the zstd stream",
            Self::Tar => "the tar archive",
            Self::PgDump => "the SQL script of pg_dump",
            Self::PgDumpCustom => "the custom archive of pg_dump",
            Self::Mongodump => "the archive of mongodump",
            Self::Sqlite => "the SQLite database",
            Self::Zip => "the zip archive",
            Self::MysqlDump => "the SQL script of mysqldump",
            Self::Script => "an SQL script",
        }
    }
}

impl Verdict {
    /// A sentence for people, without full stop.
    pub fn text(self) -> String {
        match self {
            Self::Whole => "whole".to_owned(),
            Self::Unknown => "not looked at in full".to_owned(),
            Self::Broken(fault, what) => {
                let what = what.as_str();
                match fault {
                    Fault::Empty => format!("{what} has nothing in it"),
                    Fault::Cut => format!("{what} ends too early"),
                    Fault::Damaged => format!("{what} is damaged"),
                    Fault::Other => format!("it should be {what} and is something else"),
                }
            }
        }
    }
}

const fn broken(fault: Fault, what: What) -> Verdict {
    Verdict::Broken(fault, what)
}

/// Up to here a file is read in full at once.
pub const SMALL: u64 = 1 << 20;
/// What a small file may grow to, or a few kilobytes that are made to do so would cost minutes.
const GROWN: u64 = 64 << 20;
/// Beginnings are told apart by this much.
const HEAD: usize = 1024;
/// Bytes that are read at once.
const PIECE: usize = 128 << 10;

/// By its beginning and its end; a small file in full.
pub fn ends(file: &File, size: u64, expected: Expected) -> io::Result<Verdict> {
    if size == 0 {
        return Ok(broken(Fault::Empty, What::File));
    }
    if size <= SMALL {
        // More than this is a look at the whole of it, which is not ours to decide.
        let mut grown = 0_u64;
        let mut too_much = false;
        let outcome = full(Whole::new(file), expected, &mut |_, made| {
            grown = grown.saturating_add(made);
            too_much = grown > GROWN;
            if too_much { Err(io::Error::other("grows too much")) } else { Ok(()) }
        });
        return if too_much { Ok(Verdict::Unknown) } else { outcome };
    }
    let source = Source::new(file);
    match large(&source, size, expected) {
        // Where it would take long, or much, only reading all of it can tell.
        Err(_) if source.is_spent() => Ok(Verdict::Unknown),
        outcome => outcome,
    }
}

fn large(file: &Source<'_>, size: u64, expected: Expected) -> io::Result<Verdict> {
    let mut head = [0; HEAD];
    let length = file.read_at(0, &mut head)?;
    let head = head.get(..length).unwrap_or_default();
    let form = match expected.form(head) {
        Ok(form) => form,
        Err(verdict) => return Ok(verdict),
    };
    match form {
        Form::Packed(Packed::Gzip) => gzip::ends(file, size),
        Form::Packed(Packed::Zstd) => zstd::ends(file, size),
        Form::Plain(inside) => inside_ends(file, size, inside),
    }
}

fn inside_ends(file: &Source<'_>, size: u64, inside: Inside) -> io::Result<Verdict> {
    match inside {
        Inside::Tar => tar::ends(file, size),
        Inside::PgDump => plain::ends(file, size, What::PgDump),
        Inside::MysqlDump => plain::ends(file, size, What::MysqlDump),
        Inside::PgDumpCustom => pgdump::ends(file, size),
        Inside::Mongodump => mongo::ends(file, size),
        Inside::Sqlite => plain::sqlite(file, size),
        Inside::Zip => plain::zip(file, size),
        Inside::Sql | Inside::Raw => Ok(Verdict::Unknown),
    }
}

/// From the first byte to the last. `spent` is told of bytes read and bytes made from them, and may
/// stop it; an error is one of reading, never of what was read.
pub fn full(
    file: impl Read,
    expected: Expected,
    spent: &mut dyn FnMut(u64, u64) -> io::Result<()>,
) -> io::Result<Verdict> {
    let watch = Watch::new(spent);
    let mut source = BufReader::with_capacity(PIECE, Counted::source(file, &watch));
    let outcome = through(&mut source, expected, &watch);
    if let Some(error) = watch.error() {
        return Err(error);
    }
    outcome
}

fn through<R: BufRead>(
    source: &mut R,
    expected: Expected,
    watch: &Watch<'_>,
) -> io::Result<Verdict> {
    // What is buffered first is enough to tell forms apart: a whole piece, unless it is shorter.
    let head = source.fill_buf()?;
    if head.is_empty() {
        return Ok(broken(Fault::Empty, What::File));
    }
    match expected.form(head) {
        Err(verdict) => Ok(verdict),
        Ok(Form::Packed(Packed::Gzip)) => {
            Ok(unpack(&mut gzip::Gunzip::new(source), What::Gzip, expected.inside, watch))
        }
        Ok(Form::Packed(Packed::Zstd)) => {
            Ok(unpack(&mut zstd::Unzstd::new(source), What::Zstd, expected.inside, watch))
        }
        Ok(Form::Plain(inside)) => scan::through(source, inside, None),
    }
}

/// What is inside, and then the rest of what it is packed in.
fn unpack(
    unpacked: &mut dyn Read,
    what: What,
    expected: Option<Inside>,
    watch: &Watch<'_>,
) -> Verdict {
    let mut inner = BufReader::with_capacity(PIECE, Counted::made(unpacked, watch));
    let mut look = || -> io::Result<Verdict> {
        let head = inner.fill_buf()?;
        if head.is_empty() {
            return Ok(broken(Fault::Empty, what));
        }
        let inside = match kind::inside(expected, head) {
            Ok(inside) => inside,
            Err(verdict) => return Ok(verdict),
        };
        let verdict = scan::through(&mut inner, inside, Some(what))?;
        scan::drain(&mut inner)?;
        Ok(verdict)
    };
    match look() {
        Ok(verdict) => verdict,
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => broken(Fault::Cut, what),
        // More memory than we give it.
        Err(error) if error.kind() == io::ErrorKind::OutOfMemory => Verdict::Unknown,
        Err(_) => broken(Fault::Damaged, what),
    }
}
