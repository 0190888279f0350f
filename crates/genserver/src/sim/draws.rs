//! Numbers for what a test stands on, such as the model of a system outside of its program.

use std::ops::Range;

use super::world::World;

/// Numbers that are drawn by what a test stands on, such as the model of a database or of a network.
///
/// The test itself has [`Sim::draw`](super::Sim::draw), and lends nothing to code that outlives a borrow. In a simulation, what is
/// drawn here follows from the seed, is in the recipe, and becomes small when a failing run is made smaller. It does not depend on
/// what the test, its clients, or other `Draws` have drawn. Outside every simulation, each number is the first of its range: let
/// that be the usual way.
///
/// # Examples
///
/// A network that loses a message now and then, in a simulation alone:
///
/// ```
/// use genserver::sim::{self, Draws};
///
/// struct Network(Draws);
///
/// impl Network {
///     fn loses(&self) -> bool {
///         self.0.draw(0..10) == 9
///     }
/// }
///
/// sim::check(async |_sim| {
///     let network = Network(Draws::new());
///     sim::sometimes!(network.loses(), "a message is lost");
///     sim::sometimes!(!network.loses(), "a message arrives");
/// });
/// assert!(!Network(Draws::new()).loses(), "outside of a simulation, nothing is lost");
/// ```
#[derive(Debug)]
pub struct Draws {
    /// Nothing outside of a simulation.
    stream: Option<u64>,
}

impl Draws {
    /// Numbers of the simulation that this thread runs. Made in the same order, they are the same in each run
    /// of a recipe.
    #[must_use]
    pub fn new() -> Self {
        Self { stream: World::ambient().map(|world| world.turns.lock().begin(1)) }
    }

    /// Draws a number of the range; the first, outside of a simulation.
    ///
    /// # Panics
    ///
    /// If the range is empty.
    #[must_use]
    #[track_caller]
    pub fn draw(&self, range: Range<u64>) -> u64 {
        assert!(!range.is_empty(), "there is nothing to draw from an empty range");
        match (World::ambient(), self.stream) {
            (Some(world), Some(stream)) => world.draw(stream, range),
            _ => range.start,
        }
    }
}

impl Default for Draws {
    fn default() -> Self {
        Self::new()
    }
}
