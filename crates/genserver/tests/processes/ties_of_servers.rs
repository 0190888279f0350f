//! Monitors and links that a server removes while their messages wait in its own mailbox.

use std::mem::take;

use genserver::{
    Caller, Cx, Down, Exit, GenServer, Init, Never, Next, Outcome, Pid, ProcessRef, Reason, ServerRef, start,
};

/// Ends others in its own callbacks, so that their signals are queued when it changes its mind.
#[derive(Default)]
struct Fickle {
    heard: Vec<Info>,
}

#[derive(Debug, PartialEq)]
enum Info {
    Down(Down),
    Exit(Exit),
}

enum Call {
    /// Monitors it twice, ends it, and removes one monitor: returns whether it existed.
    Demonitor(ProcessRef, Caller<[bool; 2]>),
    /// Links with it, ends it, and removes the link with its exit.
    UnlinkFlush(ProcessRef, Caller<[bool; 2]>),
    /// Links twice with a process that has ended, discards an exit, and links with it once more.
    FlushDead(ProcessRef, Caller<bool>),
    /// Links with it, ends it, and removes the link.
    Unlink(ProcessRef, Caller<bool>),
    /// Links with both, and unlinks one before it ends.
    Leave(ProcessRef, ProcessRef, Caller<bool>),
    Heard(Caller<Vec<Info>>),
}

impl GenServer for Fickle {
    type Args = ();
    type Call = Call;
    type Cast = Never;
    type Info = Info;

    async fn init((): (), cx: &mut Cx<Self>) -> Init<Self> {
        cx.trap_exits(Info::Exit);
        Init::Run(Self::default())
    }

    async fn handle_call(&mut self, call: Call, cx: &mut Cx<Self>) -> Outcome<Self> {
        match call {
            Call::Demonitor(other, caller) => {
                let [given_up, _kept] = [cx.monitor(&other, Info::Down), cx.monitor(&other, Info::Down)];
                other.stop().await?;
                Next::reply(caller, [cx.demonitor(given_up), cx.demonitor(given_up)])
            }
            Call::UnlinkFlush(other, caller) => {
                cx.link(&other)?;
                other.stop().await?;
                Next::reply(caller, [cx.unlink_flush(&other), cx.unlink_flush(&other)])
            }
            Call::FlushDead(dead, caller) => {
                cx.link(&dead)?;
                cx.link(&dead)?;
                let first = cx.unlink_flush(&dead);
                cx.link(&dead)?;
                Next::reply(caller, first)
            }
            Call::Unlink(other, caller) => {
                cx.link(&other)?;
                other.stop().await?;
                Next::reply(caller, cx.unlink(&other))
            }
            Call::Leave(left, kept, caller) => {
                cx.link(&left)?;
                cx.link(&kept)?;
                let was_linked = cx.unlink(&left);
                left.stop().await?;
                kept.stop().reason(Reason::term("kept")).await?;
                Next::reply(caller, was_linked)
            }
            Call::Heard(caller) => Next::reply(caller, take(&mut self.heard)),
        }
    }

    async fn handle_info(&mut self, info: Info, _cx: &mut Cx<Self>) -> Outcome<Self> {
        self.heard.push(info);
        Next::wait()
    }
}

async fn fickle() -> Result<(ServerRef<Fickle>, ProcessRef, Pid), genserver::StartError> {
    let other = start::<Fickle>(()).await?;
    Ok((start::<Fickle>(()).await?, other.process_ref(), other.pid()))
}

type Tested = Result<(), Box<dyn std::error::Error>>;

#[tokio::test]
async fn a_server_takes_one_monitor_back_and_hears_from_the_other() -> Tested {
    let (server, other, pid) = fickle().await?;
    assert_eq!(server.call(|caller| Call::Demonitor(other, caller)).await?, [true, false]);
    let heard = server.call(Call::Heard).await?;
    assert!(matches!(&heard[..], [Info::Down(down)] if down.pid == pid && down.reason == Reason::Normal), "{heard:?}");
    Ok(())
}

#[tokio::test]
async fn a_server_throws_a_queued_exit_away() -> Tested {
    let (server, other, _) = fickle().await?;
    assert_eq!(server.call(|caller| Call::UnlinkFlush(other, caller)).await?, [true, false]);
    assert_eq!(server.call(Call::Heard).await?, []);
    Ok(())
}

#[tokio::test]
async fn a_server_throws_away_the_exit_of_a_link_with_the_dead() -> Tested {
    let (server, other, pid) = fickle().await?;
    other.stop().await?;
    assert!(server.call(|caller| Call::FlushDead(other, caller)).await?);
    let exit = || Info::Exit(Exit { from: pid, reason: Reason::NoProc });
    assert_eq!(server.call(Call::Heard).await?, [exit(), exit()], "one of three was thrown away");
    Ok(())
}

#[tokio::test]
async fn a_server_that_only_unlinks_still_hears_what_was_queued() -> Tested {
    let (server, other, pid) = fickle().await?;
    assert!(!server.call(|caller| Call::Unlink(other, caller)).await?, "the end had taken the link away");
    assert_eq!(server.call(Call::Heard).await?, [Info::Exit(Exit { from: pid, reason: Reason::Normal })]);
    Ok(())
}

#[tokio::test]
async fn a_server_hears_nothing_of_a_process_it_unlinked() -> Tested {
    let (server, left, _) = fickle().await?;
    let kept = start::<Fickle>(()).await?;
    let both = kept.process_ref();
    assert!(server.call(|caller| Call::Leave(left, both, caller)).await?);
    let exit = Exit { from: kept.pid(), reason: Reason::term("kept") };
    assert_eq!(server.call(Call::Heard).await?, [Info::Exit(exit)]);
    Ok(())
}
