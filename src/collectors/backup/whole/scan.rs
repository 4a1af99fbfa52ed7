//! Reading something through to its end, counted, with an end of its own.

use std::cell::{Cell, RefCell};
use std::io::{self, BufRead, Read};

use super::{Fault, Inside, Verdict, What, broken, mongo, pgdump, plain, tar};

/// Told of bytes read and bytes made from them; an error ends the reading.
pub type Spent<'a> = &'a mut dyn FnMut(u64, u64) -> io::Result<()>;

/// What has stopped a reading: an error of the disk, or whoever watches. What a decoder makes of that
/// is not to be believed.
pub struct Watch<'a> {
    spent: RefCell<Spent<'a>>,
    error: RefCell<Option<io::Error>>,
    stopped: Cell<bool>,
}

impl<'a> Watch<'a> {
    pub fn new(spent: Spent<'a>) -> Self {
        Self { spent: RefCell::new(spent), error: RefCell::default(), stopped: Cell::new(false) }
    }

    /// Why it was not read to its end.
    pub fn error(&self) -> Option<io::Error> {
        self.error.borrow_mut().take()
    }

    fn fails(&self, error: io::Error) -> io::Error {
        let kind = error.kind();
        self.error.borrow_mut().get_or_insert(error);
        self.stopped.set(true);
        io::Error::from(kind)
    }

    fn tell(&self, read: u64, made: u64) -> io::Result<()> {
        if self.stopped.get() {
            return Err(io::ErrorKind::Other.into());
        }
        let told = (self.spent.borrow_mut())(read, made);
        told.map_err(|error| self.fails(error))
    }
}

/// A reader whose bytes are counted.
pub struct Counted<'w, 'a, R> {
    from: R,
    watch: &'w Watch<'a>,
    source: bool,
}

impl<'w, 'a, R: Read> Counted<'w, 'a, R> {
    /// Of the file itself: its errors are remembered.
    pub const fn source(from: R, watch: &'w Watch<'a>) -> Self {
        Self { from, watch, source: true }
    }

    /// Of what is unpacked.
    pub const fn made(from: R, watch: &'w Watch<'a>) -> Self {
        Self { from, watch, source: false }
    }
}

impl<R: Read> Read for Counted<'_, '_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = match self.from.read(buffer) {
            Ok(length) => length as u64,
            Err(error) if self.source && error.kind() != io::ErrorKind::Interrupted => {
                return Err(self.watch.fails(error));
            }
            Err(error) => return Err(error),
        };
        let (read, made) = if self.source { (length, 0) } else { (0, length) };
        self.watch.tell(read, made)?;
        Ok(usize::try_from(length).unwrap_or(buffer.len()))
    }
}

/// What is inside, to its end. `packed` is what proves that nothing of it is missing, where its own
/// form does not.
pub fn through(
    from: &mut dyn BufRead,
    inside: Inside,
    packed: Option<What>,
) -> io::Result<Verdict> {
    match inside {
        Inside::Tar => tar::through(from),
        Inside::PgDump => plain::through(from, What::PgDump),
        Inside::MysqlDump => plain::through(from, What::MysqlDump),
        Inside::PgDumpCustom => pgdump::through(from),
        Inside::Mongodump => mongo::through(from),
        Inside::Sqlite => plain::sqlite_through(from),
        Inside::Zip => plain::zip_through(from),
        Inside::Sql | Inside::Raw => {
            drain(from)?;
            Ok(if packed.is_some() { Verdict::Whole } else { Verdict::Unknown })
        }
    }
}

/// Reads to the end; how much that was.
pub fn drain(from: &mut dyn BufRead) -> io::Result<u64> {
    let mut all = 0_u64;
    loop {
        let length = from.fill_buf()?.len();
        if length == 0 {
            return Ok(all);
        }
        from.consume(length);
        all = all.saturating_add(length as u64);
    }
}

/// Leaves out so many bytes; whether they were there.
pub fn skip(from: &mut dyn BufRead, mut most: u64) -> io::Result<bool> {
    while most > 0 {
        let length = from.fill_buf()?.len();
        if length == 0 {
            return Ok(false);
        }
        let taken = length.min(usize::try_from(most).unwrap_or(usize::MAX));
        from.consume(taken);
        most -= taken as u64;
    }
    Ok(true)
}

/// Fills the buffer, or as much as there is.
pub fn fill(from: &mut dyn BufRead, buffer: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while let Some(rest) = buffer.get_mut(length..).filter(|rest| !rest.is_empty()) {
        match from.read(rest) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}

/// Whether nothing but zeros follows.
pub fn only_zeros(from: &mut dyn BufRead) -> io::Result<bool> {
    loop {
        let piece = from.fill_buf()?;
        if piece.is_empty() {
            return Ok(true);
        }
        if piece.iter().any(|byte| *byte != 0) {
            return Ok(false);
        }
        let length = piece.len();
        from.consume(length);
    }
}

/// Takes an exact number of bytes apart, or says that they are not there.
pub fn exactly<const N: usize>(from: &mut dyn BufRead) -> io::Result<Option<[u8; N]>> {
    let mut bytes = [0; N];
    Ok((fill(from, &mut bytes)? == N).then_some(bytes))
}

/// The verdict on something that has ended where it must not.
pub const fn cut(what: What) -> Verdict {
    broken(Fault::Cut, what)
}
