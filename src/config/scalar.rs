//! Checks one scalar against the shapes its key allows.

use serde_json::{Number, Value as Json};

use super::problem::{nearest, quote_list};
use super::schema::Alt;
use super::tree::{Scalar, core_value};
use super::units::{parse_duration, parse_size};

/// What is wrong with a value, without the place.
pub(super) struct Fault {
    pub message: String,
    pub hint: Option<String>,
}

impl Fault {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None }
    }
}

/// Nothing is written where a map is wanted and null is not.
pub(super) fn is_empty_section(scalar: &Scalar, alts: &[Alt<'_>]) -> bool {
    !scalar.broken
        && scalar.resolve().is_null()
        && alts.iter().any(|alt| alt.takes("object"))
        && !alts.iter().any(|alt| alt.takes("null") || alt.takes_any())
}

/// The value as its key takes it. `Err(None)` is a value about which all was said already.
pub(super) fn check(scalar: &Scalar, alts: &[Alt<'_>]) -> Result<Json, Option<Fault>> {
    if scalar.broken {
        return Err(None);
    }
    if alts.iter().any(Alt::takes_any) {
        return Ok(scalar.resolve());
    }
    let value = if scalar.from_env && !alts.iter().any(|alt| alt.takes("string")) {
        // A variable is text, but a key that takes no text can only mean what it says.
        core_value(&scalar.text)
    } else {
        scalar.resolve()
    };
    let fault = match &value {
        Json::Null if alts.iter().any(|alt| alt.takes("null")) => None,
        Json::Bool(_) if alts.iter().any(|alt| alt.takes("boolean")) => None,
        Json::Number(number) => check_number(number, scalar, alts),
        Json::String(text) => check_text(text, scalar, alts),
        other => Some(mismatch(alts, kind(other))),
    };
    fault.map_or(Ok(value), |fault| Err(Some(fault)))
}

fn kind(value: &Json) -> &'static str {
    match value {
        Json::Null => "nothing",
        Json::Bool(_) => "`true` or `false`",
        Json::Number(number) if number.is_f64() => "a number",
        Json::Number(_) => "an integer",
        Json::String(_) => "a string",
        Json::Array(_) => "a list",
        Json::Object(_) => "a map",
    }
}

/// "expected a list, found a string".
pub(super) fn mismatch(alts: &[Alt<'_>], found: &str) -> Fault {
    let mut wanted: Vec<&str> = Vec::new();
    for alt in alts {
        for name in alt.types() {
            let text = match (name, alt.text("format")) {
                ("string", Some("duration")) => "a duration",
                ("string", Some("size")) => "a size",
                ("string", _) => "a string",
                ("integer", _) => "an integer",
                ("number", _) => "a number",
                ("boolean", _) => "`true` or `false`",
                ("array", _) => "a list",
                ("object", _) => "a map",
                _ => continue,
            };
            if !wanted.contains(&text) {
                wanted.push(text);
            }
        }
    }
    let takes_text = wanted.contains(&"a string");
    let wanted = if wanted.is_empty() { "nothing".to_owned() } else { wanted.join(" or ") };
    let quotable = matches!(found, "an integer" | "a number" | "`true` or `false`");
    let hint = (takes_text && quotable).then(|| "write it in quotes".to_owned());
    Fault { message: format!("expected {wanted}, found {found}"), hint }
}

/// The value in backticks and a space, where it may be shown, or nothing.
fn shown(scalar: &Scalar, alt: &Alt<'_>) -> String {
    if alt.marks.show && !scalar.from_env && is_harmless(&scalar.text) {
        format!("`{}` ", scalar.text)
    } else {
        String::new()
    }
}

/// What people write where a number or a choice is wanted. A secret can stand in the wrong line, so
/// anything else is not repeated: the line says where it is.
fn is_harmless(text: &str) -> bool {
    const WORDS: [&str; 22] = [
        "all",
        "always",
        "any",
        "auto",
        "default",
        "disabled",
        "enabled",
        "false",
        "forever",
        "high",
        "inf",
        "infinite",
        "low",
        "never",
        "no",
        "none",
        "null",
        "off",
        "on",
        "true",
        "unlimited",
        "yes",
    ];
    const UNITS: [&str; 46] = [
        "", "%", "b", "byte", "bytes", "d", "day", "days", "g", "gb", "gi", "gib", "h", "hour",
        "hours", "hr", "hrs", "k", "kb", "ki", "kib", "m", "mb", "mi", "mib", "min", "mins",
        "minute", "minutes", "mo", "ms", "msec", "ns", "s", "sec", "second", "seconds", "secs",
        "t", "tb", "ti", "tib", "us", "w", "week", "weeks",
    ];
    let lower = text.to_ascii_lowercase();
    if WORDS.contains(&lower.as_str()) {
        return true;
    }
    let number = lower.strip_prefix(['-', '+']).unwrap_or(&lower);
    let digit = |c: char| c.is_ascii_digit();
    let units = number.split(|c: char| digit(c) || matches!(c, '.' | ' '));
    let digits = number.chars().filter(|c| digit(*c)).count();
    number.starts_with(digit) && digits <= 6 && units.into_iter().all(|unit| UNITS.contains(&unit))
}

fn check_number(number: &Number, scalar: &Scalar, alts: &[Alt<'_>]) -> Option<Fault> {
    let whole = !number.is_f64();
    let fits = |alt: &&Alt<'_>| alt.takes("number") || (whole && alt.takes("integer"));
    let mut first = None;
    for alt in alts.iter().filter(fits) {
        let fault = bounds(number, scalar, alt)?;
        first.get_or_insert(fault);
    }
    if first.is_some() {
        return first;
    }
    match alts.iter().find(|alt| alt.is_unit()) {
        Some(alt) => check_format(&scalar.text, scalar, alt),
        None => Some(mismatch(alts, kind(&Json::Number(number.clone())))),
    }
}

fn bounds(number: &Number, scalar: &Scalar, alt: &Alt<'_>) -> Option<Fault> {
    let (low, high) = match alt.text("format") {
        Some("uint32") => (0.0, f64::from(u32::MAX)),
        Some("int32") => (f64::from(i32::MIN), f64::from(i32::MAX)),
        _ => (f64::MIN, f64::MAX),
    };
    let limit = |word: &str, default: f64| alt.word(word).and_then(Json::as_f64).unwrap_or(default);
    let value = number.as_f64()?;
    let (low, high) = (limit("minimum", low), limit("maximum", high));
    let shown = shown(scalar, alt);
    if value < low {
        Some(Fault::new(format!("{shown}must be at least {low}")))
    } else if value > high {
        Some(Fault::new(format!("{shown}must be at most {high}")))
    } else if !alt.takes("number") && number.as_i64().is_none() && low < 0.0 {
        Some(Fault::new(format!("{shown}is too large")))
    } else {
        None
    }
}

fn check_text(text: &str, scalar: &Scalar, alts: &[Alt<'_>]) -> Option<Fault> {
    let texts: Vec<&Alt<'_>> = alts.iter().filter(|alt| alt.takes("string")).collect();
    let choices: Vec<&str> =
        texts.iter().flat_map(|alt| alt.values()).filter_map(Json::as_str).collect();
    if choices.contains(&text) {
        return None;
    }
    let mut first = None;
    for alt in texts.iter().filter(|alt| alt.values().next().is_none()) {
        let fault = check_format(text, scalar, alt)?;
        first.get_or_insert(fault);
    }
    let tags: Vec<&str> = alts.iter().filter_map(Alt::tag).collect();
    if tags.contains(&text) {
        // The text is one of our own names, so it may be shown.
        let hint = Some(format!("write it as a key, `{text}:`, with the settings below it"));
        return Some(Fault { message: format!("`{text}` needs settings"), hint });
    }
    if let Some(mut fault) = first {
        if !choices.is_empty() {
            fault.hint = Some(format!("or one of {}", quote_list(choices)));
        }
        return Some(fault);
    }
    let Some(alt) = texts.first() else { return Some(mismatch(alts, "a string")) };
    let names = || choices.iter().chain(&tags).copied();
    let hint = match nearest(text, names()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("valid values: {}", quote_list(names())),
    };
    let message = format!("unknown value {}", shown(scalar, alt)).trim_end().to_owned();
    Some(Fault { message, hint: Some(hint) })
}

fn check_format(text: &str, scalar: &Scalar, alt: &Alt<'_>) -> Option<Fault> {
    let unit = match alt.text("format") {
        Some("duration") => parse_duration(text).err(),
        Some("size") => parse_size(text).err(),
        _ => return check_length(text, alt),
    };
    unit.map(|error| Fault::new(format!("{}{error}", shown(scalar, alt))))
}

fn check_length(text: &str, alt: &Alt<'_>) -> Option<Fault> {
    let count = u64::try_from(text.chars().count()).unwrap_or(u64::MAX);
    let limit = |word: &str| alt.word(word).and_then(Json::as_u64);
    match (limit("minLength"), limit("maxLength")) {
        (Some(1), _) if count == 0 => Some(Fault::new("must not be empty")),
        (Some(least), _) if count < least => {
            Some(Fault::new(format!("must have at least {least} characters")))
        }
        (_, Some(most)) if count > most => {
            Some(Fault::new(format!("must have at most {most} characters")))
        }
        _ => None,
    }
}
