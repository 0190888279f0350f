//! What a stream yields for an item that failed: the reason alone, or the item with the reason.

use crate::Reason;

/// What an [`AsyncStream`](super::AsyncStream) yields for an item that failed: [`ExitAlone`] or
/// [`ExitWithInput`].
pub trait ItemExit<I> {
    /// The part of the item that is kept while its task runs.
    type Input;
    /// The error that is yielded.
    type Exit;

    /// Keeps the part that will be needed.
    fn keep(item: &I) -> Self::Input;
    /// Makes the error that is yielded.
    fn exit(input: Self::Input, reason: Reason) -> Self::Exit;
}

/// The reason alone.
#[derive(Clone, Copy, Debug)]
pub struct ExitAlone;

impl<I> ItemExit<I> for ExitAlone {
    type Input = ();
    type Exit = Reason;

    fn keep(_item: &I) {}

    fn exit((): (), reason: Reason) -> Reason {
        reason
    }
}

/// The item and the reason: see [`AsyncStream::zip_input_on_exit`](super::AsyncStream::zip_input_on_exit).
#[derive(Clone, Copy, Debug)]
pub struct ExitWithInput;

impl<I: Clone> ItemExit<I> for ExitWithInput {
    type Input = I;
    type Exit = (I, Reason);

    fn keep(item: &I) -> I {
        item.clone()
    }

    fn exit(kept: I, reason: Reason) -> (I, Reason) {
        (kept, reason)
    }
}
