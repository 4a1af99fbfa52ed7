//! JSON from outside, decoded as it comes, into no more memory than it was given.
//!
//! A limit on the text of an answer does not bound what becomes of it: three megabytes of `{},` are
//! a million structures. So what is decoded spends a budget ([`budget`]): elements of lists and
//! maps by their size, words by their length. When it is spent the rest is read and dropped, and
//! how much was dropped is known. Large answers are never in memory as a whole ([`stream`]).

mod budget;
mod error;
mod stream;
#[cfg(test)]
mod tests;

pub use error::JsonError;
pub use stream::Stream;

use serde::de::DeserializeOwned;

use budget::{Bounded, Budget};

/// What the structures and words of one answer may take, in bytes. 500 containers with 8 kB of
/// labels each take half of it, 10,000 `JetStream` consumers less.
const DECODED: usize = 8 << 20;

/// An answer, or as much of it as fits.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decoded<T> {
    pub value: T,
    /// Elements of lists and maps that were left out, the larger ones with all that is in them.
    pub dropped: u64,
}

impl<T> Decoded<T> {
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Decoded<U> {
        Decoded { value: change(self.value), dropped: self.dropped }
    }
}

/// Decodes a text that is in memory as a whole.
pub fn from_slice<T: DeserializeOwned>(text: &[u8]) -> Result<Decoded<T>, JsonError> {
    decode(&mut serde_json::Deserializer::from_slice(text))
}

fn decode<'de, T, R>(json: &mut serde_json::Deserializer<R>) -> Result<Decoded<T>, JsonError>
where
    T: DeserializeOwned,
    R: serde_json::de::Read<'de>,
{
    let budget = Budget::new(DECODED);
    let value = T::deserialize(Bounded::new(&mut *json, &budget)).map_err(JsonError::of)?;
    json.end().map_err(JsonError::of)?;
    Ok(Decoded { value, dropped: budget.dropped() })
}
