//! What can be wrong with a backup that is read from its beginning to its end.

use std::io;

use super::{Fault, Verdict, What, broken};

pub enum Wrong {
    Cut,
    Damaged,
    /// Of a kind, or more of it, than is read.
    Unknown,
    Io(io::Error),
}

impl From<io::Error> for Wrong {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Wrong {
    /// The verdict on a backup of this kind.
    pub fn of(self, what: What) -> io::Result<Verdict> {
        match self {
            Self::Cut => Ok(broken(Fault::Cut, what)),
            Self::Damaged => Ok(broken(Fault::Damaged, what)),
            Self::Unknown => Ok(Verdict::Unknown),
            Self::Io(error) => Err(error),
        }
    }
}
