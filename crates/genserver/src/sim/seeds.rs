//! Which seeds are run, and how a seed is written.

use std::env;
use std::fmt;
use std::str::FromStr;

/// How many runs a check has.
const RUNS: u64 = 256;

/// What decides a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seed(pub(super) u64);

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// The text is not a seed.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not the seed of a simulation: it is up to sixteen hexadecimal digits, which a failed run prints")]
pub(super) struct NotASeed(String);

impl FromStr for Seed {
    type Err = NotASeed;

    fn from_str(text: &str) -> Result<Self, NotASeed> {
        u64::from_str_radix(text, 16).map(Seed).map_err(|_not_hexadecimal| NotASeed(text.to_owned()))
    }
}

/// The seeds of one check.
pub(super) enum Seeds {
    Alone(Seed),
    Many { base: u64, runs: u64 },
}

impl Seeds {
    /// As the environment says, or the usual ones.
    ///
    /// # Panics
    ///
    /// If a variable is set to something else than a number or a seed: a run that ignored it would prove nothing.
    #[track_caller]
    pub(super) fn from_env() -> Self {
        if let Some(text) = variable("GENSERVER_SIM_SEED") {
            return Self::Alone(text.parse().unwrap_or_else(|error| panic!("GENSERVER_SIM_SEED: {error}")));
        }
        let number = |name: &str, default| {
            let parsed = variable(name).map(|text| text.parse().map_err(|_not_a_number| text));
            parsed.transpose().unwrap_or_else(|text| panic!("{name}: `{text}` is not a number")).unwrap_or(default)
        };
        Self::Many { base: number("GENSERVER_SIM_BASE", 0), runs: number("GENSERVER_SIM_RUNS", RUNS) }
    }

    /// How many there are.
    pub(super) fn runs(&self) -> u64 {
        match self {
            Self::Alone(_) => 1,
            Self::Many { runs, .. } => *runs,
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Seed> + '_ {
        (0..self.runs()).map(|number| match self {
            Self::Alone(seed) => *seed,
            // Far apart, so that no two runs are alike.
            Self::Many { base, .. } => Seed(super::choices::mixed(base.wrapping_mul(RUNS << 32).wrapping_add(number))),
        })
    }
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|text| !text.is_empty())
}
