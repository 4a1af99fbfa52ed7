//! When a line says that it was written. Pure: a line in, a time out.
//!
//! | where | forms |
//! |---|---|
//! | near the start | `2024-01-31T12:00:00.123Z`, `2024-01-31 12:00:00,123 +02:00`, `2024/01/31 12:00:00`, with or without zone |
//! | in brackets (access logs) | `[31/Jan/2024:12:00:00 +0200]` |
//! | in brackets (Apache's errors) | `[Wed Jan 31 12:00:00.123456 2024]` |
//! | at the start (syslog) | `Jan 31 12:00:00`: the newest such time that is not to come |
//! | in JSON | `timestamp`, `@timestamp`, `time`, `ts`, `asctime`, `datetime`: text as above, or seconds, milli-, micro- or nanoseconds since 1970 |
//!
//! Without a zone the time is that of this machine, and so it is with the name of a zone that this machine gives its own
//! time; other names are those of the table below, where more than one zone has a name the one that most use it for.

use memchr::memmem;

/// The time of a text stands within this many bytes of its start.
const HEAD: usize = 96;
/// The time of an access log stands within this many.
const ACCESS_HEAD: usize = 512;
/// The time of a line of JSON stands within this many.
const JSON_HEAD: usize = 4096;
const KEYS: [&[u8]; 6] =
    [b"\"timestamp\"", b"\"@timestamp\"", b"\"time\"", b"\"ts\"", b"\"asctime\"", b"\"datetime\""];

/// A time as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Seconds since 1970, as if it were Greenwich's.
    pub seconds: i64,
    /// Seconds east of Greenwich, or that of this machine.
    pub zone: Option<i64>,
    /// The place in [`ZONES`] of the name that the zone is said by, if it is.
    pub name: Option<usize>,
}

/// Names of zones, with minutes east of Greenwich.
pub const ZONES: &[(&str, i64)] = &[
    ("MSK", 180),
    ("MSD", 240),
    ("SAMT", 240),
    ("YEKT", 300),
    ("OMST", 360),
    ("NOVT", 420),
    ("KRAT", 420),
    ("IRKT", 480),
    ("VLAT", 600),
    ("WET", 0),
    ("WEST", 60),
    ("BST", 60),
    ("CET", 60),
    ("CEST", 120),
    ("EET", 120),
    ("EEST", 180),
    ("TRT", 180),
    ("SAST", 120),
    ("IST", 330),
    ("ICT", 420),
    ("WIB", 420),
    ("HKT", 480),
    ("SGT", 480),
    ("PHT", 480),
    ("JST", 540),
    ("KST", 540),
    ("AWST", 480),
    ("ACST", 570),
    ("AEST", 600),
    ("AEDT", 660),
    ("NZST", 720),
    ("NZDT", 780),
    ("NST", -210),
    ("AST", -240),
    ("ADT", -180),
    ("EST", -300),
    ("EDT", -240),
    ("CST", -360),
    ("CDT", -300),
    ("MST", -420),
    ("MDT", -360),
    ("PST", -480),
    ("PDT", -420),
    ("AKST", -540),
    ("AKDT", -480),
    ("HST", -600),
    ("BRT", -180),
    ("ART", -180),
];

/// The time of a line. `latest` (seconds since 1970) tells which year is meant where none is said.
pub fn find(line: &[u8], latest: i64) -> Option<Stamp> {
    if line.first() == Some(&b'{') {
        return json(line.get(..JSON_HEAD).unwrap_or(line));
    }
    let head = line.get(..HEAD).unwrap_or(line);
    for at in 0..head.len().saturating_sub(18) {
        let rest = head.get(at..).unwrap_or_default();
        if let [b'0'..=b'9', b'0'..=b'9', b'0'..=b'9', b'0'..=b'9', b'-' | b'/', ..] = rest
            && (at == 0 || !head.get(at - 1).is_some_and(u8::is_ascii_digit))
            && let Some(stamp) = iso(line.get(at..).unwrap_or_default())
        {
            return Some(stamp);
        }
    }
    access(line.get(..ACCESS_HEAD).unwrap_or(line))
        .or_else(|| apache(head))
        .or_else(|| syslog(head, latest))
}

/// Digits of a fixed place.
fn digits(text: &[u8], at: usize, length: usize) -> Option<i64> {
    let digits = text.get(at..at + length)?;
    digits
        .iter()
        .try_fold(0, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0')))
}

/// `2024-01-31 12:00:00`, with what may follow.
fn iso(text: &[u8]) -> Option<Stamp> {
    if !matches!(text.get(10)?, b'T' | b' ' | b't' | b'_') || text.get(4)? != text.get(7)? {
        return None;
    }
    let day = days(digits(text, 0, 4)?, digits(text, 5, 2)?, digits(text, 8, 2)?)?;
    let seconds = day * 86_400 + clock(text.get(11..)?)?;
    let mut rest = text.get(19..).unwrap_or_default();
    if let [b'.' | b',', b'0'..=b'9', ..] = rest {
        let fraction = rest.iter().skip(1).take_while(|byte| byte.is_ascii_digit()).count();
        rest = rest.get(fraction + 1..).unwrap_or_default();
    }
    Some(zoned(seconds, rest))
}

/// With the zone that the text behind a time names.
fn zoned(seconds: i64, rest: &[u8]) -> Stamp {
    let name = rest.strip_prefix(b" ").and_then(|rest| {
        let letters = rest.iter().take_while(|byte| byte.is_ascii_uppercase()).count();
        let ends = !rest.get(letters).is_some_and(u8::is_ascii_alphanumeric);
        let word = rest.get(..letters).filter(|_| ends)?;
        ZONES.iter().position(|(name, _)| name.as_bytes() == word)
    });
    let named = name.and_then(|at| ZONES.get(at)).map(|(_, minutes)| minutes * 60);
    Stamp { seconds, zone: named.or_else(|| zone(rest)), name }
}

/// `[Wed Jan 31 12:00:00.123456 2024]` at the start.
fn apache(head: &[u8]) -> Option<Stamp> {
    let text = head.strip_prefix(b"[")?.get(4..)?;
    let (month, clock) = (month(text.get(..3)?)?, clock(text.get(7..)?)?);
    let day = if text.get(4) == Some(&b' ') { digits(text, 5, 1) } else { digits(text, 4, 2) }?;
    let rest = text.get(15..)?;
    let year = rest.get(memchr::memchr(b' ', rest)? + 1..)?;
    let seconds = days(digits(year, 0, 4)?, month, day)? * 86_400 + clock;
    (year.get(4) == Some(&b']')).then_some(Stamp { seconds, zone: None, name: None })
}

/// `12:00:00` as seconds of the day.
fn clock(text: &[u8]) -> Option<i64> {
    if text.get(2)? != &b':' || text.get(5)? != &b':' {
        return None;
    }
    let (hour, minute, second) = (digits(text, 0, 2)?, digits(text, 3, 2)?, digits(text, 6, 2)?);
    (hour < 24 && minute < 60 && second < 61).then_some((hour * 60 + minute) * 60 + second)
}

/// `Z`, `+02:00`, `+0200`, ` +0200`, ` UTC`.
fn zone(text: &[u8]) -> Option<i64> {
    let text = text.strip_prefix(b" ").unwrap_or(text);
    if text.starts_with(b"Z") || text.starts_with(b"UTC") || text.starts_with(b"GMT") {
        return Some(0);
    }
    let sign = match text.first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let hours = digits(text, 1, 2)?;
    let minutes = if text.get(3) == Some(&b':') { digits(text, 4, 2) } else { digits(text, 3, 2) };
    (hours < 15).then_some(sign * (hours * 60 + minutes.unwrap_or_default()) * 60)
}

/// `[31/Jan/2024:12:00:00 +0200]`
fn access(line: &[u8]) -> Option<Stamp> {
    let mut from = 0;
    while let Some(at) = memchr::memchr(b'[', line.get(from..)?) {
        from += at + 1;
        let text = line.get(from..)?;
        if let [_, _, b'/', _, _, _, b'/', _, _, _, _, b':', ..] = text
            && let Some(month) = text.get(3..6).and_then(month)
            && let Some(day) = days(digits(text, 7, 4)?, month, digits(text, 0, 2)?)
        {
            let seconds = day * 86_400 + clock(text.get(12..)?)?;
            return Some(zoned(seconds, text.get(20..).unwrap_or_default()));
        }
    }
    None
}

/// `Jan 31 12:00:00` at the start.
fn syslog(head: &[u8], latest: i64) -> Option<Stamp> {
    let month = month(head.get(..3)?)?;
    let day = if head.get(4) == Some(&b' ') { digits(head, 5, 1) } else { digits(head, 4, 2) }?;
    let clock = clock(head.get(7..)?)?;
    let this_year = 1970 + latest.div_euclid(31_556_952);
    let of = |year| Some(days(year, month, day)? * 86_400 + clock);
    // A day ahead may be a matter of zones.
    let years = [this_year + 1, this_year, this_year - 1];
    let seconds = years.into_iter().filter_map(of).find(|seconds| *seconds <= latest + 86_400)?;
    Some(Stamp { seconds, zone: None, name: None })
}

fn json(line: &[u8]) -> Option<Stamp> {
    KEYS.iter().find_map(|key| {
        let at = memmem::find(line, key)? + key.len();
        let rest = line.get(at..)?.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
        match rest.first()? {
            b'"' => {
                let text = rest.get(1..)?;
                iso(text).or_else(|| number(text))
            }
            b'0'..=b'9' => number(rest),
            _ => None,
        }
    })
}

/// Seconds since 1970, or thousandths of them, or thousandths of those.
fn number(text: &[u8]) -> Option<Stamp> {
    let length = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut seconds = digits(text, 0, length.min(19)).filter(|_| length >= 9)?;
    while seconds > 100_000_000_000 {
        seconds /= 1000;
    }
    Some(Stamp { seconds, zone: Some(0), name: None })
}

fn month(name: &[u8]) -> Option<i64> {
    const NAMES: &[u8] = b"JanFebMarAprMayJunJulAugSepOctNovDec";
    let at = NAMES.chunks(3).position(|one| one == name)?;
    i64::try_from(at + 1).ok()
}

/// Days from 1970-01-01 in the Gregorian calendar: years start in March, so that the leap day is
/// the last of its year.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1971..3000).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some(year * 365 + year / 4 - year / 100 + year / 400 + of_year - 719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2024-02-29T12:00:00Z
    const NOON: i64 = 1_709_208_000;

    #[test]
    fn times_of_lines() {
        let zoned = |seconds, zone| Some((seconds, Some(zone)));
        let local = Some((NOON, None));
        for (line, wanted) in [
            ("2024-02-29 12:00:00,123 [ERROR] app: x", local),
            ("2024-02-29T12:00:00.123456Z x", zoned(NOON, 0)),
            ("2024-02-29T12:00:00+02:00 x", zoned(NOON, 7200)),
            ("2024-02-29 12:00:00.1 -0330 x", zoned(NOON, -12_600)),
            ("2024-02-29 12:00:00.123 UTC [12] ERROR:  x", zoned(NOON, 0)),
            ("2024-02-29 12:00:00", local),
            ("2024-02-29 12:00:00.123 MSK [12] ERROR:  x", zoned(NOON, 10_800)),
            ("2024-02-29 12:00:00 EST [12] LOG:  x", zoned(NOON, -18_000)),
            ("2024-02-29 12:00:00 CETA x", local),
            ("2024-02-29 12:00:00 ERROR x", local),
            ("[Thu Feb 29 12:00:00.123456 2024] [core:error] x", local),
            ("[Thu Feb 29 12:00:00 2024] [error] x", local),
            ("[Thu Feb  9 12:00:00 2024] [error] x", Some((NOON - 20 * 86_400, None))),
            ("2024/02/29 12:00:00 [error] 29#29: x", local),
            ("[1] 2024/02/29 12:00:00.000000 [INF] x", local),
            ("\x1b[32m2024-02-29 12:00:00.000\x1b[0m | ERROR", local),
            ("time=\"2024-02-29T12:00:00Z\" level=error", zoned(NOON, 0)),
            (
                "1.2.3.4 - - [29/Feb/2024:12:00:00 +0200] \"GET / HTTP/1.1\" 200 1",
                zoned(NOON, 7200),
            ),
            ("Feb 29 12:00:00 host app[1]: x", local),
            ("Feb  9 12:00:00 host app[1]: x", Some((NOON - 20 * 86_400, None))),
            ("Dec 31 12:00:00 host app[1]: x", Some((NOON - 60 * 86_400, None))),
            (r#"{"level":"ERROR","timestamp": "2024-02-29 12:00:00,123"}"#, local),
            (r#"{"@timestamp":"2024-02-29T12:00:00Z"}"#, zoned(NOON, 0)),
            (r#"{"time":1709208000123,"level":50}"#, zoned(NOON, 0)),
            (r#"{"ts":1709208000.5}"#, zoned(NOON, 0)),
            (r#"{"ts":"1709208000123456789"}"#, zoned(NOON, 0)),
            (r#"{"record":{"time":{"repr":"x","timestamp":1709208000.1}}}"#, zoned(NOON, 0)),
            (r#"{"ts":5}"#, None),
            (r#"{"ts":"#, None),
            ("2024-13-29 12:00:00", None),
            ("2024-02-29 25:00:00", None),
            ("2024-02-29 x", None),
            ("12024-02-29 12:00:00", None),
            ("[29/Xxx/2024:12:00:00 +0200]", None),
            ("ERROR: no time", None),
            ("Trc 29", None),
            ("", None),
        ] {
            let found = find(line.as_bytes(), NOON).map(|stamp| (stamp.seconds, stamp.zone));
            assert_eq!(found, wanted, "{line}");
        }
    }

    #[test]
    fn any_bytes_are_harmless() {
        let line =
            b"{\"ts\":\"2024-02-29T12:00:00.1+02:00[29/Feb/2024:12:00:00 +0200]Feb 29 12:00:00";
        for at in 0..line.len() {
            find(&line[at..], NOON);
            find(&line[..at], NOON);
        }
    }
}
