//! What a metric's reading function may return.

use std::time::Duration;

/// A fact as a number, in base units. `None` means "not known", and then there is no series:
/// an unknown fact is never 0.
pub trait Value {
    fn value(self) -> Option<f64>;
}

macro_rules! numbers {
    ($($number:ty),*) => { $(impl Value for $number {
        #[allow(clippy::cast_lossless, reason = "one body for all widths; Prometheus has f64 only")]
        fn value(self) -> Option<f64> {
            Some(self as f64)
        }
    })* };
}
numbers!(u8, u16, u32, u64, usize, i16, i32, i64);

impl Value for f64 {
    /// NaN and the infinities are no facts.
    fn value(self) -> Option<f64> {
        self.is_finite().then_some(self)
    }
}

impl Value for bool {
    fn value(self) -> Option<f64> {
        Some(f64::from(u8::from(self)))
    }
}

impl Value for Duration {
    fn value(self) -> Option<f64> {
        Some(self.as_secs_f64())
    }
}

impl<V: Value> Value for Option<V> {
    fn value(self) -> Option<f64> {
        self.and_then(Value::value)
    }
}
