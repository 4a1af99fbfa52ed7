//! Why a text is not the JSON that was expected.

use crate::failure::{Failure, Reason};

/// Holds nothing of the text but a place in it: the text may hold anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JsonError {
    /// No JSON, or another one, from this line and column on.
    Unexpected { line: usize, column: usize },
    /// It has what no answer that we read has, such as a word without an end.
    TooLarge(String),
}

impl JsonError {
    pub(super) fn of(error: serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        if error.is_io() {
            return Self::TooLarge(std::io::Error::from(error).to_string());
        }
        Self::Unexpected { line, column }
    }

    /// As a failure of `what`, with what to do about it.
    pub fn failure(&self, what: &str, hint: &str) -> Failure {
        let failure = match self {
            Self::Unexpected { line, column } => Failure::new(
                Reason::PARSE,
                format!("{what}: not the expected JSON (line {line}, column {column})"),
            ),
            Self::TooLarge(why) => Failure::new(Reason::PROTOCOL, format!("{what}: {why}")),
        };
        failure.hint(hint)
    }
}
