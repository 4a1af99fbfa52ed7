//! Why a target, or a part of it, could not be read.

use std::fmt;

/// The closed list of reasons: the values of the label `reason`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// Nobody listens there.
    Refused,
    /// No answer within the deadline.
    Timeout,
    /// The name does not resolve.
    Dns,
    /// The TLS handshake failed.
    Tls,
    /// Credentials missing or wrong.
    Auth,
    /// Logged in, but not allowed to see it.
    Rights,
    /// The thing is not there: a database, a file, a stream.
    NotFound,
    /// It answered, but not what its protocol says.
    Protocol,
    /// The answer could not be understood.
    Parse,
    /// A defect of ours.
    Panic,
    /// It changes faster than it can be read, or is locked by those who use it.
    Busy,
    /// Another process has what we need for ourselves.
    Taken,
    /// Not read yet.
    Pending,
    Other,
}

impl Reason {
    pub const ALL: [Self; 14] = [
        Self::Refused,
        Self::Timeout,
        Self::Dns,
        Self::Tls,
        Self::Auth,
        Self::Rights,
        Self::NotFound,
        Self::Protocol,
        Self::Parse,
        Self::Panic,
        Self::Busy,
        Self::Taken,
        Self::Pending,
        Self::Other,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Timeout => "timeout",
            Self::Dns => "dns",
            Self::Tls => "tls",
            Self::Auth => "auth",
            Self::Rights => "rights",
            Self::NotFound => "not_found",
            Self::Protocol => "protocol",
            Self::Parse => "parse",
            Self::Panic => "panic",
            Self::Busy => "busy",
            Self::Taken => "taken",
            Self::Pending => "pending",
            Self::Other => "other",
        }
    }
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
        Self::new(Reason::Other, format!("{what}: too many files are open")).hint(NO_FILES)
    }

    /// An I/O error of the operating system, told apart by its kind.
    pub fn io(what: &str, error: &std::io::Error) -> Self {
        use std::io::ErrorKind;
        if lacks_files(error) {
            return Self::no_files(what);
        }
        let reason = match error.kind() {
            ErrorKind::NotFound => Reason::NotFound,
            ErrorKind::PermissionDenied => Reason::Rights,
            ErrorKind::ConnectionRefused => Reason::Refused,
            ErrorKind::TimedOut => Reason::Timeout,
            ErrorKind::InvalidData => Reason::Parse,
            ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => {
                Reason::Protocol
            }
            _ => Reason::Other,
        };
        Self::new(reason, format!("{what}: {error}"))
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
        assert_eq!((other.reason, other.hint.as_deref()), (Reason::NotFound, Some("two")));
    }
}
