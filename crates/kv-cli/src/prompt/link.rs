//! The connection of a prompt, which is made anew when it is lost, or when an answer is given up.

use std::ops::ControlFlow;
use std::pin::pin;
use std::time::Duration;

use futures::StreamExt;
use futures::future::{Either, select};
use kv_server::prompt::{Completion, given_up};
use kv_server::{Answer, Command, SubscribeError};

use super::caret::advice;
use crate::exit::{Exit, Failure, say};
use crate::login;
use crate::print::{self, show};
use crate::watch::{self, Watched};
use crate::{Connection, Interrupts, Runtime, Target};

/// How long Tab may take: a server that does not answer must not block the keyboard.
const COMPLETION_LIMIT: Duration = Duration::from_secs(1);

/// The client behind the prompt and its completions.
pub(super) struct Link<'a> {
    runtime: &'a Runtime,
    target: &'a Target,
    /// None after a failure or an answer that was given up: the next line connects again.
    connection: Option<Connection>,
    interrupts: Interrupts,
}

/// Whether a line was answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Answered {
    /// It was, if only by an error.
    Yes,
    /// The person waits for the answer no longer.
    GivenUp,
}

impl<'a> Link<'a> {
    pub(super) fn open(runtime: &'a Runtime, target: &'a Target) -> Result<Self, Failure> {
        let connection = Some(runtime.run(target.open())?);
        let interrupts = runtime.run(async { Interrupts::new() })?;
        Ok(Self { runtime, target, connection, interrupts })
    }

    /// A Ctrl-C that came too late for an answer is not for the next one.
    pub(super) fn forget_interrupts(&mut self) {
        self.runtime.run(self.interrupts.forget());
    }

    /// Prints the answer to a line. Breaks if the answer ends the session. Errors of the server are printed, and the prompt
    /// goes on.
    pub(super) fn answer(&mut self, line: &str) -> Result<ControlFlow<(), Answered>, Failure> {
        let command = line.parse::<Command>().ok();
        if let Some(watched) = command.as_ref().and_then(Watched::by) {
            self.runtime.run(show_events(self.target, watched, &mut self.interrupts))?;
            return Ok(ControlFlow::Continue(Answered::Yes));
        }
        let runtime = self.runtime;
        match runtime.run(self.ask(line, command.as_ref())) {
            Ok(Some(answer)) => {
                show(&print::answer(&answer))?;
                if let Some(advice) = advice(line, &answer) {
                    say(advice);
                }
                if answer.is_not_logged_in() {
                    // A new connection has its full time for an AUTH.
                    self.connection = None;
                    say(login::MISSING);
                }
                let is_over = command == Some(Command::Quit) && answer == Answer::Done;
                return Ok(if is_over { ControlFlow::Break(()) } else { ControlFlow::Continue(Answered::Yes) });
            }
            Ok(None) => return Ok(ControlFlow::Continue(Answered::GivenUp)),
            Err(failure) => failure.say(),
        }
        Ok(ControlFlow::Continue(Answered::Yes))
    }

    /// Asks what a line says, and returns the answer unless Ctrl-C is pressed first. A line that is not a command is sent as it is: a
    /// newer server may know it.
    async fn ask(&mut self, line: &str, command: Option<&Command>) -> Result<Option<Answer>, Failure> {
        let mut interrupted = pin!(self.interrupts.next());
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => match select(interrupted.as_mut(), pin!(self.target.open())).await {
                Either::Left(_) => {
                    say("no longer connecting; nothing was sent");
                    return Ok(None);
                }
                Either::Right((opened, _)) => opened?,
            },
        };
        let asked = async {
            match command {
                Some(command) => connection.send(command).await,
                None => connection.send_unknown(line.as_bytes()).await,
            }
        };
        let answer = match select(interrupted, pin!(asked)).await {
            // The connection is dropped too: a server that hangs on one line hangs on the next, and whatever it answers yet is not
            // for that one.
            Either::Left(_) => {
                say(given_up(command));
                return Ok(None);
            }
            Either::Right((answer, _)) => answer.map_err(|error| Failure::new(Exit::Server, error))?,
        };
        self.connection = Some(connection);
        Ok(Some(answer))
    }

    /// What a word could become, over a connection of its own: the answer is not read to its end. Nothing if it takes too long.
    pub(super) fn offers(&self, completion: &Completion<'_>) -> Vec<String> {
        // Errors are not shown in a completion.
        let asked = async { completion.offers_of(self.target.open().await.ok()?).await.ok() };
        self.runtime.run_within(COMPLETION_LIMIT, asked).flatten().unwrap_or_default()
    }
}

/// Prints events until Ctrl-C, over a connection of their own: the prompt keeps the other one.
async fn show_events(target: &Target, watched: Watched, interrupts: &mut Interrupts) -> Result<(), Failure> {
    let subscribed = async { Ok::<_, Failure>(watched.subscribe(target.open().await?).await) };
    let mut interrupted = pin!(interrupts.next());
    let mut events = match select(interrupted.as_mut(), pin!(subscribed)).await {
        Either::Left(_) => return Ok(()),
        Either::Right((Ok(Ok(events)), _)) => events,
        // The protocol's own words.
        Either::Right((Ok(Err(SubscribeError::NotFound)), _)) => return Ok(show(b"NOT FOUND\n")?),
        Either::Right((Ok(Err(error)), _)) => {
            watch::failed(error).say();
            return Ok(());
        }
        Either::Right((Err(failure), _)) => {
            failure.say();
            return Ok(());
        }
    };
    show(b"OK\n")?;
    loop {
        let over = match select(interrupted.as_mut(), events.next()).await {
            Either::Left(_) => return Ok(()),
            Either::Right((Some(Ok(event)), _)) => {
                show(&print::event(&event))?;
                continue;
            }
            Either::Right((Some(Err(error)), _)) => error.to_string(),
            Either::Right((None, _)) => "the server has closed the connection; there are no more events".to_owned(),
        };
        say(over);
        return Ok(());
    }
}
