//! What becomes of a message that is sent: it is taken, or refused.

/// What became of a message that was taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Sent {
    /// The handler ran to its end, or to its first await, right here.
    Ran,
    /// It waits its turn.
    Queued,
    /// The server is ending; the slot that came with the message will get the reason.
    AwaitsEnd,
}

/// Why a message was not taken. It is still where the sender put it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Refused {
    Dead,
    Full,
}
