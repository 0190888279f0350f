//! One command on a server: sending it, printing its answer, and the exit code.

use std::ffi::OsString;
use std::io::{self, Read};

use bytes::Bytes;
use kv_server::{Answer, Command, Limits};

use crate::Connection;
use crate::arguments::{PageOptions, PutOptions, Verb};
use crate::exit::{Exit, Failure};
use crate::print;

/// The command of a subcommand. `None` if the subcommand is more than one command.
pub(crate) fn command(verb: Verb) -> Result<Option<Command>, Failure> {
    Ok(Some(match verb {
        Verb::Create { bucket } => Command::create(bytes(bucket)),
        Verb::Put { bucket, key, value, how } => put(bytes(bucket), bytes(key), self::value(value)?, how),
        // Not GET, whose answer is the same for a missing key as for an empty value.
        Verb::Get { bucket, key } => Command::fetch(bytes(bucket), bytes(key)),
        Verb::Expire { bucket, key, time } => Command::expire(bytes(bucket), bytes(key), bytes(time)),
        Verb::Persist { bucket, key } => Command::persist(bytes(bucket), bytes(key)),
        Verb::Ttl { bucket, key } => Command::time_to_live(bytes(bucket), bytes(key)),
        Verb::Delete { bucket, key, expected: None } => Command::delete(bytes(bucket), bytes(key)),
        Verb::Delete { bucket, key, expected: Some(expected) } => {
            Command::compare_and_delete(bytes(bucket), bytes(key), bytes(expected))
        }
        Verb::List { bucket, page } => {
            let (prefix, limit, after) = page.arguments();
            Command::List { bucket: bytes(bucket), prefix, limit, after }
        }
        Verb::Count { bucket } => Command::count(bytes(bucket)),
        Verb::Buckets { page } => {
            let (prefix, limit, after) = page.arguments();
            Command::Buckets { prefix, limit, after }
        }
        Verb::Drop { bucket } => Command::drop(bytes(bucket)),
        Verb::Ping => Command::Ping,
        Verb::Serve(_)
        | Verb::Connect { .. }
        | Verb::Export { .. }
        | Verb::Import { .. }
        | Verb::Repair
        | Verb::Watch { .. }
        | Verb::Completions { .. }
        | Verb::Top(_)
        | Verb::Man { .. } => return Ok(None),
    }))
}

/// The command of `kv put` with its options.
fn put(bucket: Bytes, key: Bytes, value: Bytes, how: PutOptions) -> Command {
    match how {
        PutOptions { expire: Some(time), .. } => Command::put_expiring(bucket, key, value, bytes(time)),
        PutOptions { expected: Some(expected), .. } => Command::compare_and_set(bucket, key, bytes(expected), value),
        PutOptions { new: true, .. } => Command::put_new(bucket, key, value),
        PutOptions { .. } => Command::put(bucket, key, value),
    }
}

impl PageOptions {
    /// The optional arguments of a list.
    fn arguments(self) -> (Option<Bytes>, Option<Bytes>, Option<Bytes>) {
        let limit = self.limit.map(|limit| limit.to_string().into());
        (self.prefix.map(bytes), limit, self.after.map(bytes))
    }
}

pub(crate) fn bytes(argument: OsString) -> Bytes {
    argument.into_encoded_bytes().into()
}

/// The value of an argument. `-` reads all of standard input, unchanged.
fn value(argument: OsString) -> Result<Bytes, Failure> {
    if argument != "-" {
        return Ok(bytes(argument));
    }
    let most = Limits::default().line;
    let mut value = Vec::new();
    // One byte more than a server takes, so that a long value is refused and not cut off.
    let read = io::stdin().lock().take(most as u64 + 1).read_to_end(&mut value);
    read.map_err(|error| Failure::new(Exit::Usage, format_args!("the value cannot be read: {error}")))?;
    if value.len() > most {
        let message =
            format_args!("the value has more than {most} bytes, and a server takes no longer line; store it in parts");
        return Err(Failure::new(Exit::Usage, message));
    }
    Ok(value.into())
}

/// Sends the command, and prints the answer.
pub(crate) async fn run(mut connection: Connection, command: &Command, json: bool) -> Result<(), Failure> {
    let answer = connection.send(command).await.map_err(|error| Failure::new(Exit::Server, error))?;
    if let Some(failure) = print::refusal(&answer) {
        return Err(match &answer {
            Answer::NotFound => failure.at(command).or("kv buckets lists those there are"),
            Answer::KeyNotFound => failure.at(command).or("kv list lists those there are"),
            Answer::Exists | Answer::Differs => failure.at(command),
            _ => failure,
        });
    }
    if json { print::json(&answer) } else { print::plain(&answer) }
}
