//! The metrics of log files.

use super::sample::{Group, Log, Matches};
use super::scan::level::Level;
use crate::catalogue::metrics;

metrics! { Log {
    labels {}
    /// Finished lines by the level of their level field; lines of a traceback and others without one count as none. Source: the log files.
    counter stack_log_lines_total {level} [L01 L05 L06 L12 L20] = |l| Level::ALL.iter().map(|level| (level.as_str(), l.tally.levels.get(*level as usize).copied()));
    /// Bytes of the finished lines. Source: the log files.
    counter stack_log_bytes_total = |l| l.tally.bytes;
    /// Log files by what is done with them: open, gone (renamed or deleted and held until quiet), unreadable, skipped (no text, or compressed). Source: the log files.
    gauge stack_log_files {state} = |l| [
        ("open", l.files.open as u64), ("gone", l.files.gone as u64),
        ("unreadable", l.files.unreadable as u64), ("skipped", l.files.skipped),
    ];
    /// Bytes in the log files that have not been read yet. Source: the log files.
    gauge stack_log_lag_bytes = |l| l.files.lag;
    /// When the last line was read, as Unix time; at the start the time of the newest file. Source: the log files.
    gauge stack_log_last_line_timestamp_seconds = |l| l.tally.last_line.map(unix);
    /// Time since the last line, or since the source is watched if there was none. Source: the log files.
    gauge stack_log_silence_seconds [L09] = |l| l.silence;
    /// Times that a new file has taken the place of one that was read. Source: the log files.
    counter stack_log_rotations_total [L05 L11] = |l| l.tally.rotations;
    /// Events that make the counts less than exact: truncated (lines may be lost), cut (a line longer than 64 KiB was matched by its beginning), value (a value was no number). Source: the log files.
    counter stack_log_doubt_total {reason} = |l| [
        ("truncated", l.tally.doubt.truncated), ("cut", l.tally.doubt.cut), ("value", l.tally.doubt.value),
    ];
} }

metrics! { Matches {
    labels { rule = |m| &m.rule }
    /// Lines that a rule has matched. Source: the log files and the rule.
    counter stack_log_matches_total [L02 L05 L06 L07 L22] = |m| m.tally.matches;
    /// When a rule last matched a line, as Unix time; absent until it does. Source: the log files and the rule.
    gauge stack_log_last_match_timestamp_seconds [L07 L08 L09] = |m| m.tally.last_match().map(unix);
    /// Time since a rule last matched, or since the source is watched if it never did. Source: the log files and the rule.
    gauge stack_log_match_silence_seconds [L09] = |m| m.silence;
    /// How long a rule has been matching with pauses of at most two minutes, from the first match to the last; 0 when it is over. Source: the log files and the rule.
    gauge stack_log_match_run_seconds [L02] = |m| m.run;
    /// Sum of a value that a rule reads from its lines; negative numbers are left out. Source: the log files and the rule.
    counter stack_log_values_total {value} [Q08 L22] = |m| m.values.iter().map(|name| (name, m.tally.values.get(name).map(|value| value.sum)));
    /// Last number that a rule has read from its lines; absent until the first. Source: the log files and the rule.
    gauge stack_log_last_value {value} [Q08 L22] = |m| m.values.iter().map(|name| (name, m.tally.values.get(name).and_then(|value| value.last)));
} }

metrics! { Group {
    labels { rule = |g| &g.rule, label = |g| &g.label }
    /// Lines that a rule has matched, by the text of one of its named groups; a text counts from a minute after its first match, and beyond 20 texts all count as other. Source: the log files and the rule.
    counter stack_log_label_matches_total {value} [L02 L22] = |g| g.counts.iter().map(|(text, count)| (text, *count));
} }

fn unix(at: std::time::SystemTime) -> f64 {
    at.duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}
