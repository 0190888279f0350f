//! A cluster on the model of an engine: members that are cut off and killed, answers that are lost or late, and reads of what was.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

// The server that all of them start, and what it must never see.
mod cart;
// An engine that looks at what its member publishes.
mod observed;
// Members that can be killed, and the engine that they stand on.
mod shop;
// One owner of a name at a time, whatever happens.
mod owners;
// Members that stand still for a while.
mod pauses;
// Who is up, as each member sees it.
mod members;
// Groups, as each member sees them.
mod groups;
// Those who watch a server of another member hear of its end in time.
mod watchers;
// Events that are published and read.
mod events;
