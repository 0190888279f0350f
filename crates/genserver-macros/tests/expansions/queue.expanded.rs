//! The queue of seed 002.

use std::collections::VecDeque;

use genserver::{
    AsProcess, AsServer, Call, Caller, CastError, Cx, FindError, GenServer, Init, Lookup, Never, Next, Outcome,
    ProcessRef, ServerRef, WaitForServer,
};

#[derive(Debug)]
pub(crate) struct SimpleQueue(VecDeque<i64>);

/// A call to `SimpleQueue`.
pub(crate) enum SimpleQueueCall {
    /// Takes the first item out.
    Dequeue(Caller<Option<i64>>),
    /// Shows all items.
    Queue(Caller<Vec<i64>>),
}

/// A cast to `SimpleQueue`.
pub(crate) enum SimpleQueueCast {
    /// Adds an item at the end.
    Enqueue(i64),
}

impl SimpleQueue {
    /// Takes the first item out.
    pub(crate) fn dequeue(&mut self) -> Option<i64> {
        // Its end is the front.
        self.0.pop_front()
    }

    /// Shows all items.
    pub(crate) fn queue(&self) -> Vec<i64> {
        self.0.iter().copied().collect()
    }

    /// Adds an item at the end.
    pub(crate) fn enqueue(&mut self, item: i64) {
        self.0.push_back(item);
    }
}

impl GenServer for SimpleQueue {
    type Args = Vec<i64>;
    type Call = SimpleQueueCall;
    type Cast = SimpleQueueCast;
    type Info = Never;

    async fn init(items: Vec<i64>, _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(SimpleQueue(items.into()))
    }

    async fn handle_call(&mut self, call: SimpleQueueCall, _cx: &mut Cx<Self>) -> Outcome<Self> {
        match call {
            SimpleQueueCall::Dequeue(caller) => Next::reply(caller, self.dequeue()),
            SimpleQueueCall::Queue(caller) => Next::reply(caller, self.queue()),
        }
    }

    async fn handle_cast(&mut self, cast: SimpleQueueCast, _cx: &mut Cx<Self>) -> Outcome<Self> {
        match cast {
            SimpleQueueCast::Enqueue(item) => {
                self.enqueue(item);
                Next::wait()
            }
        }
    }
}

/// A client of `SimpleQueue`, over a `ServerRef`, a name, or a supervisor's child.
#[derive(Clone, Debug)]
pub(crate) struct Queue<R = ServerRef<SimpleQueue>>(R);

impl<R: AsServer<Server = SimpleQueue>> Queue<R> {
    /// Makes a client of the server that `server` refers to.
    pub(crate) fn new(server: R) -> Self {
        Self(server)
    }

    /// Takes the first item out.
    pub(crate) fn dequeue(
        &self,
    ) -> Call<Lookup<'_, R>, Option<i64>, impl FnOnce(Caller<Option<i64>>) -> SimpleQueueCall> {
        self.0.call(SimpleQueueCall::Dequeue)
    }

    /// Shows all items.
    pub(crate) fn queue(&self) -> Call<Lookup<'_, R>, Vec<i64>, impl FnOnce(Caller<Vec<i64>>) -> SimpleQueueCall> {
        self.0.call(SimpleQueueCall::Queue)
    }

    /// Adds an item at the end.
    ///
    /// # Errors
    ///
    /// The message comes back if there is no server, or its mailbox is full.
    pub(crate) fn enqueue(&self, item: i64) -> Result<(), CastError<SimpleQueueCast>> {
        self.0.cast(SimpleQueueCast::Enqueue(item))
    }
}

impl<R: AsServer<Server = SimpleQueue>> AsServer for Queue<R> {
    type Server = SimpleQueue;

    fn as_server(&self) -> Result<ServerRef<SimpleQueue>, FindError> {
        self.0.as_server()
    }

    fn wait_for_server(&self) -> Option<WaitForServer<'_, SimpleQueue>> {
        self.0.wait_for_server()
    }
}

impl<R: AsProcess> AsProcess for Queue<R> {
    fn as_process(&self) -> Option<ProcessRef> {
        self.0.as_process()
    }
}
