//! Groups on NATS have the processes of all members.

use futures::StreamExt as _;
use genserver_cluster::{Cluster, GroupEvent};

use super::server::Server;
use super::worker::{Worker, roll_call, worker};

#[test]
fn servers_in_a_group_on_nats_are_called_and_leave() {
    let Some(server) = Server::start() else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let member = |name: &str| Cluster::connect(server.address()).name_space("test").member(name).start();
        let (a, b) = (member("a").await.unwrap(), member("b").await.unwrap());
        let (one, two) = (worker("one").await, worker("two").await);
        a.join("workers", &one).await.unwrap();
        a.join("workers", &one).await.unwrap();
        b.join("workers", &two).await.unwrap();
        let mut events = b.monitor_group::<Worker>("workers");
        for _ in 0..3 {
            assert!(matches!(events.next().await, Some(GroupEvent::Joined(_))));
        }
        assert_eq!(roll_call(&b).await, ["one", "one", "two"]);
        assert!(a.leave("workers", &one));
        assert!(matches!(events.next().await, Some(GroupEvent::Left(left)) if left.name() == "a/1"));
        a.stop().await.unwrap();
        assert!(matches!(events.next().await, Some(GroupEvent::Left(left)) if left.name() == "a/1"));
        assert_eq!(roll_call(&b).await, ["two"]);
        two.stop().await.unwrap();
        assert!(matches!(events.next().await, Some(GroupEvent::Left(left)) if left.name() == "b/1"));
        b.stop().await.unwrap();
    });
}
