//! Scripts on these crates: one thread, a paused clock, a node of its own for each run.

use std::sync::Arc;
use std::time::Duration;

use genserver::Probe;

use crate::script::{Action, Arg, Script, Step};
use crate::trace::Trace;

// A server that does as it is told, a process that does, and what either can be told.
mod act;
mod plain;
mod puppet;
// A manager's handler that does.
mod events;
// What they share.
mod world;

use act::lives;
use world::{TICK, What, World};

/// How servers are run. What a script means does not depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// A call to an idle server runs on the caller's own task.
    Inline,
    /// Every message goes through the queue to the server's task: `inline(false)`.
    Queued,
    /// Every callback awaits something before it does anything.
    Awaiting,
}

impl Way {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Inline, Self::Queued, Self::Awaiting];

    async fn begin(self) {
        if self == Self::Awaiting {
            tokio::task::yield_now().await;
        }
    }
}

/// What happens when the script runs in this way.
///
/// # Errors
///
/// When the script has a verb, or uses one in a way, that makes no sense.
///
/// # Panics
///
/// If no runtime can be made.
pub fn run(script: &Script, way: Way) -> Result<Trace, String> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build().expect("a runtime without sockets can be made");
    let world = Arc::new(World::new(way));
    let events = runtime.block_on(async {
        let driver = Probe::<()>::on(&world.node);
        driver.scope(drive(script, Arc::clone(&world))).await;
        let events = world.finish();
        // Some have names in the whole program.
        world.everybody().iter().for_each(genserver::ProcessRef::kill);
        rest().await;
        events
    });
    Ok(Trace::of(events?))
}

async fn drive(script: &Script, world: Arc<World>) {
    let mut driver = Driver { begun: tokio_now(), ticks: 0, world };
    for step in &script.steps {
        driver.take(step).await;
        driver.world.next_step();
    }
}

/// The runner of a script. It is not one of its processes: it starts the first ones and tells them what to do.
struct Driver {
    begun: tokio::time::Instant,
    ticks: u32,
    world: Arc<World>,
}

impl Driver {
    async fn take(&mut self, step: &Step) {
        match &step.who {
            Some(who) => self.order(who, step),
            None => {
                for action in step.program.iter() {
                    self.act(action).await;
                }
            }
        }
        rest().await;
    }

    fn order(&self, who: &str, step: &Step) {
        let program = Arc::clone(&step.program);
        match self.world.find(who) {
            Some((_, What::Server(server))) => drop(server.send(puppet::Info::Order(program))),
            Some((_, What::Plain(process))) => drop(process.send(plain::Mail::Order(program))),
            // Its starter has not started it.
            _ => {}
        }
    }

    async fn act(&mut self, action: &Action) {
        match (action.verb.as_str(), action.args.as_slice()) {
            ("wait", [Arg::Number(count)]) => {
                for tick in 1..=*count {
                    self.ticks += 1;
                    sleep_until(self.begun + TICK * self.ticks).await;
                    if tick < *count {
                        self.world.next_step();
                    }
                }
            }
            ("seconds", [Arg::Number(count)]) => sleep(Duration::from_secs((*count).into())).await,
            ("open", [Arg::Word(word)]) => self.world.open(word),
            ("server" | "plain", [Arg::Word(label), rest @ ..]) => {
                let started = lives::first(&self.world, &action.verb, label, rest).await;
                if let Err(error) = started {
                    self.world.complain(format!("{label} does not start: {error}"));
                }
            }
            _ => self.world.complain(format!("nobody but a process can `{action}`")),
        }
    }
}

/// Returns when nobody has anything to do any more.
async fn rest() {
    // The clock is moved only when every task waits.
    sleep(Duration::from_millis(1)).await;
}

#[expect(clippy::disallowed_methods, reason = "the runtime of a comparison is Tokio's, with its clock")]
async fn sleep(delay: Duration) {
    tokio::time::sleep(delay).await;
}

#[expect(clippy::disallowed_methods, reason = "the runtime of a comparison is Tokio's, with its clock")]
async fn sleep_until(at: tokio::time::Instant) {
    tokio::time::sleep_until(at).await;
}

#[expect(clippy::disallowed_methods, reason = "the runtime of a comparison is Tokio's, with its clock")]
fn tokio_now() -> tokio::time::Instant {
    tokio::time::Instant::now()
}
