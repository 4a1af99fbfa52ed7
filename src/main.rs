//! Parses the arguments, runs the command, exits with its code.

use std::process::ExitCode;

fn main() -> ExitCode {
    stack_exporter::cli::run(std::env::args_os())
}
