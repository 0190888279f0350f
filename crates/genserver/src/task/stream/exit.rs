//! What a stream of results yields for an item that failed: the reason alone, or the item with it.

use crate::Reason;

/// What an [`AsyncStream`](super::AsyncStream) yields for an item that failed. There are two of them: [`ExitAlone`] and
/// [`ExitWithInput`].
pub trait ItemExit<I> {
    /// What is kept of the item while its task runs.
    type Kept;
    /// What is yielded.
    type Exit;

    /// Keeps what will be needed.
    fn keep(item: &I) -> Self::Kept;
    /// Makes what is yielded.
    fn exit(kept: Self::Kept, reason: Reason) -> Self::Exit;
}

/// The reason alone.
#[derive(Clone, Copy, Debug)]
pub struct ExitAlone;

impl<I> ItemExit<I> for ExitAlone {
    type Kept = ();
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
    type Kept = I;
    type Exit = (I, Reason);

    fn keep(item: &I) -> I {
        item.clone()
    }

    fn exit(kept: I, reason: Reason) -> (I, Reason) {
        (kept, reason)
    }
}
