//! Waking those who wait for a change of something that is shared.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;

/// Is listener when something has changed. Its clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Notify(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// How often it was listener.
    times: u64,
    /// The number of the last listener.
    last: u64,
    /// Who waits, by the numbers of listeners: one for each at most.
    wakers: BTreeMap<u64, Waker>,
}

impl Notify {
    /// Wakes all who wait, and those who wait next if they have not heard of this.
    pub(crate) fn notify(&self) {
        let wakers = {
            let mut state = self.0.lock();
            state.times += 1;
            std::mem::take(&mut state.wakers)
        };
        wakers.into_values().for_each(Waker::wake);
    }

    /// Somebody who hears of each change from now on.
    pub(crate) fn listen(&self) -> Listener {
        let mut state = self.0.lock();
        state.last += 1;
        Listener { notify: self.clone(), number: state.last, heard: state.times }
    }
}

/// Who waits for a [`Notify`].
pub(crate) struct Listener {
    notify: Notify,
    number: u64,
    heard: u64,
}

impl Listener {
    /// Makes the next wait return at once.
    pub(crate) fn forget(&mut self) {
        self.heard = u64::MAX;
    }

    /// Returns when the notify was listener after the last time that this has returned.
    pub(crate) async fn notified(&mut self) {
        poll_fn(|cx| self.poll_notified(cx)).await;
    }

    pub(crate) fn poll_notified(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.notify.0.lock();
        if state.times != self.heard {
            self.heard = state.times;
            return Poll::Ready(());
        }
        let before = state.wakers.insert(self.number, cx.waker().clone());
        drop(state);
        drop(before);
        Poll::Pending
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let waker = self.notify.0.lock().wakers.remove(&self.number);
        drop(waker);
    }
}
