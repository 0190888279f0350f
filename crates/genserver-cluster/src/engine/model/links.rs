//! How members are connected: to the majority of the engine's servers, to a minority, or not at all.

use std::sync::Arc;
use std::time::{Duration, Instant};

use genserver::time;

use super::past::Moment;
use super::system::{Due, System, Way};
use crate::engine::EngineError;

/// The connection of a member.
pub(super) struct Link {
    pub(super) side: Side,
    /// Counts the changes of the side.
    epoch: u64,
    /// What was sent, and arrives when the member is back.
    held: Vec<Due>,
    /// When the last message arrives that it has published: none overtakes another.
    pub(super) published_until: Option<Instant>,
}

/// What a member is connected to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Side {
    Majority,
    Minority {
        /// What is read there was true then.
        since: Moment,
        /// Then nothing is read any more.
        reads_until: Instant,
    },
    Cut {
        /// Whether the member knows.
        is_noticed: bool,
    },
}

impl Link {
    fn new() -> Self {
        Self { side: Side::Majority, epoch: 0, held: Vec::new(), published_until: None }
    }
}

impl System {
    pub(super) fn link(&mut self, member: &str) -> &mut Link {
        self.links.entry(member.into()).or_insert_with(Link::new)
    }

    /// What a member is connected to.
    pub(super) fn side(&self, member: &str) -> Side {
        self.links.get(member).map_or(Side::Majority, |link| link.side)
    }

    /// Whether what one publishes can reach the other.
    pub(super) fn are_together(&self, one: &str, other: &str) -> bool {
        match (self.side(one), self.side(other)) {
            (Side::Majority, Side::Majority) | (Side::Minority { .. }, Side::Minority { .. }) => true,
            (Side::Cut { .. } | Side::Majority, _) | (_, Side::Cut { .. } | Side::Majority) => false,
        }
    }

    /// What was not true any more at this instant, nobody reads, and nobody is told of.
    pub(super) fn kept_from(&self, now: Instant) -> Instant {
        let since = |side| if let Side::Minority { since, .. } = side { Some(since.at) } else { None };
        let first = self.links.values().filter_map(|link| since(link.side)).fold(now, Instant::min);
        first.checked_sub(self.late_max).unwrap_or(first)
    }

    pub(super) fn cut(&mut self, member: &str) {
        if matches!(self.side(member), Side::Cut { .. }) {
            return;
        }
        let epoch = self.change_side(member, Side::Cut { is_noticed: false });
        self.interrupt(member);
        let notices = self.dice.up_to(2 * self.answer_within);
        let name: Arc<str> = member.into();
        self.note(Way::Inside, notices, move |system, _| {
            if system.link(&name).epoch == epoch {
                system.notice(&name);
            }
        });
    }

    pub(super) fn isolate(&mut self, member: &str, reads: Duration) {
        if matches!(self.side(member), Side::Minority { .. }) {
            return;
        }
        self.come_back(member);
        // What it publishes there must not overtake what was held up.
        let held = std::mem::take(&mut self.link(member).held);
        self.afterwards(move || drop(held));
        let since = self.moment(time::now());
        let reads_until = since.at + self.dice.up_to(reads);
        self.change_side(member, Side::Minority { since, reads_until });
        self.interrupt(member);
    }

    pub(super) fn rejoin(&mut self, member: &str) {
        if self.side(member) == Side::Majority {
            return;
        }
        let was_isolated = matches!(self.side(member), Side::Minority { .. });
        self.come_back(member);
        self.change_side(member, Side::Majority);
        let now = time::now();
        if was_isolated {
            self.resume_watches(member, now);
            self.resume_followers(member);
        }
        let at = now + self.faults.latency;
        let held = std::mem::take(&mut self.link(member).held);
        if !held.is_empty() {
            // What is published from now on does not overtake it.
            self.link(member).published_until = Some(at);
        }
        for due in held {
            self.note_at(at, due);
        }
    }

    /// A connection that was cut is not the same any more when it is back.
    fn come_back(&mut self, member: &str) {
        if self.side(member) == (Side::Cut { is_noticed: false }) {
            self.notice(member);
        }
    }

    /// A member learns that it was cut off.
    fn notice(&mut self, member: &str) {
        self.link(member).side = Side::Cut { is_noticed: true };
        self.end_watches(member);
        self.end_subscriptions(member);
        self.end_followers(member);
    }

    fn change_side(&mut self, member: &str, side: Side) -> u64 {
        let link = self.link(member);
        link.side = side;
        link.epoch += 1;
        link.epoch
    }

    /// What is on its way from a member or to it is lost, but for what is held up.
    fn interrupt(&mut self, member: &str) {
        self.link(member).published_until = None;
        for due in self.take_on_its_way(member) {
            self.hold_or_lose(member, due);
        }
    }

    /// What a member has sent cannot arrive now: it is lost, or it arrives when the member is back. A message that others have
    /// overtaken is lost.
    pub(super) fn hold_or_lose(&mut self, member: &str, due: Due) {
        let is_held = match due.way {
            Way::From(_) => true,
            Way::Published(_) => matches!(self.side(member), Side::Cut { .. }),
            Way::To(_) | Way::Inside => false,
        };
        if is_held && self.dice.way(2) == 1 {
            self.link(member).held.push(due);
        } else {
            self.afterwards(move || drop(due));
        }
    }
}

/// What a member is told that knows that it is cut off.
pub(super) fn unreachable(member: &str) -> EngineError {
    EngineError::Unreachable(format!("`{member}` is cut off"))
}
