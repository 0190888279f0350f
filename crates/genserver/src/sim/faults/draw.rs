//! Which faults a run draws, and when they strike.

use std::time::Duration;

use crate::Reason;
use crate::runtime::simulated::Begins;
use crate::sim::choices::Choices;

use super::Faults;
use super::kind::{Condition, Kind, Type, Victim};

/// A swarm strikes once in so many times: one of these.
const RATES: [u64; 3] = [96, 24, 8];

/// A time that is drawn is so many tenths of the longest.
const TENTHS: usize = 10;

/// A call that times out early waits for its timeout divided by one of these, or not at all.
const EARLY: [u32; 4] = [2, 10, 100, 1000];

/// What goes wrong with a callback.
pub(in crate::sim) enum CallbackStrike {
    Stall(Duration),
    Stuck,
    Panic,
    LatePanic,
}

/// What happens to a process between two steps.
pub(in crate::sim) enum Signal {
    Kill(Victim),
    Exit(Type, Reason),
}

impl Signal {
    /// Which processes it may happen to.
    pub(in crate::sim) fn victim(&self) -> Victim {
        match self {
            Self::Kill(victim) => victim.clone(),
            Self::Exit(server, _) => Victim::OfType(server),
        }
    }
}

impl Faults {
    /// Draws which kinds are on, and how often they strike, if this is a swarm.
    pub(in crate::sim) fn drawn(mut self, choices: &mut Choices) -> Self {
        if self.is_swarm {
            self.kinds.retain(|_| choices.of_faults(2) == 1);
            self.once_in = RATES[choices.of_faults(RATES.len())];
        }
        self
    }

    /// Whether timers may be late.
    pub(in crate::sim) fn has_late_timers(&self) -> bool {
        self.kinds.iter().any(|kind| matches!(kind, Kind::LateTimers(_)))
    }

    /// By how much a timer is late that is set now.
    pub(in crate::sim) fn lateness(&self, choices: &mut Choices) -> Duration {
        let longest =
            self.kinds.iter().find_map(|kind| if let Kind::LateTimers(late) = kind { Some(*late) } else { None });
        let Some(longest) = longest.filter(|longest| !longest.is_zero()) else { return Duration::ZERO };
        choices.fault(&[TENTHS], self.once_in).map_or(Duration::ZERO, |(_, way)| tenths(longest, way))
    }

    /// Whether a process is killed or sent an exit now. It is not counted before a process is found for it.
    pub(in crate::sim) fn signal(&self, choices: &mut Choices) -> Option<Signal> {
        let kinds = self.drawn_kinds(|kind| matches!(kind, Kind::Kill(_) | Kind::Exit(..)));
        match self.draw(kinds, |_| 1, choices)?.0 {
            Kind::Kill(victim) => Some(Signal::Kill(victim.clone())),
            Kind::Exit(server, reason) => Some(Signal::Exit(server, reason.clone())),
            _ => None,
        }
    }

    /// Counts a fault that has happened.
    pub(in crate::sim) fn count(&mut self) {
        self.left = self.left.saturating_sub(1);
    }

    /// The conditions under which a callback of a server panics.
    pub(in crate::sim) fn conditions(&self, server: Type) -> Vec<Condition> {
        let of = |kind: &Kind| match kind {
            Kind::PanicOn(of, condition) if *of == server => Some(condition.clone()),
            _ => None,
        };
        self.kinds.iter().filter_map(of).collect()
    }

    /// What goes wrong with a callback that begins now. `is_met` if one of the conditions holds under which it panics.
    pub(in crate::sim) fn callback(
        &mut self,
        begins: &Begins<'_>,
        is_met: bool,
        choices: &mut Choices,
    ) -> Option<CallbackStrike> {
        let server = begins.server.name;
        let mut is_asked_for = is_met;
        for kind in &mut self.kinds {
            if let Kind::PanicAt(of, at, begun) = kind
                && *of == server
            {
                *begun += 1;
                is_asked_for |= at == begun;
            }
        }
        // What the test asks for happens when it says, and is neither drawn nor counted.
        if is_asked_for {
            return Some(CallbackStrike::Panic);
        }
        let kinds = self.drawn_kinds(
            |kind| matches!(kind, Kind::Stall(of, _) | Kind::Panic(of) | Kind::Stuck(of) if *of == server),
        );
        let ways = |kind: &Kind| match kind {
            Kind::Stall(..) => TENTHS,
            Kind::Panic(_) => 2,
            _ => 1,
        };
        let strike = match self.draw(kinds, ways, choices)? {
            (Kind::Stall(_, longest), way) => CallbackStrike::Stall(tenths(*longest, way)),
            (Kind::Panic(_), 0) => CallbackStrike::Panic,
            (Kind::Panic(_), _) => CallbackStrike::LatePanic,
            _ => CallbackStrike::Stuck,
        };
        self.count();
        Some(strike)
    }

    /// How long a call waits that times out early.
    pub(in crate::sim) fn early_timeout(
        &mut self,
        server: Type,
        timeout: Duration,
        choices: &mut Choices,
    ) -> Option<Duration> {
        let kinds = self.drawn_kinds(|kind| matches!(kind, Kind::EarlyTimeouts(of) if *of == server));
        let (_, way) = self.draw(kinds, |_| EARLY.len() + 1, choices)?;
        self.count();
        Some(EARLY.get(way).map_or(Duration::ZERO, |part| timeout / *part))
    }

    /// Whether a mailbox counts as full from now on.
    pub(in crate::sim) fn fills_mailbox(&mut self, server: Type, choices: &mut Choices) -> bool {
        let kinds = self.drawn_kinds(|kind| matches!(kind, Kind::FullMailboxes(of) if *of == server));
        let fills = self.draw(kinds, |_| 1, choices).is_some();
        if fills {
            self.count();
        }
        fills
    }

    /// The places of some kinds, as long as faults may happen.
    fn drawn_kinds(&self, is_wanted: impl Fn(&Kind) -> bool) -> Vec<usize> {
        if self.left == 0 {
            return Vec::new();
        }
        (0..self.kinds.len()).filter(|place| is_wanted(&self.kinds[*place])).collect()
    }

    /// Draws whether one of these kinds strikes now, and in which way.
    #[expect(clippy::needless_pass_by_value, reason = "the places are made for this")]
    fn draw(&self, kinds: Vec<usize>, ways: impl Fn(&Kind) -> usize, choices: &mut Choices) -> Option<(&Kind, usize)> {
        if kinds.is_empty() {
            return None;
        }
        let ways: Vec<usize> = kinds.iter().map(|place| ways(&self.kinds[*place])).collect();
        let (drawn, way) = choices.fault(&ways, self.once_in)?;
        Some((&self.kinds[kinds[drawn]], way))
    }
}

/// So many tenths of a time, and one.
fn tenths(longest: Duration, way: usize) -> Duration {
    longest / 10 * u32::try_from(way + 1).unwrap_or_default()
}
