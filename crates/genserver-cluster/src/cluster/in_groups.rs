//! Processes of several members in groups, as users have them.

use std::sync::Arc;

use genserver::{AsProcess, ServerRef};

use crate::cluster::Cluster;
use crate::groups::{Entered, GroupMonitor, JoinError};
use crate::members::MembersError;
use crate::remote::RemoteRef;
use crate::wire::messages::Clustered;

/// The longest name of a group, in bytes.
const NAME_MAX: usize = 200;

impl Cluster {
    /// Lets a server of this program join a group, so that others find it there and call it. OTP's `pg:join`.
    ///
    /// It need not have a name in the cluster. It may join several groups, and one several times: then it is in it as often, and leaves
    /// as often. When it ends it leaves all by itself, and when its member is gone, others see it leave within the time to live and a
    /// second.
    ///
    /// On this member it is in the group when this returns, and a call that is made at once may still find nobody. Others see it a moment later, or when the engine is back. Members that do
    /// not see each other have their own groups until they do again. When this member is stopped, or crashes, its servers have left.
    ///
    /// # Errors
    ///
    /// [`JoinError`] if the server has ended, if this member does not run, or if its processes are in more groups than fit into one
    /// value of the engine: some thousands.
    ///
    /// # Panics
    ///
    /// If the name of the group has more than 200 bytes.
    ///
    /// # Cancel safety
    ///
    /// If it is dropped before it is ready, the server may have joined: [`leave`](Self::leave) knows.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "model")]
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use genserver::{Caller, Cx, GenServer, Init, Never, Next, Outcome};
    /// # use genserver_cluster::engine::model::Model;
    /// # use genserver_cluster::{Cluster, Clustered, Messages, Remote};
    /// # use serde::{Deserialize, Serialize};
    /// # struct Worker(String);
    /// # #[derive(Serialize, Deserialize)]
    /// # struct Where;
    /// # impl Remote<Where> for Worker {
    /// #     type Reply = String;
    /// #     fn local(Where: Where, caller: Caller<String>) -> Caller<String> { caller }
    /// # }
    /// # impl Clustered for Worker {
    /// #     fn messages() -> Messages<Self> { Messages::new("shop.worker", 1).call::<Where>("where") }
    /// # }
    /// # impl GenServer for Worker {
    /// #     type Args = String;
    /// #     type Call = Caller<String>;
    /// #     type Cast = Never;
    /// #     type Info = Never;
    /// #     async fn init(place: String, _cx: &mut Cx<Self>) -> Init<Self> { Init::Run(Self(place)) }
    /// #     async fn handle_call(&mut self, caller: Caller<String>, _cx: &mut Cx<Self>) -> Outcome<Self> {
    /// #         Next::reply(caller, self.0.clone())
    /// #     }
    /// # }
    /// # let engine = Model::new();
    /// # let a = Cluster::over(engine.member("a")).member("a").start().await?;
    /// # let b = Cluster::over(engine.member("b")).member("b").start().await?;
    /// // On each member:
    /// let worker = genserver::start::<Worker>("here".to_owned()).await?;
    /// a.join("workers", &worker).await?;
    ///
    /// // On any of them:
    /// # let mut seen = b.monitor_group::<Worker>("workers");
    /// # futures::StreamExt::next(&mut seen).await;
    /// for worker in b.group_members::<Worker>("workers").await? {
    ///     assert_eq!(worker.call(Where).await?, "here");
    /// }
    /// # assert_eq!(b.group_members::<Worker>("workers").await?.len(), 1);
    /// # Ok(())
    /// # }
    /// # #[cfg(not(feature = "model"))]
    /// # fn main() {}
    /// ```
    #[doc(alias = "pg")]
    pub async fn join<S: Clustered>(&self, group: impl Into<Arc<str>>, server: &ServerRef<S>) -> Result<(), JoinError> {
        let group = group.into();
        assert!(
            group.len() <= NAME_MAX,
            "the name of a group has at most {NAME_MAX} bytes, and `{group}` has {}; choose a shorter one",
            group.len()
        );
        if !self.member.is_running() {
            return Err(JoinError::NotRunning { group });
        }
        let Entered::New(number) = self.groups.enter(&group, server)? else { return Ok(()) };
        let (groups, its_server) = (Arc::clone(&self.groups), server.clone());
        // If this is dropped before the address has begun, the process leaves.
        let left = self.groups.leaves_all(server, number);
        let served = self.running.run(move |_cx| groups.serve(its_server, number, left)).await;
        if matches!(served, Ok(Ok(()))) { Ok(()) } else { Err(JoinError::NotRunning { group }) }
    }

    /// Lets a server leave a group that it has joined, once. Returns whether it was in it. OTP's `pg:leave`.
    ///
    /// Those who have a reference to it from the group can still call it.
    pub fn leave<S: Clustered>(&self, group: &str, server: &ServerRef<S>) -> bool {
        server.as_process().is_some_and(|process| self.groups.leave(group, &process))
    }

    /// Returns the servers `S` of all members that are in a group: each as often as it has joined it. OTP's `pg:get_members`.
    ///
    /// Servers with other [messages](Clustered) may be in the same group, and are not among them. Whether one is still there, its
    /// answer tells: one that has ended or whose member is gone may be among them for as long as a member is
    /// [up](Self::monitor_members).
    ///
    /// What the first call has begun to watch goes on, so later calls ask nobody.
    ///
    /// # Errors
    ///
    /// As [`members`](Self::members). So a list that is empty never means that the engine was not there.
    ///
    /// # Cancel safety
    ///
    /// Dropping it has no other effect.
    ///
    /// # Examples
    ///
    /// On the page of [`join`](Self::join).
    #[doc(alias = "get_members")]
    pub async fn group_members<S: Clustered>(&self, group: &str) -> Result<Vec<RemoteRef<S>>, MembersError> {
        self.groups.all(group).await
    }

    /// Returns the servers `S` of this member that are in a group: each as often as it has joined it. OTP's `pg:get_local_members`.
    #[doc(alias = "get_local_members")]
    pub fn local_group_members<S: Clustered>(&self, group: &str) -> Vec<RemoteRef<S>> {
        self.groups.local(group)
    }

    /// Returns a stream of the servers `S` that join and leave a group, for [`Cx::attach`](genserver::Cx::attach). OTP's `pg:monitor`.
    ///
    /// It begins with those that are in it. Each end is told, however slow the reader is. The stream does not end.
    pub fn monitor_group<S: Clustered>(&self, group: impl Into<Arc<str>>) -> GroupMonitor<S> {
        self.groups.monitor(group.into())
    }
}
