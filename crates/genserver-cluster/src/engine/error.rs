//! Why an operation of an engine failed.

/// Why an engine did not do what it was asked.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// It cannot be reached. Nothing was done.
    #[error("the engine cannot be reached: {0}; see that it runs, and that this machine has its address")]
    Unreachable(String),
    /// It has not answered. What it was asked may have been done, and may still be done.
    #[error("the engine has not answered in time; what it was asked may have been done")]
    Unanswered,
    /// It does not do this. Nothing was done.
    #[error("the engine refuses: {0}")]
    Refused(String),
}

/// Why a key or a log was not changed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChangeError {
    /// Somebody else has changed it.
    #[error("another member has changed it")]
    Conflict,
    /// The engine did not do it, or has not answered.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// Why a request has no answer.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// Nobody has subscribed to the subject. Nobody has got the request.
    #[error("nobody answers requests of this subject")]
    NoResponders,
    /// No answer has come in time. The request may have been carried out.
    #[error("no answer has come in time; the request may have been carried out")]
    TimedOut,
    /// The engine did not send it, or has lost the connection.
    #[error(transparent)]
    Engine(#[from] EngineError),
}
