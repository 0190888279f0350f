//! What a node lists of its processes: all of them, bit by bit; which waits for which; the cycles that it refused.

use std::collections::BTreeSet;

use futures::poll;
use genserver::report::{Level, Report};
use genserver::sys::{self, Shown};
use genserver::{CallError, Caller, Cx, GenServer, Init, Never, Next, Node, Outcome, Pid, Probe, ServerRef, WaitInfo};

/// Asks the next one, if there is one, and answers when that has.
struct Link(Option<ServerRef<Link>>);

enum Ask {
    Around(Caller<Result<(), CallError>>),
    /// Never answered, and never done.
    Forever(Caller<()>),
}

impl GenServer for Link {
    type Args = Option<ServerRef<Link>>;
    type Call = Ask;
    type Cast = ServerRef<Link>;
    type Info = Never;

    async fn init(next: Self::Args, _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Self(next))
    }

    async fn handle_call(&mut self, ask: Ask, _cx: &mut Cx<Self>) -> Outcome<Self> {
        match (ask, &self.0) {
            (Ask::Around(caller), Some(next)) => {
                let answer = next.call(Ask::Around).await;
                Next::reply(caller, answer.and_then(|inner| inner))
            }
            (Ask::Around(caller), None) => Next::reply(caller, Ok(())),
            (Ask::Forever(_caller), _) => std::future::pending().await,
        }
    }

    async fn handle_cast(&mut self, next: ServerRef<Link>, _cx: &mut Cx<Self>) -> Outcome<Self> {
        self.0 = Some(next);
        Next::wait()
    }

    fn format_status(&self, shown: &mut Shown) {
        "a link".clone_into(&mut shown.state);
        shown.details.extend(self.0.iter().map(|next| ("next".to_owned(), next.pid().to_string())));
    }
}

#[tokio::test]
async fn a_process_that_lives_throughout_is_yielded_once_whatever_starts_and_ends_meanwhile() {
    let node = Node::new();
    let mut stay = BTreeSet::new();
    let mut others = Vec::new();
    for number in 0..5000 {
        let link = node.start::<Link>(None).await.unwrap();
        if number % 3 == 0 {
            stay.insert(link.pid());
        } else {
            others.push(link);
        }
    }
    let mut seen = Vec::new();
    for (step, process) in node.processes().enumerate() {
        seen.push(process.pid());
        // Those that end free their places for those that start.
        if step % 2 == 0
            && let Some(other) = others.pop()
        {
            other.kill();
            node.start::<Link>(None).await.unwrap();
        }
    }
    let distinct: BTreeSet<Pid> = seen.iter().copied().collect();
    assert_eq!(distinct.len(), seen.len(), "none is yielded twice");
    assert!(stay.is_subset(&distinct), "none is left out");
}

#[tokio::test]
async fn the_processes_of_an_empty_node_and_of_another_are_not_yielded() {
    let (node, other) = (Node::new(), Node::new());
    other.start::<Link>(None).await.unwrap();
    assert_eq!(node.processes().count(), 0);
    assert_eq!(other.processes().count(), 1);
}

fn pairs(waits: &[WaitInfo]) -> Vec<(Pid, Pid)> {
    let mut pairs: Vec<(Pid, Pid)> = waits.iter().map(|wait| (wait.process, wait.waits_for)).collect();
    pairs.sort_unstable();
    pairs
}

#[tokio::test]
async fn who_waits_for_whose_answer_is_listed_until_it_waits_no_more() {
    let node = Node::new();
    let last = node.start::<Link>(None).await.unwrap();
    let middle = node.start::<Link>(Some(last.clone())).await.unwrap();
    let client = Probe::<()>::on(&node);
    // The last one never comes back, so the middle one waits for it, and the client for that.
    last.cast(last.clone()).unwrap();
    let mut blocked = Box::pin(last.call(Ask::Forever));
    assert!(poll!(&mut blocked).is_pending());
    let mut asks = Box::pin(client.scope(middle.call(Ask::Around)));
    while node.waits().len() < 2 {
        assert!(poll!(&mut asks).is_pending());
        tokio::task::yield_now().await;
    }
    let expected = [(middle.pid(), last.pid()), (client.pid(), middle.pid())];
    assert_eq!(pairs(&node.waits()), expected);
    assert!(node.waits().iter().all(|wait| !wait.is_declared));
    assert_eq!(Node::new().waits(), [], "it is the list of one node");

    drop(asks);
    last.kill();
    assert!(blocked.await.is_err());
    while !node.waits().is_empty() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_refused_cycle_is_reported_with_its_processes_in_order() {
    let node = Node::new();
    let mut reports = node.reports();
    let first = node.start::<Link>(None).name("first").await.unwrap();
    let second = node.start::<Link>(Some(first.clone())).name("second").await.unwrap();
    first.cast(second.clone()).unwrap();

    let answer = first.call(Ask::Around).await.unwrap();
    assert!(matches!(answer, Err(CallError::Cycle { .. })), "{answer:?}");
    let report = reports.try_next().unwrap();
    let Report::CycleRefused(refused) = &report else { panic!("{report}") };
    // Whichever of the two begins to wait last is refused, and the cycle begins with it.
    let [one, other] = &*refused.cycle else { panic!("{report}") };
    assert_eq!(one, &refused.process);
    assert_eq!(BTreeSet::from([one.pid, other.pid]), BTreeSet::from([first.pid(), second.pid()]));
    assert_eq!(report.level(), Level::Warning);
    assert_eq!(
        report.to_string(),
        format!("Call of {one} refused: it would have closed a cycle\n  cycle: {one} → {other} → {one}")
    );
}

#[tokio::test]
async fn parts_of_a_state_are_shown_one_by_one() {
    let node = Node::new();
    let last = node.start::<Link>(None).await.unwrap();
    let first = node.start::<Link>(Some(last.clone())).await.unwrap();
    let status = sys::get_status(&first).await.unwrap();
    assert_eq!(status.state, "a link");
    assert_eq!(status.details, [("next".to_owned(), last.pid().to_string())]);
    assert!(status.to_string().ends_with("\n  state: a link\n  next: <1>"));
    assert_eq!(sys::get_status(&last.pid()).await.unwrap().details, []);
}
