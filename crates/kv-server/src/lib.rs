//! A key-value server on TCP and Unix sockets: the store of `kv-core`, a line protocol, RESP for clients of Redis, sessions, and a
//! client.
//!
//! ```
//! use kv_core::Store;
//! use kv_server::net::{self, Server};
//! use kv_server::{Answer, Client, Command};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let store = Store::start().await?;
//! let server = Server::options().listen("127.0.0.1:0".parse()?).start(store.clone()).await?;
//!
//! let (reader, writer) = net::connect(&server.addresses()[0]).await?;
//! let mut client = Client::new(reader, writer);
//! client.send(&Command::create("shopping")).await?;
//! client.send(&Command::put("shopping", "milk", "1")).await?;
//! assert_eq!(
//!     client.send(&Command::get("shopping", "milk")).await?,
//!     Answer::Value("1".into())
//! );
//! # server.stop().await?;
//! # store.stop().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # The protocol
//!
//! A command is one line, and an answer is one or a few lines. It works with `nc`.
//!
//! | command | answer |
//! |---|---|
//! | `CREATE shopping` | `OK`, also if it exists |
//! | `PUT shopping eggs 3` | `OK` |
//! | `GET shopping eggs` | `3` and `OK`; an empty line and `OK` if there is no such key |
//! | `DELETE shopping eggs` | `OK`, also if there is no such key |
//! | `FETCH shopping eggs` | `3` and `OK`; `KEY NOT FOUND` if there is no such key |
//! | `PUTNEW shopping eggs 3` | `OK`; `EXISTS` if there is such a key |
//! | `CAS shopping eggs 3 4` | `OK` if the value was `3`, and is `4` now; `DIFFERS` if it was another; `KEY NOT FOUND` |
//! | `CAD shopping eggs 4` | `OK` if the value was `4`, and the key is gone now; `DIFFERS` if it was another; `KEY NOT FOUND` |
//! | `PUTEX shopping eggs 3 60s` | `OK`; after this time the key is gone |
//! | `EXPIRE shopping eggs 60s` | `OK`; after this time the key is gone; `KEY NOT FOUND` |
//! | `PERSIST shopping eggs` | `OK`; the key does not expire; `KEY NOT FOUND` |
//! | `TTL shopping eggs` | `59500ms`, how long the key lives, or `never`, and `OK`; `KEY NOT FOUND` |
//! | `LIST shopping [prefix [limit [after]]]` | `* eggs`, a line for each other key in order, and `OK` |
//! | `COUNT shopping` | `2`, the number of keys, and `OK` |
//! | `BUCKETS [prefix [limit [after]]]` | `* shopping`, a line for each other bucket in order, and `OK` |
//! | `DROP shopping` | `OK` |
//! | `SUBSCRIBE` | `OK`, then one [`SubscriptionEvent`] a line, until `QUIT` |
//! | `WATCH shopping` | `OK`, then one [`SubscriptionEvent`] a line for each key that is put, deleted or expires, until `QUIT` |
//! | `PING` | `PONG` |
//! | `HELP` | a line for each command, and `OK` |
//! | `QUIT` | `OK`, and the session ends |
//! | `AUTH sesame` | `OK`, if that is the password: see [below](#passwords) |
//!
//! If there is no such bucket, the answer is `NOT FOUND`. If the line is not a command, it is `UNKNOWN COMMAND`. If
//! something fails, it is `ERROR` with what failed and what to do. The first four commands are those of the Elixir guide,
//! and are answered byte for byte as there. The guide does not have the others.
//!
//! What `GET` and `PUT` cannot say is said by commands of their own, because a line of the guide keeps its answer: `GET` of a
//! missing key is an empty line there, and `PUT` with a fourth argument is not a command. `FETCH` is to `GET` as `fetch` is to `get`
//! in Elixir's `Map`, and `PUTNEW` is its `put_new`. `KEY NOT FOUND` is another answer than `NOT FOUND`, so that a client knows
//! whether to create the bucket or to put the key.
//!
//! A list can be read in pages: `LIST shopping "" 100` has the first hundred keys, and `LIST shopping "" 100 milk` the hundred
//! after `milk`. In any case the server reads it in pages, and serves others in between. A key that is there all the time is
//! listed once; one that comes or goes meanwhile may or may not be.
//!
//! Values with blanks are written in quotes: see [`Command`]. See [`Answer`] for values that contain line ends, and
//! [`AnswerReader`] for how a client finds the end of an answer. [`Client`] is such a client.
//!
//! # Redis clients
//!
//! A client of Redis can use the same address: if the first byte of a connection is `*`, it speaks RESP, the protocol of Redis, in
//! version 2 or 3. A bucket is what Redis calls a hash:
//!
//! ```
//! use futures::io::Cursor;
//! use kv_core::Store;
//! use kv_server::Session;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let store = Store::start().await?;
//! let mut replies = Cursor::new(Vec::new());
//! let requests = "HSET shopping milk 1 eggs 3\r\nHGET shopping eggs\r\n";
//! Session::new(store.clone()).resp().serve(requests.as_bytes(), &mut replies).await?;
//! assert_eq!(replies.into_inner(), b":2\r\n$1\r\n3\r\n");
//! let shopping = store.lookup("shopping").ok_or("HSET has created it")?;
//! assert_eq!(shopping.get("milk").await?, Some("1".into()));
//! # store.stop().await?;
//! # Ok(())
//! # }
//! ```
//!
//! | what they do here | commands of Redis |
//! |---|---|
//! | store as `PUT` does, in a bucket that is created unless it exists | `HSET` `HMSET` `HSETNX` `HINCRBY` |
//! | read as `GET` and `LIST` do; a bucket that is not there is an empty one | `HGET` `HMGET` `HEXISTS` `HLEN` `HSTRLEN` `HKEYS` `HVALS` `HGETALL` `HSCAN` |
//! | remove as `DELETE` does | `HDEL` |
//! | say when keys expire, as in Redis 7.4 | `HEXPIRE` `HPEXPIRE` `HTTL` `HPTTL` `HPERSIST` |
//! | remove and list buckets, as `DROP` and `BUCKETS` do | `DEL` `EXISTS` `TYPE` `KEYS` `SCAN` `DBSIZE` |
//! | execute commands on one bucket in one message | `MULTI` `EXEC` `DISCARD`; `UNWATCH` |
//! | send events: see below | `SUBSCRIBE` `UNSUBSCRIBE` `PSUBSCRIBE` `PUNSUBSCRIBE` |
//! | answer what clients send first, and what `redis-cli` asks for its hints | `PING` `ECHO` `HELLO` `AUTH` `SELECT 0` `CLIENT` `CONFIG GET` `INFO` `COMMAND` `RESET` `QUIT` |
//!
//! The message on the channel `__keyspace@0__:shopping` is what has happened in that bucket: `hset`, `hdel`, `hexpired`, or `del` when
//! it is removed. The message on `__keyevent@0__:hset` and its relatives is the name of the bucket. The messages on `kv.events` are
//! lines of [`SubscriptionEvent`]. Nothing needs to be configured.
//!
//! What is different from Redis:
//!
//! - `HDEL` of the last key leaves the bucket, so `EXISTS` still finds it. `DEL` removes it.
//! - Keys are listed in order. One reply lists at most 65,536; `HSCAN` and `SCAN` list more. A cursor is for the connection that it
//!   was given to, which remembers its last 64.
//! - The commands of several buckets in one read may be executed in another order, as described for [`Session`].
//! - The values of one `HSET` are stored each by itself: if one is over a limit of the store, the reply is an error, and the others
//!   are stored.
//! - A transaction is for one bucket, has at most 1,024 commands, and only those that a bucket executes.
//! - `WATCH` is refused: a bucket has no version of its own that could be compared when the transaction comes, and one that is not there
//!   could not be created with the transaction in one step. `HSETNX` and `HINCRBY` are atomic without it, and so is `CAS` in lines.
//! - A subscriber that is too slow misses the oldest events, and is told how many on `kv.events`, if it has subscribed to that.
//! - Every change of a value is told as `hset`, also that of `HINCRBY`; that of a time is not told.
//! - There are no strings, lists and other types. The error for `SET` and its relatives says which command to use instead.
//! - A request is an array of strings, with limits that are much smaller: see [`Limits`].
//! - There is one user, `default`. Before a login, only `AUTH`, `HELLO` and `QUIT` are executed, and not `RESET`.
//!
//! A client that begins with a bare `PING`, as a person with `nc` does and one test of `redis-benchmark`, needs a session that speaks
//! only RESP: [`Session::resp`], or in a server `ServerOptions::listen_resp`. The example `redis` (`cargo run -p kv-server --example
//! redis`) has both.
//!
//! # Sessions, with or without sockets
//!
//! A [`Session`] serves one client over any reader and writer, on any executor:
//!
//! ```
//! use futures::io::Cursor;
//! use kv_core::Store;
//! use kv_server::Session;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let store = Store::start().await?;
//! let mut answers = Cursor::new(Vec::new());
//! let commands = "CREATE shopping\nPUT shopping eggs 3\nGET shopping eggs\n";
//! Session::new(store.clone()).serve(commands.as_bytes(), &mut answers).await?;
//! assert_eq!(answers.into_inner(), b"OK\r\nOK\r\n3\r\nOK\r\n");
//! # store.stop().await?;
//! # Ok(())
//! # }
//! ```
//!
//! The prompt of `kv` is a session in the same program. A program with its own sockets, such as QUIC, serves sessions on
//! them. For everyone else, the module [`net`] has the sockets: a [`Server`](net::Server) on TCP and Unix sockets, which is
//! a tree of processes, and [`connect`](net::connect). It is the feature `net`, on by default. Without it the crate runs
//! wherever `genserver` does.
//!
//! # A store on several machines
//!
//! A session and a server serve a [`ServedStore`]: a [`Store`](kv_core::Store) of this program, as above, or a
//! [`RemoteStore`](kv_core::RemoteStore), whose buckets are found by their names, wherever they are. The answers are the same. What such a
//! store cannot do at the moment, because a machine is gone, is an `ERROR` that says whether the command may have been executed.
//!
//! # Pipelining
//!
//! A client need not wait for an answer before it sends the next command. All complete commands of one read are executed
//! together, with one message for each bucket, and answered with one write. The answers are the same: see [`Session`].
//! Where each read and write is a system call, sixteen commands at once are many times as fast as sixteen one by one. To
//! measure it, beside a server that echoes each line, and beside Redis if that is installed:
//!
//! ```text
//! cargo xtask bench --server
//! ```
//!
//! # Passwords
//!
//! A server without a password lets every client do everything. One with a [`Password`] lets those do everything who know it: they log
//! in with `AUTH`, or with `AUTH` and `HELLO 3 AUTH default ...` of Redis.
//!
//! ```
//! use kv_core::Store;
//! use kv_server::net::{self, Server};
//! use kv_server::{Answer, Client, Command, Password};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let store = Store::start().await?;
//! let password = Password::new("open sesame")?;
//! let options = Server::options().listen("127.0.0.1:0".parse()?).password(password.hash()?);
//! let server = options.start(store).await?;
//!
//! let (reader, writer) = net::connect(&server.addresses()[0]).await?;
//! let mut client = Client::new(reader, writer);
//! let refused = client.send(&Command::create("shopping")).await?;
//! assert_eq!(refused, Answer::Error("log in first: send AUTH and the password".into()));
//!
//! client.log_in(&password).await?;
//! assert_eq!(client.send(&Command::create("shopping")).await?, Answer::Done);
//! # server.stop().await?;
//! # Ok(())
//! # }
//! ```
//!
//! The server keeps no password, but an argon2id hash of it: [`PasswordHash`]. It can be read from a file, which has the password or
//! the hash, and which no other user may read. A password with blanks is sent in quotes.
//!
//! Before its login a client may only log in or leave. It has 5 seconds and 16 KiB for that, and is then told so and disconnected: see
//! [`Limits::login`]. Commands that it has sent behind the login are executed once that is answered.
//!
//! To check a password takes tens of milliseconds and 19 MiB, so that nobody can try many. Two are checked at once, on threads that serve
//! no client, and the others wait. The addresses that wait have their turns in a round, so a flood from one address delays a login from
//! another by one check, and not by all of them.
//!
//! After five failures in a row the next attempt waits for a second, and each further one twice as long, up to a minute; an attempt that
//! would wait for longer than a minute behind others is refused. A success ends that. A report tells when it begins, and where the
//! attempts come from.
//!
//! Failures are counted for each address, and for each /64 network of IPv6. If they were counted for the whole server, one stranger could
//! keep everyone out. As it is, a stranger with many addresses has more attempts, so choose a password that is not in any list; and
//! clients behind the same address wait for each other, as do all local users, and all clients on Unix sockets. The server remembers
//! 4,096 addresses, and counts others as one when none of those is ten minutes old.
//!
//! A client that sends a password to a server without one is told so, with an error, and can go on: [`LoginError::NoPassword`]. The
//! answers to clients of Redis are Redis's, which lets the user `default` in with any password.
//!
//! No error, report, `Debug` or state of a process has a password in it: `AUTH` is not a [`Command`]. A [`Password`] is cleared from
//! memory when it is dropped, and so is what a client has sent before its login. Copies that the system has are not, nor those that a
//! buffer has left behind because a login came in pieces.
//!
//! # Limits
//!
//! Everything that a client can make a server hold has a limit: see [`Limits`]. A server stops reading from a client that
//! does not read its answers. It waits for a client that sends half a command or takes no answers, and then closes the
//! connection.
//!
//! # When (not) to use it
//!
//! Two parts of one program share a store by cloning it: see `kv-core`. A call is faster than any socket. A line protocol
//! is for people, scripts, and programs in other languages. Without TLS, what it sends can be read on the way, the password too, so a
//! network with strangers in it takes [TLS](net#tls). Without a storage, the store is lost when its program ends.
//!
//! # Crates in its signatures
//!
//! [`kv_core`], [`bytes`] and [`futures`] are re-exported.

// Commands: begin here, ...
mod command;
// ... their answers, ...
mod answer;
// ... and the events of a subscriber.
mod event;

// Passwords, and their hashes.
mod password;
// Logging in with one.
mod login;

// Splitting what was read into lines.
mod lines;
// The limits of a client.
mod limits;
// What is reported once a minute.
mod throttle;
// Serving one client.
mod session;
// What it serves.
mod served;
// Executing the commands of one read.
mod batch;
// The protocol of Redis.
mod resp;
// The events of a store, for one client.
mod subscription;
// The signal that makes sessions leave.
mod drain;
// Sockets: listening, serving, connecting.
#[cfg(feature = "net")]
pub mod net;

// The client.
mod client;
// Completions and hints for a prompt.
pub mod prompt;

// The crates whose types are in the signatures here, so that a user need not match their versions.
/// Keys, values and lines.
pub use bytes;
/// The readers and writers of a session.
pub use futures;
/// The store.
pub use kv_core;

pub use answer::{Answer, AnswerReader, ReaderStep, UnexpectedLine};
pub use client::{AnswerError, Client, LoginError, SubscribeError, SubscriptionError, SubscriptionEvents};
pub use command::{COMMANDS, Command, CommandUsage, ParseCommandError, QuoteError};
pub use drain::{Drain, DrainSignal};
pub use event::SubscriptionEvent;
pub use limits::Limits;
pub use lines::LineBuffer;
pub use password::{
    HashPasswordError, ParsePasswordHashError, Password, PasswordError, PasswordHash, ReadPasswordError,
};
pub use served::ServedStore;
pub use session::{Session, SessionEnd};
