//! Queries of the user's own, as numbers of ours.
//!
//! All of them are one family, `stack_postgres_query_value`, with the query, the column and the row as labels. So a
//! threshold that stands beside a column is a rule, a line in a panel and a row of `check` like any other; a
//! family named in the configuration would be none of that, and could be called like one that is there.
//!
//! Each query has a clock of its own and runs behind the readings, one after the other in the session for
//! queries of users. One that fails has no numbers until it succeeds again, and a gap that says why; the
//! others go on.

mod config;
mod fetch;
mod metrics;
mod sample;
mod settings;
#[cfg(test)]
mod tests;

pub use config::Query;
pub use fetch::{Answers, Queries};
pub use sample::{Info, Number, Seen, of};
pub use settings::{exceptions, mistakes};
