//! How messages travel between machines: the format, and its bounds.
//!
//! Members of different builds meet, and so do clients that others write. So the format is written down here, and a build that meets
//! what it does not know says so, with the names and versions of both sides.
//!
//! # A message
//!
//! | bytes | what |
//! |---|---|
//! | 1 | the version of this format: [`FORMAT`] |
//! | 1 | the kind: 1 call, 2 cast, 3 reply, 4 problem, 5 end, 6 owner, 7 member, 8 joined, 9 event, 10 place |
//! | 2 | the length of the header, most significant byte first |
//! | as many | the header: a map in [`MessagePack`](https://msgpack.org), with the fields below as text |
//! | the rest | the body: one value in `MessagePack` |
//!
//! | kind | published to | fields of the header | body |
//! |---|---|---|---|
//! | call | the subject of the name | `server`, `version`, `message`, `fence`?, `left`?, `traceparent`?, `tracestate`? | the message |
//! | cast | the same | the same, without `left` | the message |
//! | reply | where the call says | `fence` | the reply |
//! | problem | where the call says | `fence` | why there is no reply |
//! | end | the subject of the end of an owner | | the reason: `kind`, `text`? |
//! | owner | nowhere: it is the value of the key of a name | | `member`, `incarnation`, `claim`, `server`, `version`, `time_to_live`, `fence`? |
//! | member | nowhere: it is the value of the key of a member | | `member`, `incarnation`, `time_to_live` |
//! | joined | nowhere: it is the value of the key of what a member has in groups | | `member`, `incarnation`, `groups` |
//! | event | nowhere: it is added to the stream of its topic | `event`, `version`, `id` | the event |
//! | place | nowhere: it is the last entry of the log of a reader | | `claim`, `position` |
//!
//! | field | |
//! |---|---|
//! | `server`, `version` | the name and the version in [`Messages`](crate::Messages). An owner with others refuses the message |
//! | `message` | the name of the message in that list |
//! | `fence` | a request: the owner that is meant, if it is one alone. An answer: the owner that answers |
//! | `left` | how many milliseconds the caller still waits. A call whose time is up is not carried out |
//! | `traceparent`, `tracestate` | the span of the caller, as W3C's [Trace Context](https://www.w3.org/TR/trace-context/) writes it |
//!
//! Of an owner, `member` is for people; `incarnation` and `claim` are numbers that tell one claim of a name from all others; `server`
//! and `version` are those of its list of messages; `time_to_live` is in milliseconds. `fence` is missing in the change that took the
//! name: the revision of that change is the fence. Of a member the same fields are the same.
//! `groups` is a list of maps with `group`, `server`, `version` and `processes`: a list of pairs of a process's number and how often it
//! is in the group.
//!
//! Of an event, `event` and `version` are those of its [type](crate::events::ClusterEvent), and no other event of the topic has its `id`. A
//! place is the `position` of the last event that a [reader](crate::events::Reader) has confirmed; `claim` is a number that tells one
//! reader from others of its name.
//!
//! A field with `?` may be missing. Fields that are not known are left out, so a new one that may be left out makes no new format.
//!
//! A problem is the text of its name, or a map of its name to a map of its fields, as `serde` writes an enum:
//!
//! | problem | fields | carried out |
//! |---|---|---|
//! | `timeout` | | perhaps |
//! | `no_proc` | | no |
//! | `exit` | the reason: `kind`, `text`? | perhaps |
//! | `no_reply` | | perhaps |
//! | `overloaded` | | no |
//! | `failed` | `text` | perhaps |
//! | `other_owner` | | no |
//! | `other_server` | `server`, `version`: those that are there | no |
//! | `unknown_message` | `version`: that of the list without it | no |
//! | `undecodable` | `version`: that of the list, `text` | no |
//! | `other_format` | `known`: the format that is known there | no |
//! | `bad_request` | `text` | no |
//! | `reply_too_large` | `size`, `bound` | yes |
//! | `reply_unencodable` | `text` | yes |
//!
//! The kind of a reason is `normal`, `shutdown`, `kill`, `killed`, `no_proc`, `no_connection`, `runtime_gone`, `overloaded`, `bad_call`
//! or `bad_cast`, which have no text, or `shutdown_with`, `term`, `error` or `panic`, which have one.
//!
//! # Values of your own types
//!
//! They are written by `rmp-serde`: structs as maps with the names of their fields, enums by the names of their variants. So a field
//! may be added if it has a `#[serde(default)]`, and a field that is no longer known is left out. `Some(None)` comes out as `None`.
//!
//! # Bounds
//!
//! - A message has at most [`MESSAGE_MAX`](crate::MESSAGE_MAX) bytes, unless the cluster has another bound. One that is larger is an
//!   error of its sender, which says its size, and is never decoded.
//! - A `traceparent` and a `tracestate` have at most 256 bytes each. One that is longer is not sent, and not looked at. Without a
//!   `traceparent` there is no trace.
//! - Lists and maps are nested at most [`DEPTH_MAX`] deep.
//! - A list that claims to have more elements than there are bytes is refused before anything is decoded. So nothing is reserved for
//!   what a message merely claims. What comes with a message needs no more than about four times its bytes, as far as it is ours.
//! - What a value of your own type needs is up to the type: a list of `n` bytes may become `n` elements of any size. A type that
//!   contains itself through newtypes and `Option`s alone, such as `struct Chain(Option<Box<Chain>>)`, must not be in a message:
//!   nothing in the bytes ends its decoding.

// What may be asked of a server: begin here.
pub(crate) mod messages;
// A request that has come is carried out.
mod service;
// What comes back.
mod answer;
// Why a process ended.
pub(crate) mod reason;
// What is around every message.
mod envelope;
// Values as bytes.
mod body;
// Whether bytes are a value.
mod check;
// The server that the tests ask.
#[cfg(test)]
pub(crate) mod desk;

pub(crate) use answer::{Answer, Problem};
pub(crate) use body::{EncodeError, decode};
pub use check::DEPTH_MAX;
pub(crate) use envelope::{Envelope, EventHeader, Kind, NoHeader, NotAMessage, RequestHeader, encode};
pub(crate) use reason::{decode_reason, encode_reason};
pub(crate) use service::{Dropped, Handed, Service};

/// The version of the format on this page.
pub const FORMAT: u8 = 1;
