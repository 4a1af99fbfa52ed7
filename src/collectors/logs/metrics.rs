//! The metrics of a log source, but for those of its rules.

use std::time::UNIX_EPOCH;

use super::rows::{Client, ErrorGroup, Log, Requests};
use super::scan::level::Level;
use super::scan::request::Status;
use crate::catalogue::metrics;

metrics! { Log {
    labels {}
    /// Finished lines by the level of their level field; lines of a traceback and others without one count as none. Source: the lines.
    counter stack_log_lines_total {level} [L01 L05 L06 L12 L18 L20 L23] = |l| Level::ALL.iter().map(|level| (level.as_str(), l.tally.levels.get(*level as usize).copied()));
    /// Bytes of the finished lines. Source: the lines.
    counter stack_log_bytes_total = |l| l.tally.bytes;
    /// Events: lines that begin one, by a level, as a request, or as a traceback of its own. Source: the lines.
    counter stack_log_events_total [H09] = |l| l.tally.events.all;
    /// Lines of which nothing says what they are: text (no level, no request, and no part of an event), json (an object without a known field). They count as lines without a level. Source: the lines.
    counter stack_log_unrecognised_total {form} = |l| [("text", l.tally.unknown.text), ("json", l.tally.unknown.objects)];
    /// Share of lines that are not recognised in these and the events, of the last 4096 at most; absent below 20. Source: the lines.
    gauge stack_log_unrecognised_ratio = |l| l.tally.unknown.share();
    /// Events of level error or critical, and tracebacks of their own; the sum over all error groups, which follow when an event is complete, a second later. Source: the lines.
    counter stack_log_errors_total [L06 L13 H09] = |l| l.tally.events.errors;
    /// Share of errors in the events of the last five minutes; absent below 20 events. Source: the lines.
    gauge stack_log_error_ratio [H09 L20] = |l| l.tally.pace.error_ratio(l.now);
    /// Errors of the last five minutes: events of level error or critical, and tracebacks of their own. Source: the lines.
    gauge stack_log_recent_errors [L06 H09] = |l| l.tally.pace.recent_errors(l.now);
    /// Errors of the last five minutes by the median of five minutes of the last day, which counts as five at least; absent in the first three hours of a source, which learns then. Source: the lines.
    gauge stack_log_error_burst_ratio [L13] = |l| l.tally.pace.error_burst(l.now);
    /// Different errors that are known, by their masked text. Source: the lines.
    gauge stack_log_error_groups [L13] = |l| l.tally.errors.all().len();
    /// Different errors first seen in the last ten minutes; 0 in the first hour of a source, which learns then. Source: the lines.
    gauge stack_log_error_groups_new [L13] = |l| l.tally.errors.fresh(l.now);
    /// Log files by what is done with them: open (named and read), gone (renamed or deleted, and held until quiet), unreadable, skipped (never read). Source: the files.
    gauge stack_log_files {state} = |l| [
        ("open", l.report.open), ("gone", l.report.gone), ("unreadable", l.report.unreadable), ("skipped", l.report.skipped.all()),
    ];
    /// Named files that are never read, by reason: compressed, utf16, binary, irregular (a directory, a pipe), link (a symbolic link of a stranger), pseudo (a folder such as /proc or /sys, or a link into one). Source: the files.
    gauge stack_log_skipped_files {reason} = |l| {
        let skipped = &l.report.skipped;
        [("compressed", skipped.compressed), ("utf16", skipped.utf16), ("binary", skipped.binary), ("irregular", skipped.irregular), ("link", skipped.link), ("pseudo", skipped.pseudo)]
    };
    /// Bytes that are there and have not been read yet; of the journal and of Docker's API that is not known. Source: the files.
    gauge stack_log_lag_bytes = |l| l.report.lag;
    /// How long the oldest bytes that have not been read have been waiting; 0 without any. Source: the files.
    gauge stack_log_lag_seconds = |l| l.lag;
    /// Size of the largest named file. Source: stat.
    gauge stack_log_largest_file_bytes [L17] = |l| l.report.largest;
    /// Size of all named files together, compressed ones left out. Source: stat.
    gauge stack_log_size_bytes [L17] = |l| l.report.total;
    /// Bytes of deleted files that are still held open until they are quiet. Source: stat.
    gauge stack_log_deleted_bytes = |l| l.report.held_deleted_bytes;
    /// When the last line was read, as Unix time; at the very start the time of the newest file. Source: the lines.
    gauge stack_log_last_line_timestamp_seconds = |l| l.tally.last_line.map(|at| at.duration_since(UNIX_EPOCH).unwrap_or_default());
    /// Time since the last line within the hours of the source, or since the source is watched if there was none. Source: the lines.
    gauge stack_log_silence_seconds [L09] = |l| l.silence;
    /// Times that a new file has taken the place of one that was read. Source: the files.
    counter stack_log_rotations_total [L05 L11] = |l| l.tally.rotations;
    /// Last lines without an end of line that nobody will finish; they count as lines. Source: the files.
    counter stack_log_unterminated_lines_total = |l| l.tally.unterminated;
    /// Events that make the counts a lower bound: truncated (a file was cut off or written anew in its place), overrun (something was gone before it was read), state_lost (what was known before the start), cursor_lost (entries of the journal are gone), damaged (records that cannot be decoded), cut (only the first 60 and the last 4 KiB of a line were seen), value (a number was none). Source: the comparison of what is there with what was read.
    counter stack_log_doubt_total {reason} = |l| {
        let doubt = &l.tally.doubt;
        [
            ("truncated", doubt.truncated), ("overrun", doubt.overrun), ("state_lost", doubt.state_lost),
            ("cursor_lost", doubt.cursor_lost), ("damaged", doubt.damaged), ("cut", doubt.cut), ("value", l.tally.rules.no_number),
        ]
    };
    /// Bytes of which is known that they were never read. Source: the last known size of files that are gone.
    counter stack_log_unknown_bytes_total = |l| l.tally.unknown_bytes;
    /// Whether lines from before the start of the exporter are being read, or were in the last five minutes. Source: the state of the source.
    gauge stack_log_catching_up = |l| l.catching_up;
    /// Whether positions and counts could be saved the last time. Source: the state file.
    gauge stack_log_state_saved = |l| l.saved;
    /// Bytes that answers to requests held, from access logs. Source: nginx `$body_bytes_sent`.
    counter stack_log_response_bytes_total [L21] = |l| l.access.then_some(l.tally.access.bytes);
    /// Time that requests took, from access logs that name it. Source: nginx `$request_time`.
    histogram stack_log_request_duration_seconds [L21 H08] = |l| l.times.as_ref();
    /// Share of answers with status 5xx in the requests of the last five minutes; absent below 20 requests. Source: the access log.
    gauge stack_log_request_error_ratio [L21 H09] = |l| l.tally.requests.error_ratio(l.now);
    /// Time within which 95 % of the requests of the last five minutes were answered, by the buckets of the histogram. Source: nginx `$request_time`.
    gauge stack_log_request_p95_seconds [L21 H08] = |l| l.p95;
    /// Different client addresses in the last five minutes. Source: the access log.
    gauge stack_log_clients [L16] = |l| l.clients.as_ref().map(|clients| clients.distinct);
    /// Share of the busiest client address in the requests of the last five minutes. Source: the access log.
    gauge stack_log_busiest_client_ratio [L16] = |l| l.clients.as_ref().filter(|clients| clients.requests > 0).map(|clients| clients.busiest as f64 / clients.requests as f64);
} }

metrics! { ErrorGroup {
    labels { fingerprint = |g| &g.fingerprint, level = |g| g.level, logger = |g| &g.logger, exception = |g| &g.exception }
    /// Errors by kind: the same masked text and logger, or the same exception from the same place. Beyond 50 kinds they count as other; kinds that give their place up after a week without any count as retired. Source: the lines.
    counter stack_log_error_group_events_total [L13] = |g| g.count;
} }

metrics! { Requests {
    labels { method = |r| r.method }
    /// Requests by method and class of status; 401, 403 and 429 stand apart from 4xx. Source: the access log.
    counter stack_log_requests_total {status} [L15 L16 L21] = |r| Status::ALL.iter().zip(r.counts).map(|(status, count)| (status.as_str(), count));
} }

metrics! { Client {
    labels { client = |c| &c.address }
    /// Requests of the last five minutes of the 20 busiest client addresses; only where it is switched on. Source: the access log.
    gauge stack_log_client_requests [L16] = |c| c.requests;
} }
