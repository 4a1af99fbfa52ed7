//! Time lost for want of something: `Documentation/accounting/psi.rst`.

use super::parse::{digits, lines, micros, words};

/// Of `cpu`, `memory` and `io`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pressure {
    pub cpu: Stall,
    pub memory: Stall,
    pub io: Stall,
}

/// Seconds in which some (waiting) or all (stalled) processes could not go on for want of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stall {
    pub waiting: Option<f64>,
    pub stalled: Option<f64>,
}

impl Pressure {
    pub fn read(mut read: impl FnMut(&str) -> Option<Stall>) -> Self {
        let mut of = |name| read(name).unwrap_or_default();
        Self { cpu: of("cpu"), memory: of("memory"), io: of("io") }
    }
}

/// `some avg10=0.00 avg60=0.00 avg300=0.00 total=0`, and then `full`.
pub fn parse(text: &[u8]) -> Stall {
    let total = |kind: &[u8]| {
        let mut lines = lines(text).map(words);
        let line = lines.find_map(|mut line| (line.next() == Some(kind)).then_some(line));
        let total = line?.find_map(|word| word.strip_prefix(b"total="))?;
        digits(total).map(micros)
    };
    Stall { waiting: total(b"some"), stalled: total(b"full") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_old_and_new_kernels() {
        let both = b"some avg10=0.00 avg60=0.00 avg300=0.00 total=1500000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=7\n";
        assert_eq!(parse(both), Stall { waiting: Some(1.5), stalled: Some(0.000_007) });
        // Before Linux 5.13 `cpu.pressure` has no second line.
        let one = b"some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n";
        assert_eq!(parse(one), Stall { waiting: Some(0.0), stalled: None });
        assert_eq!(parse(b"\xff\xfe total=1\nsome total=x"), Stall::default());
    }
}
