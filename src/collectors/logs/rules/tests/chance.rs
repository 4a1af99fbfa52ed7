//! Every way of matching against the plain one: a regular expression on each line.

use regex::bytes::RegexBuilder;

use super::super::matcher::Matcher;
use super::*;

/// A small generator of numbers (xorshift).
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % n as u64).unwrap()
    }

    fn of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.below(all.len())]
    }

    /// Pieces in a row.
    fn row(&mut self, most: usize, all: &[&str]) -> String {
        (0..=self.below(most)).map(|_| self.of(all)).collect()
    }
}

const PIECES: [&str; 28] = [
    "(?:abc|task i)",
    "(task|ошибка)",
    "abc",
    "task ",
    "id=",
    "b",
    "ошибка",
    " ",
    r"\d+",
    r"(\d+)",
    r"(\w+)",
    r"\w*",
    r"[a-c]+",
    r"([^ ]+)",
    ".*",
    ".",
    r"(?:\.\d+)?",
    r"(\d+(?:\.\d+)?)",
    "(?:abc|id)",
    "[Tt]ask",
    r"\b",
    "^",
    "$",
    r"\s",
    r"\S+",
    "(a|bc)+",
    r"x?",
    r"\d{2,3}",
];
const TEXTS: [&str; 20] = [
    "abc",
    "task ",
    "Task ",
    "TASK",
    "id=",
    "b",
    "a",
    "ошибка",
    "ОШИБКА",
    " ",
    "12",
    "3.5",
    "7",
    ".",
    "x",
    "\r",
    "\t",
    "é",
    "\\u043e\\u0448",
    "abcabc",
];

/// The groups that a plain regular expression finds in a line, or none.
fn plain(regex: &regex::bytes::Regex, line: &[u8]) -> Option<Vec<Option<(usize, usize)>>> {
    let found = regex.captures(line)?;
    Some(found.iter().map(|group| group.map(|group| (group.start(), group.end()))).collect())
}

#[test]
fn all_ways_agree_with_the_plain_one() {
    let mut chance = Chance(0x1234_5678_9abc_def1);
    let (mut ways, mut taken) = (BTreeMap::<&str, u32>::new(), 0);
    for round in 0..1000 {
        let pattern = chance.row(6, &PIECES);
        let ignore_case = chance.below(4) == 0;
        let captures = chance.below(2) == 0;
        let Ok(matcher) = Matcher::new(&pattern, ignore_case, captures) else { continue };
        // Our own departures, spelled out: digits are ASCII, and letters may be escaped as in JSON.
        let regex = RegexBuilder::new(&pattern.replace(r"\d", "[0-9]"))
            .case_insensitive(ignore_case)
            .multi_line(true)
            .crlf(true)
            .build()
            .unwrap();
        *ways.entry(matcher.way()).or_default() += 1;
        let lines: String = (0..8).map(|_| chance.row(9, &TEXTS) + "\n").collect();
        let rule = serde_json::json!({"r": {"regex": pattern, "ignore_case": ignore_case}});
        let rules = rules(&rule.to_string());
        let mut tallies = Tallies::default();
        rules.apply(lines.as_bytes(), at(0), &mut tallies);
        let mut wanted = 0;
        for text in lines.split_terminator('\n').filter(|text| !text.contains("\\u")) {
            let text = text.strip_suffix('\r').unwrap_or(text);
            let found = plain(&regex, text.as_bytes());
            wanted += u64::from(found.is_some());
            // Two runs side by side may share out the bytes of one character.
            let wide = ["[^ ]+", ".*", r"\S+"]
                .iter()
                .map(|run| pattern.matches(run).count())
                .sum::<usize>();
            if captures && (wide < 2 || text.is_ascii()) {
                let slots = groups(&matcher, text.as_bytes());
                assert_eq!(
                    slots,
                    found,
                    "round {round}: {pattern:?} on {text:?}, {}",
                    matcher.way()
                );
            }
        }
        let escaped = lines.split('\n').filter(|text| text.contains("\\u"));
        let least = wanted
            + escaped.filter(|text| regex.is_match(text.trim_end_matches('\r').as_bytes())).count()
                as u64;
        let counted = tallies.rules["r"].matches;
        assert!(counted >= least, "round {round}: {pattern:?} on {lines:?}: {counted} < {least}");
        if !lines.contains("\\u") {
            assert_eq!(
                counted,
                wanted,
                "round {round}: {pattern:?} on {lines:?}, {}",
                matcher.way()
            );
        }
        taken += wanted;
    }
    assert!(taken > 500, "{taken}");
    for way in ["text", "pattern from", "pattern in lines with", "pattern everywhere"] {
        assert!(ways.get(way).is_some_and(|count| *count > 10), "{ways:?}");
    }
}

/// What the matcher finds, tried from each of its literals as the rules do.
fn groups(matcher: &Matcher, line: &[u8]) -> Option<Vec<Option<(usize, usize)>>> {
    let mut slots = vec![NONE; matcher.groups];
    let search = Search::new(matcher.literals().iter().map(|literal| (0, literal.clone())));
    let mut places = Vec::new();
    search.each(line, |_, at| places.push(at));
    if matcher.literals().is_empty() {
        places.push(0);
    }
    // Rules judge a line once, from its first literal.
    for place in places.into_iter().take(1) {
        if matcher.matches(line, place, &mut slots) {
            let known = |slot: &(usize, usize)| (slot.1 != usize::MAX).then_some(*slot);
            let mut all: Vec<_> = slots.iter().map(known).collect();
            // The bounds of the whole match are of no use to rules.
            all[0] = plain_whole(matcher, line);
            return Some(all);
        }
    }
    None
}

fn plain_whole(matcher: &Matcher, line: &[u8]) -> Option<(usize, usize)> {
    matcher.whole(line)
}
