//! A caller that waits for a process that was killed.
//!
//! A desk hands each question to a clerk of its own, and answers when the clerk does. A clerk that is killed does not answer. The desk hears
//! of that end, and does nothing: nobody tells the caller, who waits for ever. Users see a request that never returns. Tests pass, because
//! they end their clerks when these have answered.
//!
//! - **Class**: engine.
//! - **Source**: planted in our own engine: the reply is dropped on a kill.
//! - **Mended**: the desk answers the questions of a dead clerk with the reason of its end.
//! - **Faults**: the clerk is killed.

use genserver::sim::{Faults, Sim};
use genserver::{Caller, Cx, Down, Init, Next, Outcome, Reason, ServerRef};

use crate::{Version, pause};

struct Clerk;

#[genserver::server]
impl Clerk {
    fn init() -> Init<Self> {
        Init::Run(Self)
    }

    #[cast]
    async fn answer(&mut self, question: u32, desk: ServerRef<Desk>) {
        pause(2).await;
        desk.cast(DeskCast::Answer(question * 2)).unwrap();
    }
}

struct Desk {
    version: Version,
    asking: Option<Caller<Result<u32, Reason>>>,
}

#[genserver::server(client = DeskClient)]
impl Desk {
    fn init(version: Version) -> Init<Self> {
        Init::Run(Self { version, asking: None })
    }

    #[call]
    async fn ask(
        &mut self,
        question: u32,
        this: ServerRef<Desk>,
        caller: Caller<Result<u32, Reason>>,
        cx: &mut Cx<Self>,
    ) {
        match genserver::start::<Clerk>(()).await {
            Ok(clerk) => {
                self.asking = Some(caller);
                cx.monitor(&clerk, |down| down);
                // It may be dead already, and then the monitor says so.
                let _ = clerk.cast(ClerkCast::Answer(question, this));
            }
            Err(error) => caller.reply(Err(error.into())),
        }
    }

    #[cast]
    fn answer(&mut self, answer: u32) {
        if let Some(caller) = self.asking.take() {
            caller.reply(Ok(answer));
        }
    }

    fn handle_info(&mut self, down: Down) -> Outcome<Self> {
        if !self.version.is_broken()
            && let Some(caller) = self.asking.take()
        {
            caller.reply(Err(down.reason));
        }
        Next::wait()
    }
}

/// A question whose clerk may be killed; it must have an answer.
pub async fn scenario(sim: &Sim<'_>, version: Version) {
    let desk = sim.start_supervised(genserver::start_link::<Desk>(version)).await;
    sim.faults(Faults::new().kill::<Clerk>().at_most(1));
    let answer = DeskClient::new(desk.clone()).ask(21, desk).no_timeout().await.unwrap();
    assert!(answer == Ok(42) || answer.is_err());
}
