//! One listing of all files of a target. Everything here blocks, and may do so for ever.

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use jiff::Zoned;

use super::rights::{self, Owner};
use super::{config, git};
use crate::clients::folder::{self, Bounds, Cut, Entry, Facts, File, Part, Pattern, Walked};
use crate::engine::Found;
use crate::failure::{Failure, Reason};
use crate::files;

/// Entries of folders in one listing.
const ENTRIES: usize = 200_000;
/// Bytes of an index of git, of its settings, and of a list of users.
const INDEX: u64 = 32 << 20;
const SMALL: u64 = 1 << 20;
/// Secrets of one pattern that are looked at more closely.
const SECRETS: usize = 20;

/// What is looked for.
pub struct Wanted {
    pub patterns: Vec<(String, Pattern)>,
    pub made_from: Vec<Pattern>,
    pub owner: Option<String>,
    pub mode: Option<u32>,
    pub secret: bool,
}

/// What one listing has found.
pub struct Listing {
    pub at: SystemTime,
    pub seen: Vec<Seen>,
    /// The newest of what the files are made from.
    pub source: Option<SystemTime>,
}

/// What a pattern has found.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    pub pattern: String,
    /// It names one file.
    pub single: bool,
    pub files: u64,
    pub size: u64,
    pub disk: u64,
    pub largest: u64,
    pub newest: Option<File>,
    pub oldest: Option<SystemTime>,
    /// Since when there has been something newer than the newest among what it is made from.
    pub newer: Option<SystemTime>,
    pub wrong_mode: Option<u64>,
    pub wrong_owner: Option<u64>,
    pub secret: Option<Secret>,
    /// There may be more.
    pub cut: bool,
    /// Some of it could not be looked at, so what was not found may be there.
    pub hidden: bool,
    /// Names of the newest file's owner, for people.
    pub owner: String,
}

/// Who could see a secret, beside its owner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Secret {
    /// All users of the machine can read it.
    pub readable: bool,
    /// Git has it; absent if that could not be read.
    pub tracked: Option<bool>,
    /// Copies beside it.
    pub copies: u64,
}

/// Looks at everything, for so long at most if the file system answers at all.
pub fn list(wanted: &Wanted, time: Duration) -> Found<Listing> {
    let mut bounds = Bounds::new(ENTRIES, time);
    let today = Zoned::now().date();
    let names = Names::read();
    let mut missing: Option<Failure> = None;
    let owner = wanted.owner.as_ref().map(|text| Owner::parse(text, &names.users, &names.groups));
    let owner = match owner {
        Some(Err(name)) => {
            missing = Some(unknown(&name));
            None
        }
        Some(Ok(owner)) => Some(owner),
        None => None,
    };
    let mut seen = Vec::with_capacity(wanted.patterns.len());
    for (text, pattern) in &wanted.patterns {
        let pattern = pattern.on(today);
        let mut one = Seen {
            pattern: text.clone(),
            single: pattern.literal().is_some(),
            wrong_mode: wanted.mode.map(|_| 0),
            wrong_owner: owner.map(|_| 0),
            ..Seen::default()
        };
        let mut secrets: Vec<File> = Vec::new();
        let walked = folder::walk(&pattern, &mut bounds, &mut |entry| {
            one.add(entry, wanted.mode, owner);
            if wanted.secret && secrets.len() < SECRETS {
                secrets.push(entry.file());
            }
        });
        one.cut = walked.cut.is_some() || walked.deep;
        one.hidden = walked.problem.is_some();
        let problem = not_all(text, &walked);
        missing = missing.or(problem).or_else(|| only_folders(text, one.files, walked.others));
        if wanted.secret && one.files > secrets.len() as u64 {
            missing.get_or_insert_with(|| {
                let text = format!("{text}: only {SECRETS} secrets of {} are looked at", one.files);
                Failure::new(Reason::OTHER, text).hint("name them in entries of their own")
            });
        }
        if wanted.secret {
            one.secret = Some(secret(&pattern, &secrets, &mut bounds));
        }
        one.owner = one.newest.as_ref().map(|file| names.of(&file.facts)).unwrap_or_default();
        seen.push(one);
    }
    let source = sources(wanted, &mut seen, &mut bounds, &mut missing);
    Found { value: Listing { at: SystemTime::now(), seen, source }, missing }
}

/// What the files are made from: the newest of that, and for each the oldest that is newer than it.
fn sources(
    wanted: &Wanted,
    seen: &mut [Seen],
    bounds: &mut Bounds,
    missing: &mut Option<Failure>,
) -> Option<SystemTime> {
    let today = Zoned::now().date();
    let own: Vec<Pattern> = wanted.patterns.iter().map(|(_, pattern)| pattern.on(today)).collect();
    let mut source = None;
    for pattern in &wanted.made_from {
        let walked = folder::walk(&pattern.on(today), bounds, &mut |entry| {
            // What is made may lie among what it is made from.
            let path = entry.path();
            if own.iter().any(|own| own.names(&path)) {
                return;
            }
            let modified = entry.facts.modified;
            source = source.max(Some(modified));
            for one in seen.iter_mut() {
                let newest = one.newest.as_ref().map(|file| file.facts.modified);
                if newest.is_some_and(|newest| modified > newest) {
                    one.newer = one.newer.into_iter().chain([modified]).min();
                }
            }
        });
        *missing = missing.take().or_else(|| not_all("made_from", &walked));
    }
    source
}

/// Why there may be more than what was found, beside folders that cannot be read.
fn not_all(pattern: &str, walked: &Walked) -> Option<Failure> {
    let deep = || {
        let text = format!("{pattern}: folders are nested too deep: what is below 16 is not seen");
        Failure::new(Reason::OTHER, text).hint("name the folders that matter")
    };
    let cut = || walked.cut.map(|cut| cut_off(pattern, cut));
    walked.problem.clone().or_else(cut).or_else(|| walked.deep.then(deep))
}

impl Seen {
    fn add(&mut self, entry: &Entry<'_>, mode: Option<u32>, owner: Option<Owner>) {
        let facts = &entry.facts;
        self.files += 1;
        self.size = self.size.saturating_add(facts.size);
        self.disk = self.disk.saturating_add(facts.disk);
        self.largest = self.largest.max(facts.size);
        self.oldest = Some(self.oldest.map_or(facts.modified, |oldest| oldest.min(facts.modified)));
        if self.newest.as_ref().is_none_or(|newest| newest.facts.modified < facts.modified) {
            self.newest = Some(entry.file());
        }
        let wrong_mode = mode.is_some_and(|mode| mode != facts.mode);
        self.wrong_mode = self.wrong_mode.map(|wrong| wrong + u64::from(wrong_mode));
        let wrong_owner = owner.is_some_and(|owner| !owner.is(facts.uid, facts.gid));
        self.wrong_owner = self.wrong_owner.map(|wrong| wrong + u64::from(wrong_owner));
    }
}

fn cut_off(pattern: &str, cut: Cut) -> Failure {
    match cut {
        Cut::Entries => {
            Failure::new(Reason::OTHER, format!("{pattern}: over {ENTRIES} entries of folders"))
                .hint("what is shown are those until there: name fewer of them")
        }
        Cut::Time => Failure::new(Reason::TIMEOUT, format!("{pattern}: not listed in time"))
            .hint("the disk is slow, or there are very many files"),
    }
}

fn only_folders(pattern: &str, found: u64, others: u64) -> Option<Failure> {
    let failure = || {
        Failure::new(Reason::NOT_FOUND, format!("{pattern}: what is there is no regular file"))
            .hint("write a path that ends in / for all files below a folder")
    };
    (found == 0 && others > 0).then(failure)
}

fn unknown(name: &str) -> Failure {
    Failure::new(Reason::NOT_FOUND, format!("owner: nobody here is called {name}"))
        .hint("in a container users have other names: write their numbers, such as 1000:1000")
}

/// Who is who.
struct Names {
    users: String,
    groups: String,
}

impl Names {
    fn read() -> Self {
        let text = |path: &str| {
            let bytes = files::read(Path::new(path), SMALL).unwrap_or_default();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        Self { users: text("/etc/passwd"), groups: text("/etc/group") }
    }

    fn of(&self, facts: &Facts) -> String {
        let (user, group) =
            (rights::name(facts.uid, &self.users), rights::name(facts.gid, &self.groups));
        format!("{user}:{group}")
    }
}

fn secret(pattern: &Pattern, found: &[File], bounds: &mut Bounds) -> Secret {
    let mut secret = Secret { tracked: Some(false), ..Secret::default() };
    for file in found {
        secret.readable |= file.facts.mode & 0o004 != 0 && is_reachable(&file.real);
        secret.tracked = match (secret.tracked, tracked(&file.real)) {
            (Some(before), Ok(now)) => Some(before || now),
            (Some(true), Err(_)) => Some(true),
            _ => None,
        };
    }
    // One that has gone may have left copies.
    secret.copies = pattern.literal().map_or(0, |path| copies(&path, bounds));
    secret
}

/// Whether all users may go through the folders to it.
fn is_reachable(real: &Path) -> bool {
    let mut folders = real.ancestors().skip(1);
    folders.all(|dir| dir.metadata().is_ok_and(|meta| meta.permissions().mode() & 0o001 != 0))
}

fn copies(path: &Path, bounds: &mut Bounds) -> u64 {
    let (Some(dir), Some(name)) = (path.parent(), path.file_name()) else { return 0 };
    let mut all = Pattern::of(dir);
    let Ok(any) = globset::Glob::new("*") else { return 0 };
    all.parts.push(Part::Any(any.compile_matcher()));
    let mut copies = 0;
    folder::walk(&all, bounds, &mut |entry| {
        copies += u64::from(rights::is_copy(entry.name.as_bytes(), name.as_bytes()));
    });
    copies
}

/// Whether the git repository around a file, if there is one, tracks it.
fn tracked(real: &Path) -> io::Result<bool> {
    for root in real.ancestors().skip(1) {
        let git = root.join(".git");
        let Ok(meta) = git.symlink_metadata() else { continue };
        let name = real.strip_prefix(root).map_err(io::Error::other)?;
        let own = if meta.is_dir() { git } else { elsewhere(root, &git)? };
        let index = match read(&own.join("index"), INDEX) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            index => index?,
        };
        // A linked working tree has its settings where the first one has.
        let common = read(&own.join("commondir"), SMALL).map(|text| own.join(trimmed(&text)));
        let settings = read(&common.unwrap_or(own).join("config"), SMALL).unwrap_or_default();
        let settings = String::from_utf8_lossy(&settings).to_ascii_lowercase();
        let hash = if settings.contains("objectformat = sha256") { 32 } else { 20 };
        let says = git::tracks(&index, name.as_os_str().as_bytes(), hash);
        return says.ok_or_else(|| io::ErrorKind::InvalidData.into());
    }
    Ok(false)
}

/// Where a working tree has its repository when that is not in it.
fn elsewhere(root: &Path, git: &Path) -> io::Result<PathBuf> {
    let text = read(git, SMALL)?;
    let path = text.strip_prefix(b"gitdir: ").ok_or(io::ErrorKind::InvalidData)?;
    Ok(root.join(trimmed(path)))
}

fn trimmed(text: &[u8]) -> PathBuf {
    OsString::from(std::ffi::OsStr::from_bytes(text.trim_ascii())).into()
}

/// A regular file without following links, nor waiting.
fn read(path: &Path, longest: u64) -> io::Result<Vec<u8>> {
    use std::io::Read as _;
    let file = folder::open(path)?;
    let meta = file.metadata()?;
    if !meta.is_file() || meta.size() > longest {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut bytes = Vec::new();
    file.take(longest).read_to_end(&mut bytes)?;
    Ok(bytes)
}

impl Wanted {
    /// What the settings want, and what is wrong with them by key.
    pub fn of(files: &config::Files) -> (Self, Vec<(String, String)>) {
        let mut mistakes = Vec::new();
        let mut patterns = |key: &str, paths: &[String]| -> Vec<(String, Pattern)> {
            let mut good = Vec::new();
            for (index, text) in paths.iter().enumerate() {
                match Pattern::new(text) {
                    Ok(pattern) => good.push((text.clone(), pattern)),
                    Err(message) if paths.len() == 1 => mistakes.push((key.to_owned(), message)),
                    Err(message) => mistakes.push((format!("{key}[{index}]"), message)),
                }
            }
            good
        };
        let named = patterns("path", files.path.all());
        let source = files.made_from.as_ref().map(config::Paths::all).unwrap_or_default();
        let source = patterns("made_from", source);
        if files.shrunk_against.is_some() && named.iter().any(|(_, pattern)| pattern.is_deep()) {
            let message = "compares versions of one file: a folder holds files of many sizes";
            mistakes.push(("shrunk_against".into(), message.into()));
        }
        let mode = files.mode.as_deref().map(rights::mode);
        if mode == Some(None) {
            let message = "is what rights are in octal digits, for example `\"644\"`";
            mistakes.push(("mode".into(), message.into()));
        }
        let wanted = Self {
            patterns: named,
            made_from: source.into_iter().map(|(_, pattern)| pattern).collect(),
            owner: files.owner.clone(),
            mode: mode.flatten(),
            secret: files.secret,
        };
        (wanted, mistakes)
    }
}

#[cfg(test)]
mod tests;
