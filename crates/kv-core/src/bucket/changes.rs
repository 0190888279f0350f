//! What the operations do to the entries of a bucket.

use bytes::Bytes;
use genserver::Cx;

use super::entries::Held;
use super::server::{BucketServer, Stored, UpdateFunction};
use super::times::Times;
use crate::committer::SendReply;
use crate::expiry::{Expiry, Millis, TimeToLive};
use crate::key_event::{KeyEvent, KeyEventKind};
use crate::limits::LimitError;
use crate::operation::{AddOutcome, ExpireCondition, ExpireOutcome, KeyPage, Operation, OperationResult};

/// What of a key changes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Change {
    /// Its value, of which there is an event.
    Value,
    /// Only when it expires.
    Time,
}

impl BucketServer {
    /// Applies an operation to the entries.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "every put passes here, and a call of it costs more than what it does")]
    pub(super) fn apply(&mut self, operation: Operation, cx: &mut Cx<Self>) -> OperationResult {
        match operation {
            // The most frequent change, with nothing to remember and nobody to tell.
            Operation::Put(key, value) if self.is_plain && !self.has_listeners() => {
                self.entries.set_plain(&key, value);
                OperationResult::Put
            }
            operation => self.apply_any(operation, cx),
        }
    }

    /// Applies any operation. Not inlined, so that the frequent one is.
    #[inline(never)]
    fn apply_any(&mut self, operation: Operation, cx: &mut Cx<Self>) -> OperationResult {
        match operation {
            Operation::Get(key) => OperationResult::Value(self.entries.get(&key).cloned()),
            Operation::Put(key, value) => {
                self.set(key, Some(value.into()), Change::Value);
                OperationResult::Put
            }
            Operation::Replace(key, value) => {
                OperationResult::Value(self.set(key, Some(value.into()), Change::Value).map(|held| held.value))
            }
            Operation::PutNew(key, value) => OperationResult::Value(self.put_new(key, value)),
            Operation::Add(key, more) => OperationResult::Add(self.add(key, more)),
            Operation::Delete(key) => OperationResult::Value(self.set(key, None, Change::Value).map(|held| held.value)),
            Operation::Keys(page) => OperationResult::Keys(self.keys(&page)),
            Operation::Entries(page) => OperationResult::Entries(self.entries(&page)),
            Operation::Len => OperationResult::Len(self.entries.len()),
            Operation::Clear => OperationResult::Len(self.clear()),
            Operation::Expire(key, expiry) => {
                let before = self.entries.time_to_live(&key);
                self.expire(key, expiry, None, cx);
                OperationResult::TimeToLive(before)
            }
            Operation::ExpireIf(key, expiry, condition) => {
                OperationResult::ExpireIf(self.expire(key, expiry, Some(condition), cx))
            }
            Operation::Persist(key) => OperationResult::TimeToLive(self.persist(key)),
            Operation::TimeToLive(key) => OperationResult::TimeToLive(self.entries.time_to_live(&key)),
        }
    }

    /// Applies all of them, or none.
    pub(super) fn apply_all(
        &mut self,
        operations: Vec<Operation>,
        cx: &mut Cx<Self>,
    ) -> Result<Vec<OperationResult>, LimitError> {
        self.admit(&operations)?;
        let results = operations.into_iter().map(|operation| self.apply(operation, cx)).collect();
        self.settle();
        Ok(results)
    }

    /// Applies each by itself.
    pub(super) fn apply_each(&mut self, operations: Vec<Operation>, cx: &mut Cx<Self>) -> Vec<Stored<OperationResult>> {
        let apply = |operation| -> Stored<OperationResult> {
            self.admit(std::slice::from_ref(&operation))?;
            let result = self.apply(operation, cx);
            self.settle();
            Ok(result)
        };
        operations.into_iter().map(apply).collect()
    }

    /// Runs a client's function on the value of a key. A value that replaces another expires when that would have. Returns what
    /// answers the client, unless it was refused.
    pub(super) fn update(&mut self, key: Bytes, function: UpdateFunction) -> Option<SendReply> {
        let before = self.entries.get(&key).cloned();
        let mut value = before.clone();
        let send_reply = function(&mut value);
        if value == before {
            return Some(send_reply);
        }
        if let Err(refused) = self.admit_value(&key, value.as_ref()) {
            send_reply(Err(refused.into()));
            return None;
        }
        let expires = before.and_then(|_| self.entries.expires(&key));
        self.set(key, value.map(|value| Held { value, expires }), Change::Value);
        self.settle();
        Some(send_reply)
    }

    /// Stores a value unless the key is there. Returns the value that is there.
    fn put_new(&mut self, key: Bytes, value: Bytes) -> Option<Bytes> {
        let there = self.entries.get(&key).cloned();
        if there.is_none() {
            self.set(key, Some(value.into()), Change::Value);
        }
        there
    }

    /// Adds to the integer that the key has.
    fn add(&mut self, key: Bytes, more: i64) -> AddOutcome {
        let there = self.entries.get(&key).cloned();
        let Some(before) = there.as_deref().map_or(Some(0), integer) else { return AddOutcome::NotAnInteger };
        let Some(sum) = before.checked_add(more) else { return AddOutcome::Overflow };
        let expires = there.and_then(|_| self.entries.expires(&key));
        self.set(key, Some(Held { value: sum.to_string().into(), expires }), Change::Value);
        AddOutcome::Sum(sum)
    }

    /// Sets when a key expires, if the condition holds.
    fn expire(
        &mut self,
        key: Bytes,
        expiry: Expiry,
        condition: Option<ExpireCondition>,
        cx: &mut Cx<Self>,
    ) -> ExpireOutcome {
        let Some(value) = self.entries.get(&key).cloned() else { return ExpireOutcome::NoKey };
        let now = Millis::begun(cx.system_now());
        // The clock of the entries may be ahead of the machine's, but without times they have none.
        let now = self.entries.times().map_or(now, |times| times.clock().max(now));
        let at = expiry.at(now);
        if !condition.is_none_or(|condition| holds(condition, self.entries.expires(&key), at)) {
            return ExpireOutcome::Kept;
        }
        self.set(key, Some(Held { value, expires: Some(at) }), Change::Time);
        self.is_plain = false;
        self.entries.advance(now);
        self.set_sweep(cx);
        ExpireOutcome::Set
    }

    /// Makes a key not expire.
    fn persist(&mut self, key: Bytes) -> TimeToLive {
        let before = self.entries.time_to_live(&key);
        if let (TimeToLive::Left(_), Some(value)) = (before, self.entries.get(&key).cloned()) {
            self.set(key, Some(value.into()), Change::Time);
        }
        before
    }

    /// Changes one key. Remembers what it had if the change may have to be taken back.
    fn set(&mut self, key: Bytes, new: Option<Held>, change: Change) -> Option<Held> {
        if !self.is_plain {
            self.remove_expired(&key);
        }
        let is_stored = new.is_some();
        let after = self.kept.as_ref().and_then(|_| new.clone());
        let before = self.entries.set(&key, new);
        // To remove a key that is not there changes nothing.
        if is_stored || before.is_some() {
            if change == Change::Value && self.has_listeners() {
                self.tell(&key, if is_stored { KeyEventKind::Put } else { KeyEventKind::Delete });
            }
            if let Some(kept) = &mut self.kept {
                kept.note(key, before.clone(), after);
            }
        }
        before
    }

    /// Removes a key if it has expired.
    pub(super) fn remove_expired(&mut self, key: &Bytes) {
        if !self.entries.is_expired(key) {
            return;
        }
        let before = self.entries.set(key, None);
        self.tell(key, KeyEventKind::Expire);
        if let Some(kept) = &mut self.kept {
            kept.note(key.clone(), before, None);
        }
    }

    fn clear(&mut self) -> usize {
        let len = self.entries.len();
        let clock = self.entries.times().map(Times::clock);
        if self.kept.is_none() && !self.has_listeners() {
            drop(self.entries.take_all());
            return len;
        }
        for (key, held) in self.entries.take_all() {
            let is_expired = held.expires.is_some_and(|at| clock.is_some_and(|clock| at <= clock));
            self.tell(&key, if is_expired { KeyEventKind::Expire } else { KeyEventKind::Delete });
            if let Some(kept) = &mut self.kept {
                kept.note(key, Some(held), None);
            }
        }
        len
    }

    /// Whether anybody wants to hear of keys.
    #[inline]
    fn has_listeners(&self) -> bool {
        self.account.as_ref().is_some_and(|account| account.listening().is_some())
    }

    /// Sends an event of a key, if anybody listens: at once, or with the change when that is committed.
    fn tell(&mut self, key: &Bytes, kind: KeyEventKind) {
        let Some(account) = &self.account else { return };
        let Some(outlet) = account.listening() else { return };
        // The key may be a slice of a large buffer, and the event may wait.
        let event = KeyEvent { bucket: account.name().clone(), key: Bytes::copy_from_slice(key), kind };
        match &mut self.kept {
            Some(kept) => kept.tell(outlet, event),
            None => outlet.send(event),
        }
    }

    fn keys(&self, page: &KeyPage) -> Vec<Bytes> {
        self.entries.page(page).map(|(key, _)| key.clone()).collect()
    }

    fn entries(&self, page: &KeyPage) -> Vec<(Bytes, Bytes)> {
        self.entries.page(page).map(|(key, value)| (key.clone(), value.clone())).collect()
    }
}

/// Reads an integer that is written as it would be stored.
fn integer(text: &[u8]) -> Option<i64> {
    let number: i64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    // Zeros in front and a plus sign are parsed, too.
    (number.to_string().as_bytes() == text).then_some(number)
}

/// Whether a key that expires at `is` may be given the time `new`.
fn holds(condition: ExpireCondition, is: Option<Millis>, new: Millis) -> bool {
    match condition {
        ExpireCondition::Unlimited => is.is_none(),
        ExpireCondition::Limited => is.is_some(),
        ExpireCondition::Earlier => is.is_some_and(|is| is < new),
        ExpireCondition::Later => is.is_none_or(|is| is > new),
    }
}

#[cfg(test)]
mod tests {
    //! What is an integer.

    use super::*;

    #[test]
    fn an_integer_is_read_only_as_it_would_be_stored() {
        for text in ["0", "-1", "9223372036854775807", "-9223372036854775808"] {
            assert_eq!(integer(text.as_bytes()).map(|number| number.to_string()).as_deref(), Some(text));
        }
        for text in ["", "-", "-0", "+1", "01", " 1", "1 ", "1.0", "1x", "9223372036854775808", "\u{661}"] {
            assert_eq!(integer(text.as_bytes()), None, "{text}");
        }
        assert_eq!(integer(b"\xff"), None);
    }
}
