//! Whether a process lives, by `/proc/<pid>/status` and `/proc/<pid>/stat`. One that is killed keeps
//! its groups until its memory is given back.

use super::parse::{self, lines};

/// SIGKILL in a mask of signals: the ninth.
const SIGKILL: u64 = 1 << 8;
/// `PF_EXITING`
const EXITING: u64 = 4;

/// From `status`: whether a SIGKILL is on its way to the process.
pub(super) fn has_sigkill(status: &[u8]) -> bool {
    let mask = |line: &[u8]| {
        let rest = line.strip_prefix(b"SigPnd:").or_else(|| line.strip_prefix(b"ShdPnd:"))?;
        u64::from_str_radix(std::str::from_utf8(rest).ok()?.trim(), 16).ok()
    };
    lines(status).filter_map(mask).any(|pending| pending & SIGKILL != 0)
}

/// From `stat`: whether the process is on its way out, or is a zombie.
pub(super) fn is_exiting(stat: &[u8]) -> Option<bool> {
    let mut words = fields(stat)?;
    let state = words.next()?;
    // Parent, group, session, terminal and its group.
    let flags = words.nth(5).and_then(parse::number)?;
    Some(matches!(state, b"Z" | b"X" | b"x") || flags & EXITING != 0)
}

/// From `stat`: the name of the program, and when the process was started, in ticks since the
/// machine was.
pub fn named(stat: &[u8]) -> Option<(&[u8], u64)> {
    let open = stat.iter().position(|byte| *byte == b'(')?;
    let close = stat.iter().rposition(|byte| *byte == b')')?;
    let started = fields(stat)?.nth(19).and_then(parse::number)?;
    Some((stat.get(open + 1..close)?, started))
}

/// The fields behind the name, which may hold spaces and brackets itself.
fn fields(stat: &[u8]) -> Option<impl Iterator<Item = &[u8]>> {
    let close = stat.iter().rposition(|byte| *byte == b')')?;
    let rest = stat.get(close + 1..)?;
    Some(rest.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAT: &str = "4711 (do)ck (er d) S 1 4711 4711 0 -1 4194560 90 0 0 0 3 4 0 0 20 0 12 0 \
        123456 1000 200 18446744073709551615 0 0 0 0";

    #[test]
    fn a_process_that_lives_and_one_that_ends() {
        assert_eq!(is_exiting(STAT.as_bytes()), Some(false));
        assert_eq!(is_exiting(STAT.replace(") S ", ") Z ").as_bytes()), Some(true));
        assert_eq!(is_exiting(STAT.replace("4194560", "4194564").as_bytes()), Some(true));
        assert_eq!((is_exiting(b""), is_exiting(b"1 (x) S 2")), (None, None));
        assert_eq!(named(STAT.as_bytes()), Some((&b"do)ck (er d"[..], 123_456)));
        assert_eq!(named(b"1 )x( S"), None);
        let status = |own: &str, shared: &str| {
            format!(
                "Name:\tsh\nSigQ:\t0/1\nSigPnd:\t{own}\nShdPnd:\t{shared}\nSigBlk:\t0000000000000100\n"
            )
        };
        let none = "0000000000000000";
        assert!(!has_sigkill(status(none, none).as_bytes()), "blocked is not pending");
        assert!(has_sigkill(status("0000000000000100", none).as_bytes()));
        assert!(has_sigkill(status(none, "0000000000004100").as_bytes()));
        assert!(!has_sigkill(status("0000000000004000", "rubbish").as_bytes()));
    }
}
