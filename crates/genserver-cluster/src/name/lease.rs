//! When a member may believe that it owns a name: the protocol, without I/O.
//!
//! A [`Lease`] says what to [ask](Lease::next) the engine next, is told what it [answered](Lease::answered), and knows at each time
//! [whether the name may be served](Lease::may_serve). Somebody else asks, and reads the clock: [`lease_client`](super::lease_client).
//!
//! ```text
//!   claiming --create or update is confirmed--> owned --not confirmed in time, or taken--> ended
//!      |                                          |                                          |
//!      | another has it, or no answer             | release                                  | release, if a key may be left
//!      v                                          v                                          v
//!    ended                                     releasing ------------- deleted ----------> ended
//! ```
//!
//! # Rules
//!
//! They rest on the rules of an [engine](crate::engine#rules), E1 to E9.
//!
//! - L1: An owner believes that it owns the name from the answer to a change until `confirmed + time_to_live - margin`, where
//!   `confirmed` was read from the clock before that change was sent. By E4 nobody else can create the key before
//!   `confirmed + time_to_live`. Only durations on one machine are compared.
//! - L2: A change that is not answered is neither taken as made nor as not made. It confirms nothing, and what it has left in the
//!   engine is found out before a refusal is believed.
//! - L3: Outside of that time the name is not served, and no server is started for it. The server has ended at
//!   `confirmed + time_to_live`.
//! - L4: What was read proves no ownership. It shows which revision to try next, and it shows a loss: another's change with a
//!   larger revision than all of ours can only be made when ours is over.
//! - L5: A lease begins once and ends once. What was lost or is given back is not renewed.
//! - L6: The fence of a lease is the revision of the change that took the name. All later changes say so in their value. By E2 the
//!   fences of a name grow from one owner to the next.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::engine::{ChangeError, EngineError, Revision};

// How it behaves.
#[cfg(test)]
mod tests;

/// The durations of a lease. All follow from its time to live.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    pub(crate) time_to_live: Duration,
}

impl Times {
    /// How long before the key may end the name is not served any more. Within it the server has to end.
    pub(crate) fn margin(self) -> Duration {
        self.time_to_live / 5
    }

    /// How long a confirmed change is enough to serve the name: up to the margin.
    fn service(self) -> Duration {
        4 * self.margin()
    }

    /// How often a key is renewed.
    pub(crate) fn renewal(self) -> Duration {
        self.time_to_live / 3
    }

    /// How long one answer is waited for.
    pub(crate) fn patience(self) -> Duration {
        self.time_to_live / 6
    }

    /// How long it waits after a failure.
    pub(crate) fn pause(self) -> Duration {
        self.time_to_live / 30
    }
}

/// What to ask the engine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Ask {
    /// Create the key.
    Create,
    /// Update the key. The value says that this is the fence; without one, its own revision is.
    Update { last: Revision, fence: Option<Revision> },
    /// Delete the key.
    Delete { last: Revision },
    /// Read the key.
    Read,
    /// Nothing before this time.
    Wait(Instant),
    /// Nothing any more.
    Nothing,
}

/// What the engine has answered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Answer {
    /// To a create or an update.
    Changed(Result<Revision, ChangeError>),
    /// To a delete.
    Deleted(Result<(), ChangeError>),
    /// To a read.
    Read(Result<Option<Seen>, EngineError>),
}

/// What was read of the key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Seen {
    pub(crate) revision: Revision,
    /// The fence of that owner.
    pub(crate) fence: Revision,
    pub(crate) whose: Whose,
}

/// Who has written a value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Whose {
    /// This lease.
    Ours,
    /// An earlier lease of this member, whose server has ended.
    Abandoned,
    /// Another, on this member.
    Others(Arc<str>),
}

/// How a lease has ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum End {
    /// This member has the name.
    Owned(Arc<str>),
    /// The engine could not be asked for too long, and the name was not claimed.
    NotClaimed(EngineError),
    /// The last confirmed change is too old.
    Unconfirmed,
    /// The key is gone, or another has the name.
    Taken,
    /// It was given back.
    Released,
}

/// How often a claim reads the key before it believes that another has it although a create of its own was not answered.
const LOOKS_MAX: u32 = 4;

/// How often the engine is asked to give a key back. What is left ends by itself.
const RELEASES_MAX: u32 = 6;

/// The right to serve a name for a while.
#[derive(Debug)]
pub(crate) struct Lease {
    times: Times,
    stage: Stage,
    /// What was asked, and when. It is not answered yet.
    asked: Option<(Ask, Instant)>,
    /// Nothing is asked before this.
    not_before: Instant,
    end: Option<End>,
}

#[derive(Debug)]
enum Stage {
    Claiming(Claim),
    Owned(Owned),
    Releasing(Left, u32),
    Ended(Option<Left>),
}

#[derive(Debug)]
struct Claim {
    until: Instant,
    step: Step,
    /// Whether a change was not answered, so that the key may be ours.
    is_in_doubt: bool,
    looks: u32,
}

#[derive(Debug)]
enum Step {
    Create,
    Look,
    Take { last: Revision, fence: Option<Revision> },
}

#[derive(Debug)]
struct Owned {
    fence: Revision,
    /// The last change that is known.
    last: Revision,
    /// The clock before the last change that was confirmed.
    confirmed: Instant,
    /// Whether a change after `last` was not answered.
    is_in_doubt: bool,
    /// Whether the revision of that change has to be read.
    looks: bool,
}

/// What may be left in the engine.
#[derive(Clone, Copy, Debug)]
struct Left {
    /// Nothing if it has to be read.
    last: Option<Revision>,
    is_in_doubt: bool,
}

impl Lease {
    /// Wants the name, and gives up after a time to live.
    pub(crate) fn claim(times: Times, now: Instant) -> Self {
        let until = now + times.time_to_live;
        let claim = Claim { until, step: Step::Create, is_in_doubt: false, looks: 0 };
        Self { times, stage: Stage::Claiming(claim), asked: None, not_before: now, end: None }
    }

    /// Whether the name may be served now: L1 and L3.
    pub(crate) fn may_serve(&self, now: Instant) -> bool {
        self.serves_until().is_some_and(|until| now < until)
    }

    /// Until when the name may be served, unless a change is confirmed; nothing if it is not owned.
    pub(crate) fn serves_until(&self) -> Option<Instant> {
        let Stage::Owned(owned) = &self.stage else { return None };
        Some(owned.confirmed + self.times.service())
    }

    /// The fence, while the name is owned.
    pub(crate) fn fence(&self) -> Option<Revision> {
        let Stage::Owned(owned) = &self.stage else { return None };
        Some(owned.fence)
    }

    /// How it has ended, if it has.
    pub(crate) fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }

    /// What to ask now. An answer to what was asked before is not waited for any more.
    pub(crate) fn next(&mut self, now: Instant) -> Ask {
        self.give_up_waiting(now);
        self.expire(now);
        let ask = self.ask(now);
        if !matches!(ask, Ask::Wait(_) | Ask::Nothing) {
            self.asked = Some((ask, now));
        }
        ask
    }

    /// Takes the answer to what was asked last.
    pub(crate) fn answered(&mut self, answer: Answer, now: Instant) {
        let Some((_, sent)) = self.asked.take() else { return };
        match answer {
            Answer::Changed(Ok(revision)) => self.confirm(revision, sent),
            Answer::Changed(Err(ChangeError::Conflict)) => self.refuse(now),
            Answer::Changed(Err(ChangeError::Engine(error))) => self.fail(error, now),
            Answer::Deleted(result) => self.deleted(&result, now),
            Answer::Read(Ok(seen)) => self.read(seen, now),
            // A read that failed is made again.
            Answer::Read(Err(error)) => self.pause(Some(error), now),
        }
    }

    /// Gives the name back: from now on it is not served and not renewed, and its key is deleted if one may be left.
    pub(crate) fn release(&mut self, now: Instant) {
        self.give_up_waiting(now);
        let left = match &self.stage {
            Stage::Claiming(claim) => claim.left(),
            Stage::Owned(owned) => Some(owned.left()),
            Stage::Ended(left) => *left,
            Stage::Releasing(..) => return,
        };
        self.not_before = now;
        self.end.get_or_insert(End::Released);
        self.stage = left.map_or(Stage::Ended(None), |left| Stage::Releasing(left, 0));
    }

    /// By L2, a change that was asked for and is not waited for may have been made.
    fn give_up_waiting(&mut self, now: Instant) {
        match self.asked {
            Some((Ask::Create | Ask::Update { .. }, _)) => {
                self.answered(Answer::Changed(Err(EngineError::Unanswered.into())), now);
            }
            Some((Ask::Delete { .. }, _)) => self.answered(Answer::Deleted(Err(EngineError::Unanswered.into())), now),
            _ => self.asked = None,
        }
    }

    /// Ends what time has ended.
    fn expire(&mut self, now: Instant) {
        match &self.stage {
            Stage::Owned(_) if !self.may_serve(now) => self.finish(End::Unconfirmed),
            Stage::Claiming(claim) if now >= claim.until => self.finish(End::NotClaimed(EngineError::Unanswered)),
            _ => {}
        }
    }

    fn finish(&mut self, end: End) {
        let left = match &self.stage {
            Stage::Claiming(claim) => claim.left(),
            Stage::Owned(owned) if end != End::Taken => Some(owned.left()),
            _ => None,
        };
        self.end.get_or_insert(end);
        self.stage = Stage::Ended(left);
    }

    fn ask(&mut self, now: Instant) -> Ask {
        let latest = match &self.stage {
            Stage::Claiming(claim) => Some(claim.until),
            Stage::Owned(_) => self.serves_until(),
            Stage::Releasing(..) => None,
            Stage::Ended(_) => return Ask::Nothing,
        };
        if now < self.not_before {
            return Ask::Wait(latest.map_or(self.not_before, |latest| latest.min(self.not_before)));
        }
        match &mut self.stage {
            Stage::Claiming(claim) => match claim.step {
                Step::Create => Ask::Create,
                Step::Look => Ask::Read,
                Step::Take { last, fence } => Ask::Update { last, fence },
            },
            Stage::Owned(owned) if owned.looks => Ask::Read,
            Stage::Owned(owned) => Ask::Update { last: owned.last, fence: Some(owned.fence) },
            Stage::Releasing(_, RELEASES_MAX) => {
                self.stage = Stage::Ended(None);
                Ask::Nothing
            }
            Stage::Releasing(left, tries) => {
                *tries += 1;
                left.last.map_or(Ask::Read, |last| Ask::Delete { last })
            }
            Stage::Ended(_) => Ask::Nothing,
        }
    }

    /// A create or an update was made. Only this confirms, and counts from when it was sent: L1.
    fn confirm(&mut self, revision: Revision, sent: Instant) {
        let fence = match &self.stage {
            Stage::Claiming(Claim { step: Step::Take { fence: Some(fence), .. }, .. }) => *fence,
            Stage::Claiming(_) => revision,
            Stage::Owned(owned) => owned.fence,
            Stage::Releasing(..) | Stage::Ended(_) => return,
        };
        self.stage = Stage::Owned(Owned { fence, last: revision, confirmed: sent, is_in_doubt: false, looks: false });
        self.not_before = sent + self.times.renewal();
    }

    /// A create or an update was refused: the key has another revision than was thought.
    fn refuse(&mut self, now: Instant) {
        match &mut self.stage {
            Stage::Claiming(claim) => {
                claim.step = Step::Look;
                self.not_before = now;
            }
            // It may be a change of our own that was not answered: L2.
            Stage::Owned(owned) if owned.is_in_doubt => {
                owned.looks = true;
                self.not_before = now;
            }
            Stage::Owned(_) => self.finish(End::Taken),
            Stage::Releasing(..) | Stage::Ended(_) => {}
        }
    }

    /// A create or an update failed.
    fn fail(&mut self, error: EngineError, now: Instant) {
        let may_be_made = error == EngineError::Unanswered;
        match &mut self.stage {
            Stage::Claiming(claim) => {
                claim.is_in_doubt |= may_be_made;
                if may_be_made {
                    claim.step = Step::Look;
                }
            }
            Stage::Owned(owned) => owned.is_in_doubt |= may_be_made,
            Stage::Releasing(..) | Stage::Ended(_) => {}
        }
        self.pause(Some(error), now);
    }

    /// Tries again a little later. What an engine refuses, it refuses again, so then a claim is over.
    fn pause(&mut self, error: Option<EngineError>, now: Instant) {
        self.not_before = now + self.times.pause();
        match (&self.stage, error) {
            (Stage::Claiming(_), Some(error @ EngineError::Refused(_))) => self.finish(End::NotClaimed(error)),
            (Stage::Claiming(claim), Some(error)) if self.not_before >= claim.until => {
                self.finish(End::NotClaimed(error));
            }
            _ => {}
        }
    }

    fn deleted(&mut self, result: &Result<(), ChangeError>, now: Instant) {
        let Stage::Releasing(left, _) = &mut self.stage else { return };
        match result {
            Err(ChangeError::Conflict) if left.is_in_doubt => left.last = None,
            Ok(()) | Err(ChangeError::Conflict) => self.stage = Stage::Ended(None),
            Err(ChangeError::Engine(_)) => self.pause(None, now),
        }
    }

    /// The key was read. What it shows may be old, and confirms nothing: L4.
    fn read(&mut self, seen: Option<Seen>, now: Instant) {
        match &mut self.stage {
            Stage::Claiming(_) => self.read_for_claim(seen, now),
            Stage::Owned(owned) => match seen {
                Some(Seen { revision, whose: Whose::Ours, .. }) if revision > owned.last => {
                    (owned.last, owned.is_in_doubt, owned.looks) = (revision, false, false);
                    self.not_before = now;
                }
                Some(Seen { revision, .. }) if revision > owned.last => self.finish(End::Taken),
                // It is old: the update was refused, so there is a newer change, or none.
                _ => self.pause(None, now),
            },
            Stage::Releasing(left, _) => match seen {
                Some(Seen { revision, whose: Whose::Ours, .. }) => left.last = Some(revision),
                _ => self.stage = Stage::Ended(None),
            },
            Stage::Ended(_) => {}
        }
    }

    fn read_for_claim(&mut self, seen: Option<Seen>, now: Instant) {
        let Stage::Claiming(claim) = &mut self.stage else { return };
        claim.looks += 1;
        let is_first = claim.looks == 1;
        self.not_before = now;
        match seen {
            None => claim.step = Step::Create,
            Some(Seen { revision, fence, whose: Whose::Ours }) => {
                claim.step = Step::Take { last: revision, fence: Some(fence) };
            }
            Some(Seen { revision, whose: Whose::Abandoned, .. }) => {
                claim.step = Step::Take { last: revision, fence: None };
            }
            // What was read may be old, and the key ours by now.
            Some(_) if claim.is_in_doubt && claim.looks < LOOKS_MAX => claim.step = Step::Create,
            Some(Seen { whose: Whose::Others(member), .. }) => return self.finish(End::Owned(member)),
        }
        if !is_first {
            self.pause(None, now);
        }
    }
}

impl Claim {
    fn left(&self) -> Option<Left> {
        self.is_in_doubt.then_some(Left { last: None, is_in_doubt: true })
    }
}

impl Owned {
    fn left(&self) -> Left {
        Left { last: Some(self.last), is_in_doubt: self.is_in_doubt }
    }
}
