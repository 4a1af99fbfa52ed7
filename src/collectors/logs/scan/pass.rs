//! One pass over the lines of a piece.

use std::time::{Duration, SystemTime};

use memchr::memchr_iter;

use super::format::Format;
use super::head::head;
use super::level::{self, Level, Spot};
use super::lines::Piece;
use super::{Scanner, Stream, access};
use crate::collectors::logs::errors;
use crate::collectors::logs::tally::Tally;

/// Events that begin with their level, until a word within a text is none any more.
const SURE: u8 = 32;
/// Events by form; when there are more they count half, so that a new form shows.
const FORMS: u32 = 1 << 12;
/// What Python writes first of an exception.
const TRACEBACK: &[u8] = b"Traceback (most recent call last):";

pub struct Pass<'a> {
    scanner: &'a Scanner,
    stream: &'a mut Stream,
    tally: &'a mut Tally,
    now: SystemTime,
    minute: u64,
    levels: [u64; Level::ALL.len()],
    forms: [u32; Format::ALL.len()],
    /// Events that [`Self::levels`] do not show: requests, and tracebacks of their own.
    requests: u64,
    tracebacks: u64,
    scratch: Vec<u8>,
}

impl<'a> Pass<'a> {
    pub fn new(
        scanner: &'a Scanner,
        stream: &'a mut Stream,
        now: SystemTime,
        tally: &'a mut Tally,
    ) -> Self {
        if stream.format != scanner.format {
            stream.shapes.clear();
            stream.format = scanner.format;
        }
        let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Self {
            scanner,
            stream,
            tally,
            now,
            minute: since.as_secs() / 60,
            levels: [0; Level::ALL.len()],
            forms: [0; Format::ALL.len()],
            requests: 0,
            tracebacks: 0,
            scratch: Vec::new(),
        }
    }

    pub fn run(mut self, piece: &Piece) {
        let mut start = 0;
        for end in memchr_iter(b'\n', piece.lines) {
            let line = piece.lines.get(start..end).unwrap_or_default();
            self.line(line.strip_suffix(b"\r").unwrap_or(line), piece.hint);
            start = end + 1;
        }
        self.finish();
    }

    /// The hint is the level of a line that is known to begin an event, if it names none.
    #[inline]
    fn line(&mut self, line: &[u8], hint: Option<Level>) {
        match self.stream.shapes.find(line) {
            Some((format, spot)) => {
                self.stream.firm = self.stream.firm.saturating_add(1);
                self.event(line, format, spot);
            }
            None => self.other(line, hint),
        }
    }

    /// A line that begins like none before.
    fn other(&mut self, line: &[u8], hint: Option<Level>) {
        let wanted = self.scanner.format;
        if wanted.is_none_or(|format| format == Format::NginxCombined)
            && let Some(request) = access::nginx(line)
        {
            return self.request(&request);
        }
        let found = level::find(line).map(|spot| (Format::of(line, spot), spot));
        match found.filter(|(format, spot)| self.begins(*format, *spot)) {
            Some((format, spot)) => {
                // An empty beginning does not tell one form from another.
                if spot.firm && (spot.at > 0 || wanted.is_none()) {
                    self.stream.shapes.learn(line, format, spot);
                }
                self.event(line, format, spot);
            }
            None => match hint {
                Some(level) => {
                    let spot = Spot { level, at: 0, end: 0, firm: false };
                    self.event(line, Format::Plain, spot);
                }
                None => self.more(line),
            },
        }
    }

    /// Whether a level that was found makes the line an event.
    fn begins(&mut self, format: Format, spot: Spot) -> bool {
        match self.scanner.format {
            Some(Format::Plain) => return true,
            Some(wanted) => return wanted == format,
            None => {}
        }
        if spot.firm {
            self.stream.firm = self.stream.firm.saturating_add(1);
            return true;
        }
        let sure = self.stream.firm >= SURE;
        self.stream.firm = self.stream.firm.saturating_sub(1);
        !sure
    }

    #[inline]
    fn event(&mut self, line: &[u8], format: Format, spot: Spot) {
        bump(&mut self.levels, spot.level as usize);
        if let Some(count) = self.forms.get_mut(format as usize) {
            *count += 1;
        }
        if self.scanner.warnings {
            return self.warning(line, format, spot);
        }
        if spot.level.is_error() {
            if self.scanner.errors {
                // An empty beginning does not tell one form from another.
                let format = (spot.at > 0).then_some(format);
                let head = head(line, format, spot, &mut self.scratch);
                self.stream.tracker.head(&head, self.now, &mut self.tally.errors);
            }
            return;
        }
        if self.scanner.errors {
            self.stream.tracker.other(spot.level, self.now, &mut self.tally.errors);
        }
        if self.scanner.access
            && let Some(text) = behind(line, spot)
            && let Some(request) = access::uvicorn(text)
        {
            self.tally.access.count(&request, self.minute);
        }
    }

    /// Where warnings are grouped, and what follows an error is a part of that.
    fn warning(&mut self, line: &[u8], format: Format, spot: Spot) {
        let groups = &mut self.tally.errors;
        if spot.level == Level::Warning {
            let format = (spot.at > 0).then_some(format);
            let head = head(line, format, spot, &mut self.scratch);
            self.stream.tracker.head(&head, self.now, groups);
        } else {
            self.stream.tracker.other(Level::Debug, self.now, groups);
        }
    }

    #[inline]
    fn request(&mut self, request: &access::Request) {
        bump(&mut self.levels, Level::None as usize);
        self.requests += 1;
        if let Some(count) = self.forms.get_mut(Format::NginxCombined as usize) {
            *count += 1;
        }
        if self.scanner.errors || self.scanner.warnings {
            self.stream.tracker.other(Level::None, self.now, &mut self.tally.errors);
        }
        if self.scanner.access {
            self.tally.access.count(request, self.minute);
        }
    }

    /// A line that belongs to the event before it.
    #[inline]
    fn more(&mut self, line: &[u8]) {
        bump(&mut self.levels, Level::None as usize);
        if self.scanner.warnings {
            // Nothing but a line with its level begins one.
            if self.stream.tracker.open() {
                self.stream.tracker.more(line, self.now, &mut self.tally.errors);
            }
            return;
        }
        if !self.scanner.errors {
            self.tracebacks += u64::from(line.starts_with(TRACEBACK));
            return;
        }
        let open = self.stream.tracker.open();
        if open || errors::begins(line) {
            let before = self.tally.errors.total;
            self.stream.tracker.more(line, self.now, &mut self.tally.errors);
            // One has begun if none was open, or if the one that was has ended.
            let begun = !open || self.tally.errors.total > before;
            self.tracebacks += u64::from(begun && self.stream.tracker.open());
        }
    }

    fn finish(self) {
        let [debug, info, warning, error, critical, _] = self.levels;
        let events = &mut self.tally.events;
        events.errors += error + critical + self.tracebacks;
        events.all += debug + info + warning + error + critical + self.requests + self.tracebacks;
        for counts in [&mut self.stream.lines, &mut self.tally.levels] {
            counts.iter_mut().zip(self.levels).for_each(|(count, more)| *count += more);
        }
        let forms = &mut self.stream.forms;
        forms.iter_mut().zip(self.forms).for_each(|(count, more)| *count += more);
        while forms.iter().sum::<u32>() > FORMS {
            for count in forms.iter_mut() {
                *count /= 2;
            }
        }
    }
}

#[inline]
fn bump(counts: &mut [u64], index: usize) {
    if let Some(count) = counts.get_mut(index) {
        *count += 1;
    }
}

/// Where a request of uvicorn would stand: behind `INFO:     `, or behind the name of its logger.
#[inline]
fn behind(line: &[u8], spot: Spot) -> Option<&[u8]> {
    let rest = line.get(spot.end..)?;
    match rest {
        [b':', b' ', ..] if spot.at == 0 => Some(rest.get(1..)?.trim_ascii_start()),
        [b']', b' ', b'u', ..] => rest.strip_prefix(b"] uvicorn.access: "),
        _ => None,
    }
}
