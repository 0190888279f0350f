//! Which runs a check consists of.

use std::env;

use super::choices::mixed;
use super::recipe::{Recipe, Seed};

/// How many runs a check has.
const RUNS: u64 = 256;

/// The runs of one check.
pub(super) enum Runs {
    Alone(Recipe),
    Many { base: u64, runs: u64 },
}

impl Runs {
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
        if let Some(text) = variable("GENSERVER_SIM_RECIPE") {
            return Self::Alone(text.parse().unwrap_or_else(|error| panic!("GENSERVER_SIM_RECIPE: {error}")));
        }
        let number = |name: &str, default| {
            let parsed = variable(name).map(|text| text.parse().map_err(|_not_a_number| text));
            parsed.transpose().unwrap_or_else(|text| panic!("{name}: `{text}` is not a number")).unwrap_or(default)
        };
        Self::Many { base: number("GENSERVER_SIM_BASE", 0), runs: number("GENSERVER_SIM_RUNS", RUNS) }
    }

    /// How many there are.
    pub(super) fn count(&self) -> u64 {
        match self {
            Self::Alone(_) => 1,
            Self::Many { runs, .. } => *runs,
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Recipe> + '_ {
        (0..self.count()).map(|number| match self {
            Self::Alone(recipe) => recipe.clone(),
            // Mixed, so that no two bases have a seed in common.
            Self::Many { base, .. } => Seed(mixed(mixed(*base).wrapping_add(number))).into(),
        })
    }
}

#[cfg(test)]
mod tests {
    //! What the variables mean.

    use std::collections::BTreeSet;

    use super::*;

    fn recipes(variables: &[(&str, &str)]) -> Vec<String> {
        let runs =
            Runs::from(|name| variables.iter().find(|(known, _)| *known == name).map(|(_, text)| (*text).to_owned()));
        runs.iter().map(|recipe| recipe.to_string()).collect()
    }

    #[test]
    fn there_are_256_runs_unless_more_are_asked_for() {
        assert_eq!(recipes(&[]).len(), 256);
        assert_eq!(recipes(&[("GENSERVER_SIM_RUNS", "1000"), ("GENSERVER_SIM_BASE", "")]).len(), 1000);
    }

    #[test]
    fn no_two_runs_and_no_two_bases_have_a_seed_in_common() {
        let base = |base| recipes(&[("GENSERVER_SIM_RUNS", "1000"), ("GENSERVER_SIM_BASE", base)]);
        let seeds: BTreeSet<String> = ["0", "1", "2"].into_iter().flat_map(base).collect();
        assert_eq!(seeds.len(), 3000);
    }

    #[test]
    fn a_recipe_is_run_alone() {
        assert_eq!(recipes(&[("GENSERVER_SIM_RECIPE", "1f/3.1")]), ["000000000000001f/3.1"]);
    }

    #[test]
    #[should_panic(expected = "GENSERVER_SIM_RUNS: `many` is not a number")]
    fn a_variable_that_cannot_be_meant_is_refused() {
        recipes(&[("GENSERVER_SIM_RUNS", "many")]);
    }
}
