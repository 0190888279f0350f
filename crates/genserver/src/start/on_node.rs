//! Starting a server on a node.

use crate::node::Node;
use crate::server::GenServer;
use crate::start::Start;

impl Node {
    /// Starts a server in this node: see [`start`](crate::start()).
    ///
    /// # Errors
    ///
    /// As [`start`](crate::start()).
    ///
    /// # Cancel safety
    ///
    /// As [`start`](crate::start()).
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::quiet::*;
    /// # genserver_doc::run! {
    /// let node = genserver::Node::new();
    /// let server = node.start::<Quiet>(()).name("quiet").await?;
    /// assert!(node.whereis("quiet").is_some());
    /// # }
    /// ```
    pub fn start<S: GenServer>(&self, args: S::Args) -> Start<S> {
        crate::start::start(args).on(self)
    }
}
