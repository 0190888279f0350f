//! What decides a run: a seed, or a seed and a list of choices.

use std::fmt;
use std::str::FromStr;

/// What random numbers are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seed(pub(super) u64);

/// A run that can be repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Recipe {
    /// What the test draws follows from it, and every choice if there is no list of them.
    pub(super) seed: Seed,
    pub(super) choices: Option<Vec<u32>>,
}

impl Recipe {
    /// This seed with these choices, and zeros after the last that is not one.
    pub(super) fn with(seed: Seed, choices: &[u32]) -> Self {
        let length = choices.iter().rposition(|choice| *choice != 0).map_or(0, |last| last + 1);
        Self { seed, choices: Some(choices[..length].to_vec()) }
    }
}

impl From<Seed> for Recipe {
    fn from(seed: Seed) -> Self {
        Self { seed, choices: None }
    }
}

/// `1f0c2a97d3b8e645` for a seed; `1f0c2a97d3b8e645/3.1/12.2` if all choices are zero but the one at place 3, which is 1, and the
/// one at place 12, which is 2.
impl fmt::Display for Recipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.seed.0)?;
        let Some(choices) = &self.choices else { return Ok(()) };
        if choices.is_empty() {
            f.write_str("/")?;
        }
        for (place, choice) in choices.iter().enumerate().filter(|(_, choice)| **choice != 0) {
            write!(f, "/{place}.{choice}")?;
        }
        Ok(())
    }
}

/// The text is not a recipe.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the recipe of a simulation: copy what a failed run prints, such as `1f0c2a97d3b8e645/3.1`")]
pub(super) struct NotARecipe(String);

/// A choice at a later place than this is a mistake, and not a run of a million steps.
const PLACE_MAX: usize = 10_000_000;

impl FromStr for Recipe {
    type Err = NotARecipe;

    fn from_str(text: &str) -> Result<Self, NotARecipe> {
        parse(text).ok_or_else(|| NotARecipe(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<Recipe> {
    let (seed, rest) = text.split_once('/').map_or((text, None), |(seed, rest)| (seed, Some(rest)));
    let seed = Seed(u64::from_str_radix(seed, 16).ok()?);
    let Some(rest) = rest else { return Some(seed.into()) };
    let mut choices = Vec::new();
    for part in rest.split('/').filter(|part| !part.is_empty()) {
        let (place, choice) = part.split_once('.')?;
        let place: usize = place.parse().ok().filter(|place| *place <= PLACE_MAX)?;
        if choices.len() <= place {
            choices.resize(place + 1, 0);
        }
        choices[place] = choice.parse().ok()?;
    }
    Some(Recipe { seed, choices: Some(choices) })
}

#[cfg(test)]
mod tests {
    //! Recipes as they are printed.

    use super::*;

    #[test]
    fn a_recipe_is_read_as_it_is_printed() {
        let seed = Seed(0x1f);
        for recipe in [seed.into(), Recipe::with(seed, &[]), Recipe::with(seed, &[0, 2, 0, 0, 1, 0])] {
            assert_eq!(recipe.to_string().parse(), Ok(recipe));
        }
        assert_eq!(Recipe::with(seed, &[0, 2, 0, 0, 1, 0]).to_string(), "000000000000001f/1.2/4.1");
    }

    #[test]
    fn another_text_is_refused() {
        for text in ["", "seven", "1f/3", "1f/3.x", "1f/99999999999.1"] {
            let error = text.parse::<Recipe>().expect_err("it is not a recipe");
            assert!(error.to_string().contains("copy what a failed run prints"));
        }
    }
}
