//! Streams that are attached to a server.

use std::sync::Arc;

use futures::Stream;

use crate::node::dense::Keyed;
use crate::server::GenServer;
use crate::server::attach::{AttachRef, Gate, Item, Pump};
use crate::server::context::Cx;

/// An attached stream: the info that its items become, and the gate that lets them through.
pub(super) struct Attached<S: GenServer> {
    reference: AttachRef,
    pub(super) make: Box<dyn FnMut(Item) -> Option<S::Info> + Send>,
    pub(super) gate: Arc<Gate>,
}

impl<S: GenServer> Keyed for Attached<S> {
    type Key = AttachRef;

    fn key(&self) -> AttachRef {
        self.reference
    }
}

impl<S: GenServer> Cx<S> {
    /// Attaches a stream: `make` turns each item into an info.
    ///
    /// At most one item is in the mailbox, and the next is polled for when it has been handled, so a fast stream waits for the
    /// server. The end of the stream sends nothing; to be told, chain an item that says so. The stream is dropped when the server
    /// ends or [detaches](Cx::detach) it.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/watcher.rs"));
    /// # watcher! { ();
    /// async fn init((): (), cx: &mut Cx<Self>) -> Init<Self> {
    ///     cx.attach(futures::stream::iter(["one", "two"]), Info::Line);
    ///     Init::Run(Watcher(Vec::new()))
    /// }
    /// # }
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let watcher = genserver::start::<Watcher>(()).await?;
    /// tokio::time::sleep(Duration::from_millis(1)).await;
    /// assert_eq!(watcher.call(Heard).await?, ["line one", "line two"]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn attach<T: Send + 'static>(
        &mut self,
        stream: impl Stream<Item = T> + Send + 'static,
        mut make: impl FnMut(T) -> S::Info + Send + 'static,
    ) -> AttachRef {
        let reference = AttachRef(self.next_reference().get());
        let gate = Arc::new(Gate::default());
        let unpack = move |item: Item| item.downcast::<T>().ok().map(|item| make(*item));
        self.more().attached.insert(Attached { reference, make: Box::new(unpack), gate: Arc::clone(&gate) });
        let process = Arc::clone(&self.process);
        let pump = Pump { process, stream: Box::pin(stream), reference, gate, ended: None };
        self.process.head.home.runtime().spawn(Box::pin(pump));
        reference
    }

    /// Detaches a stream. Nothing arrives from it after this. Returns whether it was attached.
    pub fn detach(&mut self, reference: AttachRef) -> bool {
        let attached = self.more.as_mut().and_then(|more| more.attached.remove(reference));
        attached.is_some_and(|attached| {
            attached.gate.close();
            true
        })
    }
}
