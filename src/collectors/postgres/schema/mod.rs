//! What is wrong with the tables of one database, and which server it is: read every five minutes.
//!
//! | read | from | rights |
//! |---|---|---|
//! | indexes that were never finished, are never read, or are there twice | `pg_index`, `pg_stat_get_numscans()` | none |
//! | tables that autovacuum should have done, by their own settings | `pg_class.reloptions`, `pg_stat_get_dead_tuples()` | none |
//! | how far sequences are | `pg_sequence_last_value()` | SELECT on the sequence; without it they are counted |
//! | extensions, and what the server's files would install | `pg_extension`, `pg_available_extensions` | none |
//! | files that wait for the archive | `pg_ls_archive_statusdir()` | `pg_monitor` |
//! | which server it is | `pg_control_system()` | none |
//!
//! Each is one question, and one that fails costs itself alone. Sizes are what the catalogue says of pages, so nothing
//! waits behind a lock. Ten are named of each kind, and the others counted. A standby says nothing of indexes that are
//! not read and of vacuum: both are its primary's.

mod fetch;
mod metrics;
mod sample;
#[cfg(test)]
mod tests;

#[cfg(test)]
pub use fetch::Identity;
pub use fetch::{KEPT, Reader, Schema};
pub use sample::{
    Autovacuum, Extension, Extensions, Index, Indexes, KINDS, Machine, Off, Over, Sequence,
    Sequences, of,
};
