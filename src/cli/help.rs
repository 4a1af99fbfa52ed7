//! What people and shells are told of the command line: help, completions, man pages.

use std::io;
use std::path::Path;

use clap::{Command, CommandFactory as _, ValueEnum};
use clap_complete::generate;

use super::args::{Args, Man};
use super::{print_as_is, tell};
use crate::failure::plain;

const NAME: &str = "stack-exporter";

/// Shells that have completions.
#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Shell {
    Bash,
    Zsh,
    Fish,
}

/// The arguments. Each command's help tells of the options that do something there: the others are
/// taken everywhere, so that one environment serves all commands, and are nobody's business.
pub(super) fn command() -> Command {
    built(Args::command())
}

fn built(mut command: Command) -> Command {
    // Global options reach a command only when it is built.
    command.build();
    each(command, &told)
}

/// The command with each of those below it changed.
fn each(command: Command, change: &dyn Fn(Command, &str) -> Command) -> Command {
    let names: Vec<String> =
        command.get_subcommands().map(|one| one.get_name().to_owned()).collect();
    names
        .iter()
        .fold(command, |command, name| command.mut_subcommand(name, |one| change(one, name)))
}

/// The command without the options that it does not use, and so for those below it.
fn told(command: Command, path: &str) -> Command {
    let of_file = |id: &str| id == "config_file";
    let (file, headings) = used(path);
    let of_web = |id: &str| id == "web_config_file";
    let command = command.mut_args(|one| match one.get_help_heading() {
        Some(_) if path == "config check" && of_web(one.get_id().as_str()) => one,
        Some(heading @ ("Serving" | "Storage" | "Log")) if !headings.contains(&heading) => {
            one.hide(true)
        }
        None if !file && of_file(one.get_id().as_str()) => one.hide(true),
        _ => one,
    });
    each(command, &|one, name| told(one, &format!("{path} {name}")))
}

/// Whether a command reads the configuration, and which groups of options it uses besides its own.
fn used(path: &str) -> (bool, &'static [&'static str]) {
    match path {
        "check" | "config" | "config check" | "config show" | "logs" | "logs top" | "notify"
        | "notify test" => (true, &[]),
        "logs verify" => (true, &["Storage"]),
        "config init" | "config schema" | "metrics" | "bundle" | "completions" | "man"
        | "generate" | "password-hash" | "compose-setup" => (false, &[]),
        "healthcheck" => (false, &["Serving"]),
        _ => (true, &["Serving", "Storage", "Log"]),
    }
}

/// The completions of a shell, as a script for it.
pub(super) fn completions(shell: Shell) -> u8 {
    // Shells would offer also what is for developers only.
    let all = Args::command();
    let commands = all.get_subcommands().filter(|one| !one.is_hide_set()).cloned();
    let mut command = Command::new(NAME).args(all.get_arguments()).subcommands(commands);
    let mut script = Vec::new();
    let shell = match shell {
        Shell::Bash => clap_complete::Shell::Bash,
        Shell::Zsh => clap_complete::Shell::Zsh,
        Shell::Fish => clap_complete::Shell::Fish,
    };
    generate(shell, &mut command, NAME, &mut script);
    // The library takes the hyphen of our name for the end of a command in one half of bash's script.
    let script = String::from_utf8_lossy(&script);
    print_as_is(&script.replace("stack__subcmd__exporter", "stack__exporter"));
    0
}

/// The man page on standard output, or those of all commands into a folder.
pub(super) fn man(arguments: &Man) -> u8 {
    let without_help = |command: Command| command.disable_help_subcommand(true);
    let command = each(without_help(Args::command()), &|one, _| without_help(one));
    let command = built(command);
    let Some(folder) = &arguments.into else {
        print_as_is(&String::from_utf8_lossy(&page(&command).unwrap_or_default()));
        return 0;
    };
    match std::fs::create_dir_all(folder).and_then(|()| pages(&command, folder)) {
        Ok(count) => {
            tell(&format!("{count} man pages are in {}", folder.display()));
            0
        }
        Err(error) => {
            tell(&format!("{}: cannot write the man pages: {}", folder.display(), plain(&error)));
            1
        }
    }
}

/// The page of a command and of those below it that are for everybody; how many there are.
fn pages(command: &Command, folder: &Path) -> io::Result<usize> {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name());
    std::fs::write(folder.join(format!("{name}.1")), page(command)?)?;
    let mut below = command.get_subcommands().filter(|one| !one.is_hide_set());
    below.try_fold(1, |count, one| Ok(count + pages(one, folder)?))
}

fn page(command: &Command) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut out)?;
    Ok(out)
}
