//! Where the report goes, and how it looks there.

use std::io::IsTerminal as _;

use super::args::{Check, Color, ReportFormat};
use crate::check::{Look, Report, json, junit, markdown, prometheus, table, troubles};
use crate::cli::print_as_is;
use crate::collectors::{CATALOGUE, section_of};
use crate::text::printable_lines;

/// Of what is no terminal and says nothing of itself.
const WIDTH: usize = 80;
/// The cursor to the first place, and the screen empty. What was there before can be scrolled to.
const CLEAR: &str = "\u{1b}[H\u{1b}[2J";

pub(super) struct Output {
    format: ReportFormat,
    look: Look,
    /// A terminal that can begin anew at its first line.
    clears: bool,
}

impl Output {
    pub(super) fn new(arguments: &Check) -> Self {
        let is_terminal = std::io::stdout().is_terminal();
        let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let look = Look {
            width: width(),
            colour: match arguments.color {
                Color::Always => true,
                Color::Never => false,
                Color::Auto => is_terminal && !set("NO_COLOR") && !dumb,
            },
            all: arguments.all || !arguments.services.is_empty(),
            explain: arguments.explain,
            catalogue: &CATALOGUE,
            section_of,
        };
        Self { format: arguments.format, look, clears: is_terminal && !dumb }
    }

    /// Whether somebody can read on.
    pub(super) fn show(&self, report: &Report) -> bool {
        print_as_is(&self.text(report))
    }

    /// The next one of many: in the place of the last, or after it.
    pub(super) fn show_next(&self, report: &Report, first: bool) -> bool {
        let text = self.text(report);
        let before = match (self.clears, first) {
            (true, _) => CLEAR,
            (false, true) => "",
            (false, false) => "\n",
        };
        print_as_is(&format!("{before}{text}"))
    }

    fn text(&self, report: &Report) -> String {
        match self.format {
            ReportFormat::Table => table(report, self.look),
            ReportFormat::Json => {
                let text = serde_json::to_string_pretty(&json(report, &troubles(report)))
                    .unwrap_or_default();
                printable_lines(&format!("{text}\n")).into_owned()
            }
            ReportFormat::Junit => junit(report),
            ReportFormat::Markdown => markdown(report),
            ReportFormat::Prometheus => prometheus(report),
        }
    }
}

/// Columns: of the terminal, else as the environment says.
fn width() -> usize {
    let terminal = rustix::termios::tcgetwinsize(std::io::stdout()).ok();
    let terminal = terminal.map(|size| usize::from(size.ws_col)).filter(|columns| *columns > 0);
    let said = || std::env::var("COLUMNS").ok()?.parse().ok().filter(|columns| *columns > 0);
    terminal.or_else(said).unwrap_or(WIDTH)
}
