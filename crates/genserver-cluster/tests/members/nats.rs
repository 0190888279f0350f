//! Members on NATS.

use std::time::Duration;

use futures::StreamExt as _;
use genserver::{Node, Probe, time};
use genserver_cluster::{Cluster, MemberEvent};

use super::server::Server;

const TIME_TO_LIVE: Duration = Duration::from_secs(2);

async fn member(server: &Server, name: &str) -> Cluster {
    let options = Cluster::connect(server.address()).name_space("test").member(name);
    options.time_to_live(TIME_TO_LIVE).start().await.unwrap()
}

#[test]
fn members_on_nats_are_up_and_down_and_a_restart_of_the_server_is_survived() {
    let Some(mut server) = Server::start() else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (a, b) = (member(&server, "a").await, member(&server, "b").await);
        let mut events = a.monitor_members();
        for _ in 0..2 {
            assert!(matches!(events.next().await, Some(MemberEvent::Up(_))));
        }
        b.stop().await.unwrap();
        assert_eq!(events.next().await, Some(MemberEvent::Down(b.member_info())));

        // A machine that is gone without a word: nothing of it runs any more.
        let node = Node::new();
        let machine = Probe::<()>::on(&node);
        let c = machine.scope(member(&server, "c")).await;
        assert_eq!(events.next().await, Some(MemberEvent::Up(c.member_info())));
        for process in node.process_list() {
            if let Some(process) = genserver::AsProcess::as_process(&process.pid) {
                process.kill();
            }
        }
        assert_eq!(events.next().await, Some(MemberEvent::Down(c.member_info())));

        // Without the engine nobody is up, and with it again all are.
        server.stop();
        assert_eq!(events.next().await, Some(MemberEvent::Down(a.member_info())));
        assert!(a.members().await.is_err());
        server.restart();
        assert_eq!(events.next().await, Some(MemberEvent::Up(a.member_info())));
        while a.members().await.is_err() {
            time::sleep(Duration::from_millis(10)).await;
        }
        a.stop().await.unwrap();
    });
}
