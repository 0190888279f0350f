//! Calls, casts, messages, requests and timers.

use std::sync::Arc;

use genserver::{AsServer, CallError, Deadline, FindError, Named, NoResponse, Request, ServerRef};

use super::{Actor, AnyTimer, Done, Me, Return, within};
use crate::ours::plain::Mail;
use crate::ours::puppet::{Ask, Info, Puppet, Tell};
use crate::ours::world::{What, name, ticks};
use crate::script::{Arg, Program};
use crate::words;

/// A name that nobody has.
const NOBODY: &str = "nobody";

impl Actor {
    /// Does it if it is one of these.
    pub(super) async fn talk(&mut self, verb: &str, args: &[Arg], me: &mut Me<'_>) -> Option<Done> {
        match (verb, args) {
            ("call", [Arg::Word(word), Arg::Block(program), rest @ ..]) => {
                let answer = self.call(word, program, within(rest)).await;
                self.log_answer("call", word, answer.as_ref());
            }
            ("call!", [Arg::Word(word), Arg::Block(program), rest @ ..]) => {
                let answer = self.call(word, program, within(rest)).await;
                match answer {
                    Ok(_) => self.log_answer("call", word, answer.as_ref()),
                    Err(error) => return Some(Done::Return(Return::Fail(error.into()))),
                }
            }
            ("cast", [Arg::Word(word), Arg::Block(program)]) => {
                if let Ok(server) = self.server(word) {
                    // A cast to the dead is lost, as in OTP.
                    drop(server.cast(self.telling(program)));
                }
            }
            ("send", [Arg::Word(word), Arg::Block(program)]) => self.send(word, program),
            ("request", [Arg::Word(key), Arg::Word(word), Arg::Block(program)]) => {
                let request = self.request(word, program);
                self.requests.insert(key.clone(), request);
            }
            ("gather", [Arg::Word(key), Arg::Word(word), Arg::Block(program)]) => {
                let request = self.request(word, program);
                self.gathered.add(key.clone(), request);
            }
            ("collect" | "pick", rest) => self.fetch_any(verb, within(rest)).await,
            ("receive" | "await" | "check", [Arg::Word(key), rest @ ..]) => {
                if let Some(request) = self.requests.remove(key) {
                    self.fetch(verb, key, request, within(rest)).await;
                }
            }
            ("timer", [Arg::Word(key), Arg::Number(count), Arg::Word(word), Arg::Block(program)]) => {
                let Ok(server) = self.server(word) else { return Some(Done::Next) };
                let info = Info::Message(self.telling(program));
                let timer = match me {
                    Me::Server(cx) if server.pid() == cx.pid() => AnyTimer::Own(cx.send_after(ticks(*count), info)),
                    _ => AnyTimer::Other(server.send_after(ticks(*count), info)),
                };
                self.timers.insert(key.clone(), timer);
            }
            ("cancel", [Arg::Word(key)]) => {
                let left = match (self.timers.remove(key), me) {
                    (Some(AnyTimer::Own(timer)), Me::Server(cx)) => cx.cancel_timer(timer),
                    (Some(AnyTimer::Other(timer)), _) => timer.cancel(),
                    _ => None,
                };
                self.log(format!("cancel {key} -> {}", left.is_some()));
            }
            ("read", [Arg::Word(key)]) => {
                let left = match (self.timers.get(key), me) {
                    (Some(AnyTimer::Own(timer)), Me::Server(cx)) => cx.read_timer(*timer),
                    (Some(AnyTimer::Other(timer)), _) => timer.read(),
                    _ => None,
                };
                self.log(format!("read {key} -> {}", left.is_some()));
            }
            _ => return None,
        }
        Some(Done::Next)
    }

    async fn call(&self, word: &str, program: &Program, within: Option<u32>) -> Result<String, CallError> {
        let server = match name(word) {
            Some(name) => Named::<Puppet>::on(&self.world.node, name).resolve()?,
            None => self.server(word)?,
        };
        let call = server.call(self.asking(program));
        match within {
            Some(count) => call.timeout(ticks(count)).await,
            None => call.no_timeout().await,
        }
    }

    fn send(&self, word: &str, program: &Program) {
        match self.world.find(word) {
            Some((_, What::Server(server))) => drop(server.send(Info::Message(self.telling(program)))),
            Some((_, What::Plain(process))) => drop(process.send(Mail::Message(self.telling(program)))),
            _ => {}
        }
    }

    fn request(&self, word: &str, program: &Program) -> Request<String> {
        let ask = self.asking(program);
        match name(word) {
            Some(name) => Named::<Puppet>::on(&self.world.node, name).send_request(ask),
            None => match self.server(word) {
                Ok(server) => server.send_request(ask),
                Err(_) => Named::<Puppet>::new(NOBODY).send_request(ask),
            },
        }
    }

    /// Fetches the first answer to those that were gathered.
    async fn fetch_any(&mut self, verb: &str, within: Option<u32>) {
        let deadline = within.map_or(Deadline::NEVER, |count| ticks(count).into());
        let answer =
            if verb == "collect" { self.gathered.receive(deadline).await } else { self.gathered.wait(deadline).await };
        match answer {
            Ok((key, answer)) => self.log_answer(verb, &key, answer.as_ref()),
            Err(NoResponse::TimedOut) => self.log(format!("{verb} -> nothing yet")),
            Err(_) => self.log(format!("{verb} -> no request")),
        }
    }

    /// Fetches the answer of a request, as far as there is one.
    async fn fetch(&mut self, verb: &str, key: &str, mut request: Request<String>, within: Option<u32>) {
        let answer = match (verb, within) {
            ("receive", Some(count)) => Some(request.receive(ticks(count)).await),
            ("receive", None) => Some(request.await),
            ("await", within) => {
                let answer = request.wait(ticks(within.unwrap_or_default())).await;
                if answer.is_err() {
                    self.requests.insert(key.to_owned(), request);
                }
                answer.ok()
            }
            _ => {
                let answer = request.check();
                if answer.is_none() {
                    self.requests.insert(key.to_owned(), request);
                }
                answer
            }
        };
        match answer {
            Some(answer) => self.log_answer(verb, key, answer.as_ref()),
            None => self.log(format!("{verb} {key} -> nothing yet")),
        }
    }

    fn log_answer(&self, verb: &str, word: &str, answer: Result<&String, &CallError>) {
        match answer {
            Ok(value) => self.log(format!("{verb} {word} -> {value}")),
            Err(error) => self.log(format!("{verb} {word} failed: {}", words::of_call(error))),
        }
    }

    fn asking(&self, program: &Program) -> impl FnOnce(genserver::Caller<String>) -> Ask + use<> {
        let (from, program) = (self.called.clone(), Arc::clone(program));
        move |caller| Ask { from, program, caller }
    }

    fn telling(&self, program: &Program) -> Tell {
        Tell { from: self.called.clone(), program: Arc::clone(program) }
    }

    fn server(&self, word: &str) -> Result<ServerRef<Puppet>, FindError> {
        if let Some(name) = name(word) {
            return Named::<Puppet>::on(&self.world.node, name).resolve();
        }
        match self.world.find(word) {
            Some((_, What::Server(server))) => Ok(server),
            _ => Named::<Puppet>::new(NOBODY).resolve(),
        }
    }
}
