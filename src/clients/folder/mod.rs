//! Files in folders: patterns, safe ways to them, and a walk with bounds.
//!
//! Everything here blocks, and on a mount that hangs it does so without an end: it runs in
//! `engine::blocking`, with one mark for each target, so that a second call waits for no thread.

mod link;
mod made_up;
mod open;
mod pattern;
mod walk;

pub use link::{Refusal, resolve};
pub use made_up::is_made_up;
pub use open::open;
pub use pattern::{Part, Pattern};
pub use walk::{Bounds, Cut, Entry, Facts, File, Walked, list, walk};
