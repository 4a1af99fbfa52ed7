//! Counts of sources compared with what lies on disk.

use std::fmt::Write as _;
use std::path::Path;

use super::table::grouped;
use crate::cli::args::{LogsVerify, Options};
use crate::cli::{BAD_USAGE, checked, print, tell};
use crate::collectors::logs::offline::level_names;
use crate::collectors::logs::verify::{Counts, Recount, Verdict, Verified, verify};
use crate::engine::{Memory, Storage};
use crate::load;

/// Something differs.
const DIFFERS: u8 = 1;
/// Nothing could be compared.
const NOTHING: u8 = BAD_USAGE;

pub(super) fn run(options: &Options, arguments: &LogsVerify) -> u8 {
    let file = options.config_file.as_deref();
    let Some(checked) = checked(file, &Memory::default()) else { return BAD_USAGE };
    let section = checked.config.logs.unwrap_or_default();
    if let Some(name) = arguments.source.as_ref().filter(|name| !section.contains_key(*name)) {
        let known: Vec<_> = section.keys().map(String::as_str).collect();
        tell(&format!("no source of logs is named {name}; known: {}", known.join(", ")));
        return BAD_USAGE;
    }
    let default = || Storage::default_dir(&load::environment);
    let Some(dir) = options.storage_path.clone().or_else(default) else {
        tell("where is the state? name its directory with --storage.path");
        return BAD_USAGE;
    };
    let asked = |name: &String| arguments.source.as_ref().is_none_or(|asked| asked == name);
    if section.is_empty() {
        tell(
            "there is nothing to compare: no log is declared; name the configuration with \
             --config.file, or declare one under `logs`",
        );
        return BAD_USAGE;
    }
    let (mut compared, mut differs) = (0, false);
    for (name, logs) in section.iter().filter(|(name, _)| asked(name)) {
        match verified(&dir, name, logs) {
            Ok(verified) => {
                print(&told(name, &verified));
                let verdicts = || verified.files.iter().map(|(_, verdict)| verdict);
                compared += verdicts().filter(|v| !matches!(v, Verdict::Gone(_))).count();
                differs |= verdicts().any(|verdict| matches!(verdict, Verdict::Differs(_)));
            }
            Err(why) => tell(&format!("{name}: {why}")),
        }
    }
    exit_code(compared, differs)
}

/// As the help has it.
const fn exit_code(compared: usize, differs: bool) -> u8 {
    match (compared, differs) {
        (_, true) => DIFFERS,
        (0, false) => NOTHING,
        (_, false) => 0,
    }
}

fn verified(
    dir: &Path,
    name: &str,
    logs: &crate::collectors::logs::Logs,
) -> Result<Verified, String> {
    let saved = Storage::peek(dir, "logs", name).map_err(|failure| failure.to_string())?;
    let Some(saved) = saved else {
        return Err(format!("nothing is saved of it in {}; has it run yet?", dir.display()));
    };
    verify(logs, &saved)
}

/// One line for each file, and the doubt of the source.
fn told(name: &str, verified: &Verified) -> String {
    let mut out = String::new();
    for (recount, verdict) in &verified.files {
        let (word, more) = match verdict {
            Verdict::Equal => ("equal", String::new()),
            Verdict::Differs(found) => ("DIFFERS", format!(": {}", difference(recount, found))),
            Verdict::Gone(why) => ("unknown", format!(": {why}")),
        };
        let lines: u64 = recount.lines.iter().sum();
        let (path, lines) = (recount.path.display(), grouped(lines));
        let (begin, offset) = (recount.begin, recount.offset);
        let _ = writeln!(out, "{name}  {word:<8} {path}  {lines} lines in {begin}..{offset}{more}");
    }
    if verified.files.is_empty() {
        let _ = writeln!(out, "{name}  no file of it is counted");
    }
    for (reason, count) in &verified.doubt {
        let _ = writeln!(out, "{name}  doubt    {reason}: {count}");
    }
    out
}

/// `error 5 counted, 6 on disk`
fn difference(recount: &Recount, found: &Counts) -> String {
    let levels = level_names().into_iter().zip(recount.lines.iter().zip(found));
    let different = levels.filter(|(_, (counted, found))| counted != found);
    let tell = |(level, (counted, found))| format!("{level} {counted} counted, {found} on disk");
    different.map(tell).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_code_is_what_the_help_says() {
        assert_eq!(exit_code(2, false), 0);
        assert_eq!(exit_code(2, true), 1);
        assert_eq!(exit_code(0, false), 2);
    }

    #[test]
    fn each_file_says_how_it_is() {
        let of = |path: &str, lines| Recount { path: path.into(), begin: 0, offset: 9, lines };
        let files = vec![
            (of("/a", [0, 1, 0, 2, 0, 0]), Verdict::Equal),
            (of("/b", [0, 1, 0, 2, 0, 0]), Verdict::Differs([0, 1, 0, 3, 0, 1])),
            (of("/c", [0; 6]), Verdict::Gone("it is not there any more".into())),
        ];
        let verified = Verified { files, doubt: vec![("truncated".into(), 2)] };
        assert_eq!(
            told("bot", &verified),
            "bot  equal    /a  3 lines in 0..9\n\
             bot  DIFFERS  /b  3 lines in 0..9: error 2 counted, 3 on disk; none 0 counted, 1 on disk\n\
             bot  unknown  /c  0 lines in 0..9: it is not there any more\n\
             bot  doubt    truncated: 2\n"
        );
    }
}
