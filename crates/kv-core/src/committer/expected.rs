//! Whether more requests are about to come, so that it is worth letting others go first.
//!
//! Clients that were answered together ask again together. If the committer does not wait for them, those who are first get a
//! commit of their own, and all others wait for the one after it.

/// How many requests the committer expects.
#[derive(Default)]
pub(super) struct Expected {
    /// How many were committed together last.
    last: usize,
    /// How many there were at the last look.
    seen: usize,
    /// How often nothing has come since.
    in_vain: u8,
}

/// How often in a row nothing may come before the committer gives up. A client that was answered needs a turn or two.
const PATIENCE: u8 = 4;

impl Expected {
    /// Whether to wait for more than these. It gives up when nothing comes, and has enough when there are as many as last time.
    pub(super) fn are_more_than(&mut self, requests: usize) -> bool {
        self.in_vain = if requests > self.seen { 0 } else { self.in_vain + 1 };
        self.seen = requests;
        requests < self.last && self.in_vain <= PATIENCE
    }

    /// So many are committed now.
    pub(super) fn commit(&mut self, requests: usize) {
        *self = Self { last: requests, ..Self::default() };
    }
}

#[cfg(test)]
mod tests {
    //! How long it waits.

    use super::*;

    #[test]
    fn nobody_waits_for_the_second_request_of_one_client() {
        let mut expected = Expected::default();
        assert!(!expected.are_more_than(1));
        expected.commit(1);
        assert!(!expected.are_more_than(1));
    }

    #[test]
    fn as_many_as_last_time_are_waited_for_while_they_come() {
        let mut expected = Expected::default();
        expected.commit(100);
        assert!((1..100).all(|requests| expected.are_more_than(requests)));
        assert!(!expected.are_more_than(100));
    }

    #[test]
    fn it_gives_up_if_nothing_comes_and_expects_fewer_then() {
        let mut expected = Expected::default();
        expected.commit(8);
        let waits = (0..100).take_while(|_| expected.are_more_than(3)).count();
        assert_eq!(waits, usize::from(PATIENCE) + 1);
        expected.commit(3);
        assert!(!expected.are_more_than(3));
    }
}
