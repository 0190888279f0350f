//! Transactions: commands on one bucket, executed in one message, with no other client's in between.
//!
//! As in Redis, a command that fails does not take back the others. The storage of the store stores the changes of all of them, or of
//! none.

use super::answer::Answer;
use super::command::{CommandEntry, wrong_arity};
use super::gather::{Cut, Gathered, gather};
use super::request::Request;
use crate::batch::BucketBatch;
use crate::limits::Limits;

/// The most commands of a transaction.
const COMMANDS_MAX: usize = 1024;

/// The most commands that list a bucket. Each may take some megabytes until its reply is written.
const LARGE_MAX: usize = 4;

/// What a queued command takes besides its arguments, to keep many small ones within the limit too.
const COMMAND_BYTES: usize = 128;

/// The commands since `MULTI`.
#[derive(Default)]
pub(super) struct Transaction {
    pub(super) batch: BucketBatch<Answer>,
    /// Whether a command was refused, so that none will be executed.
    pub(super) is_aborted: bool,
    bytes: usize,
    large: usize,
}

impl Transaction {
    /// Queues a command.
    ///
    /// # Errors
    ///
    /// Why it is refused. Then the transaction is aborted.
    pub(super) fn queue(&mut self, entry: &CommandEntry, request: Request<'_>, limits: &Limits) -> Result<(), String> {
        let queued = self.try_queue(entry, request, limits);
        self.is_aborted |= queued.is_err();
        queued
    }

    fn try_queue(&mut self, entry: &CommandEntry, request: Request<'_>, limits: &Limits) -> Result<(), String> {
        if !entry.takes(request.len()) {
            return Err(wrong_arity(entry.name));
        }
        if self.is_aborted {
            // It will not be executed, so it need not be kept.
            return Ok(());
        }
        self.bytes += COMMAND_BYTES + request.bytes();
        if self.batch.len() == COMMANDS_MAX || self.bytes > limits.request {
            return Err(format!(
                "the transaction is too large; send at most {COMMANDS_MAX} commands of {} bytes",
                limits.request
            ));
        }
        match gather(&mut self.batch, entry.command, request, Cut::Copy) {
            // As in Redis, a client hears of what is wrong with the arguments when they are used, and the others are executed.
            Err(text) => self.batch.push(Answer::Error(text)),
            Ok(Gathered::No) => {
                let name = entry.name.to_uppercase();
                return Err(format!(
                    "{name} is not allowed in a transaction, which is for commands that one bucket executes"
                ));
            }
            Ok(Gathered::Large) if self.large == LARGE_MAX => {
                return Err(format!("a transaction may list a bucket {LARGE_MAX} times; use another one"));
            }
            Ok(Gathered::Large) => self.large += 1,
            Ok(Gathered::Yes) => {}
        }
        if self.batch.buckets() > 1 {
            return Err(
                "a transaction is for one bucket, and this is another one; use a transaction for each".to_owned()
            );
        }
        Ok(())
    }
}
