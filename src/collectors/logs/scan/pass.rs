//! One pass over the lines of a piece.

use std::time::{Duration, SystemTime};

use memchr::{memchr, memchr_iter};

use super::format::Format;
use super::head::{colourless, head};
use super::judge::{Judged, clean, judge, request};
use super::level::{Level, Spot};
use super::lines::Piece;
use super::{Scanner, Stream, access, json};
use crate::collectors::logs::errors;
use crate::collectors::logs::tally::Tally;

/// What Python writes first of an exception.
const TRACEBACK: &[u8] = b"Traceback (most recent call last):";

pub struct Pass<'a> {
    scanner: &'a Scanner,
    stream: &'a mut Stream,
    tally: &'a mut Tally,
    now: SystemTime,
    minute: u64,
    levels: [u64; Level::ALL.len()],
    /// Events that [`Self::levels`] do not show: requests, and tracebacks of their own.
    requests: u64,
    tracebacks: u64,
    /// Lines that were not recognised: text, and objects of JSON.
    unknown: [u64; 2],
    scratch: Vec<u8>,
}

/// A line that begins an event.
struct Begun<'a> {
    line: &'a [u8],
    format: Format,
    spot: Spot,
    /// Logger and message, where they are known.
    parts: Option<(&'a [u8], &'a [u8])>,
    request: Option<access::Request<'a>>,
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
            requests: 0,
            tracebacks: 0,
            unknown: [0; 2],
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
            Some((format, spot)) if format != Format::Json || !json::is_outranked(line) => {
                self.event(&Begun { line, format, spot, parts: None, request: None });
            }
            _ => self.other(line, hint),
        }
    }

    /// A line that begins like none before.
    fn other(&mut self, line: &[u8], hint: Option<Level>) {
        let wanted = self.scanner.format;
        let Judged { format, level, spot, parts, request } =
            judge(&self.scanner.forms, line, wanted);
        let level = level.or(hint.filter(|_| request.is_none()));
        let Some(level) = level else {
            return match request {
                Some(request) => self.request(&request),
                None => self.more(line),
            };
        };
        let format = format.unwrap_or(Format::Plain);
        if let Some(spot) = spot {
            self.learn(line, format, spot);
        }
        let spot = spot.unwrap_or(Spot { level, at: 0, end: 0, firm: false });
        self.event(&Begun { line, format, spot, parts, request });
    }

    fn learn(&mut self, line: &[u8], format: Format, spot: Spot) {
        // What the source's own forms say of a line cannot be seen from its beginning, nor can what a number means.
        let sure = self.scanner.forms.is_usual() && clean(line).len() == line.len();
        let outranked =
            || format == Format::Json && (spot.end - spot.at < 2 || json::is_outranked(line));
        // An empty beginning does not tell one form from another.
        let tells = spot.at > 0 || self.scanner.format.is_none();
        if spot.firm && sure && tells && !outranked() {
            self.stream.shapes.learn(line, format, spot);
        }
    }

    #[inline]
    fn event(&mut self, begun: &Begun) {
        let Begun { line, format, spot, parts, .. } = *begun;
        bump(&mut self.levels, spot.level as usize);
        self.stream.titled = parts.is_some_and(|(_, text)| text.trim_ascii().is_empty());
        if self.scanner.warnings {
            return self.warning(begun);
        }
        let told = matches!(format, Format::Json | Format::Logfmt) || begun.request.is_some();
        if self.scanner.access && (told || !spot.level.is_error()) {
            self.asked(begun);
        }
        if spot.level.is_error() {
            if self.scanner.errors {
                // An empty beginning does not tell one form from another.
                let format = (spot.at > 0).then_some(format);
                let head = head(line, format, spot, parts, &mut self.scratch);
                self.stream.tracker.head(&head, self.now, &mut self.tally.errors);
            }
        } else if self.scanner.errors {
            self.stream.tracker.other(spot.level, self.now, &mut self.tally.errors);
        }
    }

    /// Where warnings are grouped, and what follows an error is a part of that.
    fn warning(&mut self, begun: &Begun) {
        let Begun { line, format, spot, parts, .. } = *begun;
        let groups = &mut self.tally.errors;
        if spot.level == Level::Warning {
            let format = (spot.at > 0).then_some(format);
            let head = head(line, format, spot, parts, &mut self.scratch);
            self.stream.tracker.head(&head, self.now, groups);
        } else {
            self.stream.tracker.other(Level::Debug, self.now, groups);
        }
    }

    /// The request that a line with a level may tell of.
    #[inline]
    fn asked(&mut self, begun: &Begun) {
        let Begun { line, format, spot, parts, .. } = *begun;
        if let Some(request) = &begun.request {
            return self.tally.access.count(request, self.minute);
        }
        let text = parts.map_or_else(|| line.get(spot.end..).unwrap_or_default(), |(_, text)| text);
        let forms = &self.scanner.forms;
        let found = if memchr(0x1b, text).is_some() {
            colourless(text, &mut self.scratch);
            request(forms, line, format, spot.level, &self.scratch)
        } else {
            request(forms, line, format, spot.level, text)
        };
        if let Some(request) = found {
            self.tally.access.count(&request, self.minute);
        }
    }

    #[inline]
    fn request(&mut self, request: &access::Request) {
        bump(&mut self.levels, Level::None as usize);
        self.requests += 1;
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
        } else {
            self.unknown(line);
        }
    }

    /// A line that belongs to no error and says nothing of itself. Where the form is set it belongs to the event
    /// before it; else what begins like a part of something is one.
    fn unknown(&mut self, line: &[u8]) {
        let set =
            self.scanner.format.is_some_and(|format| format == Format::Plain || self.has_begun());
        let part = line.first().is_none_or(|first| b" \t}])\x00".contains(first))
            || self.stream.titled
            || is_title(line);
        if set || part {
            return;
        }
        let object = line.first() == Some(&b'{') && line.last() == Some(&b'}');
        bump(&mut self.unknown, usize::from(object));
    }

    fn has_begun(&self) -> bool {
        let [debug, info, warning, error, critical, _] = self.levels;
        self.stream.begun || debug + info + warning + error + critical + self.requests > 0
    }

    fn finish(self) {
        let [debug, info, warning, error, critical, _] = self.levels;
        let errors = error + critical + self.tracebacks;
        let all = debug + info + warning + errors + self.requests;
        let events = &mut self.tally.events;
        events.errors += errors;
        events.all += all;
        self.stream.begun |= all > 0;
        let [text, objects] = self.unknown;
        self.tally.unknown.add(all, text, objects);
        for counts in [&mut self.stream.lines, &mut self.tally.levels] {
            counts.iter_mut().zip(self.levels).for_each(|(count, more)| *count += more);
        }
    }
}

/// Whether a line is the first of two of `java.util.logging`: `Dec 01, 2024 9:40:00 AM com.example.App main`.
fn is_title(line: &[u8]) -> bool {
    let [month @ .., _, _, _, _, _, _] = line.get(..9).unwrap_or_default() else { return false };
    let mut words = line.split(|byte| *byte == b' ');
    let (_, day, year) = (words.next(), words.next(), words.next());
    let (time, half) = (words.next().unwrap_or_default(), words.next());
    let digits = |word: &[u8]| !word.is_empty() && word.iter().all(u8::is_ascii_digit);
    month.iter().all(u8::is_ascii_alphabetic)
        && day.and_then(|day| day.strip_suffix(b",")).is_some_and(digits)
        && year.is_some_and(|year| year.len() == 4 && digits(year))
        && time.iter().all(|byte| byte.is_ascii_digit() || *byte == b':')
        && matches!(half, Some(b"AM" | b"PM"))
}

#[inline]
fn bump(counts: &mut [u64], index: usize) {
    if let Some(count) = counts.get_mut(index) {
        *count += 1;
    }
}
