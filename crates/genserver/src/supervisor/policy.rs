//! Policies: when children are restarted, how they are ended, and when their supervisor ends.

use std::fmt;
use std::time::Duration;

use crate::Reason;

/// When a child is restarted after it has ended.
///
/// | | after `normal`, `shutdown`, or a shutdown with a value | after anything else |
/// |---|---|---|
/// | `Permanent` | yes | yes |
/// | `Transient` | no | yes |
/// | `Temporary` | no, and its spec is forgotten | no, and its spec is forgotten |
///
/// # Examples
///
/// ```
/// use genserver::Reason;
/// use genserver::supervisor::Restart;
///
/// assert!(Restart::Permanent.is_due(&Reason::Normal));
/// assert!(!Restart::Transient.is_due(&Reason::Normal));
/// assert!(Restart::Transient.is_due(&Reason::Killed));
/// assert!(!Restart::Temporary.is_due(&Reason::Killed));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Restart {
    /// Always. This is the default.
    #[default]
    Permanent,
    /// If it ended with a reason outside the [normal set](Reason::is_normal_set).
    Transient,
    /// Never. Its spec is forgotten when it ends.
    Temporary,
}

impl Restart {
    /// Returns whether a child that ended with this reason is to be restarted.
    pub fn is_due(self, reason: &Reason) -> bool {
        match self {
            Self::Permanent => true,
            Self::Transient => !reason.is_normal_set(),
            Self::Temporary => false,
        }
    }
}

impl fmt::Display for Restart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Permanent => "permanent",
            Self::Transient => "transient",
            Self::Temporary => "temporary",
        })
    }
}

/// How a supervisor ends a running child.
///
/// The default is five seconds for a server or a function, and [`Infinity`](Shutdown::Infinity) for a supervisor, which needs
/// time for its own children.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shutdown {
    /// Kills it: no callback runs, and it cannot be trapped.
    #[doc(alias = "brutal_kill")]
    BrutalKill,
    /// Orders it to stop with the exit `shutdown`, and kills it if it has not ended after this time.
    After(Duration),
    /// Orders it to stop, and waits as long as that takes.
    #[doc(alias = "infinity")]
    Infinity,
}

impl Shutdown {
    /// Returns whether `reason` is expected after this, so that there is nothing to report.
    ///
    /// A child that was ordered to stop ends with `shutdown`, one that was killed with `killed`. Another reason of the
    /// [normal set](Reason::is_normal_set) is fine too, except from a permanent child.
    pub(super) fn leads_to(self, reason: &Reason, restart: Restart) -> bool {
        match reason {
            Reason::Killed => self == Self::BrutalKill,
            Reason::Shutdown if self != Self::BrutalKill => true,
            other => other.is_normal_set() && restart != Restart::Permanent,
        }
    }
}

/// Five seconds, as in OTP.
impl Default for Shutdown {
    fn default() -> Self {
        Self::After(Duration::from_secs(5))
    }
}

impl fmt::Display for Shutdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BrutalKill => f.write_str("brutal kill"),
            Self::After(limit) => write!(f, "within {limit:?}"),
            Self::Infinity => f.write_str("infinity"),
        }
    }
}

/// Whether a child is a supervisor itself. Only counts and lists make a difference.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ChildKind {
    /// It does the work.
    #[default]
    Worker,
    /// It is a supervisor.
    Supervisor,
}

impl fmt::Display for ChildKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Worker => "worker",
            Self::Supervisor => "supervisor",
        })
    }
}

/// Which children are restarted when one child ends.
///
/// | | restarted |
/// |---|---|
/// | `OneForOne` | the child |
/// | `OneForAll` | all children, after those that still run have been ended |
/// | `RestForOne` | the child and those started after it, after these have been ended |
///
/// Children are ended in the reverse of the order in which they were started, one after the other. A temporary child that is
/// ended because of another is not restarted. However many children are restarted together, it counts as one restart.
///
/// # Examples
///
/// ```
/// use genserver::supervisor::{Strategy, SupervisorSpec};
///
/// # genserver_doc::run! {
/// // Read from a configuration, for instance.
/// let strategy = Strategy::RestForOne;
/// let supervisor = SupervisorSpec::new(strategy).start().await?;
/// # supervisor.stop().await?;
/// # }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Strategy {
    /// Only the child: for children that are independent of each other.
    OneForOne,
    /// All of them: for children that make no sense without each other.
    OneForAll,
    /// The child and those started after it: for children that depend on those before them.
    RestForOne,
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OneForOne => "one for one",
            Self::OneForAll => "one for all",
            Self::RestForOne => "rest for one",
        })
    }
}

/// Whether a supervisor ends when its significant children have ended.
///
/// What counts is the end of a [significant](super::ChildSpec::significant) child by itself: for a transient child an orderly
/// end, for a temporary child any end. A child that is restarted has not ended in this sense, nor has a child that its supervisor
/// ended, because of another child or on request. The supervisor then ends its other children, and itself with the reason
/// `shutdown`.
///
/// # Examples
///
/// ```
/// # use genserver_doc::quiet::*;
/// use genserver::{Probe, Reason};
/// use genserver::supervisor::{AutoShutdown, ChildSpec, Restart, Supervisor};
///
/// # genserver_doc::run! {
/// let job = ChildSpec::process("job", |_me: Probe<()>| async { /* ... and done. */ });
/// let job = job.restart(Restart::Transient).significant(true);
/// let supervisor = Supervisor::one_for_one()
///     .auto_shutdown(AutoShutdown::AnySignificant)
///     .child(ChildSpec::server("helper", || genserver::start_link::<Quiet>(())))
///     .child(job)
///     .start()
///     .await?;
/// assert_eq!(supervisor.process_ref().ended().await, Reason::Shutdown);
/// # }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum AutoShutdown {
    /// Never, and no child may be significant. This is the default.
    #[default]
    Never,
    /// As soon as one significant child has ended.
    AnySignificant,
    /// When the last of the significant children has ended.
    AllSignificant,
}

#[cfg(test)]
mod tests {
    //! Which end of a child that was ordered to end is reported.

    use super::*;

    #[track_caller]
    fn check(shutdown: Shutdown, reason: &Reason, quiet_for: &[Restart]) {
        for restart in [Restart::Permanent, Restart::Transient, Restart::Temporary] {
            assert_eq!(shutdown.leads_to(reason, restart), quiet_for.contains(&restart), "{restart} {reason}");
        }
    }

    const ALL: &[Restart] = &[Restart::Permanent, Restart::Transient, Restart::Temporary];
    const MAY_END: &[Restart] = &[Restart::Transient, Restart::Temporary];

    #[test]
    fn a_child_that_was_told_to_stop_ends_with_shutdown() {
        for shutdown in [Shutdown::default(), Shutdown::Infinity] {
            check(shutdown, &Reason::Shutdown, ALL);
            check(shutdown, &Reason::Normal, MAY_END);
            check(shutdown, &Reason::shutdown_with("x"), MAY_END);
            check(shutdown, &Reason::Killed, &[]);
            check(shutdown, &Reason::term("boom"), &[]);
        }
    }

    #[test]
    fn a_child_that_was_killed_ends_with_killed() {
        check(Shutdown::BrutalKill, &Reason::Killed, ALL);
        check(Shutdown::BrutalKill, &Reason::Shutdown, MAY_END);
        check(Shutdown::BrutalKill, &Reason::term("boom"), &[]);
    }
}
