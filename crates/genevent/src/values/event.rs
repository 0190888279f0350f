//! The trait of what can be an event.

/// A type that can be an event or a plain message: any type that threads can share.
///
/// It is implemented for all such types.
///
/// # Examples
///
/// Your own types need nothing:
///
/// ```
///
/// use genevent::Event;
///
/// struct Sold {
///     item: String,
/// }
///
/// const fn is_event<E: Event>() {}
/// const _: () = is_event::<Sold>();
/// ```
pub trait Event: Send + Sync + 'static {}

impl<T: Send + Sync + 'static> Event for T {}
