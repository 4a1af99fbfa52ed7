//! Numbers that were seen, by size.

use serde::{Deserialize, Serialize};

/// How many numbers were seen up to each bound, and their sum.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Histogram {
    /// Upper bounds, rising; above the last one there is no bound.
    bounds: Vec<f64>,
    /// Numbers in each bucket, not added up; one more than there are bounds.
    counts: Vec<u64>,
    sum: f64,
}

impl Histogram {
    /// Nothing seen. Bounds that are no numbers, and those out of order, are left out.
    pub fn new(bounds: &[f64]) -> Self {
        let mut rising: Vec<f64> = bounds.iter().copied().filter(|b| b.is_finite()).collect();
        rising.sort_by(f64::total_cmp);
        rising.dedup();
        Self { counts: vec![0; rising.len() + 1], bounds: rising, sum: 0.0 }
    }

    /// What was counted elsewhere: numbers in each bucket, the last one without a bound.
    pub fn of(bounds: &[f64], counts: &[u64], sum: f64) -> Self {
        let mut seen = Self::new(bounds);
        for (to, from) in seen.counts.iter_mut().zip(counts) {
            *to = *from;
        }
        Self { sum, ..seen }
    }

    /// Takes a number; a bound itself belongs to its bucket. What is negative or no number is left
    /// out, for the sum could not be a counter with it. Returns whether it was taken.
    pub fn observe(&mut self, number: f64) -> bool {
        if !number.is_finite() || number < 0.0 {
            return false;
        }
        let bucket = self.bounds.partition_point(|bound| *bound < number);
        if let Some(count) = self.counts.get_mut(bucket) {
            *count += 1;
            self.sum += number;
        }
        true
    }

    pub fn sum(&self) -> f64 {
        self.sum
    }

    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    pub fn bounds(&self) -> &[f64] {
        &self.bounds
    }

    /// Each bound with the numbers of its bucket alone; the last one is infinite.
    pub fn buckets(&self) -> Vec<(f64, u64)> {
        let bounds = self.bounds.iter().copied().chain([f64::INFINITY]);
        bounds.zip(self.counts.iter().copied()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_belongs_to_its_bucket_and_rubbish_to_none() {
        let mut seen = Histogram::new(&[1.0, 0.5, f64::NAN, 1.0]);
        for number in [0.5, 0.6, 1.0, 7.0] {
            assert!(seen.observe(number));
        }
        for number in [-1.0, f64::NAN, f64::INFINITY] {
            assert!(!seen.observe(number));
        }
        assert_eq!(seen.buckets(), [(0.5, 1), (1.0, 2), (f64::INFINITY, 1)]);
        assert_eq!((seen.count(), seen.sum()), (4, 9.1));
        assert!(!Histogram::default().observe(1.0) || Histogram::default().count() == 0);
    }
}
