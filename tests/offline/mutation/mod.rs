//! Whether the cases of the rules see a mistake: each rule with one mistake in it must fail its own
//! alert's cases.
//!
//! Some mistakes change nothing that can be seen; `equivalent.tsv` has them with the reason. A sample
//! of all mutants runs with the other tests; a larger one with `STACK_EXPORTER_MUTANTS=900`, all with
//! `all`, those of one file with its name. The survivors are printed.

mod kinds;
mod rules;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use self::kinds::Change;
use self::rules::Alert;
use crate::support::{read, run, said};

const SAMPLE: usize = 80;
const SEED: u64 = 20_261_130;
/// Killed, of those that are not equivalent, in percent.
const LEAST: usize = 90;
const EQUIVALENT: &str = "tests/offline/mutation/equivalent.tsv";

struct Mutant<'a> {
    alert: &'a Alert,
    rule: usize,
    change: Change,
}

impl Mutant<'_> {
    /// "docker DockerDown 1: comparison: ..."
    fn name(&self) -> String {
        let Change { kind, what, .. } = &self.change;
        format!("{} {} {}: {kind}: {what}", self.alert.area, self.alert.name, self.rule)
    }
}

/// Mistakes that change nothing: a part of their names, and why.
fn equivalent() -> Vec<(String, String)> {
    let text = read(EQUIVALENT);
    let line = |line: &str| {
        let (name, why) = line.split_once('\t').unwrap_or_else(|| panic!("{EQUIVALENT}: {line}"));
        assert!(why.len() > 10, "{EQUIVALENT}: {name} has no reason");
        (name.to_owned(), why.to_owned())
    };
    text.lines().map(line).collect()
}

/// So many of all, the same in every run.
fn sample<T>(mut all: Vec<T>, many: usize) -> Vec<T> {
    let mut state = SEED;
    for index in (1..all.len()).rev() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        all.swap(index, usize::try_from(state % (index as u64 + 1)).unwrap());
    }
    all.truncate(many);
    all
}

#[derive(Clone)]
enum Outcome {
    Survives,
    Killed(String),
    /// It is no rule at all: that would fail any case, and says nothing of them.
    NoRule(String),
}

/// What its cases say of it.
fn outcome(mutant: &Mutant<'_>, folder: &Path) -> Outcome {
    let Mutant { alert, rule, change } = mutant;
    std::fs::write(folder.join("rules.yml"), alert.file(*rule, &change.text)).unwrap();
    let cases = folder.join("cases.yml");
    std::fs::write(&cases, &alert.cases).unwrap();
    let output = run("promtool", &["test", "rules", cases.to_str().unwrap()]);
    let said = said(&output);
    // A rule that cannot be evaluated fails at once: that is seen, too.
    let judged = said.contains("exp:") || said.contains("err: ");
    match (output.status.success(), judged) {
        (true, _) => Outcome::Survives,
        (false, true) => Outcome::Killed(said),
        (false, false) => Outcome::NoRule(said),
    }
}

fn play(mutants: &[Mutant<'_>]) -> Vec<Outcome> {
    let next = AtomicUsize::new(0);
    let outcomes = Mutex::new(vec![Outcome::Survives; mutants.len()]);
    let work = || {
        let folder = tempfile::tempdir().unwrap();
        while let Some((index, mutant)) =
            Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|i| Some((i, mutants.get(i)?)))
        {
            let outcome = outcome(mutant, folder.path());
            outcomes.lock().unwrap()[index] = outcome;
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, std::num::NonZero::get) {
            scope.spawn(work);
        }
    });
    outcomes.into_inner().unwrap()
}

/// By alert: in whole files the time grows with rules times cases.
#[test]
fn rules_without_a_mistake_pass_their_cases() {
    let alerts = rules::all();
    let mut all = Vec::new();
    for alert in &alerts {
        let change = Change { kind: "as it is", what: String::new(), text: alert.rules[0].clone() };
        all.push(Mutant { alert, rule: 0, change });
    }
    let mut failed = String::new();
    for (rule, outcome) in all.iter().zip(play(&all)) {
        if let Outcome::Killed(said) | Outcome::NoRule(said) = outcome {
            let _ = writeln!(failed, "{}: {said}", rule.name());
        }
    }
    assert!(failed.is_empty(), "{failed}");
}

#[test]
#[allow(clippy::print_stdout, reason = "survivors are for people, also where enough are killed")]
fn a_rule_with_a_mistake_fails_its_cases() {
    let wanted = std::env::var("STACK_EXPORTER_MUTANTS").unwrap_or_default();
    let (alerts, equivalent) = (rules::all(), equivalent());
    let mut mutants = Vec::new();
    for alert in &alerts {
        for (rule, text) in alert.rules.iter().enumerate() {
            let changes = kinds::all(text).into_iter();
            mutants.extend(changes.map(|change| Mutant { alert, rule, change }));
        }
    }
    let all = mutants.len();
    for (part, _) in &equivalent {
        assert!(mutants.iter().any(|one| one.name().contains(part)), "{EQUIVALENT}: no {part}");
    }
    mutants.retain(|one| {
        let name = one.name();
        !equivalent.iter().any(|(part, _)| name.contains(part))
    });
    match wanted.as_str() {
        "all" => {}
        area if area.starts_with(char::is_alphabetic) => {
            mutants.retain(|one| one.alert.area == area);
        }
        many => mutants = sample(mutants, many.parse().unwrap_or(SAMPLE)),
    }
    let outcomes = play(&mutants);
    let (mut survivors, mut none) = (String::new(), Vec::new());
    let mut scores: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for (mutant, outcome) in mutants.iter().zip(&outcomes) {
        for key in [mutant.alert.area.as_str(), "together"] {
            let score = scores.entry(key).or_default();
            *score = (score.0 + usize::from(matches!(outcome, Outcome::Killed(_))), score.1 + 1);
        }
        match outcome {
            Outcome::Survives => writeln!(survivors, "survives: {}", mutant.name()).unwrap(),
            Outcome::NoRule(said) => none.push(format!("{}: {said}", mutant.name())),
            Outcome::Killed(_) => {}
        }
    }
    println!("{survivors}{all} mutants in all, killed and tried: {scores:?}");
    assert!(none.is_empty(), "no rules at all:\n{}", none.join("\n"));
    let (killed, tried) = scores["together"];
    assert!(killed * 100 >= tried * LEAST, "{killed} of {tried} are seen:\n{survivors}");
}
