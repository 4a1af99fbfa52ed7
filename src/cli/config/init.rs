//! `config init`: a first configuration from what runs here.

mod look;
mod section;
mod seen;
mod write;

use std::io::Write as _;
use std::path::Path;

use crate::cli::args::ConfigInit;
use crate::cli::{print, runtime, say, tell};
use crate::failure::plain;

/// Nothing was written.
const NOT_WRITTEN: u8 = 1;

pub(super) fn run(arguments: &ConfigInit) -> u8 {
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) => {
            tell(&format!("cannot start: {error}"));
            return NOT_WRITTEN;
        }
    };
    let seen = runtime.block_on(look::look());
    runtime.shutdown_background();
    let text = write::configuration(&seen);
    let Some(path) = &arguments.output else {
        print(&text);
        return 0;
    };
    if let Err(error) = save(path, &text, arguments.force) {
        let (name, why) = (path.display(), plain(&error));
        tell(&match error.kind() {
            std::io::ErrorKind::AlreadyExists => {
                format!(
                    "{name}: is there already, and stays as it is\n  do: choose another name, or overwrite it with --force"
                )
            }
            _ => format!("{name}: cannot write the file: {why}"),
        });
        return NOT_WRITTEN;
    }
    let name = path.display();
    let fill = text.matches(write::FILL_IN).count().saturating_sub(1);
    say(&format!(
        "{name}: written; {fill} places to fill in, marked `{}`\nnext:\n  \
         stack-exporter config check --connect --config.file {name}",
        write::FILL_IN
    ));
    0
}

/// Without `force` what is there stays, also if it comes between a look and the writing.
fn save(path: &Path, text: &str, force: bool) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true);
    if force {
        options.create(true).truncate(true)
    } else {
        options.create_new(true)
    };
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_data()
}
