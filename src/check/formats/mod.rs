//! The report for other programs than ours: tests of a pipeline, a chat, a textfile collector.

mod junit;
mod markdown;
mod prometheus;
#[cfg(test)]
mod tests;

pub use junit::junit;
pub use markdown::markdown;
pub use prometheus::prometheus;
