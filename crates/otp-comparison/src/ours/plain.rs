//! A process that is not a server: it does as it is told, and writes down what it sees.

use std::sync::Arc;

use futures::future::BoxFuture;
use genevent::HandlerGone;
use genserver::{Letter, Probe, Reason};

use super::act::{Actor, Me, Return};
use super::events;
use super::puppet::Tell;
use super::world::{What, World};
use crate::script::Program;
use crate::trace::Kind;
use crate::words;

/// What is sent to it.
#[derive(Debug)]
pub(super) enum Mail {
    /// What the script says.
    Order(Program),
    Message(Tell),
    Gone(HandlerGone),
}

/// The function of a new process, which says who it is before its start returns.
pub(super) fn life(
    world: &Arc<World>,
    label: &str,
    init: Program,
) -> impl FnOnce(Probe<Mail>) -> BoxFuture<'static, Result<(), Reason>> + use<> {
    let (world, label) = (Arc::clone(world), label.to_owned());
    move |mut me| {
        let (called, number) = world.born(&label, me.process_ref(), What::Plain(me.sender()));
        Box::pin(async move {
            world.log(&called, Kind::Fence, "init");
            let mut actor = Actor::new(Arc::clone(&world), called, number, None);
            end(actor.run(init, &mut Me::Plain(&mut me), &mut None).await)?;
            go_on(&world, actor, me).await
        })
    }
}

async fn go_on(world: &World, mut actor: Actor, mut me: Probe<Mail>) -> Result<(), Reason> {
    loop {
        let letter = me.recv().await?;
        world.way.begin().await;
        let (kind, text, program) = match letter {
            Letter::Message(Mail::Order(program)) => (Kind::From("driver".to_owned()), "order".to_owned(), program),
            Letter::Message(Mail::Message(tell)) => {
                (Kind::From(tell.from.clone()), format!("info from {}", tell.from), tell.program)
            }
            Letter::Message(Mail::Gone(gone)) => {
                let (from, text) = events::gone(world, &gone);
                (Kind::From(from), text, actor.on("gone"))
            }
            Letter::Down(down) => {
                let from = world.called(down.pid);
                let text = format!("down {from} {}", words::of_reason(&down.reason));
                (Kind::From(from), text, actor.on("down"))
            }
            Letter::Exit(exit) => {
                let from = world.called(exit.from);
                let text = format!("exit {from} {}", words::of_reason(&exit.reason));
                (Kind::From(from), text, actor.on("exit"))
            }
        };
        world.log(&actor.called, kind, text);
        end(actor.run(program, &mut Me::Plain(&mut me), &mut None).await)?;
    }
}

/// A process goes on after everything but its end.
fn end(returned: Return) -> Result<(), Reason> {
    match returned {
        Return::Stop(reason) | Return::Fail(reason) => Err(reason),
        _ => Ok(()),
    }
}
