//! A counter of which there is one in a cluster, and which goes on with its count when its machine is gone.
//!
//! ```text
//! $ cargo run -p genserver-cluster --all-features --example counter 2>/dev/null
//! 1, says a
//! 2, says a
//! 3, says a
//! the machine of a is gone
//! 4, says b
//! 5, says b
//! 6, says b
//! ```
//!
//! That was two members in one program, on the model of an engine. On NATS it is a member by itself: run it in several terminals, each
//! with a name of its own, and end the one that counts.
//!
//! ```text
//! $ cargo run -p genserver-cluster --all-features --example counter nats://127.0.0.1:4222 a
//! ```
//!
//! The count is in a log of the engine. Three things make it safe there:
//!
//! 1. A write is acknowledged when the log has it, and each names the entry before it. So the log refuses the write of an owner that
//!    has missed one of a later owner.
//! 2. What is read may be old. So a new owner begins with a snapshot, which the log takes only if all was read.
//! 3. A machine that stood still may go on as an owner that it is no more. So each entry has the fence of its owner, and one that
//!    finds a larger fence gives up.

use std::env;
use std::error::Error;
use std::io::{Write as _, stdout};
use std::sync::Arc;
use std::time::Duration;

use genserver::supervisor::Supervisor;
use genserver::{Caller, Cx, GenServer, Init, Never, Next, Outcome, Reason, StartError, time};
use genserver_cluster::engine::model::Model;
use genserver_cluster::engine::nats::Nats;
use genserver_cluster::engine::{ChangeError, Engine, EngineError, Position, Revision};
use genserver_cluster::{Cluster, Clustered, Messages, Remote};
use serde::{Deserialize, Serialize};

/// The log of the counter.
const LOG: &str = "example.counter";

/// How many entries are read at once.
const ENTRIES: usize = 100;

/// What a counter is started with.
#[derive(Clone)]
struct Start {
    engine: Arc<dyn Engine>,
    member: String,
    fence: Revision,
}

struct Counter {
    start: Start,
    count: u64,
    /// The last entry of the log.
    last: Position,
}

/// An entry of the log.
#[derive(Serialize, Deserialize)]
struct Counted {
    count: u64,
    fence: u64,
}

/// Adds one. Returns the count, and who has counted.
#[derive(Serialize, Deserialize)]
struct Add;

type Said = (u64, String);

impl Remote<Add> for Counter {
    type Reply = Said;

    fn local(Add: Add, caller: Caller<Said>) -> Caller<Said> {
        caller
    }
}

impl Clustered for Counter {
    fn messages() -> Messages<Self> {
        Messages::new("example.counter", 1).call::<Add>("add")
    }

    fn set_fence(start: &mut Start, fence: Revision) {
        start.fence = fence;
    }
}

impl Counter {
    /// Reads the log to its end. The result is `None` if a later owner has written.
    async fn read(start: &Start) -> Result<Option<Self>, EngineError> {
        let mut counter = Self { start: start.clone(), count: 0, last: Position::default() };
        loop {
            let entries = start.engine.read(LOG, counter.last, ENTRIES).await?;
            for entry in &entries {
                let counted: Counted = rmp_serde::from_slice(&entry.entry).expect("a counter has written it");
                if counted.fence > start.fence.0 {
                    return Ok(None);
                }
                (counter.count, counter.last) = (counted.count, entry.position);
            }
            if entries.len() < ENTRIES {
                return Ok(Some(counter));
            }
        }
    }

    fn entry(&self, count: u64) -> Vec<u8> {
        let counted = Counted { count, fence: self.start.fence.0 };
        rmp_serde::to_vec(&counted).expect("two numbers can be written")
    }
}

impl GenServer for Counter {
    type Args = Start;
    type Call = Caller<Said>;
    type Cast = Never;
    type Info = Never;

    async fn init(start: Start, _cx: &mut Cx<Self>) -> Init<Self> {
        Init::attempt(async {
            loop {
                let Some(mut counter) = Self::read(&start).await? else {
                    return Ok(Init::Stop(Reason::term("a later owner has the counter")));
                };
                let entry = counter.entry(counter.count);
                match start.engine.snapshot(LOG, entry.into(), counter.last).await {
                    // What was read was old.
                    Err(ChangeError::Conflict) => time::sleep(Duration::from_millis(10)).await,
                    result => {
                        counter.last = result?;
                        return Ok(Init::Run(counter));
                    }
                }
            }
        })
        .await
    }

    async fn handle_call(&mut self, caller: Caller<Said>, _cx: &mut Cx<Self>) -> Outcome<Self> {
        let count = self.count + 1;
        // If this fails, the log may have the entry or not. The server ends, and the next one reads the log.
        self.last = self.start.engine.append(LOG, self.entry(count).into(), self.last).await?;
        self.count = count;
        Next::reply(caller, (count, self.start.member.clone()))
    }
}

/// Joins the cluster as a member that may have the counter. The supervisor is to be kept.
async fn join(engine: impl Engine + Clone, member: &str) -> Result<(Cluster, Supervisor), StartError> {
    let options = Cluster::over(engine.clone()).name_space("example").member(member);
    let (spec, cluster) = options.time_to_live(Duration::from_secs(3)).child_spec("cluster");
    let start = Start { engine: Arc::new(engine), member: member.to_owned(), fence: Revision::default() };
    let counter = cluster.singleton::<Counter>("counter", move || start.clone());
    let supervisor = Supervisor::one_for_one().max_restarts(100).child(spec).child(counter).start().await?;
    Ok((cluster, supervisor))
}

/// Adds one, and tries again until that is answered. A call without an answer may have been carried out: then a number is left out.
async fn add(cluster: &Cluster) -> String {
    loop {
        match cluster.named::<Counter>("counter").call(Add).timeout(Duration::from_millis(500)).await {
            Ok((count, member)) => return format!("{count}, says {member}\n"),
            Err(_) => time::sleep(Duration::from_millis(100)).await,
        }
    }
}

/// Two members on a model, of which one is cut off. Returns what happened, a line each.
async fn session() -> Result<String, Box<dyn Error>> {
    let model = Model::new();
    let (a, _of_a) = join(model.member("a"), "a").await?;
    let mut seen = add(&a).await;
    let (b, _of_b) = join(model.member("b"), "b").await?;
    seen += &add(&a).await;
    seen += &add(&b).await;
    model.cut("a");
    seen += "the machine of a is gone\n";
    for _ in 0..3 {
        seen += &add(&b).await;
    }
    Ok(seen)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = env::args().skip(1).collect();
    match &*args {
        [] => stdout().write_all(session().await?.as_bytes())?,
        [address, member] => {
            let (cluster, _supervisor) = join(Nats::connect(address).await?, member).await?;
            loop {
                stdout().write_all(add(&cluster).await.as_bytes())?;
                time::sleep(Duration::from_secs(1)).await;
            }
        }
        _ => return Err("say nothing, or the address of NATS and the name of this member".into()),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The session that the page shows.
    fn shown() -> String {
        let page = include_str!("counter.rs").lines().skip_while(|line| !line.contains("$ cargo run")).skip(1);
        let lines = page.map_while(|line| line.strip_prefix("//! ").filter(|line| *line != "```"));
        lines.flat_map(|line| [line, "\n"]).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn the_count_goes_on_when_the_machine_of_the_counter_is_gone() {
        assert_eq!(session().await.expect("it starts"), shown());
    }
}
