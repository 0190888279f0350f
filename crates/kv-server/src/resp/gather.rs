//! The commands that a bucket executes: the operations of each, and how its results are answered.

use std::time::Duration;

use bytes::Bytes;
use kv_core::{ExpireCondition, KeyPage, Operation};

use super::answer::{Answer, Listing, Unit};
use super::command::{Command, wrong_arity};
use super::reply;
use super::request::{Request, number};
use crate::batch::{BucketBatch, Missing};

/// The most keys of a bucket that one reply lists. Their places are in memory until they are written, and the bucket does nothing
/// else while it lists them.
pub(super) const LISTED_MAX: usize = 65_536;

/// What became of a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Gathered {
    /// It is in the batch.
    Yes,
    /// It is in the batch, which has to be executed before another one is added: its results take much memory.
    Large,
    /// No: it is to be executed alone.
    No,
}

/// How an argument is kept until its command is done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Cut {
    /// As a slice of what was read, for a command that is executed before the next read.
    Slice,
    Copy,
}

impl Cut {
    fn of(self, request: Request<'_>, argument: usize) -> Bytes {
        match self {
            Self::Slice => request.slice(argument),
            Self::Copy => request.copy(argument),
        }
    }
}

/// Adds a request to a batch, if its command is one for a bucket, or needs none and is as easily answered. There must be space.
///
/// # Errors
///
/// What the client has done wrong.
pub(super) fn gather(
    batch: &mut BucketBatch<Answer>,
    command: Command,
    request: Request<'_>,
    cut: Cut,
) -> Result<Gathered, String> {
    let mut one = |operation, answer| {
        let group = batch.group(request.get(1), || cut.of(request, 1));
        batch.push_operation(group, operation, answer);
    };
    match command {
        Command::Hget => one(Operation::Get(cut.of(request, 2)), Answer::Value),
        Command::Hexists => one(Operation::Get(cut.of(request, 2)), Answer::Exists),
        Command::Hstrlen => one(Operation::Get(cut.of(request, 2)), Answer::Length),
        Command::Hlen => one(Operation::Len, Answer::Len),
        Command::Hincrby => match number(request.get(3)) {
            Some(more) => {
                let group = batch.group(request.get(1), || cut.of(request, 1));
                // The key is copied: it stays in the store.
                let add = Operation::Add(request.copy(2), more);
                batch.push_operations(group, [add].into_iter(), Missing::Create, Answer::Sum);
            }
            None => return Err("value is not an integer or out of range".to_owned()),
        },
        Command::Hset | Command::Hmset | Command::Hsetnx => return put(batch, command, request, cut),
        Command::Hmget => {
            let get = |at| Operation::Get(cut.of(request, at));
            several(batch, request, 2, Missing::Refuse, Answer::Values, get);
        }
        Command::Hdel => {
            let delete = |at| Operation::Delete(cut.of(request, at));
            several(batch, request, 2, Missing::Refuse, Answer::Removed, delete);
        }
        Command::Hgetall | Command::Hkeys | Command::Hvals => {
            // One more, to see whether there are too many.
            let page = KeyPage::first(LISTED_MAX + 1);
            let (operation, listing) = match command {
                Command::Hkeys => (Operation::Keys(page), Listing::Keys),
                Command::Hvals => (Operation::Entries(page), Listing::Values),
                _ => (Operation::Entries(page), Listing::Both),
            };
            one(operation, Answer::Listing(listing));
            return Ok(Gathered::Large);
        }
        Command::Httl | Command::Hpttl | Command::Hpersist => {
            let first = fields(request, 2)?;
            let answer = match command {
                Command::Httl => Answer::TimeLeft(Unit::Seconds),
                Command::Hpttl => Answer::TimeLeft(Unit::Milliseconds),
                _ => Answer::Persisted,
            };
            several(batch, request, first, Missing::Refuse, answer, |at| match command {
                Command::Hpersist => Operation::Persist(cut.of(request, at)),
                _ => Operation::TimeToLive(cut.of(request, at)),
            });
        }
        Command::Hexpire => expire(batch, request, Unit::Seconds, cut)?,
        Command::Hpexpire => expire(batch, request, Unit::Milliseconds, cut)?,
        Command::Ping => batch.push(match request.len() {
            1 => Answer::Known(b"+PONG\r\n"),
            2 => Answer::Bulk(cut.of(request, 1)),
            _ => return Err(wrong_arity("ping")),
        }),
        Command::Echo => batch.push(Answer::Bulk(cut.of(request, 1))),
        Command::Unwatch => batch.push(Answer::Known(reply::OK)),
        _ => return Ok(Gathered::No),
    }
    Ok(Gathered::Yes)
}

/// Adds a command that has an operation for each argument from `first` on.
fn several(
    batch: &mut BucketBatch<Answer>,
    request: Request<'_>,
    first: usize,
    missing: Missing,
    answer: Answer,
    operation: impl Fn(usize) -> Operation,
) {
    // The name is copied even if it need not be: commands with many operations are not about that.
    let group = batch.group(request.get(1), || request.copy(1));
    batch.push_operations(group, (first..request.len()).map(operation), missing, answer);
}

/// Adds a command that stores values.
fn put(batch: &mut BucketBatch<Answer>, command: Command, request: Request<'_>, cut: Cut) -> Result<Gathered, String> {
    if !request.len().is_multiple_of(2) {
        return Err(wrong_arity(if command == Command::Hmset { "hmset" } else { "hset" }));
    }
    let group = batch.group(request.get(1), || cut.of(request, 1));
    let operations = (2..request.len()).step_by(2).map(|at| {
        // A value is copied, even a large one: what stays in the store must not keep the whole read alive.
        let (key, value) = (cut.of(request, at), request.copy(at + 1));
        match command {
            Command::Hsetnx => Operation::PutNew(key, value),
            Command::Hmset => Operation::Put(key, value),
            _ => Operation::Replace(key, value),
        }
    });
    let answer = if command == Command::Hmset { Answer::Stored } else { Answer::Added };
    batch.push_operations(group, operations, Missing::Create, answer);
    Ok(Gathered::Yes)
}

/// Adds `HEXPIRE` or `HPEXPIRE`.
fn expire(batch: &mut BucketBatch<Answer>, request: Request<'_>, unit: Unit, cut: Cut) -> Result<(), String> {
    let time = number(request.get(2)).ok_or("value is not an integer or out of range")?;
    let time = u64::try_from(time).ok().ok_or("invalid expire time, must be >= 0")?;
    let time = match unit {
        Unit::Seconds => Duration::from_secs(time),
        Unit::Milliseconds => Duration::from_millis(time),
    };
    let condition = match request.get(3).to_ascii_uppercase().as_slice() {
        b"NX" => Some(ExpireCondition::Unlimited),
        b"XX" => Some(ExpireCondition::Limited),
        b"GT" => Some(ExpireCondition::Earlier),
        b"LT" => Some(ExpireCondition::Later),
        _ => None,
    };
    let first = fields(request, if condition.is_some() { 4 } else { 3 })?;
    several(batch, request, first, Missing::Refuse, Answer::Expire { is_over: time.is_zero() }, |at| match condition {
        Some(condition) => Operation::ExpireIf(cut.of(request, at), time.into(), condition),
        None => Operation::Expire(cut.of(request, at), time.into()),
    });
    Ok(())
}

/// Reads `FIELDS numfields` at this place. Returns where the fields begin; they are all that is left.
fn fields(request: Request<'_>, at: usize) -> Result<usize, String> {
    if request.len() <= at || !request.get(at).eq_ignore_ascii_case(b"FIELDS") {
        return Err("Mandatory argument FIELDS is missing or not at the right position".to_owned());
    }
    let announced = request.from(at + 1).next().and_then(number).filter(|number| *number > 0);
    let announced = announced.ok_or("Number of fields must be a positive integer")?;
    let first = at + 2;
    if usize::try_from(announced) != Ok(request.len() - first) {
        return Err("The `numfields` parameter must match the number of arguments".to_owned());
    }
    Ok(first)
}
