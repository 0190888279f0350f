//! What can be an event.

/// What can be an event, or a plain message: a value that threads may share.
///
/// Every such type is one; there is nothing to implement.
///
/// # Examples
///
/// Types of your own need nothing, and what threads cannot share is none:
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
