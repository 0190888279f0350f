//! Why a server with a name in a cluster did not start.

use std::sync::Arc;

use genserver::StartError;

use crate::engine::EngineError;

/// Why a server with a name in a cluster did not start.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartNamedError {
    /// Another server has the name.
    #[error(
        "the name {name} belongs to a server of the member {member}; use that one with `named`, stop it first, or choose another name"
    )]
    AlreadyStarted {
        /// The name.
        name: Arc<str>,
        /// The member whose server has it. What was read may be old: it may be another by now.
        member: Arc<str>,
    },
    /// The engine has not answered for as long as a name lives, or it refuses. Nobody knows whether the name is free.
    #[error("the name {name} was not claimed: {why}")]
    Engine {
        /// The name.
        name: Arc<str>,
        /// What the engine said last.
        why: EngineError,
    },
    /// The name was claimed, and lost before the server was up.
    #[error(
        "the name {name} was lost while its server started, because the engine did not confirm it in time; start it again"
    )]
    Lost {
        /// The name.
        name: Arc<str>,
    },
    /// The server itself did not start. The name is free again.
    #[error(transparent)]
    Server(#[from] StartError),
    /// The cluster does not run on this member, or was stopped meanwhile.
    #[error("the name {name} was not claimed, because this member does not run; start the cluster, or its supervisor")]
    NotRunning {
        /// The name.
        name: Arc<str>,
    },
}
