//! A place in a program where its task lets others go on, if that is drawn.

use crate::node::current;
use crate::node::record::{self, Event};
use crate::node::yield_now::yield_now;

use super::choices::Choices;
use super::world::World;

/// A place where others may go on before this does: the simulation draws whether they do.
///
/// Await it between two things that another process could come between, where nothing else is awaited. The name is shown in the
/// message of a failing run if others went on there. Outside a simulation it is ready at once, and does nothing.
///
/// # Cancel safety
///
/// Dropping it has no other effect.
///
/// # Examples
///
/// Channels that are not this crate's are ready at once as long as they have something. So both workers are likely to see the
/// same order of steps in each run, unless there is a point:
///
/// ```
/// use genserver::sim;
/// use std::sync::atomic::{AtomicU32, Ordering};
///
/// # let found = std::panic::catch_unwind(|| {
/// sim::check(async |sim| {
///     let stock = AtomicU32::new(1);
///     sim.clients(2, async |_client| {
///         let left = stock.load(Ordering::Relaxed);
///         if left > 0 {
///             sim::point("between look and take").await;
///             let before = stock.fetch_sub(1, Ordering::Relaxed);
///             assert_ne!(before, 0, "sold what is not there");
///         }
///     })
///     .await;
/// });
/// # });
/// # let said = found.unwrap_err();
/// # let said = said.downcast_ref::<String>().unwrap();
/// # assert!(said.contains("sold what is not there"), "{said}");
/// ```
pub async fn point(name: &'static str) {
    let Some(world) = World::ambient() else { return };
    if world.choose(Choices::gives_way) {
        record::note(|| Event::Point { pid: current::sender(), name });
        yield_now().await;
    }
}
