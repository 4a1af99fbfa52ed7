//! Texts from outside, made fit to be shown, or understood. Known to everybody, knows nobody.

mod printable;
mod short;
mod times;

pub use printable::{is_unseen, printable, printable_lines};
pub use short::short;
pub use times::epoch;
