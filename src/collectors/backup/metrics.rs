//! The metrics of a backup. None has a label of its own.

use super::judge::Backup;
use crate::catalogue::metrics;

metrics! { Backup {
    labels { }
    /// Whether there is a backup at all; 0 also of one that never was. Source: the folders, or the list of snapshots.
    gauge stack_backup_present [F01 F02 F04 F05 F07 F08] = |b| b.present;
    /// Generations that are there, without those that are known to be empty or damaged. Source: the folders, or the list of snapshots.
    gauge stack_backup_generations [F04 F05] = |b| b.generations;
    /// Generations that are missing of those that `keep` asks for, as far as there was time to make so many. Source: the folders and the configuration.
    gauge stack_backup_generations_missing [F04] = |b| b.generations_missing;
    /// Files that `delete_after` says should have been deleted, with a day and a run to spare. Source: the folders and the configuration.
    gauge stack_backup_expired_files [F05] = |b| b.expired;
    /// Seconds since the newest backup was written to its end; absent while there is none. Source: its time of modification.
    gauge stack_backup_age_seconds [F01 F02 F04 F05 F07 F08] = |b| b.age;
    /// The same of the newest that is not known to be empty or damaged. Source: its time of modification and what was found in it.
    gauge stack_backup_usable_age_seconds [F01 F05] = |b| b.usable_age;
    /// Bytes of the newest backup. Source: the folder, or the list of snapshots.
    gauge stack_backup_size_bytes [F05] = |b| b.size;
    /// Size of the newest backup as a part of the median of up to ten before it; absent with fewer than three. Source: sizes of files, remembered also after they were deleted.
    gauge stack_backup_size_ratio [F05] = |b| b.size_ratio;
    /// Whether the newest file is being written to, and so not judged yet. Source: its time and size at two looks.
    gauge stack_backup_growing = |b| b.growing;
    /// Seconds since the first run that is missing should have been done, its slack taken off; 0 while all is well. Source: the schedule and the newest file; of a backup that never was, since it was watched.
    gauge stack_backup_overdue_seconds [F01 F02 F05 F07] = |b| b.overdue;
    /// Seconds from the run that is due to the one after it. Source: the schedule.
    gauge stack_backup_period_seconds = |b| b.period;
    /// Whether the newest backup is whole, as far as it was looked at; absent while that was not far enough to know. Source: its beginning and end, or all of it.
    gauge stack_backup_valid [F01 F05 F07] = |b| b.valid;
    /// Whether the newest backup has nothing in it. Source: its size, or its content.
    gauge stack_backup_empty [F05] = |b| b.empty;
    /// Older generations that are empty or damaged. Source: their beginning and end, or all of them.
    gauge stack_backup_damaged_generations [F07] = |b| b.damaged;
    /// Generations that were read from the first byte to the last and are whole; absent without `verify`. Source: the files.
    gauge stack_backup_verified_generations [F07] = |b| b.verified;
    /// Seconds by which the newest backup is older than the change named under `newer_than`, its slack taken off. Source: times of files.
    gauge stack_backup_behind_seconds [F08] = |b| b.behind;
    /// Whether restoring was tried, and not longer ago than `restore_test` says. Source: the time of its stamp.
    gauge stack_backup_restore_tested [F07] = |b| b.restore_tested;
    /// Seconds since restoring was tried; absent if it never was. Source: the time of the stamp.
    gauge stack_backup_restore_age_seconds [F07] = |b| b.restore_age;
    /// Folders under `copies` that lack the newest backup, once there was time to copy it. Source: files of the same name and size there.
    gauge stack_backup_copies_missing [F02] = |b| b.copies_missing;
    /// Whether every user of this machine may read the newest backup. Source: modes of the file and of the folders above it.
    gauge stack_backup_exposed [F09] = |b| b.exposed;
} }
