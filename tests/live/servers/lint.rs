//! What must hold of every exposition that any test scrapes: it can be read to the letter, has no
//! series twice, and no counter falls between two scrapes of one process.
//!
//! A counter may fall where its series was away in between, or where what it counts began anew:
//! a container or a server that was started again says so by its start time.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Instant;

/// What one scrape leaves for the next.
#[derive(Debug, Default)]
pub struct Lint {
    process: Option<i32>,
    /// When the last scrape had ended; one that began before cannot be compared.
    ended: Option<Instant>,
    counters: HashMap<String, f64>,
    starts: HashMap<String, f64>,
}

/// A sample: its name, all of the series as written, its labels, its value.
struct Sample<'a> {
    name: &'a str,
    series: &'a str,
    labels: Vec<(&'a str, &'a str)>,
    value: f64,
}

/// An exposition, read.
#[derive(Default)]
struct Read {
    counters: HashMap<String, f64>,
    starts: HashMap<String, f64>,
    wrong: Vec<String>,
}

/// Counters of what may itself begin anew, and the label that names it.
const MORTAL: [(&str, &str); 5] = [
    ("container_", "name"),
    ("stack_container_", "name"),
    ("pg_", "target"),
    ("stack_postgres_", "target"),
    ("stack_nats_", "target"),
];

impl Lint {
    /// What is wrong with an exposition, in words; nothing, as a rule.
    pub fn check(&mut self, body: &str, process: Option<i32>, begun: Instant) -> Vec<String> {
        let read = read(body);
        let mut wrong = read.wrong;
        let comparable = self.process == process && self.ended.is_some_and(|ended| ended <= begun);
        if comparable {
            let anew = self.begun_anew(&read.starts);
            let fallen = read.counters.iter().filter_map(|(series, now)| {
                let before = self.counters.get(series).filter(|before| *before > now)?;
                let excused = is_excused(series, &anew);
                (!excused).then(|| format!("a counter falls from {before} to {now}: {series}"))
            });
            wrong.extend(fallen);
        }
        (self.process, self.ended) = (process, Some(Instant::now()));
        (self.counters, self.starts) = (read.counters, read.starts);
        wrong
    }

    /// Values of `name` and `target` of what has another start time than before.
    fn begun_anew(&self, starts: &HashMap<String, f64>) -> BTreeSet<String> {
        let moved = starts.iter().filter(|(series, at)| self.starts.get(*series) != Some(*at));
        let gone = self.starts.keys().filter(|series| !starts.contains_key(*series));
        let series = moved.map(|(series, _)| series).chain(gone);
        let labels = series.filter_map(|series| Some(sample(&format!("{series} 0"))?.owned()));
        labels.flatten().filter(|(key, _)| key == "name" || key == "target").map(|l| l.1).collect()
    }
}

impl Sample<'_> {
    fn owned(&self) -> Vec<(String, String)> {
        self.labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }
}

fn is_excused(series: &str, anew: &BTreeSet<String>) -> bool {
    // The kernel says itself that the time of waiting for disks may go down.
    if series.starts_with("node_cpu_seconds_total") && series.contains("mode=\"iowait\"") {
        return true;
    }
    let Some((_, label)) = MORTAL.iter().find(|(prefix, _)| series.starts_with(prefix)) else {
        return false;
    };
    let line = format!("{series} 0");
    let found = sample(&line);
    found.is_some_and(|sample| sample.labels.iter().any(|l| l.0 == *label && anew.contains(l.1)))
}

fn read(body: &str) -> Read {
    let mut read = Read::default();
    let mut kinds: HashMap<&str, &str> = HashMap::new();
    let mut seen = HashSet::new();
    let mut family = ("", "");
    for line in body.lines().filter(|line| !line.is_empty()) {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            family = rest.split_once(' ').unwrap_or((rest, ""));
            if kinds.insert(family.0, family.1).is_some() {
                read.wrong.push(format!("a family twice: {}", family.0));
            }
            continue;
        }
        if line.starts_with('#') {
            continue;
        }
        let Some(sample) = sample(line) else {
            read.wrong.push(format!("not a sample: {}", line.escape_debug()));
            continue;
        };
        if !sample.name.starts_with(family.0) {
            read.wrong.push(format!("{} stands under {}", sample.name, family.0));
        }
        if !seen.insert(sample.series) {
            read.wrong.push(format!("a series twice: {}", sample.series));
        }
        if family.1 == "counter" {
            if sample.value.is_nan() || sample.value < 0.0 {
                read.wrong.push(format!("a counter of {}: {}", sample.value, sample.series));
            }
            read.counters.insert(sample.series.to_owned(), sample.value);
        } else if sample.name.ends_with("_start_time_seconds") {
            read.starts.insert(sample.series.to_owned(), sample.value);
        }
    }
    read
}

/// `name{label="value",...} 1`, or nothing if it is not that to the letter.
fn sample(line: &str) -> Option<Sample<'_>> {
    let name_end = line.find(['{', ' '])?;
    let name = line.get(..name_end).filter(|name| is_name(name))?;
    let mut labels = Vec::new();
    let mut at = name_end;
    if line.as_bytes().get(at) == Some(&b'{') {
        at += 1;
        while line.as_bytes().get(at) != Some(&b'}') {
            let rest = line.get(at..)?;
            let (key, after) = rest.split_once("=\"").filter(|(key, _)| is_name(key))?;
            let length = quoted(after)?;
            labels.push((key, after.get(..length)?));
            at += key.len() + 2 + length + 1;
            if line.as_bytes().get(at) == Some(&b',') {
                at += 1;
            } else if line.as_bytes().get(at) != Some(&b'}') {
                return None;
            }
        }
        at += 1;
    }
    let value = line.get(at..)?.strip_prefix(' ')?;
    Some(Sample { name, series: line.get(..at)?, labels, value: value.parse().ok()? })
}

fn is_name(name: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    name.chars().all(word) && name.chars().next().is_some_and(|c| !c.is_ascii_digit())
}

/// Where the closing quote stands; only the three escapes of the format are allowed.
fn quoted(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => {
                if !matches!(c, '\\' | '"' | 'n') {
                    return None;
                }
                escaped = false;
            }
            '\\' => escaped = true,
            '"' => return Some(at),
            _ => {}
        }
    }
    None
}

#[test]
fn the_harness_sees_what_is_wrong_with_an_exposition() {
    let now = Instant::now;
    let says = |body: &str| Lint::default().check(body, Some(1), now()).join("; ");
    assert_eq!(says("# TYPE a counter\na{b=\"x\\\"}\"} 1\na{b=\"y\"} 2\n"), "");
    assert!(says("# TYPE a gauge\na{b=\"x\"} 1\na{b=\"x\"} 2\n").contains("a series twice"));
    assert!(says("# TYPE a counter\na -9.2e18\n").contains("a counter of -92"));
    for bad in ["a{b=\"x} 1", "a{b=\"\\x\"} 1", "a{b=\"x\"}", "a one", "a 1 2", "1a 1"] {
        assert!(says(bad).contains("not a sample"), "{bad}");
    }
    let counter = |name: &str, n: u32, start: u32| {
        format!(
            "# TYPE {name} counter\n{name}{{name=\"web\"}} {n}\n\
             # TYPE container_start_time_seconds gauge\n\
             container_start_time_seconds{{name=\"web\"}} {start}\n"
        )
    };
    let second = |name: &str, n: u32, start: u32, process: i32| {
        let mut lint = Lint::default();
        assert_eq!(lint.check(&counter(name, 5, 1), Some(1), now()), [""; 0]);
        lint.check(&counter(name, n, start), Some(process), now()).join("; ")
    };
    assert_eq!(second("stack_log_lines_total", 5, 1, 1), "");
    assert!(second("stack_log_lines_total", 4, 2, 1).contains("a counter falls from 5 to 4"));
    assert_eq!(second("stack_log_lines_total", 4, 1, 2), "", "another process");
    assert!(second("container_x_total", 4, 1, 1).contains("a counter falls"));
    assert_eq!(second("container_x_total", 4, 2, 1), "", "the container was started again");
    let mut lint = Lint::default();
    let late = now();
    lint.check("# TYPE a counter\na 5\n", Some(1), now());
    assert_eq!(lint.check("# TYPE a counter\na 4\n", Some(1), late), [""; 0], "side by side");
    lint.check("", Some(1), now());
    assert_eq!(lint.check("# TYPE a counter\na 1\n", Some(1), now()), [""; 0], "was away");
}
