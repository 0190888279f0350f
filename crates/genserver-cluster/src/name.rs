//! Names that a member of a cluster owns: how it comes to own them, serves them, and gives them back.

// What the key of a name says: who has it.
pub(crate) mod owner_record;
// When one may believe to own a name: the protocol, without I/O.
pub(crate) mod lease;
// What the keepers of one member have in common: who they are, and which names they have.
pub(crate) mod member;
// Who asks the engine for a lease.
pub(crate) mod lease_client;
// Who renews a lease, and ends the server when that is over.
mod renewer;
// Who answers the requests that come to a name.
pub(crate) mod responder;
// The process of a name: begin here.
pub(crate) mod keeper;
// Why a server with a name did not start.
mod error;

pub use error::StartNamedError;
