//! `logs top`: the most frequent errors of logs, old and packed files too. `logs verify`: counts
//! compared with what lies on disk.

mod asked;
mod count;
mod progress;
mod source;
mod table;
mod time;
mod top;
mod verify;
mod zone;

use super::args::{LogsCommand, Options};

pub(super) fn run(options: &Options, command: &LogsCommand) -> u8 {
    match command {
        LogsCommand::Top(arguments) => top::run(options, arguments),
        LogsCommand::Verify(arguments) => verify::run(options, arguments),
    }
}
