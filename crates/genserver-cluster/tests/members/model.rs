//! Members on the model of an engine, in which nothing goes wrong but what a test asks for.

use std::time::Duration;

use futures::{FutureExt as _, StreamExt as _};
use genserver::supervisor::Supervisor;
use genserver::{AsProcess as _, Caller, Cx, GenServer, Init, Never, Next, Outcome, time};
use genserver_cluster::engine::model::Model;
use genserver_cluster::{Cluster, MemberEvent, MemberInfo, MemberMonitor, MembersError};

/// Long enough for anything that is to happen at once.
const MOMENT: Duration = Duration::from_millis(100);

async fn member(model: &Model, name: &str) -> Cluster {
    Cluster::over(model.member(name)).name_space("test").member(name).start().await.unwrap()
}

/// Two members that have seen each other, and what the first is told from then on.
async fn two() -> (Model, Cluster, Cluster, MemberMonitor) {
    let model = Model::new();
    let (a, b) = (member(&model, "a").await, member(&model, "b").await);
    let mut events = a.monitor_members();
    let mut up = [events.next().await.unwrap(), events.next().await.unwrap()];
    up.sort_by_key(|event| format!("{event:?}"));
    assert_eq!(up, [MemberEvent::Up(a.member_info()), MemberEvent::Up(b.member_info())]);
    (model, a, b, events)
}

fn sorted(mut members: Vec<MemberInfo>) -> Vec<MemberInfo> {
    members.sort();
    members
}

#[tokio::test(start_paused = true)]
async fn each_member_has_all_and_itself_in_its_list() {
    let (_model, a, b, _events) = two().await;
    let all = [a.member_info(), b.member_info()];
    assert_eq!(sorted(a.members().await.unwrap()), all);
    assert_eq!(sorted(b.members().await.unwrap()), all);
    // Renewed long ago, and often.
    time::sleep(Duration::from_mins(10)).await;
    assert_eq!(sorted(b.members().await.unwrap()), all);
}

#[tokio::test(start_paused = true)]
async fn the_first_list_has_this_member_even_if_it_has_just_started() {
    let model = Model::new();
    let a = member(&model, "a").await;
    assert_eq!(a.members().await.unwrap(), [a.member_info()]);
}

#[tokio::test(start_paused = true)]
async fn a_member_that_stops_is_down_at_once() {
    let (_model, a, b, mut events) = two().await;
    let began = time::now();
    b.stop().await.unwrap();
    assert_eq!(events.next().await, Some(MemberEvent::Down(b.member_info())));
    assert!(time::now() - began <= MOMENT);
    assert_eq!(a.members().await.unwrap(), [a.member_info()]);
}

#[tokio::test(start_paused = true)]
async fn a_member_whose_process_is_killed_is_down_at_once() {
    let (_model, _a, b, mut events) = two().await;
    let began = time::now();
    b.as_process().unwrap().kill();
    assert_eq!(events.next().await, Some(MemberEvent::Down(b.member_info())));
    assert!(time::now() - began <= MOMENT);
}

#[tokio::test(start_paused = true)]
async fn a_member_that_is_cut_off_is_down_in_time_and_up_again_when_it_is_back() {
    let (model, a, b, mut events) = two().await;
    time::sleep(Duration::from_secs(7)).await;
    model.cut("b");
    let cut = time::now();
    assert_eq!(events.next().await, Some(MemberEvent::Down(b.member_info())));
    assert!(time::now() - cut <= a.time_to_live() + Duration::from_secs(1));
    time::sleep(Duration::from_mins(1)).await;
    assert_eq!(events.next().now_or_never(), None);
    model.rejoin("b");
    assert_eq!(events.next().await, Some(MemberEvent::Up(b.member_info())));
    assert_eq!(sorted(b.members().await.unwrap()), [a.member_info(), b.member_info()]);
}

#[tokio::test(start_paused = true)]
async fn for_a_member_that_is_cut_off_all_are_down_and_its_list_is_an_error() {
    let (model, a, b, mut events) = two().await;
    time::sleep(Duration::from_secs(7)).await;
    model.cut("a");
    let cut = time::now();
    let mut down = [events.next().await.unwrap(), events.next().await.unwrap()];
    assert!(time::now() - cut <= a.time_to_live() + Duration::from_secs(1));
    down.sort_by_key(|event| format!("{event:?}"));
    assert_eq!(down, [MemberEvent::Down(a.member_info()), MemberEvent::Down(b.member_info())]);
    let error = a.members().await.unwrap_err();
    assert!(matches!(error, MembersError::Engine { .. }), "{error:?}");
    model.rejoin("a");
    events.next().await.unwrap();
    events.next().await.unwrap();
    assert_eq!(sorted(a.members().await.unwrap()), [a.member_info(), b.member_info()]);
}

#[tokio::test(start_paused = true)]
async fn who_reads_late_is_told_of_each_end() {
    let (model, _a, b, mut events) = two().await;
    model.cut("b");
    time::sleep(Duration::from_mins(1)).await;
    model.rejoin("b");
    time::sleep(Duration::from_mins(1)).await;
    assert_eq!(events.next().await, Some(MemberEvent::Down(b.member_info())));
    assert_eq!(events.next().await, Some(MemberEvent::Up(b.member_info())));
    assert_eq!(events.next().now_or_never(), None);
}

#[tokio::test(start_paused = true)]
async fn members_of_one_name_are_told_apart() {
    let (model, a, b, mut events) = two().await;
    let other = member(&model, "b").await;
    assert_eq!(events.next().await, Some(MemberEvent::Up(other.member_info())));
    assert_ne!(other.member_info(), b.member_info());
    b.stop().await.unwrap();
    assert_eq!(events.next().await, Some(MemberEvent::Down(b.member_info())));
    assert_eq!(sorted(a.members().await.unwrap()), [a.member_info(), other.member_info()]);
}

#[tokio::test(start_paused = true)]
async fn a_stopped_member_knows_nobody_and_says_so() {
    let (_model, a, _b, mut events) = two().await;
    a.stop().await.unwrap();
    for _ in 0..2 {
        assert!(matches!(events.next().await, Some(MemberEvent::Down(_))));
    }
    assert_eq!(a.members().await, Err(MembersError::NotRunning));
}

#[tokio::test(start_paused = true)]
async fn a_member_that_its_supervisor_starts_again_is_down_and_up() {
    let (model, _a, _b, mut events) = two().await;
    let (spec, c) = Cluster::over(model.member("c")).name_space("test").member("c").child_spec("cluster");
    let _supervisor = Supervisor::one_for_one().child(spec).start().await.unwrap();
    assert_eq!(events.next().await, Some(MemberEvent::Up(c.member_info())));
    c.as_process().unwrap().kill();
    time::sleep(Duration::from_mins(1)).await;
    assert_eq!(c.members().await.unwrap().len(), 3, "it watches again");
    while let Some(event) = events.next().now_or_never().flatten() {
        assert!(matches!(event, MemberEvent::Up(member) | MemberEvent::Down(member) if member == c.member_info()));
    }
    assert_eq!(c.members().await.unwrap().len(), 3);
}

/// Remembers which members it has heard of.
struct Greeter(Vec<String>);

enum Info {
    Member(MemberEvent),
}

impl GenServer for Greeter {
    type Args = Cluster;
    type Call = Caller<Vec<String>>;
    type Cast = Never;
    type Info = Info;

    async fn init(cluster: Cluster, cx: &mut Cx<Self>) -> Init<Self> {
        cx.attach(cluster.monitor_members(), Info::Member);
        Init::Run(Self(Vec::new()))
    }

    async fn handle_call(&mut self, caller: Caller<Vec<String>>, _cx: &mut Cx<Self>) -> Outcome<Self> {
        Next::reply(caller, self.0.clone())
    }

    async fn handle_info(&mut self, Info::Member(event): Info, _cx: &mut Cx<Self>) -> Outcome<Self> {
        self.0.push(match event {
            MemberEvent::Up(member) => format!("up {}", member.name),
            MemberEvent::Down(member) => format!("down {}", member.name),
        });
        Next::wait()
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_gets_each_event_as_an_info() {
    let (_model, a, b, _events) = two().await;
    let greeter = genserver::start::<Greeter>(a.clone()).await.unwrap();
    time::sleep(MOMENT).await;
    b.stop().await.unwrap();
    time::sleep(MOMENT).await;
    let heard = greeter.call(|caller| caller).await.unwrap();
    assert!(heard.contains(&"up a".to_owned()) && heard.contains(&"up b".to_owned()), "{heard:?}");
    assert_eq!((heard.len(), heard[2].as_str()), (3, "down b"));
}
