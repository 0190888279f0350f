//! Tasks that become servers.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::sync::Arc;

use crate::puppet::{Ask, Begin, Heard, Info, Phonebook, Plan, Puppet, Tell, ms, sleep};
use futures::future::{join, poll_immediate};
use genserver::{
    AsServer, CallError, Letter, Name, NameRegistry, Named, Probe, Reason, RegisterError, StartError, adopt, start,
    whereis,
};

fn names(who: &str) -> [Name; 3] {
    let book = Arc::new(Phonebook::default()) as Arc<dyn NameRegistry>;
    [Name::from(who), Name::global(who), Name::via(book, who)]
}

async fn serves_under(name: Name) {
    let mut probe = Probe::<Heard>::new();
    let (server, run) = adopt(Puppet::new(Some(probe.sender()))).name(name.clone()).enter().unwrap();
    assert_eq!(whereis(name.clone()).map(|process| process.pid()), Some(server.pid()));
    let client = async {
        let named = Named::<Puppet>::new(name.clone());
        assert_eq!(named.call(Ask::Ping).await, Ok("pong"));
        named.cast(Tell::Text(1)).unwrap();
        server.call(|caller| Ask::Stop(Reason::term("stopped"), caller)).await.unwrap();
    };
    let (reason, ()) = join(run, client).await;
    assert_eq!(reason, Reason::term("stopped"));
    assert_eq!(whereis(name), None);
    let expected = [Heard::Text(1), Heard::Terminate(Reason::term("stopped")), Heard::Dropped];
    assert_eq!(probe.flush(), expected.map(Letter::Message));
}

#[tokio::test]
async fn gs_025_an_adopted_task_serves_under_its_name() {
    let [local, ..] = names("gs_025");
    serves_under(local).await;
}

#[tokio::test]
async fn gs_027_an_adopted_task_serves_under_a_name_of_another_registry() {
    let [_, elsewhere @ ..] = names("gs_027");
    for name in elsewhere {
        serves_under(name).await;
    }
}

#[tokio::test(start_paused = true)]
async fn gs_028_an_unnamed_task_is_adopted_with_and_without_an_idle_timeout() {
    let mut probe = Probe::<Heard>::new();
    let (server, run) = adopt(Puppet::new(Some(probe.sender()))).enter().unwrap();
    let client = async {
        sleep(ms(5000)).await;
        assert_eq!(server.call(Ask::Ping).await, Ok("pong"));
        server.stop().await
    };
    let (reason, stopped) = join(run, client).await;
    assert_eq!((reason, stopped), (Reason::Normal, Ok(())));
    assert!(!probe.flush().contains(&Letter::Message(Heard::Idle)));

    let (server, run) = adopt(Puppet::new(Some(probe.sender()))).idle(ms(100)).enter().unwrap();
    let client = async {
        assert_eq!(probe.expect_message().await, Heard::Idle);
        assert_eq!(server.call(Ask::Ping).await, Ok("pong"));
        server.stop().await
    };
    let (reason, stopped) = join(run, client).await;
    assert_eq!((reason, stopped), (Reason::Normal, Ok(())));
}

#[tokio::test]
async fn gs_033_adopting_refuses_a_name_that_another_process_holds() {
    for name in names("gs_033") {
        let holder = start::<Puppet>(Plan::new(Begin::Run)).name(name.clone()).await.unwrap();
        let mut probe = Probe::<Heard>::new();
        let refused = adopt(Puppet::new(Some(probe.sender()))).name(name.clone()).enter().unwrap_err();
        assert_eq!(refused, StartError::AlreadyStarted { name: name.clone(), pid: holder.pid() });
        assert_eq!(probe.flush(), [Letter::Message(Heard::Dropped)], "the state goes, without terminate");
        assert_eq!(holder.call(Ask::Ping).await, Ok("pong"));
        assert_eq!(probe.register(name), Err(RegisterError::Taken(holder.pid())));
        holder.stop().await.unwrap();
    }
}

#[tokio::test]
async fn an_adopted_server_handles_its_continue_before_what_was_sent() {
    let mut probe = Probe::<Heard>::new();
    let (server, run) = adopt(Puppet::new(Some(probe.sender()))).then(Info::Text(0)).enter().unwrap();
    server.cast(Tell::Text(1)).unwrap();
    server.cast(Tell::Stop(Reason::Normal)).unwrap();
    assert!(probe.flush().is_empty(), "nobody runs it yet");
    assert_eq!(run.await, Reason::Normal);
    assert_eq!(probe.flush()[..2], [Letter::Message(Heard::Text(0)), Letter::Message(Heard::Text(1))]);

    let (server, run) = adopt(Puppet::new(Some(probe.sender()))).hibernate().enter().unwrap();
    server.cast(Tell::Stop(Reason::Normal)).unwrap();
    assert_eq!(run.await, Reason::Normal);
}

#[tokio::test(start_paused = true)]
async fn dropping_the_task_of_an_adopted_server_kills_it() {
    let mut probe = Probe::<Heard>::new();
    for polls in 0..2 {
        let (server, mut run) = adopt(Puppet::new(Some(probe.sender()))).name("dropped").enter().unwrap();
        let reference = probe.monitor(&server);
        let mut call = server.call(Ask::Ping);
        assert!(poll_immediate(&mut call).await.is_none());
        if polls > 0 {
            // The call has been answered by then; a second one hangs.
            assert!(poll_immediate(&mut run).await.is_none());
            assert_eq!(call.await, Ok("pong"));
            call = server.call(Ask::Ping);
            server.cast(Tell::Hang).unwrap();
            assert!(poll_immediate(&mut run).await.is_none());
            assert!(poll_immediate(&mut call).await.is_none());
        }
        drop(run);
        assert!(matches!(call.await, Err(CallError::Exit { reason: Reason::Killed, .. })));
        assert_eq!(probe.expect_down(reference).await.reason, Reason::Killed);
        assert_eq!(whereis("dropped"), None);
    }
    assert!(!probe.flush().iter().any(|letter| matches!(letter, Letter::Message(Heard::Terminate(_)))));
}

#[tokio::test(start_paused = true)]
async fn an_adopted_server_hears_exits_and_kills_like_any_other() {
    let mut probe = Probe::<Heard>::new();
    probe.trap_exits(true);
    let (server, run) = adopt(Puppet::new(None)).inline(false).enter().unwrap();
    probe.link(&server).unwrap();
    let (reason, ()) = join(run, async { server.exit(Reason::term("enough")) }).await;
    assert_eq!(reason, Reason::term("enough"));
    assert_eq!(probe.expect_exit(&server).await.reason, reason);

    let (server, run) = adopt(Puppet::new(None)).enter().unwrap();
    server.kill();
    assert_eq!(run.await, Reason::Killed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_adopted_server_serves_clients_of_other_threads() {
    let (server, run) = adopt(Puppet::new(None)).enter().unwrap();
    let clients: Vec<_> = (0..8)
        .map(|_| {
            let server = server.clone();
            #[expect(clippy::disallowed_methods, reason = "a test's tasks are the runtime's own")]
            tokio::spawn(async move {
                for _ in 0..200 {
                    assert_eq!(server.call(Ask::Ping).await, Ok("pong"));
                }
            })
        })
        .collect();
    let stop = async {
        for client in clients {
            client.await.unwrap();
        }
        server.stop().await.unwrap();
    };
    assert_eq!(join(run, stop).await.0, Reason::Normal);
}
