//! `notify test`: one message by each way, and what came of it.

use std::fmt::Write as _;

use super::args::{NotifyCommand, Options};
use super::healthcheck::speaks_tls;
use super::machine::Machine;
use super::{BAD_USAGE, checked, print, runtime, tell};
use crate::engine::Memory;
use crate::notify;

pub(super) fn run(options: &Options, NotifyCommand::Test: &NotifyCommand) -> u8 {
    let file = options.config_file.as_deref();
    let Some(checked) = checked(file, &Memory::default()) else { return BAD_USAGE };
    let Some(config) = &checked.config.notify else {
        tell(
            "the configuration has no section `notify`, so no message is sent; do: add one, docs/how-to/messages.md has an example for each way",
        );
        return BAD_USAGE;
    };
    let machine = Machine::of(&checked.config);
    let info = machine.info(&options.listen_address, speaks_tls(options));
    let tested = runtime()
        .map(|runtime| runtime.block_on(notify::test(config, &info.hostname, &info.external_url)));
    let outcomes = match tested {
        Ok(outcomes) => outcomes,
        Err(error) => {
            tell(&format!("cannot start: {error}"));
            return 1;
        }
    };
    let mut out = String::new();
    for (way, outcome) in &outcomes {
        let _ = match outcome {
            Ok(()) => writeln!(out, "{way:<11} sent"),
            Err(failure) => writeln!(out, "{way:<11} not sent: {failure}"),
        };
        let hint = outcome.as_ref().err().and_then(|failure| failure.hint.as_ref());
        if let Some(hint) = hint {
            let _ = writeln!(out, "{:<11} do: {hint}", "");
        }
    }
    print(&out);
    u8::from(outcomes.iter().any(|(_, outcome)| outcome.is_err()))
}
