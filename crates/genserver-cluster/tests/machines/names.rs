//! Names of a few programs on one server.

use std::path::Path;
use std::time::Duration;

use genserver::{Reason, time};
use genserver_cluster::{Cluster, RemoteRef, StandIn};

use crate::machine::{Machine, Nodes};
use crate::node::{SPACE, connect};
use crate::servers::Servers;
use crate::shelf::{Answer, Get, Shelf};

/// So long that nothing in a test happens because it is over.
const FOR_EVER: Duration = Duration::from_hours(1);

/// A few programs, and the test as a member beside them.
struct Few {
    nodes: Nodes,
    addresses: Vec<String>,
    machines: Vec<Machine>,
    cluster: Cluster,
}

impl Few {
    async fn start(servers: &Servers, time_to_live: Duration, shelves: &[&str]) -> Self {
        let addresses = servers.addresses_from(0);
        let nodes = Nodes { time_to_live, shelves: shelves.iter().map(|&shelf| shelf.to_owned()).collect() };
        let mut machines = Vec::new();
        for name in ["a", "b", "c"] {
            machines.push(nodes.start(name, &addresses, servers.folder(), None).await);
        }
        let cluster = Cluster::over(connect(&addresses).await).name_space(SPACE).member("test");
        let cluster = cluster.time_to_live(time_to_live).start().await.unwrap();
        Self { nodes, addresses, machines, cluster }
    }

    fn shelf(&self) -> RemoteRef<Shelf> {
        self.cluster.named("shelf")
    }

    /// The program that owns the shelf.
    fn owner(&mut self, answer: &Answer) -> Machine {
        let is_owner = |machine: &Machine| answer.writer.starts_with(&format!("{}-", machine.name()));
        let number = self.machines.iter().position(is_owner).unwrap();
        self.machines.remove(number)
    }

    async fn starts_again(&mut self, name: &str, folder: &Path) {
        self.machines.push(self.nodes.start(name, &self.addresses, folder, None).await);
    }
}

/// Asks until an owner with a larger fence answers.
async fn answer_of_a_later_owner(shelf: &RemoteRef<Shelf>, fence: u64) -> Answer {
    loop {
        if let Ok(answer) = shelf.call(Get { key: "milk".to_owned() }).await
            && answer.fence > fence
        {
            return answer;
        }
        time::sleep(Duration::from_millis(20)).await;
    }
}

async fn end_of(stand_in: &StandIn) -> Reason {
    stand_in.process_ref().ended().await
}

/// Runs a test with a server, or says that it is skipped.
fn check(test: impl AsyncFn(Servers)) {
    let Some(servers) = Servers::start(1, None) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(test(servers));
}

#[test]
fn a_name_has_one_owner_that_all_programs_call_and_is_free_at_once_when_that_leaves() {
    check(async |servers| {
        let mut few = Few::start(&servers, FOR_EVER, &[]).await;
        let [a, b, c] = &mut *few.machines else { unreachable!("there are three") };
        assert_eq!(a.told("start shelf").await, "started");
        let refused = b.told("start shelf").await;
        let expected = "refused: the name shelf belongs to a server of the member a; ";
        assert!(refused.starts_with(expected), "{refused}");
        assert!(c.told("put shelf milk 3").await.starts_with("3 of a-"));
        assert!(b.told("get shelf milk").await.starts_with("3 of a-"));

        let stand_in = few.cluster.named::<Shelf>("shelf").stand_in().await.unwrap();
        assert_eq!(few.machines[0].told("stop").await, "stopped");
        assert_eq!(end_of(&stand_in).await, Reason::Shutdown);
        assert_eq!(few.machines[1].told("start shelf").await, "started");
        assert!(few.machines[2].told("get shelf milk").await.starts_with("3 of b-"), "it is in the log");
    });
}

#[test]
fn the_name_of_a_program_that_was_killed_is_free_when_its_time_is_over() {
    check(async |servers| {
        let mut few = Few::start(&servers, Duration::from_secs(5), &[]).await;
        assert_eq!(few.machines[0].told("start shelf").await, "started");
        assert!(few.machines[1].told("put shelf milk 3").await.starts_with("3 of a-"));
        let stand_in = few.shelf().stand_in().await.unwrap();
        few.machines.remove(0).kill();
        assert_eq!(end_of(&stand_in).await, Reason::NoConnection);
        while few.machines[0].told("start shelf").await != "started" {}
        assert!(few.machines[1].told("get shelf milk").await.starts_with("3 of b-"), "it is in the log");
        assert!(few.shelf().stand_in().await.unwrap().fence() > stand_in.fence());
    });
}

#[test]
fn a_singleton_comes_back_on_another_program_whether_its_own_is_stopped_or_killed() {
    check(async |servers| {
        let mut few = Few::start(&servers, Duration::from_secs(5), &["shelf"]).await;
        let shelf = few.shelf();
        let first = answer_of_a_later_owner(&shelf, 0).await;
        few.owner(&first).kill();
        let second = answer_of_a_later_owner(&shelf, first.fence).await;
        assert_ne!(second.writer, first.writer);

        // Now there is one other, which has to have it.
        let stand_in = shelf.stand_in().await.unwrap();
        assert_eq!(few.owner(&second).told("stop").await, "stopped");
        assert_eq!(end_of(&stand_in).await, Reason::Shutdown);
        let third = answer_of_a_later_owner(&shelf, second.fence).await;
        assert!(third.writer.starts_with(few.machines[0].name()));

        few.starts_again("d", servers.folder()).await;
        few.owner(&third).kill();
        let fourth = answer_of_a_later_owner(&shelf, third.fence).await;
        assert!(fourth.writer.starts_with("d-"), "{fourth:?}");
    });
}
