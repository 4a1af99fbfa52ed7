//! Searches for the nearest vectors with pgvector, where the extension is in the named database.
//!
//! Which columns have an index that finds the nearest, what these indexes are and how often they are used comes
//! from the catalogue; how long searches take from `pg_stat_statements`, where it is there. A search is a query
//! whose text has one of pgvector's operators and the name of a table with vectors: the texts are matched on the
//! server every five minutes, and only the numbers of statements come here. Which index a search used nobody tells;
//! it is counted by those of the tables that it names.

mod fetch;
mod metrics;
mod sample;
#[cfg(test)]
mod tests;

pub use fetch::Known;
pub use sample::{Column, INDEXES, Index, Said, Search, of};
