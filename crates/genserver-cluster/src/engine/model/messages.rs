//! How messages travel: to subscriptions, and answers back to those who asked.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use futures::channel::{mpsc, oneshot};
use genserver::time;

use super::links::{Side, unreachable};
use super::system::{Due, System, Way};
use crate::engine::{Delivery, EngineError, RequestError};

/// So many messages may wait in a subscription. More are lost.
const SUBSCRIPTION_QUEUE: usize = 65_536;

/// Somebody who gets what is published to a subject.
pub(super) struct Subscription {
    member: Arc<str>,
    subject: String,
    sender: mpsc::UnboundedSender<Delivery>,
    /// What other members publish arrives from then on.
    known_from: Instant,
    /// When it will have all that was published so far.
    until: Instant,
}

/// Somebody who waits for the answer to a request.
pub(super) struct Inbox {
    member: Arc<str>,
    sender: oneshot::Sender<Result<Bytes, RequestError>>,
}

impl System {
    pub(super) fn subscribe(
        &mut self,
        member: &Arc<str>,
        subject: &str,
        now: Instant,
    ) -> mpsc::UnboundedReceiver<Delivery> {
        // Bounded by `SUBSCRIPTION_QUEUE`.
        let (sender, receiver) = mpsc::unbounded();
        let known_from = now + self.dice.up_to(self.faults.late_subscriptions);
        let (member, subject) = (Arc::clone(member), subject.to_owned());
        let number = self.next_number();
        self.subscriptions.insert(number, Subscription { member, subject, sender, known_from, until: now });
        receiver
    }

    /// Sends a message on its way, unless the member knows that it is cut off.
    pub(super) fn try_publish(
        &mut self,
        member: &Arc<str>,
        subject: &str,
        message: Delivery,
    ) -> Result<(), EngineError> {
        if self.side(member) == (Side::Cut { is_noticed: true }) {
            return Err(unreachable(member));
        }
        self.publish(member, subject, message);
        Ok(())
    }

    /// Sends a message on its way to the engine. None overtakes another of the same member.
    fn publish(&mut self, member: &Arc<str>, subject: &str, message: Delivery) {
        let at = time::now() + self.latency();
        let link = self.link(member);
        let at = link.published_until.map_or(at, |until| until.max(at));
        link.published_until = Some(at);
        let (from, subject) = (Arc::clone(member), subject.to_owned());
        let happens = move |system: &mut Self, now: Instant| system.spread(&from, &subject, message, now);
        let due = Due { way: Way::Published(Arc::clone(member)), happens: Box::new(happens) };
        if matches!(self.side(member), Side::Cut { .. }) {
            self.hold_or_lose(member, due);
        } else {
            self.note_at(at, due);
        }
    }

    /// A message has come to the engine, and goes to all who get it.
    fn spread(&mut self, from: &Arc<str>, subject: &str, message: Delivery, now: Instant) {
        if let Some(inbox) = self.inboxes.remove(subject) {
            if self.are_together(from, &inbox.member) {
                self.answer(inbox, Ok(message.payload));
            }
            return;
        }
        self.subscriptions.retain(|_, subscription| !subscription.sender.is_closed());
        let gets = |it: &Subscription| it.subject == subject && (it.member == *from || it.known_from <= now);
        let got: Vec<u64> = self.subscriptions.iter().filter(|(_, it)| gets(it)).map(|(number, _)| *number).collect();
        let got: Vec<u64> = got.into_iter().filter(|number| self.is_thought_to_reach(from, *number)).collect();
        for number in &got {
            self.deliver(from, *number, message.clone(), now);
        }
        let inbox = message.reply_to.filter(|_| got.is_empty()).and_then(|reply_to| self.inboxes.remove(&reply_to));
        if let Some(inbox) = inbox {
            self.answer(inbox, Err(RequestError::NoResponders));
        }
    }

    /// Whether the servers of this member believe that the subscription gets what it publishes. That of a member that was cut off is
    /// there until it is noticed.
    fn is_thought_to_reach(&self, from: &str, number: u64) -> bool {
        let member = &self.subscriptions[&number].member;
        matches!(self.side(member), Side::Cut { .. }) || self.are_together(from, member)
    }

    fn deliver(&mut self, from: &str, number: u64, message: Delivery, now: Instant) {
        let (late, is_lost) = (self.latency(), self.dice.once_in(self.faults.lost));
        let Some(subscription) = self.subscriptions.get_mut(&number) else { return };
        let member = Arc::clone(&subscription.member);
        // None overtakes another.
        let at = subscription.until.max(now + late);
        subscription.until = at;
        if is_lost || !self.are_together(from, &member) {
            return;
        }
        let happens = move |system: &mut Self, _: Instant| {
            let Some(subscription) = system.subscriptions.get(&number) else { return };
            if subscription.sender.len() < SUBSCRIPTION_QUEUE {
                let sender = subscription.sender.clone();
                system.afterwards(move || drop(sender.unbounded_send(message)));
            }
        };
        self.note_at(at, Due { way: Way::To(member), happens: Box::new(happens) });
    }

    /// A place for the answer to a request.
    pub(super) fn inbox(&mut self, member: &Arc<str>) -> (String, oneshot::Receiver<Result<Bytes, RequestError>>) {
        self.inboxes.retain(|_, inbox| !inbox.sender.is_canceled());
        let (sender, receiver) = oneshot::channel();
        let name = format!("_inbox.{}", self.next_number());
        self.inboxes.insert(name.clone(), Inbox { member: Arc::clone(member), sender });
        (name, receiver)
    }

    fn answer(&mut self, inbox: Inbox, answer: Result<Bytes, RequestError>) {
        let way = Way::To(Arc::clone(&inbox.member));
        let is_lost = answer.is_ok() && self.dice.once_in(self.faults.lost);
        let late = self.latency();
        if is_lost {
            self.afterwards(move || drop(inbox));
            return;
        }
        self.note(way, late, move |system, _| system.afterwards(move || drop(inbox.sender.send(answer))));
    }

    pub(super) fn end_subscriptions(&mut self, member: &str) {
        let is_its = |_: &u64, subscription: &mut Subscription| *subscription.member == *member;
        let ended: Vec<_> = self.subscriptions.extract_if(.., is_its).collect();
        self.afterwards(move || drop(ended));
    }
}
