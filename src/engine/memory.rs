//! What outlives a reload: log positions, counters, whatever a collector must not forget.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::target::TargetId;

/// One value per target, made on first use and handed to every later collector of that target.
#[derive(Default)]
pub struct Memory {
    values: Mutex<BTreeMap<TargetId, Arc<dyn Any + Send + Sync>>>,
}

impl Memory {
    pub fn of<T: Default + Send + Sync + 'static>(&self, area: &'static str, name: &str) -> Arc<T> {
        let id = TargetId { area, name: name.to_owned() };
        let mut values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = values.get(&id).and_then(|value| Arc::clone(value).downcast::<T>().ok());
        kept.unwrap_or_else(|| {
            let fresh = Arc::new(T::default());
            values.insert(id, Arc::clone(&fresh) as Arc<dyn Any + Send + Sync>);
            fresh
        })
    }

    /// Forgets the targets that are gone.
    pub(super) fn retain(&self, keep: impl Fn(&TargetId) -> bool) {
        self.values.lock().unwrap_or_else(PoisonError::into_inner).retain(|id, _| keep(id));
    }
}
