//! The sync primitives while a model runs: shuttle's locks, atomics and thread-locals, with the names and functions that the
//! crate uses.

use std::cell::{Cell, RefCell};
use std::sync::PoisonError;

pub(crate) use shuttle::sync::atomic;

/// The guard of a locked [`Mutex`].
pub(crate) type MutexGuard<'a, T> = shuttle::sync::MutexGuard<'a, T>;

/// A lock without poisoning, as both of the crate's locks are. A model stops when it is taken and when it is released.
#[derive(Default)]
pub(crate) struct Mutex<T>(shuttle::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(shuttle::sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same: in a model nobody pauses.
    pub(crate) fn lock_briefly(&self) -> MutexGuard<'_, T> {
        self.lock()
    }

    pub(crate) fn get_mut(&mut self) -> &mut T {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner)
    }
}

/// In a model there is no difference between spinning and sleeping.
pub(crate) mod parking {
    pub(crate) use super::{Mutex, MutexGuard};
}

/// A thread-local of a model's threads.
pub(crate) struct LocalKey<T: 'static>(pub(crate) &'static shuttle::thread::LocalKey<T>);

impl<T> LocalKey<Cell<T>> {
    pub(crate) fn set(&'static self, value: T) {
        self.0.with(|cell| cell.set(value));
    }

    pub(crate) fn get(&'static self) -> T
    where
        T: Copy,
    {
        self.0.with(Cell::get)
    }

    pub(crate) fn take(&'static self) -> T
    where
        T: Default,
    {
        self.0.with(Cell::take)
    }

    pub(crate) fn replace(&'static self, value: T) -> T {
        self.0.with(|cell| cell.replace(value))
    }
}

impl<T> LocalKey<T> {
    pub(crate) fn try_with<R>(&'static self, f: impl FnOnce(&T) -> R) -> Result<R, shuttle::thread::AccessError> {
        self.0.try_with(f)
    }
}

impl<T> LocalKey<RefCell<T>> {
    pub(crate) fn with_borrow_mut<R>(&'static self, f: impl FnOnce(&mut T) -> R) -> R {
        self.0.with(|cell| f(&mut cell.borrow_mut()))
    }
}

macro_rules! thread_local_of_a_model {
    ($($(#[$attr:meta])* $vis:vis static $name:ident: $type:ty = const { $init:expr };)*) => {$(
        $(#[$attr])* $vis static $name: $crate::sync::modelled::LocalKey<$type> = {
            shuttle::thread_local! { static KEY: $type = const { $init } }
            $crate::sync::modelled::LocalKey(&KEY)
        };
    )*};
}

/// Made anew for each execution, so that none sees what another left behind.
macro_rules! program_static {
    ($(#[$attr:meta])* $vis:vis static $name:ident: $type:ty = $init:expr;) => {
        $(#[$attr])* $vis static $name: $crate::sync::modelled::PerExecution<$type> = {
            static LAZY: shuttle::lazy_static::Lazy<$type> = shuttle::lazy_static::Lazy::new(|| $init);
            $crate::sync::modelled::PerExecution(&LAZY)
        };
    };
}

pub(crate) use program_static;
pub(crate) use thread_local_of_a_model as thread_local;

/// The type that [`program_static`] makes.
pub(crate) struct PerExecution<T: Sync + 'static>(pub(crate) &'static shuttle::lazy_static::Lazy<T>);

impl<T: Sync> std::ops::Deref for PerExecution<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.get()
    }
}
