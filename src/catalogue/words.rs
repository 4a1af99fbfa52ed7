//! Labels whose values are known before anything is read, and labels whose values are not.

use super::area::Catalogue;

/// What is known of the values of one label.
pub struct Words {
    /// The metrics that have it; for an open label, all.
    pub metrics: &'static [&'static str],
    pub label: &'static str,
    pub values: Values,
}

pub enum Values {
    Listed(&'static [&'static str]),
    /// Kept where it is used.
    Known(fn(&Catalogue) -> Vec<String>),
    /// From outside, or of the configuration.
    Open,
}

impl Words {
    /// The values, or none if the label is open.
    pub fn values(&self, catalogue: &Catalogue) -> Option<Vec<String>> {
        match self.values {
            Values::Listed(values) => {
                Some(values.iter().map(|value| (*value).to_owned()).collect())
            }
            Values::Known(values) => Some(values(catalogue)),
            Values::Open => None,
        }
    }
}

pub(crate) const fn listed(
    metrics: &'static [&'static str],
    label: &'static str,
    values: &'static [&'static str],
) -> Words {
    Words { metrics, label, values: Values::Listed(values) }
}

pub(crate) const fn known(
    metrics: &'static [&'static str],
    label: &'static str,
    values: fn(&Catalogue) -> Vec<String>,
) -> Words {
    Words { metrics, label, values: Values::Known(values) }
}

pub(crate) const fn open(label: &'static str) -> Words {
    Words { metrics: &[], label, values: Values::Open }
}
