//! What the observer shows, as types: the JSON of `/sse` and `/api`.
//!
//! They serialise and deserialise, and need no feature, so another client, such as one at a terminal, can be written with them.
//! Unknown fields are ignored when they are read, and missing ones have their defaults, so a client and a server of different
//! versions understand each other.
//!
//! # The routes
//!
//! | route | answer |
//! |---|---|
//! | `GET /api/summary` | [`Summary`] |
//! | `GET /api/processes?search=&sort=&descending=&offset=&limit=&parent=&kind=&named=` | [`ProcessPage`]; the query is a [`ProcessQuery`] |
//! | `GET /api/process/{pid}` | [`ProcessDetail`], or 404 if there is no such process |
//! | `GET /api/managers` | an array of [`ManagerRow`] |
//! | `GET /api/reports?after=` | an array of [`ReportRow`], oldest first: those with a number greater than `after` |
//! | `POST /api/process/{pid}/{action}` | 204; an [`Action`] that the program allows, and 403 for one that it does not |
//! | `GET /sse` | a stream of server-sent events, see below |
//! | `GET /healthz`, `GET /readyz` | 200 or 503, and a line of text; they need no token |
//! | `GET /metrics` | the program's metrics as text, or 404 if the program gives none |
//!
//! An error is a status code and a line of text. A request from another machine has the header `Authorization: Bearer TOKEN`. A
//! `POST` has the header `X-Observer: 1`, which a page of another site cannot send.
//!
//! # The stream
//!
//! Each event has one of these names, and its data is one line of JSON:
//!
//! | event | data | is sent |
//! |---|---|---|
//! | `tiles` | [`Tiles`] | once a second |
//! | `troubles` | an array of [`Trouble`] | when they have changed |
//! | `tree` | an array of [`TreeNode`] | when it has changed |
//! | `reports` | an array of [`ReportRow`] | all that are kept at first, then the new ones |
//!
//! An example of a row of `/api/processes`:
//!
//! ```
//! let json = r#"{
//!     "pid": 7, "name": "orders", "label": null, "server": "shop::Orders", "kind": "server", "parent": 3,
//!     "state": "awaiting in handle_call", "busy_ms": 3200, "mailbox": 12, "handled": 4100, "rate": 17.5,
//!     "mailbox_max": 40, "refused": 0, "dropped": 0, "links": 1, "monitors": 2, "restarts": 1
//! }"#;
//! let row: genserver_observer::data::ProcessRow = serde_json::from_str(json)?;
//! assert_eq!((row.title(), row.busy_ms), ("orders <7>".to_owned(), Some(3200)));
//! # Ok::<(), serde_json::Error>(())
//! ```
//!
//! Pids are numbers: those that [`Pid`](https://docs.rs/genserver/latest/genserver/struct.Pid.html) prints. Times are
//! milliseconds, and points in time are milliseconds since 1970.

// One process in the table, and everything about it.
mod process;
// What is asked of the table.
mod query;
// The numbers on top.
mod tiles;
// What is stuck, slow or broken.
mod trouble;
// The supervision tree.
mod tree;
// Reports, as rows.
mod report;
// Event managers and their handlers.
mod manager;
// What a reader may do to a process.
mod action;

pub use action::{Action, UnknownAction};
pub use manager::{HandlerRow, ManagerRow};
pub use process::{Kind, ProcessDetail, ProcessPage, ProcessRow, StateShown, Tie};
pub use query::{PAGE_DEFAULT, PAGE_MAX, ProcessQuery, Sort};
pub use report::{ReportLevel, ReportRow};
pub use tiles::{Summary, Tiles};
pub use tree::TreeNode;
pub use trouble::{Trouble, TroubleKind};
