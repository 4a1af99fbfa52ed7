//! `check`: read everything, judge it, print it.

use std::time::Duration;

use super::args::{Check, CheckFormat, Options};
use super::{UNKNOWN, logging, print, runtime, tell, tell_all};
use crate::check::{Report, json, judge, table};
use crate::engine::Board;
use crate::load;

/// The longest deadline that a target may have, and a little.
const PATIENCE: Duration = Duration::from_secs(61);

pub(super) fn run(options: &Options, arguments: &Check) -> u8 {
    logging::install_quiet(options);
    if let Err(message) = load::areas(&arguments.only) {
        tell(&format!("--only: {message}"));
        return UNKNOWN;
    }
    let board = Board::new(PATIENCE);
    let file = options.config_file.as_deref();
    let mut checked = match load::load(file, &load::environment, &board.memory) {
        Ok(checked) => checked,
        Err(mistakes) => {
            tell_all(&mistakes);
            return UNKNOWN;
        }
    };
    checked.targets.retain(|target| {
        arguments.only.is_empty() || arguments.only.iter().any(|area| area == target.id.area)
    });
    if checked.targets.is_empty() {
        tell("nothing to check: no target is declared or can be found");
        return UNKNOWN;
    }
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) => {
            tell(&format!("cannot start: {error}"));
            return UNKNOWN;
        }
    };
    let report = runtime.block_on(read_and_judge(&board, checked, arguments.window));
    match arguments.format {
        CheckFormat::Table => print(&table(&report)),
        CheckFormat::Json => {
            print(&format!(
                "{}\n",
                serde_json::to_string_pretty(&json(&report)).unwrap_or_default()
            ));
        }
    }
    // A blocking read that hangs must not keep the command from ending.
    runtime.shutdown_background();
    report.exit_code()
}

async fn read_and_judge(board: &Board, checked: load::Checked, window: Duration) -> Report {
    let only: Vec<String> = Vec::new();
    board.apply(checked.targets);
    board.scrape(&only, None).await;
    // Rates need a second reading; it must be due, so the window is at least a second.
    tokio::time::sleep(window.max(Duration::from_millis(1050))).await;
    let snapshot = board.scrape(&only, None).await;
    judge(&snapshot)
}
