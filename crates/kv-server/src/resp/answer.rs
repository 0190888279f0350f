//! How the results of a bucket are answered.

use bytes::Bytes;
use futures::io::AsyncWrite;
use kv_core::{AddOutcome, ExpireOutcome, OperationResult, TimeToLive};

use super::gather::LISTED_MAX;
use super::reply::{self, Version};
use crate::batch::{CommandResults, Refusal};
use crate::session::replies::{Replies, ReplyError};

/// How a command is answered.
#[derive(Debug)]
pub(super) enum Answer {
    /// With this. It needs no bucket.
    Known(&'static [u8]),
    /// With this text.
    Bulk(Bytes),
    /// With this error, whose code is `ERR`.
    Error(String),
    /// With a value, or that there is none.
    Value,
    /// With an array of these.
    Values,
    /// With the number of keys that were not there before.
    Added,
    /// With `OK`.
    Stored,
    /// With the number of keys that were there before.
    Removed,
    /// With the sum.
    Sum,
    /// With whether the key is there.
    Exists,
    /// With the length of the value.
    Length,
    /// With the number of keys.
    Len,
    /// With all of the bucket.
    Listing(Listing),
    /// With what became of each time.
    Expire {
        /// Whether the new time has passed already, so that the key is gone.
        is_over: bool,
    },
    /// With what became of each time that was removed.
    Persisted,
    /// With how long each key has to live.
    TimeLeft(Unit),
}

/// What of a bucket is listed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Listing {
    Keys,
    Values,
    Both,
}

/// What a time is counted in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Unit {
    Seconds,
    Milliseconds,
}

/// Said of what was to be stored in a bucket that is not there, although it was created if necessary.
const GONE: &str = "the bucket was removed at the same time, and nothing was stored; send the command again";

/// Writes the answer of a command.
pub(super) async fn write<W: AsyncWrite + Unpin>(
    answer: &Answer,
    mut results: CommandResults<'_>,
    version: Version,
    replies: &mut Replies<W>,
) -> Result<(), ReplyError> {
    let out = replies.short();
    match answer {
        Answer::Known(answer) => out.extend(*answer),
        Answer::Bulk(text) => return bulk(text, replies).await,
        Answer::Error(text) => reply::err(text, out),
        Answer::Value => match value(&mut results) {
            Ok(Some(value)) => return bulk(&value, replies).await,
            Ok(None) => reply::null(version, out),
            Err(text) => reply::err(&text, out),
        },
        Answer::Values => return values(results, version, replies).await,
        Answer::Added => integer(count(results, |result| *result == OperationResult::Value(None), None), out),
        Answer::Stored => match count(results, |_| true, None) {
            Ok(_) => out.extend(reply::OK),
            Err(text) => reply::err(&text, out),
        },
        Answer::Removed => {
            let is_removed = |result: &OperationResult| *result != OperationResult::Value(None);
            integer(count(results, is_removed, Some(0)), out);
        }
        Answer::Sum => match sum(&mut results) {
            Ok(sum) => reply::integer(sum, out),
            Err(text) => reply::err(&text, out),
        },
        Answer::Exists => integer(value(&mut results).map(|value| usize::from(value.is_some())), out),
        Answer::Length => integer(value(&mut results).map(|value| value.map_or(0, |value| value.len())), out),
        Answer::Len => integer(len(&mut results), out),
        Answer::Listing(listing) => return list(*listing, &mut results, version, replies).await,
        Answer::Expire { is_over } => numbers(results, |result| set(result, *is_over), out),
        Answer::Persisted => numbers(results, persisted, out),
        Answer::TimeLeft(unit) => numbers(results, |result| left(result, *unit), out),
    }
    Ok(())
}

/// Writes a text of any length.
pub(super) async fn bulk<W: AsyncWrite + Unpin>(text: &[u8], replies: &mut Replies<W>) -> Result<(), ReplyError> {
    reply::header(b'$', text.len(), replies.short());
    replies.text(text).await?;
    replies.short().extend(b"\r\n");
    Ok(())
}

fn integer(number: Result<usize, String>, out: &mut Vec<u8>) {
    match number {
        Ok(0) => out.extend(reply::ZERO),
        Ok(1) => out.extend(reply::ONE),
        Ok(number) => reply::count(number, out),
        Err(text) => reply::err(&text, out),
    }
}

/// The value that was read. A bucket that is not there is an empty one.
fn value(results: &mut CommandResults<'_>) -> Result<Option<Bytes>, String> {
    match results.next() {
        Ok(OperationResult::Value(value)) => Ok(value),
        Ok(_) | Err(Refusal::NotFound) => Ok(None),
        Err(Refusal::Error(text)) => Err(text),
    }
}

fn sum(results: &mut CommandResults<'_>) -> Result<i64, String> {
    match results.next() {
        Ok(OperationResult::Add(AddOutcome::Sum(sum))) => Ok(sum),
        Ok(OperationResult::Add(AddOutcome::Overflow)) => Err("increment or decrement would overflow".to_owned()),
        Ok(_) => Err("hash value is not an integer".to_owned()),
        Err(Refusal::NotFound) => Err(GONE.to_owned()),
        Err(Refusal::Error(text)) => Err(text),
    }
}

fn len(results: &mut CommandResults<'_>) -> Result<usize, String> {
    match results.next() {
        Ok(OperationResult::Len(keys)) => Ok(keys),
        Ok(_) | Err(Refusal::NotFound) => Ok(0),
        Err(Refusal::Error(text)) => Err(text),
    }
}

/// Counts the results that are such, or returns the first error. Without the bucket it is `missing`.
fn count(
    mut results: CommandResults<'_>,
    is_such: impl Fn(&OperationResult) -> bool,
    missing: Option<usize>,
) -> Result<usize, String> {
    let mut counted = Ok(0);
    while results.left() > 0 {
        let result = results.next();
        counted = match (counted, result) {
            (Ok(count), Ok(result)) => Ok(count + usize::from(is_such(&result))),
            (Ok(_), Err(Refusal::NotFound)) => missing.ok_or_else(|| GONE.to_owned()),
            // The results after an error are taken, and say nothing new.
            (Ok(_), Err(Refusal::Error(text))) | (Err(text), _) => Err(text),
        };
    }
    counted
}

/// Writes an array of values.
async fn values<W: AsyncWrite + Unpin>(
    mut results: CommandResults<'_>,
    version: Version,
    replies: &mut Replies<W>,
) -> Result<(), ReplyError> {
    let values = results.left();
    for number in 0..values {
        let value = value(&mut results);
        if number == 0 {
            // What fails a read fails all reads of the message.
            if let Err(text) = value {
                reply::err(&text, replies.short());
                return Ok(());
            }
            reply::array(values, replies.short());
        }
        match value {
            Ok(Some(value)) => bulk(&value, replies).await?,
            Ok(None) => reply::null(version, replies.short()),
            Err(text) => reply::err(&text, replies.short()),
        }
        replies.space().await?;
    }
    Ok(())
}

/// Writes an array with a number for each result, or the first error.
fn numbers(mut results: CommandResults<'_>, number: impl Fn(Option<&OperationResult>) -> i64, out: &mut Vec<u8>) {
    let begin = out.len();
    let mut failed = None;
    reply::array(results.left(), out);
    while results.left() > 0 {
        match results.next() {
            Ok(result) => reply::integer(number(Some(&result)), out),
            Err(Refusal::NotFound) => reply::integer(number(None), out),
            Err(Refusal::Error(text)) => failed = failed.or(Some(text)),
        }
    }
    if let Some(text) = failed {
        out.truncate(begin);
        reply::err(&text, out);
    }
}

/// There is no such key, or no such bucket.
const NO_KEY: i64 = -2;
/// The key does not expire.
const NO_TIME: i64 = -1;

fn set(result: Option<&OperationResult>, is_over: bool) -> i64 {
    let is_set = if is_over { 2 } else { 1 };
    match result {
        Some(
            OperationResult::TimeToLive(TimeToLive::Unlimited | TimeToLive::Left(_))
            | OperationResult::ExpireIf(ExpireOutcome::Set),
        ) => is_set,
        Some(OperationResult::ExpireIf(ExpireOutcome::Kept)) => 0,
        _ => NO_KEY,
    }
}

fn persisted(result: Option<&OperationResult>) -> i64 {
    match result {
        Some(OperationResult::TimeToLive(TimeToLive::Left(_))) => 1,
        Some(OperationResult::TimeToLive(TimeToLive::Unlimited)) => NO_TIME,
        _ => NO_KEY,
    }
}

fn left(result: Option<&OperationResult>, unit: Unit) -> i64 {
    match result {
        Some(OperationResult::TimeToLive(TimeToLive::Left(time))) => {
            let milliseconds = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
            match unit {
                Unit::Milliseconds => milliseconds,
                // A second that has begun counts, as in Redis.
                Unit::Seconds => milliseconds / 1000 + i64::from(milliseconds % 1000 > 0),
            }
        }
        Some(OperationResult::TimeToLive(TimeToLive::Unlimited)) => NO_TIME,
        _ => NO_KEY,
    }
}

/// Writes all of a bucket, or that it is too much.
async fn list<W: AsyncWrite + Unpin>(
    listing: Listing,
    results: &mut CommandResults<'_>,
    version: Version,
    replies: &mut Replies<W>,
) -> Result<(), ReplyError> {
    let entries = match results.next() {
        Ok(OperationResult::Entries(entries)) => entries,
        Ok(OperationResult::Keys(keys)) => keys.into_iter().map(|key| (key, Bytes::new())).collect(),
        Ok(_) | Err(Refusal::NotFound) => Vec::new(),
        Err(Refusal::Error(text)) => {
            reply::err(&text, replies.short());
            return Ok(());
        }
    };
    if entries.len() > LISTED_MAX {
        let text = format!("the bucket has more than {LISTED_MAX} keys, too many for one reply; use HSCAN");
        reply::err(&text, replies.short());
        return Ok(());
    }
    match listing {
        Listing::Both => reply::map(entries.len(), version, replies.short()),
        Listing::Keys | Listing::Values => reply::array(entries.len(), replies.short()),
    }
    for (key, value) in &entries {
        if listing != Listing::Values {
            bulk(key, replies).await?;
        }
        if listing != Listing::Keys {
            bulk(value, replies).await?;
        }
        replies.space().await?;
    }
    Ok(())
}
