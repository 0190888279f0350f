//! What servers are told of their fences.

use std::time::Duration;

use genserver::supervisor::Supervisor;
use genserver::{Caller, Cx, GenServer, Init, Never, Next, Outcome, time};
use genserver_cluster::engine::Revision;
use genserver_cluster::{Clustered, Messages, Remote};
use serde::{Deserialize, Serialize};

use super::clock::two;

/// Knows its fence.
struct Fenced(u64);

#[derive(Serialize, Deserialize)]
struct Fence;

impl Remote<Fence> for Fenced {
    type Reply = u64;

    fn local(Fence: Fence, caller: Caller<u64>) -> Caller<u64> {
        caller
    }
}

impl Clustered for Fenced {
    fn messages() -> Messages<Self> {
        Messages::new("test.fenced", 1).call::<Fence>("fence")
    }

    fn set_fence(args: &mut u64, Revision(fence): Revision) {
        *args = fence;
    }
}

impl GenServer for Fenced {
    type Args = u64;
    type Call = Caller<u64>;
    type Cast = Never;
    type Info = Never;

    async fn init(fence: u64, _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Self(fence))
    }

    async fn handle_call(&mut self, caller: Caller<u64>, _cx: &mut Cx<Self>) -> Outcome<Self> {
        Next::reply(caller, self.0)
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_is_told_its_fence_before_its_init() {
    let (_model, a, b) = two().await;
    let fenced = a.start_named::<Fenced>("fenced", 0).await.unwrap();
    assert_eq!(b.named::<Fenced>("fenced").call(Fence).await, Ok(fenced.fence().0));
    fenced.stop().await.unwrap();
    // Another owner has a larger one, also if nobody has started it by hand.
    let supervisor = Supervisor::one_for_one().child(b.singleton::<Fenced>("fenced", || 0)).start().await.unwrap();
    let told = loop {
        if let Ok(told) = a.named::<Fenced>("fenced").call(Fence).await {
            break told;
        }
        time::sleep(Duration::from_millis(10)).await;
    };
    assert!(told > fenced.fence().0);
    assert_eq!(a.whereis("fenced").await.unwrap().map(|owner| owner.fence), Some(Revision(told)));
    supervisor.stop().await.unwrap();
}
