//! Reads of a file in pieces, kept for the time of one step: what was written before the step began
//! does not change.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

const PAGE: u64 = 16 * 1024;
/// One mebibyte.
const MAX_PAGES: usize = 64;

pub struct Bytes {
    file: File,
    pub size: u64,
    pages: BTreeMap<u64, Vec<u8>>,
}

impl Bytes {
    pub fn new(file: File) -> io::Result<Self> {
        let size = file.metadata()?.len();
        Ok(Self { file, size, pages: BTreeMap::new() })
    }

    /// Looks at the size again.
    pub fn grow(&mut self) -> io::Result<()> {
        self.size = self.file.metadata()?.len();
        Ok(())
    }

    /// Appends `length` bytes at `offset` to `out`; `None` if there are not so many.
    pub fn read(
        &mut self,
        offset: u64,
        length: usize,
        out: &mut Vec<u8>,
    ) -> io::Result<Option<()>> {
        let end = offset.checked_add(length as u64).filter(|end| *end <= self.size);
        let Some(end) = end else { return Ok(None) };
        let mut at = offset;
        while at < end {
            let page = self.page(at / PAGE)?;
            // Less than a page.
            let from = usize::try_from(at % PAGE).unwrap_or(usize::MAX);
            let left = usize::try_from(end - at).unwrap_or(usize::MAX);
            let Some(found) = page.get(from..).filter(|found| !found.is_empty()) else {
                return Ok(None);
            };
            let found = found.get(..left).unwrap_or(found);
            out.extend_from_slice(found);
            at += found.len() as u64;
        }
        Ok(Some(()))
    }

    /// A few bytes.
    pub fn array<const N: usize>(&mut self, offset: u64) -> io::Result<Option<[u8; N]>> {
        let mut out = Vec::with_capacity(N);
        Ok(self.read(offset, N, &mut out)?.and_then(|()| out.try_into().ok()))
    }

    fn page(&mut self, number: u64) -> io::Result<&[u8]> {
        if !self.pages.contains_key(&number) {
            if self.pages.len() >= MAX_PAGES {
                // What is read next lies behind.
                self.pages.pop_first();
            }
            let mut page = vec![0; usize::try_from(PAGE).unwrap_or(0)];
            let mut filled = 0;
            while let Some(rest) = page.get_mut(filled..).filter(|rest| !rest.is_empty()) {
                match self.file.read_at(rest, number * PAGE + filled as u64) {
                    Ok(0) => break,
                    Ok(count) => filled += count,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
            page.truncate(filled);
            self.pages.insert(number, page);
        }
        Ok(self.pages.get(&number).map_or(&[], Vec::as_slice))
    }
}
