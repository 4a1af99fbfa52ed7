//! The metrics of files. `file_*` are filestat_exporter's names.

use super::sample::{Named, Stat, Watched};
use crate::catalogue::metrics;

metrics! { Named {
    labels { pattern = |n| &n.pattern }
    /// Regular files that the pattern names; 0 if there is none. Source: the listing.
    gauge file_glob_match_number [F03 F06 F09] = |n| n.files;
} }

metrics! { Stat {
    labels { path = |s| &s.path }
    /// Size of a file that is declared by its full path, in bytes; absent while it is not there. Source: statx.
    gauge file_stat_size_bytes [F03 F06] = |s| s.size;
    /// When such a file was written, in seconds since the epoch. Source: statx mtime.
    gauge file_stat_modif_time_seconds [F03 F06] = |s| s.modified;
    /// Rights of such a file as octal digits, read as a number: 644. Source: statx mode.
    gauge stack_file_mode [F03 F09] = |s| s.mode;
    /// Number of the user who owns such a file. Source: statx.
    gauge stack_file_owner_uid [F03] = |s| s.uid;
} }

metrics! { Watched {
    labels { path = |w| &w.path }
    /// Regular files that the path names; 0 if there is none, at least so many if there were too many to list. Source: the listing.
    gauge stack_file_matches [L11 F07] = |w| w.files;
    /// Sum of the sizes of these files in bytes. Source: statx.
    gauge stack_file_size_bytes [L17] = |w| w.size;
    /// What these files take on the disk in bytes, as du counts. Source: statx blocks.
    gauge stack_file_disk_bytes [L17] = |w| w.disk;
    /// Size of the newest of these files in bytes. Source: statx.
    gauge stack_file_newest_size_bytes [F03 F06] = |w| w.newest_size;
    /// Size of the largest of these files in bytes. Source: statx.
    gauge stack_file_largest_size_bytes [L17] = |w| w.largest;
    /// Seconds since the newest of these files was written. Source: statx mtime.
    gauge stack_file_newest_age_seconds [F03] = |w| w.newest_age;
    /// Seconds since the oldest of these files was written. Source: statx mtime.
    gauge stack_file_oldest_age_seconds [L11] = |w| w.oldest_age;
    /// For how many seconds a required file has not been there, also before the exporter was started again; 0 while it is. Source: the listings.
    gauge stack_file_missing_seconds [F03 F06 F09] = |w| w.missing;
    /// For how many seconds there has been newer data than the file that is made from it; 0 while there is none. Source: statx mtime of both.
    gauge stack_file_behind_seconds [F06] = |w| w.behind;
    /// Size of the newest file over that of the version before it, or of the largest of ten, as `shrunk_against` says; absent before there was another. Source: the listings.
    gauge stack_file_size_ratio [F03] = |w| w.ratio;
    /// Whether a secret can be seen: all users can read it, git tracks it, or a copy of it lies beside it. Source: statx, the index of git, the listing.
    gauge stack_file_exposed {how} [F09] = |w| w.exposed();
    /// Files with other rights, or another owner, than declared. Source: statx.
    gauge stack_file_unexpected {what} [F03] = |w| w.unexpected();
} }
