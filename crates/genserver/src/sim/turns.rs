//! Which parts of the test are to be polled: its clients, each of which is a task of its own.

use std::task::Waker;

use super::numbers::by_number;

/// Which clients are to be polled.
#[derive(Default)]
pub(super) struct Turns {
    /// By the numbers of their tasks; those of other tasks stay as they are here.
    clients: Vec<Turn>,
    /// How many clients the test has begun, with all others that draw numbers of their own.
    begun: u64,
}

/// That of one client.
#[derive(Default)]
struct Turn {
    /// Who polls it: the future of `clients`, by its waker.
    polled_by: Option<Waker>,
    /// Whether it was chosen and has not been polled yet.
    is_due: bool,
}

impl Turns {
    /// The test begins so many clients. Returns the number of the first among all that it has begun, from one.
    pub(super) fn begin(&mut self, count: u64) -> u64 {
        let first = self.begun + 1;
        self.begun += count;
        first
    }

    /// Says who polls a client. Returns who did, to be dropped without the lock.
    pub(super) fn set_poller(&mut self, task: u64, waker: &Waker) -> Option<Waker> {
        let place = by_number(task);
        if self.clients.len() <= place {
            self.clients.resize_with(place + 1, Turn::default);
        }
        let polled_by = &mut self.clients[place].polled_by;
        if polled_by.as_ref().is_some_and(|known| known.will_wake(waker)) {
            return None;
        }
        polled_by.replace(waker.clone())
    }

    /// If this task is a client, it is due from now on; returns who polls it.
    pub(super) fn choose(&mut self, task: u64) -> Option<Waker> {
        let client = self.clients.get_mut(by_number(task))?;
        let waker = client.polled_by.clone()?;
        client.is_due = true;
        Some(waker)
    }

    /// Whether it is due. It is not due any more.
    pub(super) fn take(&mut self, task: u64) -> bool {
        self.clients.get_mut(by_number(task)).is_some_and(|client| std::mem::take(&mut client.is_due))
    }

    /// Removes a client. Returns who polled it, to be dropped without the lock.
    pub(super) fn remove(&mut self, task: u64) -> Option<Waker> {
        let client = self.clients.get_mut(by_number(task))?;
        client.is_due = false;
        client.polled_by.take()
    }
}
