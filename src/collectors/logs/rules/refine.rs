//! Patterns made ready for lines of logs: what one line cannot hold goes, and what costs speed
//! without a difference for text is written cheaper.

use regex_syntax::hir::{
    Capture, Class, ClassBytes, ClassBytesRange, ClassUnicode, ClassUnicodeRange, Hir, HirKind,
    Repetition,
};

/// The pattern as it is applied to one line.
pub fn refine(hir: Hir) -> Hir {
    rebuild(hir, &|leaf| match leaf {
        HirKind::Class(class) => Hir::class(narrow(class)),
        HirKind::Literal(literal) if literal.0.contains(&b'\n') => Hir::fail(),
        HirKind::Literal(literal) => Hir::literal(literal.0),
        other => whole(other),
    })
}

fn whole(kind: HirKind) -> Hir {
    match kind {
        HirKind::Look(look) => Hir::look(look),
        HirKind::Class(class) => Hir::class(class),
        HirKind::Literal(literal) => Hir::literal(literal.0),
        _ => Hir::empty(),
    }
}

/// The same tree with other leaves. A repetition of a wide class is done here.
fn rebuild(hir: Hir, leaf: &impl Fn(HirKind) -> Hir) -> Hir {
    match hir.into_kind() {
        HirKind::Concat(parts) => {
            Hir::concat(parts.into_iter().map(|part| rebuild(part, leaf)).collect())
        }
        HirKind::Alternation(parts) => {
            Hir::alternation(parts.into_iter().map(|part| rebuild(part, leaf)).collect())
        }
        HirKind::Capture(Capture { index, name, sub }) => {
            Hir::capture(Capture { index, name, sub: Box::new(rebuild(*sub, leaf)) })
        }
        HirKind::Repetition(Repetition { min, max, greedy, sub }) => {
            let sub = rebuild(*sub, leaf);
            let sub = Box::new(if max.is_none() && min <= 1 { bytewise(sub) } else { sub });
            Hir::repetition(Repetition { min, max, greedy, sub })
        }
        kind => leaf(kind),
    }
}

/// A class without the newline; digits are those of ASCII, and K and S have no foreign forms.
fn narrow(class: Class) -> Class {
    match class {
        Class::Unicode(mut class) => {
            if is_digits(&class) {
                return Class::Unicode(unicode(&[('0', '9')]));
            }
            class.difference(&unicode(&[('\n', '\n')]));
            // What `(?i)` makes of k and s: the Kelvin sign and the long s.
            for (letters, foreign) in [("Kk", '\u{212a}'), ("Ss", '\u{17f}')] {
                let pair: Vec<_> = letters.chars().chain([foreign]).map(|c| (c, c)).collect();
                if class == unicode(&pair) {
                    class.difference(&unicode(&[(foreign, foreign)]));
                }
            }
            Class::Unicode(class)
        }
        Class::Bytes(mut class) => {
            class.difference(&ClassBytes::new([ClassBytesRange::new(b'\n', b'\n')]));
            Class::Bytes(class)
        }
    }
}

fn unicode(ranges: &[(char, char)]) -> ClassUnicode {
    ClassUnicode::new(ranges.iter().map(|(from, to)| ClassUnicodeRange::new(*from, *to)))
}

/// `\d` takes the digits of sixty scripts; none of them is a number for us.
fn is_digits(class: &ClassUnicode) -> bool {
    let mut ranges = class.ranges().iter();
    let first = ranges.next().map(|range| (range.start(), range.end()));
    let second = ranges.next().map(|range| (range.start(), range.end()));
    first == Some(('0', '9')) && second == Some(('\u{660}', '\u{669}'))
}

/// Any number of characters that are not ASCII is any number of their bytes, and invalid UTF-8 is
/// then no obstacle.
fn bytewise(hir: Hir) -> Hir {
    let HirKind::Class(Class::Unicode(class)) = hir.kind() else { return hir };
    let foreign = class
        .ranges()
        .last()
        .is_some_and(|last| last.end() == char::MAX && last.start() <= '\u{80}');
    if !foreign {
        return hir;
    }
    let ascii = class.ranges().iter().filter_map(|range| {
        let from = u8::try_from(range.start()).ok().filter(u8::is_ascii)?;
        let to = u8::try_from(range.end()).ok().filter(u8::is_ascii).unwrap_or(0x7f);
        Some(ClassBytesRange::new(from, to))
    });
    let all = ascii.chain([ClassBytesRange::new(0x80, 0xff)]);
    Hir::class(Class::Bytes(ClassBytes::new(all)))
}

/// A text as it is, and as writers of JSON may escape it: all of them `"` and `\`, PHP also `/`, Go
/// `<`, `>` and `&`, .NET the quotes as numbers. What is not ASCII is for [`with_escapes`].
pub fn spellings(text: &str) -> Vec<String> {
    let plain = |c: char| match c {
        '"' => "\\\"".to_owned(),
        '\\' => "\\\\".to_owned(),
        '\t' => "\\t".to_owned(),
        '\u{8}' => "\\b".to_owned(),
        '\u{c}' => "\\f".to_owned(),
        c if c.is_ascii_control() => format!("\\u{:04x}", u32::from(c)),
        c => c.to_string(),
    };
    let slash = |c: char| if c == '/' { "\\/".to_owned() } else { plain(c) };
    let small = |c: char| match c {
        '<' | '>' | '&' => format!("\\u{:04x}", u32::from(c)),
        c => plain(c),
    };
    let large = |c: char| match c {
        '"' | '\'' | '<' | '>' | '&' | '+' | '`' => format!("\\u{:04X}", u32::from(c)),
        c => plain(c),
    };
    let gson = |c: char| match c {
        '=' | '\'' => format!("\\u{:04x}", u32::from(c)),
        c => small(c),
    };
    let mut all = vec![text.to_owned()];
    let ways: [&dyn Fn(char) -> String; 5] = [&plain, &slash, &small, &large, &gson];
    for way in ways {
        let spelled: String = text.chars().map(way).collect();
        if !all.contains(&spelled) {
            all.push(spelled);
        }
    }
    all
}

/// The pattern, or its letters as JSON may escape them: `\u0437` in either case. Python does so
/// with all that is not ASCII.
pub fn with_escapes(hir: Hir) -> Hir {
    let small = rebuild(hir.clone(), &|leaf| escaped(leaf, false));
    if small == hir {
        return hir;
    }
    let large = rebuild(hir.clone(), &|leaf| escaped(leaf, true));
    let mut ways = vec![hir, small];
    if !ways.contains(&large) {
        ways.push(large);
    }
    Hir::alternation(ways)
}

fn escaped(leaf: HirKind, large: bool) -> Hir {
    match leaf {
        HirKind::Literal(literal) if !literal.0.is_ascii() => match std::str::from_utf8(&literal.0)
        {
            Ok(text) => Hir::literal(escape(text.chars(), large)),
            Err(_) => Hir::literal(literal.0),
        },
        // A letter in both cases. Wider classes would become wide alternations.
        HirKind::Class(Class::Unicode(class)) if is_letter(&class) => {
            let chars = class.ranges().iter().flat_map(|range| range.start()..=range.end());
            Hir::alternation(chars.map(|c| Hir::literal(escape([c], large))).collect())
        }
        other => whole(other),
    }
}

/// A class of few characters, none of them ASCII.
fn is_letter(class: &ClassUnicode) -> bool {
    let size = |range: &ClassUnicodeRange| u32::from(range.end()) - u32::from(range.start()) + 1;
    class.minimum_len().is_some_and(|bytes| bytes > 1)
        && class.ranges().iter().map(size).sum::<u32>() <= 4
}

fn escape(chars: impl IntoIterator<Item = char>, large: bool) -> Vec<u8> {
    let mut out = String::new();
    for c in chars {
        if c.is_ascii() {
            out.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            out += &if large { format!("\\u{unit:04X}") } else { format!("\\u{unit:04x}") };
        }
    }
    out.into_bytes()
}
