//! The trait of what can be an event.

/// A type that can be an event or a plain message: any type that threads can share.
///
/// It is implemented for all such types.
pub trait Event: Send + Sync + 'static {}

impl<T: Send + Sync + 'static> Event for T {}
