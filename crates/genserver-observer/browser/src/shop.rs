//! A program to look at: a shop with a supervision tree, an event manager, and things that go wrong on request.

use std::marker::PhantomData;

use genevent::{AsyncHandler, Handler, HandlerCx, LoggerHandler, Manager, React, Reaction};
use genserver::dynamic_supervisor::DynamicSupervisor;
use genserver::supervisor::{ChildSpec, Restart, Supervisor, SupervisorSpec};
use genserver::sys::Shown;
use genserver::{CallError, Caller, Cx, GenServer, Init, Never, Next, Node, Outcome, Reason, ServerRef};

use crate::Error;
use kinds::{Catalogue, Gateway, Ledger, Orders, Session, Stock};

/// A desk of the shop, which answers one question after the other.
#[derive(Debug)]
pub struct Desk<K> {
    answered: u64,
    kind: PhantomData<fn() -> K>,
}

/// What a desk is asked.
#[derive(Debug)]
pub enum Ask {
    /// To answer.
    Next(Caller<u64>),
    /// To ask another desk, which asks back.
    Around(String, String, Caller<Result<(), CallError>>),
    /// To wait for something that does not come.
    Forever(Caller<()>),
}

/// What a desk is told.
#[derive(Debug)]
pub enum Tell {
    /// To note something.
    Note,
    /// To take a while, without keeping a thread.
    Await,
    /// To keep its thread until the other end is dropped.
    Block(std::sync::mpsc::Receiver<Never>),
    /// To ask the gateway for what does not come.
    WaitFor(ServerRef<Desk<kinds::Gateway>>),
    /// To fail.
    Fail(&'static str),
}

/// Kinds of desks.
pub mod kinds {
    /// Sells.
    #[derive(Debug)]
    pub struct Orders;
    /// Knows what there is.
    #[derive(Debug)]
    pub struct Catalogue;
    /// Knows how many there are.
    #[derive(Debug)]
    pub struct Stock;
    /// Takes money.
    #[derive(Debug)]
    pub struct Gateway;
    /// Knows where the money went.
    #[derive(Debug)]
    pub struct Ledger;
    /// Serves one customer.
    #[derive(Debug)]
    pub struct Session;
}

impl<K: 'static> GenServer for Desk<K> {
    type Args = ();
    type Call = Ask;
    type Cast = Tell;
    type Info = Never;

    async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Self { answered: 0, kind: PhantomData })
    }

    async fn handle_call(&mut self, ask: Ask, cx: &mut Cx<Self>) -> Outcome<Self> {
        self.answered += 1;
        match ask {
            Ask::Next(caller) => Next::reply(caller, self.answered),
            Ask::Around(next, back, caller) => {
                let asked = ask_around(&cx.process_ref().node(), next, back).await;
                Next::reply(caller, asked)
            }
            Ask::Forever(_caller) => std::future::pending().await,
        }
    }

    async fn handle_cast(&mut self, tell: Tell, _cx: &mut Cx<Self>) -> Outcome<Self> {
        match tell {
            Tell::Note => Next::wait(),
            Tell::Await => std::future::pending().await,
            Tell::Block(until) => {
                // Nothing is ever sent, so this is an error.
                let _ = until.recv();
                Next::wait()
            }
            Tell::WaitFor(gateway) => {
                gateway.call(Ask::Forever).no_timeout().await?;
                Next::wait()
            }
            Tell::Fail(why) => Next::stop(Reason::term(why)),
        }
    }

    fn format_status(&self, shown: &mut Shown) {
        let answered = self.answered;
        shown.state = format!("Desk {{\n    answered: {answered},\n    till: \"***\",\n}}");
    }
}

/// Asks the desk `next`, of whichever kind, which asks `back`.
async fn ask_around(node: &Node, next: String, back: String) -> Result<(), CallError> {
    let Some(process) = node.whereis(next.as_str()) else { return Ok(()) };
    let ask = |caller| Ask::Around(back.clone(), next.clone(), caller);
    if let Some(desk) = process.downcast::<Desk<kinds::Orders>>() {
        return desk.call(ask).await?;
    }
    if let Some(desk) = process.downcast::<Desk<kinds::Stock>>() {
        return desk.call(ask).await?;
    }
    Ok(())
}

/// Writes a letter for each event, slowly if it is told to.
#[derive(Debug)]
struct Mailer;

impl AsyncHandler<&'static str> for Mailer {
    type Call = Never;

    async fn handle_event(
        &mut self,
        event: &&'static str,
        _cx: &mut HandlerCx<&'static str>,
    ) -> Reaction<&'static str> {
        if *event == "a letter that nobody takes" {
            std::future::pending::<()>().await;
        }
        React::stay()
    }
}

/// Counts events.
#[derive(Debug, Default)]
struct Statistics(u64);

impl Handler<&'static str> for Statistics {
    type Call = Never;

    fn handle_event(&mut self, _event: &&'static str, _cx: &mut HandlerCx<&'static str>) -> Reaction<&'static str> {
        self.0 += 1;
        React::stay()
    }

    fn format_status(&self, shown: &mut Shown) {
        shown.state = format!("{} events", self.0);
    }
}

/// The shop.
#[derive(Debug)]
pub struct Shop {
    node: Node,
    events: Manager<&'static str>,
    supervisor: Supervisor,
}

fn desk<K: 'static>(name: &'static str) -> ChildSpec<Desk<K>, ServerRef<Desk<K>>> {
    ChildSpec::server(name, move || genserver::start_link::<Desk<K>>(()).name(name).mailbox(5000))
}

fn patient() -> SupervisorSpec {
    Supervisor::one_for_one().max_restarts(1000)
}

impl Shop {
    /// Opens the shop, with so many customers in it.
    ///
    /// # Errors
    ///
    /// If a process does not start.
    pub async fn open(node: &Node, customers: usize) -> Result<Self, Error> {
        let supervisor = Supervisor::one_for_one().start().on(node).name("shop").await?;
        let sales = || {
            let desks = patient().child(desk::<Catalogue>("catalogue")).child(desk::<Orders>("orders"));
            desks.child(desk::<Stock>("stock")).start_link().name("sales")
        };
        let money =
            || patient().child(desk::<Gateway>("gateway")).child(desk::<Ledger>("ledger")).start_link().name("money");
        supervisor.start_child(ChildSpec::supervisor("sales", sales)).await?;
        supervisor.start_child(ChildSpec::supervisor("money", money)).await?;
        let events = ChildSpec::server("events", || Manager::<&'static str>::start_link().name("events"));
        let events: Manager<&'static str> = supervisor.start_child(events).await?;
        events.add_handler(LoggerHandler::new()).await?;
        events.add_async_handler(Mailer).await?;
        events.add_handler(Statistics::default()).await?;
        let sessions = ChildSpec::supervisor("sessions", || DynamicSupervisor::new().start_link().name("sessions"));
        let sessions = supervisor.start_child(sessions).await?;
        for _ in 0..customers {
            let session = ChildSpec::server("session", || genserver::start_link::<Desk<Session>>(()));
            sessions.start_child(session.restart(Restart::Temporary)).await?;
        }
        Ok(Self { node: node.clone(), events, supervisor })
    }

    /// The desk of this name, when there is one.
    pub async fn desk<K: 'static>(&self, name: &'static str) -> ServerRef<Desk<K>> {
        loop {
            // It is restarted if it has just failed.
            if let Some(desk) = self.node.whereis(name).and_then(|process| process.downcast()) {
                return desk;
            }
            genserver::yield_now().await;
        }
    }

    /// Sells something, as often as this is called.
    ///
    /// # Errors
    ///
    /// If a desk does not answer.
    pub async fn sell(&self) -> Result<(), Error> {
        self.desk::<Catalogue>("catalogue").await.call(Ask::Next).await?;
        self.desk::<Orders>("orders").await.call(Ask::Next).await?;
        self.desk::<Stock>("stock").await.call(Ask::Next).await?;
        self.desk::<Gateway>("gateway").await.call(Ask::Next).await?;
        self.events.notify("sold")?;
        Ok(())
    }

    /// Lets the ledger fail, so that its supervisor starts it again.
    ///
    /// # Errors
    ///
    /// If it had failed before.
    pub async fn fail(&self, why: &'static str) -> Result<(), Error> {
        let ledger = self.desk::<Ledger>("ledger").await;
        ledger.cast(Tell::Fail(why)).map_err(|_refused| "the ledger is not there")?;
        ledger.ended().await;
        Ok(())
    }

    /// Lets the orders ask the stock, which asks the orders.
    ///
    /// # Errors
    ///
    /// If a desk does not answer.
    pub async fn ask_around(&self) -> Result<(), Error> {
        let around = |caller| Ask::Around("stock".to_owned(), "orders".to_owned(), caller);
        let refused = self.desk::<Orders>("orders").await.call(around).await?;
        refused.map_or(Ok(()), |()| Err("the cycle was not refused".into()))
    }

    /// Keeps the gateway waiting, and so many processes with it.
    ///
    /// # Errors
    ///
    /// If a process does not start.
    pub async fn wait_for_the_gateway(&self, callers: usize) -> Result<(), Error> {
        let gateway = self.desk::<Gateway>("gateway").await;
        for _ in 0..callers {
            let customer = self.node.start::<Desk<Session>>(()).label("customer").await?;
            customer.cast(Tell::WaitFor(gateway.clone())).map_err(|_refused| "the customer has gone")?;
        }
        Ok(())
    }

    /// Sends an event with which a handler is never done, and some after it.
    ///
    /// # Errors
    ///
    /// If the manager is not there.
    pub fn block_the_mailer(&self) -> Result<(), Error> {
        self.events.notify("a letter that nobody takes")?;
        for _ in 0..12 {
            self.events.notify("sold")?;
        }
        Ok(())
    }

    /// Lets the ledger keep a thread of the runtime until what this returns is dropped.
    ///
    /// # Errors
    ///
    /// If the ledger is not there.
    pub async fn block_the_ledger(&self) -> Result<std::sync::mpsc::Sender<Never>, Error> {
        let (blocks, until) = std::sync::mpsc::channel();
        let ledger = self.desk::<Ledger>("ledger").await;
        ledger.cast(Tell::Block(until)).map_err(|_refused| "the ledger is not there")?;
        Ok(blocks)
    }

    /// Fills the mailbox of the catalogue with so many messages.
    pub async fn fill(&self, messages: usize) {
        let catalogue = self.desk::<Catalogue>("catalogue").await;
        let told = std::iter::once(Tell::Await).chain((0..messages).map(|_| Tell::Note));
        // A mailbox that is full gives them back.
        told.for_each(|tell| drop(catalogue.cast(tell)));
    }

    /// Closes the shop.
    ///
    /// # Errors
    ///
    /// If it has closed by itself.
    pub async fn close(self) -> Result<(), Error> {
        Ok(self.supervisor.stop().await?)
    }
}
