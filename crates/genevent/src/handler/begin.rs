//! Where the future of a callback is kept, and its first poll.
//!
//! Most callbacks are done at their first poll. So the future is made where it may have to wait, and is polled there at once,
//! in a function that knows its type: nothing is moved, and nothing is found through a pointer but the drop.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use stackfuture::StackFuture;

/// The place of a callback's future. One that is larger than this is boxed. There is space for most, because it costs nothing: the
/// place is part of the manager's future, and nothing is moved in or out.
pub(crate) type Place<'a, T> = Option<StackFuture<'a, T, 256>>;

/// Makes a callback's future in `place`, and polls it. It stays there, whatever comes of it.
#[inline]
pub(super) fn begin<'a, T>(
    future: impl Future<Output = T> + Send + 'a,
    mut place: Pin<&mut Place<'a, T>>,
    task: &mut Context<'_>,
) -> Poll<T> {
    // If the compiler knows this, there is nothing to drop below, and no register to save for that.
    assert!(place.is_none(), "the place of a callback is empty before it begins");
    place.set(Some(StackFuture::from_or_box(future)));
    place.as_pin_mut().map_or(Poll::Pending, |future| future.poll(task))
}
