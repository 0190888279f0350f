//! Calls and how they end: rules 10 to 13.

use crate::Pid;
use crate::node::record::{Arrival, CallId};

pub(super) struct Calls {
    /// The call before the first of the run.
    before: CallId,
    /// The calls, by their numbers. Other requests that have one answer are among them.
    known: Vec<Call>,
    /// None of those before this place is open.
    first_open: usize,
    /// The last call and where it came to, if nothing has come to a process since.
    last: Option<(Pid, CallId)>,
    /// Those whose `Caller` was dropped, and the server that has to answer.
    unanswered: Vec<(CallId, Pid)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Call {
    /// It has not come to a process, was refused, or is a request of another kind.
    Unsent,
    Open {
        at: Pid,
        from: Pid,
    },
    Over,
}

impl Default for Calls {
    fn default() -> Self {
        Self { before: CallId::last(), known: Vec::new(), first_open: 0, last: None, unanswered: Vec::new() }
    }
}

impl Calls {
    /// Something comes to a process. The same call may come several times, if it was refused before.
    pub(super) fn arrived(&mut self, at: Pid, from: Pid, what: Arrival, call: CallId) {
        self.last = None;
        if what == Arrival::Call {
            self.last = Some((at, call));
            self.replace(call, Call::Open { at, from });
        }
    }

    /// What came last to a process was not taken. A call may be sent once more.
    pub(super) fn refused(&mut self, by: Pid) {
        if let Some((_, call)) = self.last.take_if(|(at, _)| *at == by) {
            self.replace(call, Call::Unsent);
        }
    }

    /// `call` has an answer or none, which belongs to the call `answered`.
    pub(super) fn replied(&mut self, from: Pid, to: Pid, call: CallId, answered: CallId) -> Option<String> {
        // In a slot that nobody uses, it does no harm.
        if call != answered && call != CallId::NONE {
            return Some(format!("process {to} calls process {from}, and gets the answer to another call"));
        }
        let is_second = self.replace(call, Call::Over) == Call::Over;
        is_second.then(|| format!("a call of process {to} to process {from} has ended twice"))
    }

    pub(super) fn abandoned(&mut self, call: CallId) {
        self.replace(call, Call::Over);
    }

    /// The `Caller` of a call to this server was dropped.
    pub(super) fn unanswered(&mut self, call: CallId, pid: Pid) {
        if let Call::Open { .. } = self.get(call) {
            self.unanswered.push((call, pid));
        }
    }

    /// The step is over, in which these processes have ended.
    pub(super) fn end_step(&mut self, ended: &[Pid], is_idle: &impl Fn(Pid) -> Option<bool>) -> Option<String> {
        if !ended.is_empty()
            && let Some((at, from)) = self.open_at(ended)
        {
            return Some(format!("process {at} has ended, and a call of process {from} to it has not"));
        }
        // As in nearly every step.
        if self.unanswered.is_empty() {
            return None;
        }
        let mut endless = None;
        let mut unanswered = std::mem::take(&mut self.unanswered);
        unanswered.retain(|(call, pid)| {
            let Call::Open { at, from } = self.get(*call) else { return false };
            let is_idle = is_idle(*pid);
            if is_idle == Some(true) {
                endless = Some((at, from));
            }
            is_idle == Some(false)
        });
        self.unanswered = unanswered;
        let (at, from) = endless?;
        Some(format!(
            "process {at} has nothing to do, and a call of process {from} whose `Caller` was dropped has not ended"
        ))
    }

    /// An open call to one of these processes.
    fn open_at(&mut self, ended: &[Pid]) -> Option<(Pid, Pid)> {
        let is_over = |call: &&Call| !matches!(call, Call::Open { .. });
        self.first_open += self.known[self.first_open..].iter().take_while(is_over).count();
        self.known[self.first_open..].iter().find_map(|call| match call {
            Call::Open { at, from } if ended.contains(at) => Some((*at, *from)),
            _ => None,
        })
    }

    fn get(&self, call: CallId) -> Call {
        let place = call.number_since(self.before).checked_sub(1);
        place.and_then(|place| self.known.get(place)).copied().unwrap_or(Call::Unsent)
    }

    /// Returns what it was before. A call of another run is none.
    fn replace(&mut self, call: CallId, with: Call) -> Call {
        let Some(place) = call.number_since(self.before).checked_sub(1) else { return Call::Unsent };
        if self.known.len() <= place {
            self.known.resize(place + 1, Call::Unsent);
        }
        self.first_open = self.first_open.min(place);
        std::mem::replace(&mut self.known[place], with)
    }
}

#[cfg(test)]
mod tests {
    //! Each of them with events that break it.

    use super::super::tests::{arrived, broken, broken_when, ended, pid};
    use super::*;
    use crate::node::record::Event;

    /// A call of the next run.
    fn id(number: u64) -> CallId {
        CallId::last().after(number)
    }

    fn called(number: u64) -> Event {
        Event::Arrived { at: pid(1), from: pid(2), what: Arrival::Call, kind: 0, call: id(number), text: None }
    }

    fn replied(call: u64, answered: u64) -> Event {
        Event::Replied { from: pid(1), to: pid(2), call: id(call), answered: id(answered), text: None }
    }

    fn abandoned(number: u64) -> Event {
        Event::Abandoned { call: id(number) }
    }

    fn unanswered(number: u64) -> Event {
        Event::Unanswered { call: id(number), pid: pid(1) }
    }

    #[test]
    fn a_call_ends_once() {
        let twice = Some("a call of process <2> to process <1> has ended twice".to_owned());
        assert_eq!(broken(&[&[called(1), replied(1, 1), called(2)], &[replied(2, 2)]]), None);
        assert_eq!(broken(&[&[called(1), replied(1, 1)], &[replied(1, 1)]]), twice);
        assert_eq!(broken(&[&[called(1)], &[abandoned(1)], &[replied(1, 1)]]), twice);
        // Its answer was there, and nobody has looked at it.
        assert_eq!(broken(&[&[called(1), replied(1, 1), abandoned(1)]]), None);
    }

    #[test]
    fn a_call_gets_its_own_answer() {
        let other = "process <2> calls process <1>, and gets the answer to another call";
        assert_eq!(broken(&[&[called(1), abandoned(1), called(2)], &[replied(2, 1)]]).as_deref(), Some(other));
    }

    #[test]
    fn a_call_ends_with_its_server() {
        let goes_on = "process <1> has ended, and a call of process <2> to it has not";
        assert_eq!(broken(&[&[called(1)], &[ended(1)]]).as_deref(), Some(goes_on));
        assert_eq!(broken(&[&[called(1)], &[ended(1), replied(1, 1)]]), None);
        assert_eq!(broken(&[&[called(1)], &[ended(2)]]), None);
        // It was not taken, and may be taken by another server.
        let refused = || Event::Refused { at: pid(1), from: pid(2) };
        assert_eq!(broken(&[&[called(1), refused()], &[ended(1)]]), None);
        assert_eq!(broken(&[&[called(1), refused(), called(1)], &[ended(1)]]).as_deref(), Some(goes_on));
        let cast = || arrived(1, 2, Arrival::Cast);
        assert_eq!(broken(&[&[called(1), cast(), refused()], &[ended(1)]]).as_deref(), Some(goes_on));
    }

    #[test]
    fn a_call_ends_when_its_caller_is_dropped() {
        let endless =
            "process <1> has nothing to do, and a call of process <2> whose `Caller` was dropped has not ended";
        let steps: [&[Event]; 2] = [&[called(1), unanswered(1)], &[]];
        assert_eq!(broken_when(Some(true), &steps).as_deref(), Some(endless));
        assert_eq!(broken_when(Some(false), &steps), None, "it is not over with the callback");
        assert_eq!(broken_when(Some(true), &[&[called(1), unanswered(1), replied(1, 1)]]), None);
        assert_eq!(broken_when(Some(true), &[&[called(1), abandoned(1), unanswered(1)]]), None);
    }
}
