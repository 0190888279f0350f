//! Values about a registry as a whole, one of each type.

use std::any::{Any, TypeId};
use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::RwLock;

use super::{Key, Registry, Value};

/// Values by their type.
#[derive(Default)]
pub(super) struct Meta {
    values: RwLock<BTreeMap<TypeId, Arc<dyn Any + Send + Sync>>>,
}

impl Meta {
    fn get<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        let value = self.values.read().get(&TypeId::of::<T>()).cloned();
        value.and_then(|value| value.downcast().ok())
    }

    fn put<T: Any + Send + Sync>(&self, value: T) {
        let before = self.values.write().insert(TypeId::of::<T>(), Arc::new(value));
        drop(before);
    }

    fn delete<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        let before = self.values.write().remove(&TypeId::of::<T>());
        before.and_then(|value| value.downcast().ok())
    }
}

impl<K: Key, V: Value, Kind> Registry<K, V, Kind> {
    /// Returns the value that was [put](Registry::put_meta) under the type `T`, if any.
    ///
    /// A registry can carry values about itself, such as what its keys mean. OTP keeps them under atoms; here the type is
    /// the key, so you read the type that was put. Wrap plain numbers and texts in types of your own.
    ///
    /// # Examples
    ///
    /// ```
    /// use genserver::registry::Registry;
    ///
    /// #[derive(Debug, PartialEq)]
    /// struct RoomsMax(usize);
    ///
    /// let rooms = Registry::<String, (), _>::unique();
    /// assert_eq!(rooms.meta::<RoomsMax>(), None);
    ///
    /// rooms.put_meta(RoomsMax(100));
    /// assert_eq!(rooms.meta::<RoomsMax>().as_deref(), Some(&RoomsMax(100)));
    /// ```
    pub fn meta<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.table.meta.get()
    }

    /// Puts a value about the registry itself under the type `T`, replacing any earlier one.
    pub fn put_meta<T: Send + Sync + 'static>(&self, value: T) {
        self.table.meta.put(value);
    }

    /// Removes the value under the type `T`.
    pub fn delete_meta<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.table.meta.delete()
    }
}
