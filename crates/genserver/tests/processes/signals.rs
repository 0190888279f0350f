//! Links, monitors and exit signals: what arrives, in which order, and what can still be cancelled.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::sync::{Arc, Mutex};

use crate::puppet::{self, Ask, Begin, Heard, Plan, Puppet, Tell, ms};
use futures::future::poll_immediate;
use genserver::{
    CallError, Caller, Cx, Exit, GenServer, Init, Letter, LinkError, Named, Never, Next, Outcome, Pid, Probe, Reason,
    ServerRef, spawn, start, whereis,
};

async fn puppet() -> ServerRef<Puppet> {
    start::<Puppet>(Plan::new(Begin::Run)).await.unwrap()
}

async fn puppet_telling(probe: &Probe<Heard>) -> ServerRef<Puppet> {
    let server = start::<Puppet>(Plan::new(Begin::Run).told(probe.sender())).await.unwrap();
    probe_born(&server).await;
    server
}

/// Returns when everything that was sent before has been handled.
async fn probe_born(server: &ServerRef<Puppet>) {
    assert_eq!(server.call(Ask::Ping).await, Ok("pong"));
}

fn texts(letters: &[Letter<Heard>]) -> Vec<u32> {
    let text = |letter: &Letter<Heard>| match letter {
        Letter::Message(Heard::Text(text)) => Some(*text),
        _ => None,
    };
    letters.iter().filter_map(text).collect()
}

#[tokio::test]
async fn pl_019_a_down_comes_after_the_last_message() {
    let mut probe = Probe::<Heard>::new();
    let server = puppet().await;
    let reference = probe.monitor(&server);
    for text in [1, 2] {
        server.cast(Tell::Send(probe.sender(), text)).unwrap();
    }
    server.cast(Tell::Stop(Reason::term("die"))).unwrap();
    server.ended().await;
    let letters = probe.flush();
    assert_eq!(texts(&letters), [1, 2]);
    assert!(matches!(&letters[2..], [Letter::Down(down)] if down.reference == reference));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_down_comes_after_the_last_message_on_two_threads() {
    let mut heard = Probe::<Heard>::new();
    let watcher = puppet_telling(&heard).await;
    heard.flush();
    for round in 0..300 {
        let to = watcher.clone();
        let sender = spawn(move |mut me: Probe<()>| async move {
            let _ = me.recv().await;
            for text in 0..20 {
                to.cast(Tell::Text(text)).unwrap();
            }
        })
        .unwrap();
        watcher.cast(Tell::Monitor(sender.process_ref())).unwrap();
        probe_born(&watcher).await;
        sender.send(()).unwrap();
        let down = heard.expect(|letter| matches!(letter, Letter::Message(Heard::Down(_)))).await;
        let Letter::Message(Heard::Down(down)) = down else { unreachable!("only a down was wanted") };
        assert_eq!((down.pid, down.reason), (sender.pid(), Reason::Normal), "round {round}");
        assert_eq!(texts(&heard.flush()), (0..20).collect::<Vec<_>>(), "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pl_020_the_order_of_each_sender_is_kept() {
    const EACH: u32 = 50;
    let mut heard = Probe::<Heard>::new();
    let receiver = puppet_telling(&heard).await;
    for round in 0..200 {
        heard.flush();
        let senders = [0, 1].map(|who| {
            let to = receiver.clone();
            let function = move |_me: Probe<()>| async move {
                for number in 0..EACH {
                    if number % 2 == 0 {
                        to.cast(Tell::Text(2 * number + who)).unwrap();
                    } else {
                        to.send(puppet::Info::Text(2 * number + who)).unwrap();
                    }
                    if number % 16 == 0 {
                        assert_eq!(to.call(Ask::Ping).await, Ok("pong"));
                    }
                }
            };
            spawn(function).unwrap().process_ref().ended()
        });
        for sender in senders {
            assert_eq!(sender.await, Reason::Normal);
        }
        probe_born(&receiver).await;
        let texts = texts(&heard.flush());
        for who in [0, 1] {
            let from: Vec<u32> = texts.iter().filter(|text| **text % 2 == who).map(|text| text / 2).collect();
            assert_eq!(from, (0..EACH).collect::<Vec<_>>(), "round {round}");
        }
    }
}

#[tokio::test]
async fn pl_021_monitoring_the_dead_yields_a_down_at_once() {
    let mut probe = Probe::<()>::new();
    let server = puppet().await;
    server.stop().await.unwrap();
    let reference = probe.monitor(&server);
    let Some(Letter::Down(down)) = probe.try_recv() else { panic!("the down was to be there") };
    assert_eq!((down.reference, down.pid, down.reason), (reference, server.pid(), Reason::NoProc));

    let by_pid = probe.monitor(&server.pid());
    assert!(
        matches!(probe.try_recv(), Some(Letter::Down(down)) if down.reference == by_pid && down.pid == server.pid())
    );
    let by_name = probe.monitor(&Named::<Puppet>::new("nobody's"));
    assert!(
        matches!(probe.try_recv(), Some(Letter::Down(down)) if down.reference == by_name && down.pid == Pid::NOBODY)
    );
}

#[tokio::test(start_paused = true)]
async fn pl_022_two_monitors_yield_two_downs() {
    let mut probe = Probe::<()>::new();
    let server = puppet().await;
    let references = [probe.monitor(&server), probe.monitor(&server)];
    assert_ne!(references[0], references[1]);
    server.stop().await.unwrap();
    for reference in references {
        assert_eq!(probe.expect_down(reference).await.reason, Reason::Normal);
    }
    assert_eq!(probe.flush(), []);
}

#[tokio::test(start_paused = true)]
async fn pl_023_giving_up_a_monitor_removes_its_queued_down() {
    let mut probe = Probe::<()>::new();
    let server = puppet().await;
    let early = probe.monitor(&server);
    let [queued, taken] = [probe.monitor(&server), probe.monitor(&server)];
    assert!(probe.demonitor(early));
    assert!(!probe.demonitor(early));
    assert_eq!(server.info().monitors, 2);
    server.stop().await.unwrap();
    probe.expect_down(taken).await;
    assert!(probe.demonitor(queued), "its down was still to be taken");
    assert!(!probe.demonitor(taken), "its down has been taken");
    assert_eq!(probe.flush(), []);
}

#[tokio::test]
async fn pl_024_one_unlink_undoes_two_links() {
    let mut probe = Probe::<()>::new();
    probe.trap_exits(true);
    let server = puppet().await;
    probe.link(&server).unwrap();
    probe.link(&server).unwrap();
    assert_eq!(server.info().links, [probe.pid()]);
    assert!(probe.unlink(&server));
    assert!(!probe.unlink(&server));
    assert!(server.info().links.is_empty());
    server.stop().await.unwrap();
    assert_eq!(probe.flush(), []);

    let own = probe.process_ref();
    probe.link(&own).unwrap();
    assert!(probe.process_ref().info().links.is_empty(), "a link with oneself is none");
}

#[tokio::test]
async fn pl_026_unlinking_removes_a_queued_exit() {
    let mut probe = Probe::<()>::new();
    probe.trap_exits(true);
    let [flushed, kept] = [puppet().await, puppet().await];
    for server in [&flushed, &kept] {
        probe.link(server).unwrap();
        server.stop().await.unwrap();
    }
    assert!(probe.unlink_flush(&flushed));
    assert!(!probe.unlink_flush(&flushed));
    assert!(!probe.unlink(&kept), "there is no link any more");
    let exit = Exit { from: kept.pid(), reason: Reason::Normal };
    assert_eq!(probe.flush(), [Letter::Exit(exit)], "a plain unlink leaves what has arrived");
    assert!(!probe.unlink_flush(&kept), "nothing is left to be thrown away");
}

#[tokio::test(start_paused = true)]
async fn unlinking_removes_the_exit_of_a_link_with_the_dead_one_at_a_time() {
    let mut probe = Probe::<()>::new();
    probe.trap_exits(true);
    let server = puppet().await;
    server.stop().await.unwrap();
    for _ in 0..3 {
        probe.link(&server).unwrap();
    }
    let exit = Exit { from: server.pid(), reason: Reason::NoProc };
    assert_eq!(probe.expect_exit(&server).await, exit);
    assert!(probe.unlink_flush(&server));
    assert_eq!(probe.flush(), [Letter::Exit(exit)], "there is one left");
    assert!(!probe.unlink_flush(&server));
}

#[tokio::test]
async fn unlinking_leaves_an_exit_that_was_sent_by_hand() {
    let mut probe = Probe::<()>::new();
    probe.trap_exits(true);
    let server = puppet().await;
    probe.link(&server).unwrap();
    server.cast(Tell::Exit(probe.process_ref(), Reason::term("by hand"))).unwrap();
    server.stop().await.unwrap();
    assert!(probe.unlink_flush(&server));
    assert!(!probe.unlink_flush(&server));
    assert_eq!(probe.flush(), [Letter::Exit(Exit { from: server.pid(), reason: Reason::term("by hand") })]);
}

#[tokio::test]
async fn linking_with_the_dead_is_an_error_or_an_exit() {
    let mut probe = Probe::<()>::new();
    let server = puppet().await;
    server.stop().await.unwrap();
    assert!(matches!(probe.link(&server), Err(LinkError { target }) if target.pid == server.pid()));
    assert_eq!(probe.flush(), []);
    probe.trap_exits(true);
    probe.link(&server).unwrap();
    assert_eq!(probe.flush(), [Letter::Exit(Exit { from: server.pid(), reason: Reason::NoProc })]);
}

#[tokio::test]
async fn pl_027_a_peers_normal_end_reaches_only_a_process_that_traps() {
    let mut heard = Probe::<Heard>::new();
    let [plain, trapping] = [puppet_telling(&heard).await, puppet_telling(&heard).await];
    trapping.cast(Tell::Trap).unwrap();
    let peer = puppet().await;
    for server in [&plain, &trapping] {
        server.cast(Tell::Link(peer.process_ref())).unwrap();
        probe_born(server).await;
    }
    heard.flush();
    peer.stop().await.unwrap();
    for server in [&plain, &trapping] {
        probe_born(server).await;
    }
    let exit = Exit { from: peer.pid(), reason: Reason::Normal };
    assert_eq!(heard.flush(), [Letter::Message(Heard::Exit(exit))]);
}

#[tokio::test]
async fn pl_028_a_normal_exit_signal_ends_nobody_else() {
    let mut heard = Probe::<Heard>::new();
    let server = puppet_telling(&heard).await;
    heard.flush();
    let probe = Probe::<()>::new();
    probe.exit(&server, Reason::Normal);
    server.exit(Reason::Normal);
    probe_born(&server).await;
    assert_eq!(heard.flush(), []);

    server.cast(Tell::Trap).unwrap();
    probe_born(&server).await;
    probe.exit(&server, Reason::Normal);
    probe_born(&server).await;
    assert_eq!(heard.flush(), [Letter::Message(Heard::Exit(Exit { from: probe.pid(), reason: Reason::Normal }))]);
}

#[tokio::test(start_paused = true)]
async fn pl_029_a_normal_exit_signal_to_oneself_ends_the_process() {
    let mut probe = Probe::<()>::new();
    let server = puppet().await;
    let reference = probe.monitor(&server);
    server.cast(Tell::Exit(server.process_ref(), Reason::Normal)).unwrap();
    assert_eq!(probe.expect_down(reference).await.reason, Reason::Normal);

    let own = probe.process_ref();
    probe.exit(&own, Reason::Normal);
    assert!(!probe.is_alive());
}

#[tokio::test(start_paused = true)]
async fn pl_030_a_kill_cannot_be_trapped_but_its_news_can() {
    let mut heard = Probe::<Heard>::new();
    let victim = start::<Puppet>(Plan::new(Begin::Run).traps().told(heard.sender())).await.unwrap();
    heard.trap_exits(true);
    heard.link(&victim).unwrap();
    let untrapping = puppet().await;
    untrapping.cast(Tell::Link(victim.process_ref())).unwrap();
    probe_born(&untrapping).await;
    let reference = heard.monitor(&victim);
    heard.flush();

    heard.exit(&victim, Reason::Kill);
    assert_eq!(heard.expect_exit(&victim).await.reason, Reason::Killed);
    assert_eq!(heard.expect_down(reference).await.reason, Reason::Killed);
    assert_eq!(untrapping.ended().await, Reason::Killed);
    assert_eq!(heard.flush(), [Letter::Message(Heard::Dropped)], "terminate does not run");
}

/// What it does before its next await still counts.
#[tokio::test(start_paused = true)]
async fn a_function_that_was_killed_takes_along_the_process_that_it_links_itself_with() {
    let peer = spawn(|mut me: Probe<()>| async move { drop(me.recv().await) }).unwrap().process_ref();
    let mut watcher = Probe::<()>::new();
    let down = watcher.monitor(&peer);
    spawn(move |mut me: Probe<()>| async move {
        me.process_ref().kill();
        me.link(&peer).unwrap();
        std::future::pending::<()>().await;
    })
    .unwrap();
    assert_eq!(watcher.expect_down(down).await.reason, Reason::Killed);
}

#[tokio::test]
async fn pl_031_trapping_is_decided_on_arrival() {
    let mut heard = Probe::<Heard>::new();
    // The order to trap waits behind an exit signal: too late.
    let late = start::<Puppet>(Plan::new(Begin::Run)).await.unwrap();
    late.cast(Tell::Trap).unwrap();
    late.exit(Reason::term("early"));
    assert_eq!(late.ended().await, Reason::term("early"));

    // What arrived while exits were trapped is handled after they are not.
    let server = puppet_telling(&heard).await;
    server.cast(Tell::Trap).unwrap();
    probe_born(&server).await;
    heard.flush();
    server.cast(Tell::Untrap).unwrap();
    server.exit(Reason::term("trapped"));
    probe_born(&server).await;
    assert_eq!(
        heard.flush(),
        [Letter::Message(Heard::Exit(Exit { from: Pid::NOBODY, reason: Reason::term("trapped") }))]
    );
    server.exit(Reason::term("untrapped"));
    assert_eq!(server.ended().await, Reason::term("untrapped"));
}

#[tokio::test]
async fn an_untrapped_exit_ends_a_server_without_what_still_waits() {
    let mut heard = Probe::<Heard>::new();
    let server = puppet_telling(&heard).await;
    heard.flush();
    server.cast(Tell::Text(1)).unwrap();
    server.exit(Reason::term("now"));
    server.ended().await;
    assert_eq!(heard.flush(), [Letter::Message(Heard::Dropped)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pl_035_a_name_is_free_before_the_down() {
    let mut probe = Probe::<()>::new();
    probe.trap_exits(true);
    for round in 0..300 {
        let server = probe.start_link::<Puppet>(Plan::new(Begin::Run)).name("pl_035").await.unwrap();
        let reference = probe.monitor(&server);
        match round % 3 {
            0 => server.kill(),
            1 => server.cast(Tell::Stop(Reason::Normal)).unwrap(),
            _ => drop(poll_immediate(server.call(|caller| Ask::Stop(Reason::term("x"), caller))).await),
        }
        if round % 2 == 0 {
            probe.expect_exit(&server).await;
        } else {
            probe.expect_down(reference).await;
        }
        assert_eq!(whereis("pl_035"), None, "round {round}");
        probe.unlink_flush(&server);
        probe.demonitor(reference);
        server.ended().await;
        probe.flush();
    }
}

/// Keeps its callers for another process to answer.
struct Desk(Arc<Mutex<Vec<Caller<u32>>>>);

struct Question(Caller<u32>);

impl GenServer for Desk {
    type Args = Arc<Mutex<Vec<Caller<u32>>>>;
    type Call = Question;
    type Cast = Never;
    type Info = Never;

    async fn init(callers: Self::Args, _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Self(callers))
    }

    async fn handle_call(&mut self, Question(caller): Question, _cx: &mut Cx<Self>) -> Outcome<Self> {
        self.0.lock().unwrap().push(caller);
        Next::wait()
    }
}

#[tokio::test(start_paused = true)]
async fn pl_036_an_answer_to_a_closed_address_is_dropped() {
    let callers = Arc::default();
    let desk = start::<Desk>(Arc::clone(&callers)).await.unwrap();
    let late = desk.call(Question).timeout(ms(10)).await;
    assert!(matches!(late, Err(CallError::Timeout { .. })));
    assert!(poll_immediate(desk.call(Question)).await.is_none());
    let mut next = desk.call(Question);
    assert!(poll_immediate(&mut next).await.is_none());
    let waiting = std::mem::take(&mut *callers.lock().unwrap());
    for (number, caller) in (0..).zip(waiting) {
        caller.reply(number);
    }
    assert_eq!(next.await, Ok(2));
}
