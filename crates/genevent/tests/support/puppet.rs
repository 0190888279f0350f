//! Handlers that do what an event says, and tell a probe what happens to them.
//!
//! One puppet can be added as a handler that returns and as one that awaits: see [`Flavour`]. A puppet that awaits lets others
//! run before it does anything, so that whatever it does, a panic for instance, happens after an await.

use std::time::Duration;

use genevent::{
    AddHandler, AsyncHandler, GoneReason, Handler, HandlerCaller, HandlerCx, HandlerGone, HandlerId, HandlerRef,
    Manager, OldHandlerError, React, Reaction, SwapHandler, TerminateReason,
};
use genserver::sys::Shown;
use genserver::{Down, Exit, Letter, Node, Probe, ProbeRef, Reason, Recipient, Start};

/// The managers of these tests.
pub(crate) type Events = Manager<Told, Note>;

/// An event.
#[derive(Clone, Debug)]
pub(crate) enum Told {
    Number(u32),
    /// One of the puppets, by its name, is to do something; the others are not.
    Do(&'static str, Act),
}

/// A plain message.
#[derive(Clone, Debug)]
pub(crate) enum Note {
    Told(Told),
    Exit(Exit),
    Down(Down),
}

/// What a puppet is to do, and to answer.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    Leave,
    Hibernate,
    Fail(Reason),
    Panic,
    /// Returns early, with an answer of its own.
    Leap,
    /// To be swapped.
    Swap(Heir),
    /// Asks its own manager something, and fails with the answer.
    AskYourself,
    /// Notifies its own manager.
    TellYourself(u32),
    /// Lets the clock go on; only one that awaits can.
    Wait(Duration),
}

/// What a puppet is asked.
pub(crate) enum Ask {
    /// Its name.
    Name(HandlerCaller<&'static str>),
    /// What it has seen.
    Seen(HandlerCaller<Vec<u32>>),
    /// To do that, and to answer with its name if that is possible.
    Do(Act, HandlerCaller<&'static str>),
    /// Keeps the client, until it sees the next event.
    Later(HandlerCaller<&'static str>),
    /// Drops the client.
    Forget(HandlerCaller<&'static str>),
}

/// Who is to have a puppet's place.
#[derive(Clone, Debug)]
pub(crate) enum Heir {
    Same(Box<Puppet>),
    As(Box<Puppet>, u64),
    Double(Box<Double>),
    Awaiting(Box<Puppet>),
    AwaitingAs(Box<Puppet>, u64),
}

/// How an init goes.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Begin {
    #[default]
    Run,
    Hibernate,
    Fail(Reason),
    Panic,
    /// Waits this long, in a handler that awaits.
    Wait(Duration),
}

/// How a terminate, or a drop, goes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum End {
    #[default]
    Quiet,
    Panic,
    /// It is the drop that panics.
    PanicInDrop,
    /// Waits this long, in a handler that awaits.
    Wait(Duration),
}

/// A handler. `KIND` makes several types of it, which is what OTP's modules are.
#[derive(Debug)]
pub(crate) struct Puppet<const KIND: u8 = 0> {
    pub(crate) name: &'static str,
    pub(crate) begin: Begin,
    pub(crate) end: End,
    pub(crate) seen: Vec<u32>,
    /// It panics when it has seen so many.
    pub(crate) breaks_at: Option<usize>,
    listener: ProbeRef<Heard>,
    waiting: Vec<HandlerCaller<&'static str>>,
}

pub(crate) type Double = Puppet<1>;

/// What a probe hears: a line of a puppet, or that a handler has gone.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Heard {
    Line(String),
    Gone(HandlerGone),
}

/// A copy has no clients.
impl<const KIND: u8> Clone for Puppet<KIND> {
    fn clone(&self) -> Self {
        Self {
            name: self.name,
            begin: self.begin.clone(),
            end: self.end,
            seen: self.seen.clone(),
            breaks_at: self.breaks_at,
            listener: self.listener.clone(),
            waiting: Vec::new(),
        }
    }
}

impl<const KIND: u8> Drop for Puppet<KIND> {
    fn drop(&mut self) {
        if self.end == End::PanicInDrop && !std::thread::panicking() {
            self.end = End::Quiet;
            panic!("{} does not want to be dropped", self.name);
        }
    }
}

impl Puppet {
    pub(crate) fn new(name: &'static str, listener: &Probe<Heard>) -> Self {
        Self::named(name, listener)
    }
}

impl Double {
    pub(crate) fn of(name: &'static str, listener: &Probe<Heard>) -> Self {
        Self::named(name, listener)
    }
}

impl<const KIND: u8> Puppet<KIND> {
    fn named(name: &'static str, listener: &Probe<Heard>) -> Self {
        let (begin, end) = (Begin::Run, End::Quiet);
        let (listener, seen, waiting) = (listener.sender(), Vec::new(), Vec::new());
        Self { name, begin, end, seen, breaks_at: None, listener, waiting }
    }

    pub(crate) fn begin(mut self, begin: Begin) -> Self {
        self.begin = begin;
        self
    }

    pub(crate) fn end(mut self, end: End) -> Self {
        self.end = end;
        self
    }

    /// The same with what it has seen.
    pub(crate) fn having_seen(mut self, seen: impl Into<Vec<u32>>) -> Self {
        self.seen = seen.into();
        self
    }

    fn say(&self, line: impl AsRef<str>) {
        let line = Heard::Line(format!("{} {}", self.name, line.as_ref()));
        self.listener.send(line).expect("the probe of a test has space, and outlives its handlers");
    }

    fn begins(&self, cx: &mut HandlerCx<Told, Note>) -> Result<(), Reason> {
        self.say("begins");
        match &self.begin {
            Begin::Run | Begin::Wait(_) => {}
            Begin::Hibernate => cx.hibernate(),
            Begin::Fail(reason) => return Err(reason.clone()),
            Begin::Panic => panic!("{} cannot begin", self.name),
        }
        Ok(())
    }

    fn is_told(&mut self, told: &Told, cx: &mut HandlerCx<Told, Note>) -> Reaction<Told, Note> {
        for client in std::mem::take(&mut self.waiting) {
            client.reply(self.name);
        }
        match told {
            Told::Number(number) => {
                self.say(format!("sees {number}"));
                self.seen.push(*number);
                assert!(self.breaks_at != Some(self.seen.len()), "{} has seen enough", self.name);
                React::stay()
            }
            Told::Do(name, act) if *name == self.name => self.acts(act, cx),
            Told::Do(..) => {
                self.say("sees an act");
                React::stay()
            }
        }
    }

    fn is_noted(&mut self, note: &Note, cx: &mut HandlerCx<Told, Note>) -> Reaction<Told, Note> {
        match note {
            Note::Told(told) => self.is_told(told, cx),
            Note::Exit(exit) => {
                self.say(format!("sees an exit: {}", exit.reason));
                React::stay()
            }
            Note::Down(down) => {
                self.say(format!("sees a down: {}", down.reason));
                React::stay()
            }
        }
    }

    fn acts(&mut self, act: &Act, cx: &mut HandlerCx<Told, Note>) -> Reaction<Told, Note> {
        match act {
            Act::Leave => React::leave(),
            Act::Hibernate => React::hibernate(),
            Act::Fail(reason) => Err(reason.clone()),
            Act::Panic => panic!("{} has had enough", self.name),
            Act::Leap => {
                if self.seen.is_empty() {
                    return React::leave();
                }
                self.say("has not leapt");
                React::stay()
            }
            Act::Swap(Heir::Same(heir)) => React::swap(Puppet::clone(heir)),
            Act::Swap(Heir::As(heir, id)) => React::swap_as(Puppet::clone(heir), *id),
            Act::Swap(Heir::Double(heir)) => React::swap(Puppet::clone(heir)),
            Act::Swap(Heir::Awaiting(heir)) => React::swap_async(Puppet::clone(heir)),
            Act::Swap(Heir::AwaitingAs(heir, id)) => React::swap_async_as(Puppet::clone(heir), *id),
            Act::AskYourself => {
                let manager = cx.manager().ok_or(Reason::NoProc)?;
                let mut asked = Box::pin(manager.which_handlers());
                // It is refused at once, so there is nothing to wait for.
                match futures::FutureExt::now_or_never(&mut asked) {
                    Some(Err(error)) => Err(error.into()),
                    answer => panic!("a manager answered itself: {answer:?}"),
                }
            }
            Act::TellYourself(number) => {
                cx.manager().ok_or(Reason::NoProc)?.notify(Told::Number(*number))?;
                self.say("tells itself");
                React::stay()
            }
            Act::Wait(_) => React::stay(),
        }
    }

    fn is_asked(&mut self, ask: Ask, cx: &mut HandlerCx<Told, Note>) -> Reaction<Told, Note> {
        match ask {
            Ask::Name(client) => React::reply(client, self.name),
            Ask::Seen(client) => React::reply(client, self.seen.clone()),
            Ask::Do(Act::Leave, client) => React::reply_leave(client, self.name),
            Ask::Do(Act::Swap(Heir::Same(heir)), client) => React::reply_swap(client, self.name, *heir),
            Ask::Do(Act::Swap(Heir::Double(heir)), client) => React::reply_swap(client, self.name, *heir),
            Ask::Do(act, client) => {
                let after = self.acts(&act, cx)?;
                client.reply(self.name);
                Ok(after)
            }
            Ask::Later(client) => {
                self.waiting.push(client);
                React::stay()
            }
            Ask::Forget(client) => {
                drop(client);
                React::stay()
            }
        }
    }

    fn leaves(&mut self, why: TerminateReason) {
        let saying =
            |mut arg: genevent::TerminateArg| arg.take::<&str>().map_or(String::new(), |said| format!(" {said}"));
        self.say(match why {
            TerminateReason::Removed(arg) => format!("goes: removed{}", saying(arg)),
            TerminateReason::Swapped(arg) => format!("goes: swapped{}", saying(arg)),
            TerminateReason::Left => "goes: left".to_owned(),
            TerminateReason::Failed(reason) => format!("goes: failed, {reason}"),
            TerminateReason::OwnerEnded(reason) => format!("goes: its owner ended, {reason}"),
            TerminateReason::Stop => "goes: stop".to_owned(),
            other => panic!("nobody knows this: {other:?}"),
        });
        assert!(self.end != End::Panic, "{} cannot end", self.name);
    }

    fn shows(&self, shown: &mut Shown) {
        shown.state = format!("{} has seen {:?}", self.name, self.seen);
    }
}

fn shown_event(event: &Told) -> String {
    match event {
        Told::Number(number) => number.to_string(),
        Told::Do(name, _) => format!("something for {name}"),
    }
}

impl<const KIND: u8> Handler<Told, Note> for Puppet<KIND> {
    type Call = Ask;

    fn init(&mut self, cx: &mut HandlerCx<Told, Note>) -> Result<(), Reason> {
        self.begins(cx)
    }

    fn handle_event(&mut self, event: &Told, cx: &mut HandlerCx<Told, Note>) -> Reaction<Told, Note> {
        self.is_told(event, cx)
    }

    fn handle_call(&mut self, ask: Ask, cx: &mut HandlerCx<Told, Note>) -> Reaction<Told, Note> {
        self.is_asked(ask, cx)
    }

    fn handle_info(&mut self, note: &Note, cx: &mut HandlerCx<Told, Note>) -> Reaction<Told, Note> {
        self.is_noted(note, cx)
    }

    fn terminate(&mut self, why: TerminateReason, _cx: &mut HandlerCx<Told, Note>) {
        self.leaves(why);
    }

    fn format_status(&self, shown: &mut Shown) {
        self.shows(shown);
    }

    fn format_event(event: &Told) -> Option<String> {
        Some(shown_event(event))
    }
}

/// Lets everybody else go first, and the clock go on if that is what is to be done.
async fn wait(time: Option<Duration>) {
    tokio::task::yield_now().await;
    if let Some(time) = time {
        genserver::time::sleep(time).await;
    }
}

impl<const KIND: u8> Puppet<KIND> {
    /// For how long it is to wait.
    fn time(&self, told: &Told) -> Option<Duration> {
        match told {
            Told::Do(name, Act::Wait(time)) if *name == self.name => Some(*time),
            _ => None,
        }
    }
}

impl<const KIND: u8> AsyncHandler<Told, Note> for Puppet<KIND> {
    type Call = Ask;

    async fn init(&mut self, cx: &mut HandlerCx<Told, Note>) -> Result<(), Reason> {
        wait(if let Begin::Wait(time) = self.begin { Some(time) } else { None }).await;
        self.begins(cx)
    }

    async fn handle_event(&mut self, event: &Told, cx: &mut HandlerCx<Told, Note>) -> Reaction<Told, Note> {
        wait(self.time(event)).await;
        self.is_told(event, cx)
    }

    async fn handle_call(&mut self, ask: Ask, cx: &mut HandlerCx<Told, Note>) -> Reaction<Told, Note> {
        wait(if let Ask::Do(Act::Wait(time), _) = &ask { Some(*time) } else { None }).await;
        self.is_asked(ask, cx)
    }

    async fn handle_info(&mut self, note: &Note, cx: &mut HandlerCx<Told, Note>) -> Reaction<Told, Note> {
        wait(if let Note::Told(told) = note { self.time(told) } else { None }).await;
        self.is_noted(note, cx)
    }

    async fn terminate(&mut self, why: TerminateReason, _cx: &mut HandlerCx<Told, Note>) {
        wait(if let End::Wait(time) = self.end { Some(time) } else { None }).await;
        self.leaves(why);
    }

    fn format_status(&self, shown: &mut Shown) {
        self.shows(shown);
    }

    fn format_event(event: &Told) -> Option<String> {
        Some(shown_event(event))
    }
}

/// How a puppet is added.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Flavour {
    Plain,
    Awaiting,
}

pub(crate) const FLAVOURS: [Flavour; 2] = [Flavour::Plain, Flavour::Awaiting];

impl Flavour {
    pub(crate) fn add<const KIND: u8>(
        self,
        manager: &Events,
        puppet: Puppet<KIND>,
    ) -> AddHandler<'_, Told, Note, Puppet<KIND>> {
        match self {
            Self::Plain => manager.add_handler(puppet),
            Self::Awaiting => manager.add_async_handler(puppet),
        }
    }

    pub(crate) fn swap<'a, F, const OLD: u8, const NEW: u8>(
        self,
        manager: &'a Events,
        old: &HandlerRef<Puppet<OLD>>,
        make: F,
    ) -> SwapHandler<'a, Told, Note, Puppet<OLD>, Puppet<NEW>, F>
    where
        F: FnOnce(Result<Puppet<OLD>, OldHandlerError>) -> Puppet<NEW> + Send + 'static,
    {
        match self {
            Self::Plain => manager.swap_handler(old, make),
            Self::Awaiting => manager.swap_async_handler(old, make),
        }
    }

    pub(crate) fn heir(self, puppet: Puppet) -> Heir {
        match self {
            Self::Plain => Heir::Same(Box::new(puppet)),
            Self::Awaiting => Heir::Awaiting(Box::new(puppet)),
        }
    }
}

/// A way to tell all handlers something.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Way {
    Notify,
    Ack,
    Sync,
    /// As a plain message.
    Info,
}

pub(crate) const WAYS: [Way; 4] = [Way::Notify, Way::Ack, Way::Sync, Way::Info];

impl Way {
    /// Tells it, and waits until all handlers are done with it.
    pub(crate) async fn tell(self, manager: &Events, told: Told) {
        match self {
            Self::Notify => manager.notify(told).expect("it has space"),
            Self::Ack => manager.ack_notify(told).await.expect("it takes it"),
            Self::Sync => return manager.sync_notify(told).await.expect("no failure of a handler is the sender's"),
            Self::Info => manager.send(Note::Told(told)).expect("it has space"),
        }
        // What one sender asks is done in its order.
        manager.which_handlers().await.expect("it lives on");
    }
}

/// A start of a manager in a node of its own, with who listens.
pub(crate) fn new_manager() -> (Start<genevent::ManagerServer<Told, Note>, Events>, Probe<Heard>, Node) {
    let node = Node::new();
    let probe = Probe::on(&node);
    (Manager::start_with_info().on(&node), probe, node)
}

/// A manager in a node of its own, and who listens to its handlers.
pub(crate) async fn manager() -> (Events, Probe<Heard>) {
    let (start, probe, _node) = new_manager();
    (start.await.expect("nothing hinders it"), probe)
}

/// The probe as an owner.
pub(crate) fn owner(probe: &Probe<Heard>) -> Recipient<HandlerGone> {
    probe.sender().recipient(Heard::Gone)
}

/// What the probe has heard since it was asked last.
#[track_caller]
pub(crate) fn heard(probe: &mut Probe<Heard>) -> Vec<String> {
    let lines = probe.flush().into_iter().map(|letter| match letter {
        Letter::Message(Heard::Line(line)) => line,
        Letter::Message(Heard::Gone(gone)) => format!("{} has gone: {}", called(&gone.handler), why(&gone.why)),
        other => panic!("nobody expects this: {other:?}"),
    });
    lines.collect()
}

/// What it has heard of handlers that have gone, and nothing else.
#[track_caller]
pub(crate) fn gone(probe: &mut Probe<Heard>) -> Vec<String> {
    heard(probe).into_iter().filter(|line| line.contains(" has gone: ")).collect()
}

/// An identity, in a word.
pub(crate) fn called(id: &HandlerId) -> String {
    let of = match () {
        () if id.is::<Puppet>() => "Puppet",
        () if id.is::<Double>() => "Double",
        () => id.type_name(),
    };
    id.id().map_or(of.to_owned(), |id| format!("{of} {id}"))
}

fn why(why: &GoneReason) -> String {
    match why {
        GoneReason::Normal => "normal".to_owned(),
        GoneReason::Shutdown => "shutdown".to_owned(),
        GoneReason::Swapped { by, owner: None } => format!("swapped by {}", called(by)),
        GoneReason::Swapped { by, owner: Some(_) } => format!("swapped by {}, owned", called(by)),
        GoneReason::Failed(reason) => format!("failed, {reason}"),
        other => panic!("nobody knows this: {other:?}"),
    }
}

/// The handlers, newest first.
pub(crate) async fn which(manager: &Events) -> Vec<String> {
    manager.which_handlers().await.expect("it lives").iter().map(called).collect()
}
