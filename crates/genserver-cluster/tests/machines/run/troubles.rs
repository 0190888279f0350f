//! What happens to a cluster: nodes are killed, stopped or stand still, servers are killed, cables are pulled.

use std::fmt::Write as _;
use std::time::Duration;

use futures::future::join_all;
use genserver::time;

use super::{HOPELESS, Lost, NODES, Plan, Watched, World};
use crate::shelf::Answer;

/// How much later than its time to live the end of an owner is known, and how much later another one answers, at most.
const DOWN_WITHIN: Duration = Duration::from_secs(1);
const BACK_WITHIN: Duration = Duration::from_secs(2);

/// How long all is well between two troubles, or a little longer.
const CALM: Duration = Duration::from_secs(1);

/// What may happen to a node.
#[derive(Clone, Copy)]
enum Loss {
    Killed,
    /// It stands still until its names have another owner, and goes on.
    Frozen,
    Stopped,
    CutOff,
}

impl Loss {
    /// What is written above the times of it: for a stand-in, and for calls.
    fn titles(self) -> (&'static str, &'static str) {
        match self {
            Self::Killed => ("a node is killed: a stand-in hears of it", "a node is killed: its shelf answers again"),
            Self::Frozen => {
                ("a node stands still: a stand-in hears of it", "a node stands still: its shelf answers again")
            }
            Self::Stopped => {
                ("a node is stopped: a stand-in hears of it", "a node is stopped: its shelf answers again")
            }
            Self::CutOff => {
                ("a machine is cut off: a stand-in hears of it", "a machine is cut off: its shelf answers again")
            }
        }
    }
}

impl World {
    /// Lets one thing go wrong, and returns when all is well again. Returns what it was.
    pub(super) async fn trouble(&mut self, plan: &Plan) -> String {
        self.settled().await;
        // So the clients have written something since the last.
        time::sleep(CALM + Duration::from_millis(self.chance.below(2_000))).await;
        if plan.cuts {
            return match self.chance.below(3) {
                0 => self.cut_shortly().await,
                _ => self.lose(Loss::CutOff, plan).await,
            };
        }
        if plan.servers == 1 {
            return self.lose(Loss::Killed, plan).await;
        }
        match self.chance.below(10) {
            0..=3 => self.lose(Loss::Killed, plan).await,
            4 => self.lose(Loss::Frozen, plan).await,
            5 | 6 => self.lose(Loss::Stopped, plan).await,
            7 | 8 => {
                let leader = self.servers.leader().await;
                self.kill_server(leader, "the leader of the keys is killed: a shelf takes a put").await
            }
            _ => {
                let leader = self.servers.leader().await;
                let other = (leader + 1) % self.servers.count();
                self.kill_server(other, "another server is killed: a shelf takes a put").await
            }
        }
    }

    /// A node that owns something is lost.
    async fn lose(&mut self, loss: Loss, plan: &Plan) -> String {
        let (victim, watched) = self.victim().await;
        let began = time::now();
        match loss {
            Loss::Killed => self.machines[victim].take().into_iter().for_each(crate::machine::Machine::kill),
            Loss::Frozen => self.machines[victim].iter().for_each(crate::machine::Machine::freeze),
            Loss::Stopped => self.machines[victim].iter_mut().for_each(|machine| machine.tell("stop")),
            Loss::CutOff => self.network.iter().for_each(|network| network.cut(victim)),
        }
        let lost: Vec<Lost> = join_all(watched.iter().map(|watched| self.lost(watched, began))).await;
        match loss {
            Loss::Killed => self.start_node(victim).await,
            Loss::Frozen => self.machines[victim].iter().for_each(crate::machine::Machine::thaw),
            Loss::Stopped => {
                let mut stopped = self.machines[victim].take().into_iter();
                let stopped = stopped.next().expect("it was told to stop").says().await;
                assert_eq!(stopped, "stopped");
                self.start_node(victim).await;
            }
            Loss::CutOff => {
                time::sleep(Duration::from_millis(self.chance.below(5_000))).await;
                self.network.iter().for_each(|network| network.join(victim));
            }
        }
        let (down, back) = loss.titles();
        let limit = |more| Some(plan.time_to_live + more).filter(|_| !matches!(loss, Loss::Stopped));
        let mut said = format!("{}, node {}", down.split(':').next().unwrap_or_default(), NODES[victim]);
        for (Watched { shelf, .. }, lost) in watched.iter().zip(lost) {
            self.add(down, limit(DOWN_WITHIN), lost.down);
            self.add(back, limit(BACK_WITHIN), lost.back);
            // A string takes all that is written.
            let _ = write!(said, "; {shelf}: heard after {:.2?}, answers after {:.2?}", lost.down, lost.back);
        }
        said
    }

    /// The owner of a shelf, and all that it owns, with stand-ins at a member that is not connected to its machine.
    async fn victim(&mut self) -> (usize, Vec<Watched>) {
        loop {
            let answers = self.settled().await;
            let shelf = self.chance.pick(&self.nodes.shelves).clone();
            let victim = node_of(&answers[&shelf]);
            let watching = &self.members[(victim + 1) % self.members.len()].cluster;
            let owned = answers.iter().filter(|(_, answer)| node_of(answer) == victim);
            let watch = owned.map(async |(shelf, answer)| {
                let stand_in = watching.named::<crate::shelf::Shelf>(shelf.as_str()).stand_in().await.ok()?;
                let fence = stand_in.fence();
                (fence.0 == answer.fence).then(|| Watched { shelf: shelf.clone(), fence, stand_in })
            });
            // A shelf may have another owner by now.
            if let Some(watched) = join_all(watch).await.into_iter().collect::<Option<Vec<_>>>() {
                return (victim, watched);
            }
        }
    }

    /// A server is killed, and started again after a while.
    async fn kill_server(&mut self, number: usize, what: &'static str) -> String {
        self.settled().await;
        let began = time::now();
        self.servers.kill(number);
        let shelves = self.nodes.shelves.clone();
        let again = join_all(shelves.iter().map(async |shelf| {
            self.answer_after(shelf, 0).await;
            time::now() - began
        }));
        let took = time::timeout(HOPELESS, again).await;
        let took = took.unwrap_or_else(|_| panic!("no shelf takes a put: see {}", self.kept()));
        time::sleep(Duration::from_millis(self.chance.below(5_000))).await;
        self.servers.restart(number, self.network.as_ref());
        let longest = took.iter().max().copied().unwrap_or_default();
        for took in took {
            self.add(what, None, took);
        }
        let what = what.split(':').next().unwrap_or_default();
        format!("{what}, server n{}; all shelves take puts after {longest:.2?}", number + 1)
    }

    /// A machine is cut off for less time than its names live.
    async fn cut_shortly(&mut self) -> String {
        let answers = self.settled().await;
        // Often the one that leads the others.
        let victim = match self.chance.below(2) {
            0 => self.servers.leader().await,
            _ => node_of(&answers[&self.nodes.shelves[0]]),
        };
        let cut = Duration::from_millis(500 + self.chance.below(4_500));
        self.network.iter().for_each(|network| network.cut(victim));
        time::sleep(cut).await;
        self.network.iter().for_each(|network| network.join(victim));
        let joined = time::now();
        self.settled().await;
        let took = time::now() - joined;
        self.add("a machine was cut off for a moment: all is well", None, took);
        format!("a machine is cut off for {cut:.2?}, node {}; all is well {took:.2?} later", NODES[victim])
    }
}

/// The node that has answered.
fn node_of(answer: &Answer) -> usize {
    let node = answer.writer.split('-').next().unwrap_or_default();
    NODES.iter().position(|name| *name == node).expect("no other program has written")
}
