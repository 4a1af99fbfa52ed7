//! `bundle`: writes what is shipped beside the program into a folder, and keeps what people changed.
//!
//! `bundle.sha256` in the folder tells what was written: a file that differs from it was changed by
//! hand, one that does not is ours to replace.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::args::Bundle;
use super::{print, tell};
use crate::collectors::CATALOGUE;
use crate::{files, generate};

const SUMS: &str = "bundle.sha256";
/// More than any of the files has.
const LONGEST: u64 = 8 << 20;

pub(super) fn run(arguments: &Bundle) -> u8 {
    let shipped = generate::shipped(&CATALOGUE, arguments.external_url.as_deref());
    let known = read_sums(&arguments.into.join(SUMS));
    let (mut sums, mut done) = (String::new(), Done::default());
    for (name, text) in &shipped {
        let place = arguments.into.join(name);
        let sum = sum(text.as_bytes());
        let outcome = match state(&place, &sum, known.get(name)) {
            State::AsShipped => Ok(false),
            State::Changed(how) if !arguments.force => Err(how),
            _ => {
                write(&place, text).map(|()| true).map_err(|error| format!("not written: {error}"))
            }
        };
        // Of what was kept it stays known what was once written.
        let known = known.get(name).filter(|_| outcome.is_err());
        if let Some(sum) = known.or(outcome.is_ok().then_some(&sum)) {
            let _ = writeln!(sums, "{sum}  {name}");
        }
        done.count(name, outcome);
    }
    for (name, sum) in known.iter().filter(|(name, _)| !shipped.iter().any(|(one, _)| one == *name))
    {
        if arguments.into.join(name).symlink_metadata().is_ok() {
            // Told again the next time, until it is deleted.
            let _ = writeln!(sums, "{sum}  {name}");
            done.kept += 1;
            tell(&format!(
                "{name}: no longer part of the bundle: delete it, Prometheus would go on reading it"
            ));
        }
    }
    if let Err(error) = write(&arguments.into.join(SUMS), &sums) {
        tell(&format!("{SUMS}: not written: {error}"));
        return 1;
    }
    print(&format!(
        "{} files in {}: {} written, {} were up to date, {} kept\n",
        shipped.len(),
        arguments.into.display(),
        done.written,
        done.same,
        done.kept
    ));
    u8::from(done.kept > 0)
}

#[derive(Default)]
struct Done {
    written: usize,
    same: usize,
    kept: usize,
}

impl Done {
    fn count(&mut self, name: &str, outcome: Result<bool, String>) {
        match outcome {
            Ok(true) => {
                self.written += 1;
                print(&format!("wrote {name}\n"));
            }
            Ok(false) => self.same += 1,
            Err(why) => {
                self.kept += 1;
                tell(&format!("{name}: {why}"));
            }
        }
    }
}

/// What stands where a file is to be written.
enum State {
    Missing,
    AsShipped,
    /// As an earlier call wrote it.
    Ours,
    /// By somebody else; why it is kept.
    Changed(String),
}

fn state(place: &Path, shipped: &str, written: Option<&String>) -> State {
    if place.symlink_metadata().is_ok_and(|there| there.is_symlink()) {
        return State::Changed("kept, for it is a link; overwrite it by --force".to_owned());
    }
    match files::read(place, LONGEST) {
        Ok(bytes) => match sum(&bytes) {
            found if found == shipped => State::AsShipped,
            found if Some(&found) == written => State::Ours,
            _ => State::Changed(
                "kept, for it was changed by hand; compare it with that of `bundle --into` an empty folder, \
                 or overwrite it by --force"
                    .to_owned(),
            ),
        },
        Err(error) if error.kind() == ErrorKind::NotFound => State::Missing,
        Err(error) => State::Changed(format!("kept, for it cannot be read: {error}")),
    }
}

/// Whole or not at all: Prometheus may read it at any moment.
pub(super) fn write(place: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = place.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut part = place.as_os_str().to_owned();
    part.push(".part");
    // One of a call that was cut off, or of another hand: it is never written through.
    let _ = std::fs::remove_file(&part);
    std::fs::File::create_new(&part)?.write_all(text.as_bytes())?;
    std::fs::rename(&part, place).inspect_err(|_| {
        let _ = std::fs::remove_file(&part);
    })
}

fn sum(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// Names with their sums, of an earlier call; none where there was none.
fn read_sums(place: &Path) -> BTreeMap<String, String> {
    let text = files::read(place, LONGEST).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines = text.lines().filter_map(|line| line.split_once("  "));
    // Of another hand: a name that leads out of the folder, or that no file of ours has.
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._/".contains(c);
    let ours = lines.filter(|(_, name)| {
        !name.starts_with('/') && !name.contains("..") && name.chars().all(plain)
    });
    ours.map(|(sum, name)| (name.to_owned(), sum.to_owned())).collect()
}
