//! `/proc/loadavg` and `/proc/uptime`.

use super::parse::{cut, number, words};

/// Of one, five and fifteen minutes: `0.42 0.30 0.20 1/333 4711`.
pub fn load(text: &[u8]) -> Option<[f64; 3]> {
    let mut words = words(text).map(float);
    Some([words.next()??, words.next()??, words.next()??])
}

/// Threads of the machine: those that run and all, before the newest number.
pub fn threads(text: &[u8]) -> Option<u64> {
    let (_, all) = cut(words(text).nth(3)?, b'/')?;
    number(all)
}

/// Seconds since the machine was started.
pub fn uptime(text: &[u8]) -> Option<f64> {
    words(text).next().and_then(float)
}

fn float(word: &[u8]) -> Option<f64> {
    std::str::from_utf8(word).ok()?.parse().ok().filter(|value: &f64| value.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_each() {
        let line = b"0.42 0.30 0.20 1/333 4711\n";
        assert_eq!(load(line), Some([0.42, 0.3, 0.2]));
        assert_eq!(threads(line), Some(333));
        assert_eq!((load(b"0.1 x 0.2"), load(b"0.1 0.2\n"), load(b"1 2 NaN")), (None, None, None));
        assert_eq!((threads(b"0.1 0.2\n"), threads(b"1 1 1 333 1")), (None, None));
        assert_eq!((uptime(b"12.5 40.25\n"), uptime(b"")), (Some(12.5), None));
    }
}
