//! The metrics of rules.

use super::rows::{Expected, Label, Matches, PairRow, RuleRow, ValueRow};
use crate::catalogue::metrics;

metrics! { Matches {
    labels { rule = |m| &m.rule, split = |m| &m.split }
    /// Lines that a rule has matched, by the text of its split if it has one; such a text counts from a minute after its first match. Source: the log and the rule.
    counter stack_log_matches_total [L02 L03 L04 L05 L06 L07 L16 L22 L23 L24 P08 Q07] = |m| m.matches;
} }

metrics! { RuleRow {
    labels { rule = |m| &m.rule }
    /// When a rule last matched a line, as Unix time; absent until it does. Source: the log and the rule.
    gauge stack_log_last_match_timestamp_seconds [L07 L08 L09] = |m| m.last.map(unix);
    /// Time since a rule last matched within the hours of the source, or since it is watched if it never did. Source: the log and the rule.
    gauge stack_log_match_silence_seconds [L04 L09] = |m| m.silence;
    /// How long a rule has been matching with pauses of at most five minutes, from the first match to the last; 0 when it is over. Source: the log and the rule.
    gauge stack_log_match_run_seconds [L02] = |m| m.run;
} }

metrics! { ValueRow {
    labels { rule = |m| &m.rule, split = |m| &m.split, value = |m| &m.value }
    /// Sum of a value that a rule reads from its lines, in base units; negative numbers are left out. Source: the log and the rule.
    counter stack_log_values_total [Q08 L14 L22] = |m| m.sum;
    /// Last number that a rule has read from its lines, in base units; absent until the first. Source: the log and the rule.
    gauge stack_log_last_value [L19 Q08 L22] = |m| m.last;
    /// Numbers that a rule has read from its lines. Source: the log and the rule.
    counter stack_log_value_observations_total [Q07] = |m| m.count;
    /// Numbers that were over the limit of their value. Source: the log and the rule.
    counter stack_log_value_over_limit_total [Q07] = |m| m.over;
    /// Numbers that a rule has read from its lines, by size, in base units. Source: the log and the rule.
    histogram stack_log_value [L14 Q07] = |m| m.histogram.as_ref();
} }

metrics! { Label {
    labels { rule = |g| &g.rule, label = |g| &g.label }
    /// Lines that a rule has matched, by the text of one of its named groups. A text counts from a minute after its first match unless it is expected; beyond 20 texts, or those that are expected, all count as other. Source: the log and the rule.
    counter stack_log_label_matches_total {value} [L02 L22] = |g| g.counts.iter().map(|(text, count)| (text, *count));
} }

metrics! { Expected {
    labels { rule = |m| &m.rule }
    /// How long a line has been missing that was expected by now; 0 while all is well, also before the first was ever seen. Source: the log and the rule.
    gauge stack_log_expected_overdue_seconds [L04 F05] = |m| m.overdue;
} }

metrics! { PairRow {
    labels { rule = |m| &m.rule }
    /// What lines of a rule have started, by how it ended: finished by its end, expired without one, dropped because too much was open. Source: the log and the rule.
    counter stack_log_pairs_total {outcome} [L08 Q07] = |m| [("finished", m.finished), ("expired", m.expired), ("dropped", m.dropped)];
    /// What lines of a rule have started and nothing has ended yet. Source: the log and the rule.
    gauge stack_log_pairs_open [L08 Q07] = |m| m.open;
    /// How long the oldest of them is open; 0 if nothing is. Source: the log and the rule.
    gauge stack_log_pair_waiting_seconds [L08 Q07] = |m| m.waiting;
    /// How long it took from the lines of a rule to their ends, by our clock when they were read. Source: the log and the rule.
    histogram stack_log_pair_duration_seconds [L08 Q07] = |m| Some(&m.durations);
} }

fn unix(at: std::time::SystemTime) -> f64 {
    at.duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}
