//! The connection of a prompt, which is made again when it is lost.

use std::ops::ControlFlow;
use std::pin::pin;
use std::time::Duration;

use futures::StreamExt;
use futures::future::{Either, select};
use kv_server::prompt::advice;
use kv_server::{Answer, AnswerError, Command};

use crate::exit::{Exit, Failure, say};
use crate::print::{self, show};
use crate::{Connection, Runtime, Target, interrupted};

/// How long Tab may take: a server that does not answer must not block the keyboard.
const COMPLETION_LIMIT: Duration = Duration::from_millis(500);

/// The client behind the prompt and its completions.
pub(super) struct Link<'a> {
    runtime: &'a Runtime,
    target: &'a Target,
    /// None after a failure: the next line connects again.
    connection: Option<Connection>,
}

impl<'a> Link<'a> {
    pub(super) fn open(runtime: &'a Runtime, target: &'a Target) -> Result<Self, Failure> {
        let connection = Some(runtime.run(target.open())?);
        Ok(Self { runtime, target, connection })
    }

    /// Prints the answer to a line. Breaks if the answer ends the session. Errors of the server are printed, and the prompt
    /// goes on.
    pub(super) fn answer(&mut self, line: &str) -> Result<ControlFlow<()>, Failure> {
        let command = line.parse::<Command>().ok();
        if command == Some(Command::Subscribe) {
            self.runtime.run(watch(self.target))?;
            return Ok(ControlFlow::Continue(()));
        }
        match self.runtime.run(self.ask(line, command.as_ref())) {
            Ok(Some(answer)) => {
                show(&print::answer(&answer))?;
                if answer == Answer::UnknownCommand {
                    say(advice(line));
                }
                let is_over = command == Some(Command::Quit) && answer == Answer::Done;
                return Ok(if is_over { ControlFlow::Break(()) } else { ControlFlow::Continue(()) });
            }
            Ok(None) => say("no longer waiting for the answer; what was asked may be done all the same"),
            Err(failure) => failure.say(),
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Asks what a line says, and returns the answer unless Ctrl-C is pressed first. A line that is not a command is sent as it is: a
    /// newer server may know it.
    async fn ask(&mut self, line: &str, command: Option<&Command>) -> Result<Option<Answer>, Failure> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.target.open().await?,
        };
        let asked = async {
            match command {
                Some(command) => connection.send(command).await,
                None => connection.send_unknown(line.as_bytes()).await,
            }
        };
        // Ctrl-C first: once something may have been sent, it must not end the program.
        let answer = match select(pin!(interrupted()), pin!(asked)).await {
            // The connection is dropped too: a server that hangs on one line hangs on the next.
            Either::Left(_) => return Ok(None),
            Either::Right((answer, _)) => answer,
        };
        let answer = answer.map_err(failed)?;
        self.connection = Some(connection);
        Ok(Some(answer))
    }

    /// The items of a list, for completions. Empty if they do not come in time.
    pub(super) fn items(&mut self, command: &Command) -> Vec<String> {
        // Errors are not shown in a completion.
        let Some(connection) = &mut self.connection else { return Vec::new() };
        match self.runtime.run_within(COMPLETION_LIMIT, connection.send(command)) {
            Some(Ok(Answer::Items(items))) => {
                items.iter().filter_map(|item| Some(std::str::from_utf8(item).ok()?.to_owned())).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// Prints events until Ctrl-C, over a connection of their own: the prompt keeps the other one.
async fn watch(target: &Target) -> Result<(), Failure> {
    let subscribed = async {
        let connection = target.open().await?;
        connection.subscribe().await.map_err(|error| Failure::new(Exit::Server, error))
    };
    let mut interrupted = pin!(interrupted());
    let mut events = match select(interrupted.as_mut(), pin!(subscribed)).await {
        Either::Left(_) => return Ok(()),
        Either::Right((Ok(events), _)) => events,
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

fn failed(error: AnswerError) -> Failure {
    Failure::new(Exit::Server, error)
}
