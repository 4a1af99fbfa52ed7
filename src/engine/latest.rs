//! What is known of a part, for a reading that cannot do without it.

use super::part::Latest;
use crate::failure::{Failure, Reason};

impl<T: Clone> Latest<T> {
    /// The value, else why there is none, else that it is not read yet, in these words.
    pub fn or_pending(self, unread: &str) -> Result<T, Failure> {
        let value = self.value.map(|value| value.as_ref().clone());
        value.ok_or_else(|| self.failure.unwrap_or_else(|| Failure::new(Reason::PENDING, unread)))
    }
}
