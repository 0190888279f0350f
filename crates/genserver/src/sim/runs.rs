//! How many runs a check has, and of which seeds.

use std::env;

use super::recipe::Recipe;

/// How many runs a check has, ...
pub(super) const RUNS: u64 = 256;

/// ... and how many at most if it meets something new in the second half of them.
const RUNS_MAX: u64 = 2_048;

/// How many runs a check has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Runs {
    /// The usual number, and more as long as something new is met.
    Usual,
    Many(u64),
    Alone(Recipe),
}

impl Runs {
    /// Whether another run follows after so many, the last of which have met nothing new.
    pub(super) fn goes_on(&self, runs: u64, nothing_new_since: u64) -> bool {
        match self {
            Self::Usual => runs < RUNS || (runs < RUNS_MAX && nothing_new_since < runs / 2),
            Self::Many(many) => runs < *many,
            Self::Alone(_) => false,
        }
    }
}

/// What the environment says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) runs: Runs,
    pub(super) base: u64,
    /// Whether every run is made twice and compared.
    pub(super) audits_all: bool,
}

impl Settings {
    /// As the environment says, or the usual ones.
    #[track_caller]
    pub(super) fn from_env() -> Self {
        Self::from(|name| env::var(name).ok())
    }

    /// As these variables say.
    ///
    /// # Panics
    ///
    /// If a variable is set to something that is not a number, or not a recipe: a run that ignored it would prove nothing.
    #[track_caller]
    fn from(variables: impl Fn(&str) -> Option<String>) -> Self {
        let variable = |name: &str| variables(name).filter(|text| !text.is_empty());
        let number = |name: &str| {
            let parsed = variable(name).map(|text| text.parse::<u64>().map_err(|_not_a_number| text));
            parsed.transpose().unwrap_or_else(|text| panic!("{name}: `{text}` is not a number"))
        };
        let recipe = variable("GENSERVER_SIM_RECIPE");
        let runs = match recipe {
            Some(text) => Runs::Alone(text.parse().unwrap_or_else(|error| panic!("GENSERVER_SIM_RECIPE: {error}"))),
            None => number("GENSERVER_SIM_RUNS").map_or(Runs::Usual, Runs::Many),
        };
        let base = number("GENSERVER_SIM_BASE").unwrap_or_default();
        Self { runs, base, audits_all: number("GENSERVER_SIM_CHECK").is_some_and(|number| number != 0) }
    }
}

#[cfg(test)]
mod tests {
    //! What the variables mean, and when a check ends.

    use super::*;

    fn settings(variables: &[(&str, &str)]) -> Settings {
        Settings::from(|name| variables.iter().find(|(known, _)| *known == name).map(|(_, text)| (*text).to_owned()))
    }

    #[test]
    fn the_variables_say_how_many_runs_there_are_and_which() {
        assert_eq!(settings(&[]), Settings { runs: Runs::Usual, base: 0, audits_all: false });
        let asked =
            settings(&[("GENSERVER_SIM_RUNS", "1000"), ("GENSERVER_SIM_BASE", "7"), ("GENSERVER_SIM_CHECK", "1")]);
        assert_eq!(asked, Settings { runs: Runs::Many(1000), base: 7, audits_all: true });
        let alone = settings(&[("GENSERVER_SIM_RECIPE", "1f/3.1"), ("GENSERVER_SIM_BASE", "")]);
        assert!(matches!(alone.runs, Runs::Alone(recipe) if recipe.to_string() == "000000000000001f/3.1"));
    }

    #[test]
    #[should_panic(expected = "GENSERVER_SIM_RUNS: `many` is not a number")]
    fn a_variable_that_cannot_be_meant_is_refused() {
        settings(&[("GENSERVER_SIM_RUNS", "many")]);
    }

    #[test]
    fn there_are_256_runs_and_more_as_long_as_something_new_is_met() {
        assert!(Runs::Usual.goes_on(255, 255));
        assert!(!Runs::Usual.goes_on(256, 128));
        assert!(Runs::Usual.goes_on(256, 127));
        assert!(!Runs::Usual.goes_on(2048, 0));
        assert!(!Runs::Many(1000).goes_on(1000, 0));
    }
}
