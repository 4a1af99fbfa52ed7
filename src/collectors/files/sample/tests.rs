use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use super::super::{AREA, Files, Section, plan};
use super::*;
use crate::clients::folder::{Facts, File};
use crate::config::load;
use crate::engine::Memory;
use crate::golden;
use crate::plan::Plan;

const NOW: u64 = 1_800_000_000;

fn ago(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(NOW - seconds)
}

/// A look, as `case.json` has it: what one listing after the other has found.
#[derive(Deserialize)]
struct Case {
    settings: Files,
    /// How long ago the data changed that it is made from.
    source: Option<u64>,
    listings: Vec<Vec<Found>>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(clippy::struct_excessive_bools, reason = "a case says what is there")]
struct Found {
    pattern: String,
    single: bool,
    /// Seconds ago, size, rights.
    files: Vec<(u64, u64, u32)>,
    readable: bool,
    tracked: bool,
    copies: u64,
    wrong_mode: Option<u64>,
    cut: bool,
    hidden: bool,
}

impl Found {
    fn seen(self, is_secret: bool) -> Seen {
        let newest = self.files.iter().min();
        let newest = newest.map(|(written, size, mode)| {
            let modified = ago(*written);
            let (disk, changed, uid, gid) = (*size, modified, 1001, 1001);
            let (device, inode, links) = (1, 2, 1);
            let size = *size;
            // The rights are written as people write them.
            let mode = u32::from_str_radix(&mode.to_string(), 8).unwrap();
            let facts =
                Facts { size, disk, modified, changed, mode, uid, gid, device, inode, links };
            File { path: PathBuf::from("/x/\u{1b}odd"), real: PathBuf::from("/x"), facts }
        });
        let sizes = || self.files.iter().map(|(_, size, _)| *size);
        let secret =
            Secret { readable: self.readable, tracked: Some(self.tracked), copies: self.copies };
        Seen {
            single: self.single,
            files: self.files.len() as u64,
            size: sizes().sum(),
            disk: sizes().map(|size| size.next_multiple_of(4096)).sum(),
            largest: sizes().max().unwrap_or_default(),
            oldest: self.files.iter().map(|(written, ..)| ago(*written)).min(),
            newest,
            newer: None,
            wrong_mode: self.wrong_mode,
            wrong_owner: None,
            secret: is_secret.then_some(secret),
            cut: self.cut,
            hidden: self.hidden,
            owner: "app:app".into(),
            pattern: self.pattern,
        }
    }
}

fn batch(case: &Path) -> Batch {
    let text = golden::file(case, "case.json").expect("a case");
    let case: Case = serde_json::from_slice(&text).expect("JSON");
    let rules = Rules {
        required: case.settings.required,
        against: case.settings.shrunk_against,
        has_source: case.settings.made_from.is_some(),
    };
    let mut history = History::default();
    let mut last = None;
    let count = case.listings.len() as u64;
    for (listing, step) in case.listings.into_iter().zip(1..) {
        let at = ago(60 * (count - step));
        let source = case.source.map(ago);
        let seen = listing.into_iter().map(|found| {
            let mut seen = found.seen(case.settings.secret);
            let newest = seen.newest.as_ref().map(|file| file.facts.modified);
            seen.newer = source.filter(|source| newest.is_some_and(|newest| *source > newest));
            seen
        });
        let seen = seen.collect();
        let listing = Listing { at, seen, source: case.source.map(ago) };
        history.take(&listing.seen, at);
        last = Some(listing);
    }
    sample(rules, &last.expect("a listing"), &history, ago(0))
}

/// Missing during a rebuild, shrunk, behind its data, exposed, logs kept, cut off. [F03 F06 F09 L11 L17]
#[test]
fn golden_cases() {
    golden::run("files", |case| Ok(batch(case)));
}

#[test]
fn the_table_for_people_has_no_unseen_signs() {
    let found = Found { pattern: "/x/*".into(), files: vec![(5, 7, 644)], ..Found::default() };
    let table = table(&[found.seen(false)]);
    let row = &table.rows[0];
    assert!(!format!("{row:?}").contains("\\u{1b}"), "{row:?}");
    assert_eq!(row[6], Cell::Text("644".into()));
    assert_eq!(table.columns.len(), row.len());
}

fn planned(yaml: &str) -> Result<Vec<(String, f64)>, Vec<String>> {
    let section = load::<Section>("c.yaml", yaml, &|_| None).finish()?;
    let memory = Memory::default();
    let mut made = Plan::new(&|_| None, &memory);
    made.section("files", &AREA);
    plan(Some(&section), &mut made);
    let told = made.mistakes.iter().map(|one| format!("{}: {}", one.path, one.message));
    let told: Vec<String> = told.collect();
    if !told.is_empty() {
        return Err(told);
    }
    let general = made.targets.iter().flat_map(|target| &target.thresholds.general);
    let set = general.filter(|one| one.configured);
    Ok(set.map(|one| (format!("{} {}", one.signal, one.severity.as_str()), one.value)).collect())
}

/// The keys are thresholds in words that people use. [F03 L11]
#[test]
fn keys_set_thresholds() {
    let set = planned(
        "faiss: { path: /srv/data/index.faiss, min_size: 1MB, max_age: 8d, rebuild: 30m, \
         max_count: 7, keep: 30d, budget: 10GiB, max_size: 100MB, min_count: 2, \
         thresholds: { shrunk: 70% } }\n",
    );
    let expected = [
        ("missing critical", 1800.0),
        ("small warning", 1e6),
        ("large warning", 1e8),
        ("shrunk warning", 0.7),
        ("stale warning", 691_200.0),
        ("behind warning", 1800.0),
        ("few warning", 2.0),
        ("many warning", 7.0),
        ("oldest warning", 32.0 * 86_400.0),
        ("budget warning", 10_737_418_240.0),
    ];
    assert_eq!(set.unwrap(), expected.map(|(name, value)| (name.to_owned(), value)));
    assert_eq!(planned("a: { path: [/x/%Y/*.gz, '/y_{today:%F}'] }\n").unwrap(), []);
}

#[test]
fn mistakes() {
    for (yaml, message) in [
        (
            "a: { path: /x/models/, shrunk_against: largest }",
            "files.a.shrunk_against: compares versions of one file: a folder holds files of many sizes",
        ),
        ("a: { path: x }", "files.a.path: must be an absolute path, such as `/srv/bot/logs/*.log`"),
        (
            "a: { path: [/x, y] }",
            "files.a.path[1]: must be an absolute path, such as `/srv/bot/logs/*.log`",
        ),
        ("a: { path: [] }", "files.a.path: names no file, write for example `/srv/bot/.env`"),
        (
            "a: { path: /x, made_from: '/[y' }",
            "files.a.made_from: is no pattern of file names: unclosed character class; missing ']'",
        ),
        (
            "a: { path: /x, mode: rw-r--r-- }",
            "files.a.mode: is what rights are in octal digits, for example `\"644\"`",
        ),
        ("a: { path: /x, every: 10ms }", "files.a.every: must be at least `1s`"),
        (
            "a: { path: /x, min_size: 1MB, thresholds: { small: 2MB } }",
            "files.a.min_size: `thresholds.small` says the same: write one of them",
        ),
        ("a: { pth: /x }", "c.yaml:1: a.pth: unknown key (did you mean `path`?)"),
        ("a: { path: /x, thresholds: { smal: 2MB } }", "files.a.thresholds.smal: "),
    ] {
        let told = planned(&format!("{yaml}\n")).unwrap_err();
        assert!(told[0].starts_with(message), "{yaml}: {told:?}");
    }
}
