//! The arguments of `check` as they are written on the command line.

use std::time::Duration;

use clap::{Args as ClapArgs, ValueEnum};

use crate::cli::values::{duration, only};

/// Below the help of `check`.
pub(in crate::cli) const EXAMPLES: &str = "\
Examples:
  stack-exporter check                          what is wrong
  stack-exporter check worker                   what concerns one service, also what is well
  stack-exporter check --wait 2m                after `docker compose up -d`: until all is well
  stack-exporter check --watch                  again and again, until Ctrl-C
  stack-exporter check --only docker --explain  why, and how to change the thresholds
  stack-exporter check --format junit > stack.xml";

#[derive(ClapArgs)]
pub(in crate::cli) struct Check {
    /// Only what concerns it: a service (`worker`, `shop/worker`), a project, a container, or a
    /// target (`app`, `postgres/app`).
    #[arg(value_name = "SERVICE", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub services: Vec<String>,
    #[arg(long, value_name = "AREA", value_delimiter = ',', help = only("Only these areas, with commas between"))]
    pub only: Vec<String>,
    /// Also what is well, advice, and each thing of a trouble.
    #[arg(long)]
    pub all: bool,
    /// What each trouble means, what helps, and where its threshold comes from.
    #[arg(long)]
    pub explain: bool,
    /// Again and again, with so many seconds between, until Ctrl-C; then the last exit code.
    #[arg(
        long,
        value_name = "SECONDS",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "5",
        value_parser = clap::value_parser!(u16).range(1..=3600),
        conflicts_with = "wait"
    )]
    pub watch: Option<u16>,
    /// Until all is well, or the time is over.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub wait: Option<Duration>,
    /// Form of the output.
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub format: ReportFormat,
    /// Colours; `auto` is for a terminal, unless `NO_COLOR` is set.
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub color: Color,
    /// Time between the two readings of a rate.
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = duration)]
    pub window: Duration,
    /// Read for so long, at most 60 s, where something is judged by its change.
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = history)]
    pub history: Duration,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum ReportFormat {
    Table,
    Json,
    /// XML for a pipeline: a test for each signal and thing.
    Junit,
    /// For a chat or an issue.
    Markdown,
    /// For a textfile collector.
    Prometheus,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Color {
    Auto,
    Always,
    Never,
}

fn history(text: &str) -> Result<Duration, String> {
    let history = duration(text)?;
    if history > Duration::from_mins(1) {
        return Err("at most 60s; what needs more is for Prometheus".into());
    }
    Ok(history)
}
