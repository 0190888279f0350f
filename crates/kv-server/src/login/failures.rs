//! Failed logins by where they came from, and how long the next attempt from there has to wait.
//!
//! Failures are counted for each address, and not for the whole server: otherwise one stranger could keep everybody out. The first
//! 64 bits of an IPv6 address count, because one machine has all addresses that begin with them.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::{Duration, Instant};

use crate::throttle::Throttle;

/// After this many failures in a row, the next attempt waits.
const FREE: u32 = 5;

/// How long the first attempt waits then. Each further failure doubles it, ...
const DELAY: Duration = Duration::from_secs(1);

/// ... up to this. An attempt that would have to wait longer behind others is refused.
const DELAY_MAX: Duration = Duration::from_mins(1);

/// The most sources that are remembered. Beyond that, ...
const SOURCES_MAX: usize = 4096;

/// ... those whose last failure is older than this are forgotten. If all are younger, new sources are counted as one.
const REMEMBERED: Duration = Duration::from_mins(10);

/// Where attempts come from.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Source {
    /// Without an IP address: a Unix socket, or a reader that a program has made itself.
    Local,
    V4([u8; 4]),
    V6([u8; 8]),
    /// All for which there is no space.
    Others,
}

impl Source {
    pub(crate) fn of(peer: Option<IpAddr>) -> Self {
        match peer.map(|peer| peer.to_canonical()) {
            None => Self::Local,
            Some(IpAddr::V4(address)) => Self::V4(address.octets()),
            Some(IpAddr::V6(address)) => {
                let [network @ .., _, _, _, _, _, _, _, _] = address.octets();
                Self::V6(network)
            }
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local => f.write_str("this machine"),
            Self::V4(address) => Ipv4Addr::from(*address).fmt(f),
            Self::V6(network) => {
                let mut address = [0; 16];
                address[..8].copy_from_slice(network);
                write!(f, "{}/64", Ipv6Addr::from(address))
            }
            Self::Others => f.write_str("many addresses"),
        }
    }
}

/// The failures of all sources.
#[derive(Default)]
pub(super) struct Failures {
    sources: BTreeMap<Source, InARow>,
    /// What an operator is told of.
    told: Throttle,
}

/// The failures of a source since its last success.
struct InARow {
    count: u32,
    last: Instant,
    /// When the last attempt that waits, or has waited, is checked.
    due: Option<Instant>,
}

/// How long an attempt waits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Wait {
    None,
    For(Duration),
    /// So many wait already that it is refused. That much has to pass until one more may wait.
    TooLong(Duration),
}

impl Failures {
    /// Says how long an attempt has to wait, and counts on it that it does.
    pub(super) fn arrive(&mut self, source: Source, now: Instant) -> Wait {
        let source = self.place(source);
        let Some(failures) = self.sources.get_mut(&source) else { return Wait::None };
        let Some(doublings) = failures.count.checked_sub(FREE) else { return Wait::None };
        // Sixty seconds come after six doublings.
        let delay = DELAY.saturating_mul(1 << doublings.min(16)).min(DELAY_MAX);
        let after = failures.due.map_or(now, |due| due.max(now));
        let due = after + delay;
        let wait = due.duration_since(now);
        let left = wait.saturating_sub(DELAY_MAX);
        if !left.is_zero() {
            return Wait::TooLong(left);
        }
        failures.due = Some(due);
        Wait::For(wait)
    }

    /// Counts a failure. Returns whether an operator should be told: the next attempt has to wait, and no such thing was told lately.
    pub(super) fn add(&mut self, source: Source, now: Instant) -> bool {
        if self.sources.len() >= SOURCES_MAX && !self.sources.contains_key(&source) {
            self.sources.retain(|_, failures| now.duration_since(failures.last) < REMEMBERED);
        }
        let source = self.place(source);
        let failures = self.sources.entry(source).or_insert(InARow { count: 0, last: now, due: None });
        failures.count = failures.count.saturating_add(1);
        failures.last = now;
        failures.count == FREE && self.told.count(now).is_some()
    }

    /// Forgets the failures of a source that has succeeded.
    pub(super) fn forget(&mut self, source: Source) {
        self.sources.remove(&source);
    }

    /// Where a source is counted.
    fn place(&self, source: Source) -> Source {
        if self.sources.len() < SOURCES_MAX || self.sources.contains_key(&source) { source } else { Source::Others }
    }
}

#[cfg(test)]
mod tests {
    //! The delays, and the bounds of the table.

    use super::*;

    fn second(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// The only clock of these tests.
    #[expect(clippy::disallowed_methods, reason = "any instant will do: time goes on only where a test says so")]
    fn start() -> Instant {
        Instant::now()
    }

    fn numbered(number: u32) -> Source {
        Source::of(Some(Ipv4Addr::from(number).into()))
    }

    #[test]
    fn after_five_failures_each_attempt_waits_twice_as_long_up_to_a_minute() {
        let mut failures = Failures::default();
        let mut now = start();
        for _ in 0..5 {
            assert_eq!(failures.arrive(Source::Local, now), Wait::None);
            failures.add(Source::Local, now);
        }
        for delay in [1, 2, 4, 8, 16, 32, 60, 60, 60] {
            assert_eq!(failures.arrive(Source::Local, now), Wait::For(second(delay)));
            now += second(delay);
            failures.add(Source::Local, now);
        }
        failures.forget(Source::Local);
        assert_eq!(failures.arrive(Source::Local, now), Wait::None);
    }

    #[test]
    fn attempts_that_come_at_once_wait_one_behind_the_other_for_at_most_a_minute() {
        let mut failures = Failures::default();
        let now = start();
        for _ in 0..8 {
            failures.add(Source::Local, now);
        }
        for number in 1..=7 {
            assert_eq!(failures.arrive(Source::Local, now), Wait::For(second(8 * number)));
        }
        assert_eq!(failures.arrive(Source::Local, now), Wait::TooLong(second(4)));
        assert_eq!(failures.arrive(Source::Local, now + second(4)), Wait::For(second(60)));
    }

    #[test]
    fn an_operator_is_told_once_a_minute_and_only_of_what_goes_on() {
        let mut failures = Failures::default();
        let now = start();
        let mut told = |source, now| (0..10).map(|_| failures.add(source, now)).collect::<Vec<_>>();
        let fifth: Vec<bool> = (1..=10).map(|failure| failure == 5).collect();
        assert_eq!(told(numbered(1), now), fifth);
        assert_eq!(told(numbered(2), now + second(59)), [false; 10]);
        assert_eq!(told(numbered(3), now + second(60)), fifth);
    }

    #[test]
    fn failures_of_one_source_delay_no_other() {
        let mut failures = Failures::default();
        let now = start();
        for _ in 0..100 {
            failures.add(numbered(1), now);
        }
        assert_eq!(failures.arrive(numbered(1), now), Wait::For(second(60)));
        assert_eq!(failures.arrive(numbered(2), now), Wait::None);
        assert_eq!(failures.arrive(Source::Local, now), Wait::None);
    }

    #[test]
    fn a_full_table_counts_new_sources_as_one_until_the_old_are_forgotten() {
        let mut failures = Failures::default();
        let now = start();
        for number in 0..10_000 {
            failures.add(numbered(number), now);
        }
        assert_eq!(failures.sources.len(), SOURCES_MAX + 1);
        // The first ones have their own place, ...
        assert_eq!(failures.arrive(numbered(0), now), Wait::None);
        // ... and one that was never there shares that of the others.
        assert_eq!(failures.arrive(numbered(20_000), now), Wait::For(second(60)));

        let later = now + REMEMBERED;
        failures.add(numbered(20_000), later);
        assert_eq!(failures.sources.len(), 1);
        assert_eq!(failures.arrive(numbered(20_000), later), Wait::None);
    }

    #[test]
    fn an_ipv6_network_is_one_source_and_a_mapped_address_is_an_ipv4_one() {
        let of = |address: &str| Source::of(Some(address.parse::<IpAddr>().unwrap()));
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
        assert_eq!(Source::of(Some(Ipv6Addr::LOCALHOST.into())), of("::1"));
        assert_eq!(Source::of(None), Source::Local);
        assert_eq!(of("2001:db8::1").to_string(), "2001:db8::/64");
        assert_eq!(of("::ffff:192.0.2.1").to_string(), "192.0.2.1");
    }
}
