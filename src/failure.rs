//! Why a target, or a part of it, could not be read.

use std::fmt;

/// A word for why, the value of the label `reason`, with what it means. The ones of this file are
/// everybody's; an area declares its own by `reasons!` and names them in its `Area`, from where
/// docs/metrics.md has them. `tests/offline/words.rs` sees to it that there is no other way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reason {
    word: &'static str,
    meaning: &'static str,
}

impl Reason {
    #[doc(hidden)]
    pub const fn declared(word: &'static str, meaning: &'static str) -> Self {
        Self { word, meaning }
    }

    pub const fn as_str(self) -> &'static str {
        self.word
    }

    /// A sentence for people.
    pub const fn meaning(self) -> &'static str {
        self.meaning.trim_ascii()
    }
}

/// Declares reasons as constants, and the list of them as `REASONS`, which the `Area` names.
macro_rules! reasons {
    (common $(#[doc = $meaning:literal] $name:ident = $word:literal;)+) => {
        impl Reason {
            $(#[doc = $meaning]
            pub const $name: Self = Self::declared($word, $meaning);)+
            /// Those that every area has.
            pub const COMMON: &'static [Self] = &[$(Self::$name),+];
        }
    };
    ($(#[doc = $meaning:literal] $name:ident = $word:literal;)+) => {
        $(#[doc = $meaning]
        pub const $name: $crate::failure::Reason =
            $crate::failure::Reason::declared($word, $meaning);)+
        /// Those that only this area has.
        pub const REASONS: &[$crate::failure::Reason] = &[$($name),+];
    };
}
pub(crate) use reasons;

reasons! { common
    /// Nobody listens there.
    REFUSED = "refused";
    /// No answer within the deadline.
    TIMEOUT = "timeout";
    /// The name does not resolve.
    DNS = "dns";
    /// The TLS handshake failed.
    TLS = "tls";
    /// Credentials missing or wrong.
    AUTH = "auth";
    /// Logged in, but not allowed to see it.
    RIGHTS = "rights";
    /// The thing is not there: a database, a file, a stream.
    NOT_FOUND = "not_found";
    /// It answered, but not what its protocol says.
    PROTOCOL = "protocol";
    /// The answer could not be understood.
    PARSE = "parse";
    /// A defect of the exporter.
    PANIC = "panic";
    /// Another process has what the exporter needs for itself.
    TAKEN = "taken";
    /// There is no room for what the exporter writes.
    FULL = "full";
    /// Not read yet.
    PENDING = "pending";
    /// Anything else: the sentence beside it says what.
    OTHER = "other";
}

/// What to do when the process may open no more files, whatever it was that wanted one.
const NO_FILES: &str = "the exporter may not open enough files: raise the limit (`ulimit -n`, `LimitNOFILE=` of a \
                        systemd unit, `ulimits: { nofile: ... }` in Compose) and start it again";

/// A failed reading: what, why, what to do. Holds no secret and no text from inside the source
/// beyond what the operator needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub reason: Reason,
    /// What failed and why, lower case, without full stop.
    pub detail: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Failure {
    pub fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into(), hint: None }
    }

    /// A hint on the source helps nobody while the trouble is our own lack of files.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        if self.hint.as_deref() != Some(NO_FILES) {
            self.hint = Some(hint.into());
        }
        self
    }

    /// The process may open no more files: nothing is said of the source.
    pub fn no_files(what: &str) -> Self {
        Self::new(Reason::OTHER, format!("{what}: too many files are open")).hint(NO_FILES)
    }

    /// An I/O error of the operating system, told apart by its kind.
    pub fn io(what: &str, error: &std::io::Error) -> Self {
        use std::io::ErrorKind;
        if lacks_files(error) {
            return Self::no_files(what);
        }
        let reason = match error.kind() {
            ErrorKind::NotFound => Reason::NOT_FOUND,
            ErrorKind::PermissionDenied => Reason::RIGHTS,
            ErrorKind::ConnectionRefused => Reason::REFUSED,
            ErrorKind::TimedOut => Reason::TIMEOUT,
            ErrorKind::InvalidData => Reason::PARSE,
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Reason::FULL,
            ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => {
                Reason::PROTOCOL
            }
            _ => Reason::OTHER,
        };
        Self::new(reason, format!("{what}: {}", plain(error)))
    }
}

/// What the system says, without the number that it has for it, which helps nobody.
pub fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" (os error ") {
        Some((words, number)) if number.ends_with(')') => words.to_owned(),
        _ => text,
    }
}

/// Whether the process, or the whole machine, may open no more files.
pub fn lacks_files(error: &std::io::Error) -> bool {
    let errno = rustix::io::Errno::from_io_error(error);
    matches!(errno, Some(rustix::io::Errno::MFILE | rustix::io::Errno::NFILE))
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lack_of_files_is_told_as_such_whatever_the_source_thinks() {
        for errno in [rustix::io::Errno::MFILE, rustix::io::Errno::NFILE] {
            let failure =
                Failure::io("/proc/stat", &errno.into()).hint("it must be a proc file system");
            assert_eq!(failure.detail, "/proc/stat: too many files are open");
            let hint = failure.hint.unwrap();
            assert!(hint.contains("LimitNOFILE") && !hint.contains("proc file system"), "{hint}");
        }
        let other =
            Failure::io("/proc/stat", &rustix::io::Errno::NOENT.into()).hint("one").hint("two");
        assert_eq!((other.reason, other.hint.as_deref()), (Reason::NOT_FOUND, Some("two")));
    }
}
