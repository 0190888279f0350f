//! What decides a run: a seed, or a seed and lists of choices.

use std::fmt;
use std::str::FromStr;

use super::choices::{Draw, Made, Plan, Unusual};
use super::numbers::Seed;
use super::search::order::Order;

/// A run that can be repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Recipe {
    /// What the test draws follows from it, and every choice if there is no list of them.
    pub(super) seed: Seed,
    pub(super) choices: Option<Made>,
}

impl Recipe {
    /// This seed with these choices, and the usual ones after them.
    pub(super) fn with(seed: Seed, choices: Made) -> Self {
        Self { seed, choices: Some(choices.trimmed()) }
    }

    /// How the run's choices are made.
    pub(super) fn plan(&self) -> Plan {
        let seed = self.seed;
        match &self.choices {
            Some(first) => Plan { seed, first: first.clone(), order: Order::Usual, has_faults: false, walk: 0 },
            None => Plan { seed, first: Made::default(), order: Order::of_seed(seed), has_faults: true, walk: 0 },
        }
    }
}

impl From<Seed> for Recipe {
    fn from(seed: Seed) -> Self {
        Self { seed, choices: None }
    }
}

/// `1f0c2a97d3b8e645` for a seed; `1f0c2a97d3b8e645/3.1/f12.2/d0.5` if all choices are the usual ones but these: that of the schedule
/// at place 3 is 1, that of the faults at place 12 is 2, and the first number that is drawn is the sixth of its range.
impl fmt::Display for Recipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.seed.0)?;
        let Some(Made { schedule, faults, draws }) = &self.choices else { return Ok(()) };
        let unusual = |list: &[u32], is: fn(usize, u32) -> Unusual| {
            let choices = list.iter().enumerate().filter(|(_, choice)| **choice != 0);
            choices.map(|(place, choice)| is(place, *choice)).collect::<Vec<_>>()
        };
        let all = [unusual(schedule, Unusual::Schedule), unusual(faults, Unusual::Fault)].concat();
        if all.is_empty() && draws.is_empty() {
            f.write_str("/")?;
        }
        for choice in all {
            write!(f, "{choice}")?;
        }
        for (Draw { by, number }, drawn) in draws {
            let who = if *by == 0 { String::new() } else { format!("{by}:") };
            write!(f, "/d{who}{number}.{drawn}")?;
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
    let mut made = Made::default();
    for part in rest.split('/').filter(|part| !part.is_empty()) {
        if let Some(draw) = part.strip_prefix('d') {
            let (draw, drawn) = parse_draw(draw)?;
            made.draws.insert(draw, drawn);
            continue;
        }
        let (list, part) = match part.strip_prefix('f') {
            Some(part) => (&mut made.faults, part),
            None => (&mut made.schedule, part),
        };
        let (place, choice) = part.split_once('.')?;
        let place: usize = place.parse().ok().filter(|place| *place <= PLACE_MAX)?;
        if list.len() <= place {
            list.resize(place + 1, 0);
        }
        list[place] = choice.parse().ok()?;
    }
    Some(Recipe { seed, choices: Some(made) })
}

/// `3.5` for the fourth number that the test draws, `2:3.5` for that of client 2.
fn parse_draw(text: &str) -> Option<(Draw, u64)> {
    let (by, rest) = text.split_once(':').unwrap_or(("0", text));
    let (number, drawn) = rest.split_once('.')?;
    Some((Draw { by: by.parse().ok()?, number: number.parse().ok()? }, drawn.parse().ok()?))
}

#[cfg(test)]
mod tests {
    //! Recipes as they are printed.

    use std::collections::BTreeMap;

    use super::*;

    fn draw(by: u64, number: usize) -> Draw {
        Draw { by, number }
    }

    #[test]
    fn a_recipe_is_read_as_it_is_printed() {
        let seed = Seed(0x1f);
        let schedule = vec![0, 2, 0, 0, 1, 0];
        let made = Made { schedule: schedule.clone(), ..Made::default() };
        let full = Made { schedule, faults: vec![0, 0, 3], draws: BTreeMap::from([(draw(0, 0), 0), (draw(3, 7), 12)]) };
        for recipe in [seed.into(), Recipe::with(seed, Made::default()), Recipe::with(seed, full.clone())] {
            assert_eq!(recipe.to_string().parse(), Ok(recipe));
        }
        assert_eq!(Recipe::with(seed, made).to_string(), "000000000000001f/1.2/4.1");
        assert_eq!(Recipe::with(seed, full).to_string(), "000000000000001f/1.2/4.1/f2.3/d0.0/d3:7.12");
    }

    #[test]
    fn another_text_is_refused() {
        for text in ["", "seven", "1f/3", "1f/3.x", "1f/g3.1", "1f/d", "1f/99999999999.1"] {
            let error = text.parse::<Recipe>().expect_err("it is not a recipe");
            assert!(error.to_string().contains("copy what a failed run prints"));
        }
    }
}
