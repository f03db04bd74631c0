//! A map with at most one value of each type, for values that handlers keep on a connection.
//!
//! The map is allocated for the first value, since most connections have none. The map has a lock of its own, and no
//! code of the application runs under the lock: values are made, cloned and dropped outside of the lock.

use std::any::{Any, TypeId};
use std::collections::HashMap;

use rustc_hash::FxBuildHasher;

use crate::util::catch::drop_quietly;
use crate::util::sync::{Arc, Mutex, MutexGuard, PoisonError};

type Value = Arc<dyn Any + Send + Sync>;
type ByType = HashMap<TypeId, Value, FxBuildHasher>;

/// Values by their type.
#[derive(Default)]
pub(crate) struct TypeMap(Mutex<Option<Box<ByType>>>);

impl TypeMap {
    /// Stores `value` and returns the previous value. The caller drops the previous value.
    pub(crate) fn set<T: Any + Send + Sync>(&self, value: T) -> Option<Arc<T>> {
        let value: Value = Arc::new(value);
        let before = self.lock().get_or_insert_default().insert(TypeId::of::<T>(), value);
        typed(before)
    }

    /// Returns the value of type `T`.
    pub(crate) fn get<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        let value = self.lock().as_ref().and_then(|values| values.get(&TypeId::of::<T>()).cloned());
        typed(value)
    }

    /// Returns the value of type `T`. If there is none, stores and returns the default value.
    pub(crate) fn get_or_default<T: Any + Default + Send + Sync>(&self) -> Arc<T> {
        if let Some(value) = self.get() {
            return value;
        }
        let made: Value = Arc::new(T::default());
        // If another thread was faster, this value is dropped outside of the lock.
        let value = self
            .lock()
            .get_or_insert_default()
            .entry(TypeId::of::<T>())
            .or_insert(made.clone())
            .clone();
        drop(made);
        typed(Some(value)).expect("there is one")
    }

    /// Removes and returns the value of type `T`.
    pub(crate) fn take<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        let value = self.lock().as_mut().and_then(|values| values.remove(&TypeId::of::<T>()));
        typed(value)
    }

    /// Drops all values but that of type `T`.
    pub(crate) fn keep_only<T: Any + Send + Sync>(&self) {
        let mut values = self.lock();
        let mut dropped = values.take();
        let kept = dropped.as_mut().and_then(|dropped| dropped.remove(&TypeId::of::<T>()));
        if let Some(kept) = kept {
            values.get_or_insert_default().insert(TypeId::of::<T>(), kept);
        }
        drop(values);
        drop(Self(Mutex::new(dropped)));
    }

    fn lock(&self) -> MutexGuard<'_, Option<Box<ByType>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn typed<T: Any + Send + Sync>(value: Option<Value>) -> Option<Arc<T>> {
    Some(value?.downcast().expect("kept under its own type"))
}

impl Drop for TypeMap {
    fn drop(&mut self) {
        let values = self.lock().take();
        // Each value is dropped on its own: a destructor that panics must harm neither the other values nor the thread
        // that drops the connection.
        for (_, value) in values.into_iter().flat_map(|values| *values) {
            drop_quietly(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::util::sync::{AtomicUsize, Ordering};

    #[test]
    fn of_each_type_there_is_one_value() {
        let values = TypeMap::default();
        assert_eq!(values.get::<u8>(), None);
        assert_eq!(values.set(1_u8), None);
        assert_eq!(values.set("text"), None);
        assert_eq!(values.set(2_u8).as_deref(), Some(&1));
        assert_eq!(values.get::<u8>().as_deref(), Some(&2));
        assert_eq!(values.take::<u8>().as_deref(), Some(&2));
        assert_eq!(values.take::<u8>(), None);
        assert_eq!(values.get::<&str>().as_deref(), Some(&"text"));
    }

    #[test]
    fn a_connection_without_values_pays_two_words() {
        assert!(size_of::<TypeMap>() <= 2 * size_of::<usize>());
    }

    /// Looks for a value of its own type when it is dropped. Dropping it under the lock would be a deadlock.
    struct Curious(Arc<TypeMap>);

    impl Drop for Curious {
        fn drop(&mut self) {
            self.0.get::<Curious>();
        }
    }

    #[test]
    fn a_value_is_dropped_without_the_lock() {
        let values = Arc::new(TypeMap::default());
        values.set(Curious(values.clone()));
        drop(values.set(Curious(values.clone())));
        drop(values.take::<Curious>());
        assert_eq!(Arc::strong_count(&values), 1);
    }

    struct Panics;

    impl Drop for Panics {
        fn drop(&mut self) {
            panic!("as a test");
        }
    }

    struct Counted(Arc<AtomicUsize>);

    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_destructor_that_panics_harms_no_other() {
        let (values, dropped) = (TypeMap::default(), Arc::<AtomicUsize>::default());
        values.set(Counted(dropped.clone()));
        values.set(Panics);
        values.set([Counted(dropped.clone())]);
        drop(values);
        assert_eq!(dropped.load(Ordering::Relaxed), 2);
    }
}
