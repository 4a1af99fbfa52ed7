//! Texts from outside, made fit to be shown. Known to everybody, knows nobody.

mod printable;
mod short;

pub use printable::{is_unseen, printable, printable_lines};
pub use short::short;
