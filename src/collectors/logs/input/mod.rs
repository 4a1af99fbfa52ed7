//! Where the lines of a source come from.

pub mod containers;
pub mod journal;
pub mod stdin;

use std::sync::Arc;

use self::containers::Containers;
use self::journal::Journal;
use self::stdin::Standard;
use super::follow::Follow;

pub enum Input {
    Files(Follow),
    Containers(Containers),
    Journal(Journal),
    Stdin(Arc<Standard>),
}

impl Input {
    /// Where it is, for people.
    pub fn place(&self) -> String {
        match self {
            Self::Files(follow) => follow.texts.join(", "),
            Self::Containers(containers) => containers.place(),
            Self::Journal(journal) => journal.place(),
            Self::Stdin(_) => "standard input".to_owned(),
        }
    }

    /// Whether the kernel tells of all that can happen.
    pub fn is_watched(&self) -> bool {
        matches!(self, Self::Files(_) | Self::Journal(_))
    }

    /// What is said of it when there is nothing.
    pub fn missing(&self) -> &'static str {
        match self {
            Self::Files(_) => "no such file",
            Self::Containers(_) => "no such container",
            Self::Journal(_) => "no journal file",
            Self::Stdin(_) => "it has ended",
        }
    }

    /// What helps then.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Files(_) => {
                "is the folder mounted into the exporter's container, and does the program log there?"
            }
            Self::Containers(_) => "docker ps -a lists the names and the Compose services",
            Self::Journal(_) => {
                "is the journal kept on disk (Storage=persistent), mounted here, and may we read it?"
            }
            Self::Stdin(_) => {
                "start the exporter behind the program again: program | stack-exporter"
            }
        }
    }
}
