//! Texts from outside, made fit to be shown. Known to everybody, knows nobody.

mod short;

pub use short::short;
