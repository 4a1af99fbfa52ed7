//! What outlives a reload: log positions, counters, whatever a collector must not forget.

use std::any::{Any, TypeId};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use super::storage::Storage;
use super::target::{Settings, TargetId};

type Kept = Arc<dyn Any + Send + Sync>;

/// Something of a target that is worth keeping only while its settings stay the same.
struct Held {
    settings: Box<dyn Settings>,
    /// The collectors hold it: with the last of them it goes.
    value: Weak<dyn Any + Send + Sync>,
}

/// One value per target, made on first use and handed to every later collector of that target.
#[derive(Default)]
pub struct Memory {
    values: Mutex<BTreeMap<TargetId, Kept>>,
    held: Mutex<BTreeMap<(TargetId, &'static str), Vec<Held>>>,
    shared: Mutex<BTreeMap<TypeId, Kept>>,
    storage: OnceLock<Arc<Storage>>,
}

impl Memory {
    pub fn of<T: Default + Send + Sync + 'static>(&self, area: &'static str, name: &str) -> Arc<T> {
        let id = TargetId { area, name: name.to_owned() };
        let mut values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = values.get(&id).and_then(|value| Arc::clone(value).downcast::<T>().ok());
        kept.unwrap_or_else(|| {
            let fresh = Arc::new(T::default());
            values.insert(id, Arc::clone(&fresh) as Kept);
            fresh
        })
    }

    /// What some collector has of this target under the name `what`, if it was made from equal
    /// settings; else a new one. A plan that comes to nothing leaves the present one alone.
    pub fn kept<T, S>(&self, area: &'static str, name: &str, what: &'static str, of: S) -> Arc<T>
    where
        T: Default + Send + Sync + 'static,
        S: PartialEq + Send + Sync + 'static,
    {
        let id = TargetId { area, name: name.to_owned() };
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.retain(|_, values| {
            values.retain(|held| held.value.strong_count() > 0);
            !values.is_empty()
        });
        let values = held.entry((id, what)).or_default();
        let same = values.iter().filter(|held| held.settings.same(&of));
        let mut same = same.filter_map(|held| held.value.upgrade()?.downcast::<T>().ok());
        if let Some(kept) = same.next() {
            return kept;
        }
        drop(same);
        let fresh = Arc::new(T::default());
        let value = Arc::downgrade(&(Arc::clone(&fresh) as Kept));
        values.push(Held { settings: Box::new(of), value });
        fresh
    }

    /// The one value of its type that all targets of a collector share.
    pub fn shared<T: Default + Send + Sync + 'static>(&self) -> Arc<T> {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = shared.entry(TypeId::of::<T>()).or_insert_with(|| Arc::new(T::default()));
        Arc::clone(kept).downcast::<T>().unwrap_or_default()
    }

    /// Has what must outlive the process kept there. Once, before any target is made.
    pub fn keep_in(&self, storage: Storage) {
        let _ = self.storage.set(Arc::new(storage));
    }

    /// Where that is; nowhere by default.
    pub fn storage(&self) -> Arc<Storage> {
        Arc::clone(self.storage.get_or_init(|| Arc::new(Storage::memory())))
    }

    /// Forgets the targets that are gone.
    pub(super) fn retain(&self, keep: impl Fn(&TargetId) -> bool) {
        self.values.lock().unwrap_or_else(PoisonError::into_inner).retain(|id, _| keep(id));
    }
}
