//! Why a session ends.

/// Why a session has ended, if neither the reader nor the writer failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum SessionEnd {
    /// The client has left. A last line without an end was not executed, because it may have been cut off.
    Left,
    /// The client sent `QUIT`.
    Quit,
    /// It was [told to drain](crate::Session::drain), and has answered what had arrived.
    Drained,
    /// A line was longer than [`Limits::line`](crate::Limits::line). The client was told.
    LineTooLong,
    /// A client of Redis sent what is not a request, or is over a limit. It was told.
    ProtocolError,
    /// The rest of a command did not come within [`Limits::half_command`](crate::Limits::half_command). The client was told.
    HalfCommand,
    /// Replies waited for [`Limits::stalled`](crate::Limits::stalled) and the client took none.
    Stalled,
    /// The client was silent for [`Limits::idle`](crate::Limits::idle).
    Idle,
    /// The client did not log in within [`Limits::login`](crate::Limits::login) and
    /// [`Limits::before_login`](crate::Limits::before_login). It was told.
    NotLoggedIn,
    /// The client was a browser.
    Browser,
}
