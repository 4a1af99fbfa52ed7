//! What a line is: its form, its level, its parts and its request. The truth that faster ways are tested against.

use super::access::{self, Request};
use super::format::{Format, pairs};
use super::forms::{Forms, TABLE};
use super::head::colourless;
use super::json;
use super::level::{self, Level, Spot};

/// What a line is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Judged<'a> {
    /// None: nothing that is known.
    pub format: Option<Format>,
    pub level: Option<Level>,
    /// Where the level stands, if the same beginning has the same level there again.
    pub spot: Option<Spot>,
    /// Logger and message, where a row of the table has told them.
    pub parts: Option<(&'a [u8], &'a [u8])>,
    /// The request of a line without a level, or of a row.
    pub request: Option<Request<'a>>,
}

impl<'a> Judged<'a> {
    fn leveled(format: Format, spot: Spot) -> Self {
        Self { format: Some(format), level: Some(spot.level), spot: Some(spot), ..Self::default() }
    }

    fn asked(format: Format, request: Request<'a>) -> Self {
        Self { format: Some(format), request: Some(request), ..Self::default() }
    }
}

/// Without what stands at the beginning of a file or of a block that was never written.
pub fn clean(line: &[u8]) -> &[u8] {
    let line = match line.first() {
        Some(0) => line
            .get(line.iter().position(|byte| *byte != 0).unwrap_or(line.len())..)
            .unwrap_or_default(),
        _ => line,
    };
    line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line)
}

/// What a line is. Of other forms than the one that is wanted it is nothing.
pub fn judge<'a>(forms: &Forms, line: &'a [u8], wanted: Option<Format>) -> Judged<'a> {
    let line = clean(line);
    let wants = |format: Format| wanted.is_none_or(|wanted| wanted == format);
    if wants(Format::NginxCombined)
        && let Some(request) = access::nginx(line)
    {
        return Judged::asked(Format::NginxCombined, request);
    }
    let usual = usual(forms, line);
    if let Some(found) = row(forms, line, &usual, wanted, false) {
        return found;
    }
    if wanted == Some(Format::NginxCombined) {
        let timed = memchr::memmem::find(line, b"] \"").is_some();
        let request = access::quoted(line).filter(|_| timed);
        return request
            .map_or_else(Judged::default, |request| Judged::asked(Format::NginxCombined, request));
    }
    let plain = wanted == Some(Format::Plain) && usual.level.is_some();
    if plain || usual.format.is_some_and(wants) { usual } else { Judged::default() }
}

/// What can be told without the rows of the table.
fn usual<'a>(forms: &Forms, line: &'a [u8]) -> Judged<'a> {
    if line.trim_ascii_start().first() == Some(&b'{') {
        if let Some(spot) = json::level(line, forms) {
            return Judged::leveled(Format::Json, spot);
        }
        let request = json::request(line, forms);
        return request
            .map_or_else(Judged::default, |request| Judged::asked(Format::Json, request));
    }
    let spot = level::find(line);
    // A word within the request or behind it is none of a level.
    let before = |spot: Spot| memchr::memchr(b'"', line).is_none_or(|quote| spot.at < quote);
    if !spot.is_some_and(before)
        && let Some(request) = access::quoted(line)
    {
        return Judged::asked(Format::Access, request);
    }
    if spot.is_none()
        && let Some(request) = logfmt(forms, line)
    {
        return Judged::asked(Format::Logfmt, request);
    }
    spot.map_or_else(Judged::default, |spot| Judged::leveled(Format::of(line, spot), spot))
}

/// The first row that takes the line, of the source's own before the known ones. A row in a row is one, and no
/// deeper.
fn row<'a>(
    forms: &Forms,
    line: &'a [u8],
    usual: &Judged<'a>,
    wanted: Option<Format>,
    within: bool,
) -> Option<Judged<'a>> {
    forms.own.of(line).chain(TABLE.rows.of(line)).find_map(|row| {
        let wants = wanted.is_none_or(|wanted| wanted == row.format || wanted == Format::Plain);
        if !wants || (within && row.nested) {
            return None;
        }
        let read = row.read(line)?;
        // Where the usual way says just the same, lines that begin so can be remembered.
        let same = |spot: Spot| spot.firm && spot.at == read.at && Some(spot.level) == read.level;
        if !row.is_rich() && usual.spot.is_some_and(same) {
            return None;
        }
        let mut found = Judged {
            format: Some(row.format),
            level: read.level,
            spot: None,
            parts: Some((read.logger.unwrap_or_default(), read.message)),
            request: read.request,
        };
        if row.nested && !nest(forms, &mut found, read.message) {
            return Some(Judged::default());
        }
        (found.level.is_some() || found.request.is_some()).then_some(found)
    })
}

/// What follows is a line of its own: what it says of itself counts. False if all that is known of it is a word that
/// names a level and says none.
fn nest<'a>(forms: &Forms, found: &mut Judged<'a>, line: &'a [u8]) -> bool {
    let line = clean(line);
    let inner = usual(forms, line);
    let inner = row(forms, line, &inner, None, true).unwrap_or(inner);
    let stands = inner.spot.is_none_or(|spot| stands(line, spot));
    if inner.level.is_some() && stands {
        found.level = inner.level;
        let split = |spot: Spot| inner.format.map(|format| format.split(line, spot));
        let (logger, message) =
            inner.parts.or_else(|| inner.spot.and_then(split)).unwrap_or((b"", line));
        let outer = found.parts.map_or(&b""[..], |(logger, _)| logger);
        found.parts = Some((if logger.is_empty() { outer } else { logger }, message));
    }
    found.request = inner.request.or_else(|| access::nginx(line)).or(found.request);
    stands || found.level.is_some() || found.request.is_some()
}

/// Whether a level within a line stands where a program writes one: firmly, behind one word that may name a logger,
/// or between marks. Other programs' texts name levels too: `(root) CMD (run --level ERROR)`.
fn stands(line: &[u8], spot: Spot) -> bool {
    let before = line.get(..spot.at).unwrap_or_default().trim_ascii_end();
    let marked = before.last().is_some_and(|last| b"[<|-".contains(last))
        || line.get(spot.end).is_some_and(|next| b":]>|".contains(next));
    spot.firm || marked || !before.trim_ascii().contains(&b' ')
}

/// The request in a line with a level, or in the text behind that, which has no colours.
#[inline]
pub fn request<'a>(
    forms: &Forms,
    line: &'a [u8],
    format: Format,
    level: Level,
    text: &'a [u8],
) -> Option<Request<'a>> {
    match format {
        Format::Json => return json::request(line, forms),
        Format::Logfmt => return logfmt(forms, line),
        _ if level.is_error() => return None,
        _ => {}
    }
    let start = text.iter().position(|byte| !b" :]\t".contains(byte))?;
    let text = text.get(start..)?;
    access::uvicorn(text)
        .or_else(|| access::nginx(text))
        .or_else(|| access::quoted(text))
        .or_else(|| told(forms, text))
}

/// A request in a text behind a level that a program tells in its own way: fields, an object at the end, or a row.
fn told<'a>(forms: &Forms, text: &'a [u8]) -> Option<Request<'a>> {
    if text.last() == Some(&b'}')
        && let Some(at) = memchr::memmem::find(text, b"{\"")
    {
        return json::request(text.get(at..)?, forms);
    }
    let word = text.split(|byte| *byte == b' ').next().unwrap_or_default();
    let begins = match word {
        b"Completed" | b"Sent" | b"HTTP" | [b'[', ..] => true,
        [b'0'..=b'9' | b':', ..] => word.iter().any(|byte| matches!(byte, b'.' | b':')),
        _ => (3..=8).contains(&word.len()) && word.iter().all(u8::is_ascii_uppercase),
    };
    let rows = || forms.own.of(text).chain(TABLE.rows.of(text));
    let row = || rows().find_map(|row| row.read(text)?.request);
    begins.then(row).flatten().or_else(|| logfmt(forms, text))
}

fn logfmt<'a>(forms: &Forms, line: &'a [u8]) -> Option<Request<'a>> {
    memchr::memmem::find(line, b"method=")?;
    let mut asked = json::Asked::default();
    for (key, text) in pairs(line) {
        if let Some(field) = forms.unit(key, line).or_else(|| TABLE.keys.get(key)) {
            asked.take(field, text, b"");
        }
    }
    asked.end()
}

/// What is found in a line in the end: level, form, and the method and status of a request, also of one in the text
/// behind the level.
pub struct Whole {
    pub level: Option<Level>,
    pub format: Option<Format>,
    pub request: Option<(&'static str, u16)>,
}

/// All of a line.
pub fn whole(forms: &Forms, line: &[u8], wanted: Option<Format>) -> Whole {
    let found = judge(forms, line, wanted);
    let brief = |request: Request| (request.method.as_str(), request.status);
    let inside = || {
        let (format, level) = (found.format?, found.level?);
        let end = found.spot.map_or(0, |spot| spot.end);
        let text =
            found.parts.map_or_else(|| line.get(end..).unwrap_or_default(), |(_, text)| text);
        let mut plain = Vec::new();
        colourless(text, &mut plain);
        request(forms, line, format, level, &plain).map(brief)
    };
    Whole {
        level: found.level,
        format: found.format,
        request: found.request.map(brief).or_else(inside),
    }
}
