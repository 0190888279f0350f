//! One command on a server: sending it, printing its answer, and the exit code.

use std::ffi::OsString;
use std::io::{self, Read};

use bytes::Bytes;
use kv_server::{Answer, Command, Limits};

use crate::Connection;
use crate::arguments::Verb;
use crate::exit::{Exit, Failure};
use crate::print;

/// The command of a subcommand. `None` if the subcommand is more than one command.
pub(crate) fn command(verb: Verb) -> Result<Option<Command>, Failure> {
    Ok(Some(match verb {
        Verb::Create { bucket } => Command::create(bytes(bucket)),
        Verb::Put { bucket, key, value } => Command::put(bytes(bucket), bytes(key), self::value(value)?),
        Verb::Get { bucket, key } => Command::get(bytes(bucket), bytes(key)),
        Verb::Delete { bucket, key } => Command::delete(bytes(bucket), bytes(key)),
        Verb::List { bucket } => Command::list(bytes(bucket)),
        Verb::Count { bucket } => Command::count(bytes(bucket)),
        Verb::Buckets => Command::Buckets,
        Verb::Drop { bucket } => Command::drop(bytes(bucket)),
        Verb::Ping => Command::Ping,
        Verb::Serve(_) | Verb::Connect { .. } | Verb::Watch | Verb::Completions { .. } => return Ok(None),
    }))
}

fn bytes(argument: OsString) -> Bytes {
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
    match &answer {
        Answer::NotFound => Err(Failure::new(
            Exit::NotFound,
            format_args!("{command}: there is no such bucket; kv buckets lists those there are"),
        )),
        // The protocol has the same answer for both.
        Answer::Value(value) if value.is_empty() => Err(Failure::new(
            Exit::NotFound,
            format_args!("{command}: there is no such key, or nothing under it; kv list lists those there are"),
        )),
        answer if json => print::json(answer),
        answer => print::plain(answer),
    }
}
