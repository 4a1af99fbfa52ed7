//! `generate`: writes what is uniform, or checks that it is up to date.

use super::args::Generate;
use super::{BAD_USAGE, print, tell};
use crate::collectors::CATALOGUE;
use crate::generate;

pub(super) fn run(arguments: &Generate) -> u8 {
    if !arguments.into.join("docs/project/requirements.tsv").is_file() {
        tell(&format!(
            "{} is not the repository of stack-exporter. To get rules, dashboards and the files of Alertmanager: \
             stack-exporter bundle --into DIR",
            arguments.into.display()
        ));
        return BAD_USAGE;
    }
    let files = match generate::files(&CATALOGUE, &arguments.into, &arguments.runbook_base) {
        Ok(files) => files,
        Err(message) => {
            tell(&message);
            return 1;
        }
    };
    let mut stale = 0;
    for (name, text) in files {
        let path = arguments.into.join(&name);
        if std::fs::read_to_string(&path).is_ok_and(|present| present == text) {
            continue;
        }
        if arguments.check {
            tell(&format!("{name}: not up to date; run `cargo run -- generate`"));
            stale += 1;
            continue;
        }
        let folder = path.parent().map_or(Ok(()), std::fs::create_dir_all);
        if let Err(error) = folder.and_then(|()| std::fs::write(&path, text)) {
            tell(&format!("{name}: cannot write: {error}"));
            return 1;
        }
        print(&format!("wrote {name}\n"));
    }
    u8::from(stale > 0)
}
