//! Members on NATS come and go as on the model.

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
        // On a busy machine others may go down and come up in between.
        let mut heard = async |expected: MemberEvent| while events.next().await.unwrap() != expected {};
        b.stop().await.unwrap();
        heard(MemberEvent::Down(b.member_info())).await;

        // A machine that is gone without a word: nothing of it runs any more.
        let node = Node::new();
        let machine = Probe::<()>::on(&node);
        let c = machine.scope(member(&server, "c")).await;
        heard(MemberEvent::Up(c.member_info())).await;
        for process in node.process_list() {
            if let Some(process) = genserver::AsProcess::as_process(&process.pid) {
                process.kill();
            }
        }
        heard(MemberEvent::Down(c.member_info())).await;

        // Without the engine nobody is up, and with it again all are.
        server.stop();
        heard(MemberEvent::Down(a.member_info())).await;
        assert!(a.members().await.is_err());
        server.restart();
        heard(MemberEvent::Up(a.member_info())).await;
        while a.members().await.is_err() {
            time::sleep(Duration::from_millis(10)).await;
        }
        a.stop().await.unwrap();
    });
}
