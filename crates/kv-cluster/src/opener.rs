//! The process of a member that starts owners of buckets there, when another member asks for one.

use std::sync::Arc;
use std::time::Duration;

use genserver::task::Task;
use genserver::{Caller, Cx, GenServer, Init, Never, Next, Outcome};
use genserver_cluster::{Cluster, Clustered, JoinError, Messages, Remote, StartNamedError};
use kv_core::{BucketName, Store};

use crate::events::Events;
use crate::grants::Grants;
use crate::messages::{NotOpened, Open, Opened, VERSION};
use crate::owner::{self, BucketOwner, OwnerArgs};
use crate::storage::LogStorage;

/// The group of these processes.
pub(crate) const GROUP: &str = "kv.openers";

/// The pause before the group is joined again, when this member has ended and its supervisor starts it again.
const REJOIN_AFTER: Duration = Duration::from_millis(200);

/// The process of a member that starts owners.
pub(crate) struct BucketOpener(OpenerArgs);

/// What it is started with.
#[derive(Clone)]
pub(crate) struct OpenerArgs {
    pub(crate) cluster: Cluster,
    pub(crate) log: Arc<LogStorage>,
    pub(crate) store: Store,
    pub(crate) grants: Arc<Grants>,
    pub(crate) events: Events,
}

pub(crate) struct OpenerCall(Open, Caller<Opened>);

pub(crate) enum OpenerInfo {
    /// The cluster has ended on this member, and with it the place in the group.
    ClusterDown,
    Rejoin,
}

impl Remote<Open> for BucketOpener {
    type Reply = Opened;

    fn local(open: Open, caller: Caller<Opened>) -> OpenerCall {
        OpenerCall(open, caller)
    }
}

impl Clustered for BucketOpener {
    fn messages() -> Messages<Self> {
        Messages::new("kv.opener", VERSION).call::<Open>("open")
    }
}

impl OpenerArgs {
    async fn join(&self, cx: &mut Cx<BucketOpener>) -> Result<(), JoinError> {
        self.cluster.join(GROUP, &cx.this()).await?;
        cx.monitor(&self.cluster, |_down| OpenerInfo::ClusterDown);
        Ok(())
    }

    /// Starts an owner here, unless there is one somewhere.
    async fn open(self, bucket: BucketName, creates: bool) -> Opened {
        let Self { cluster, log, store, grants, events } = self;
        let name = owner::name_of(&bucket);
        let args = OwnerArgs { bucket: bucket.clone(), creates, log: Arc::clone(&log), store, grants, events };
        match cluster.start_named::<BucketOwner>(name, args).await {
            Ok(_) | Err(StartNamedError::AlreadyStarted { .. }) => Ok(()),
            Err(_) if !creates && log.contains(&bucket).await == Ok(false) => Err(NotOpened::Absent),
            Err(error) => Err(NotOpened::Failed(error.to_string())),
        }
    }
}

impl GenServer for BucketOpener {
    type Args = OpenerArgs;
    type Call = OpenerCall;
    type Cast = Never;
    type Info = OpenerInfo;

    async fn init(args: OpenerArgs, cx: &mut Cx<Self>) -> Init<Self> {
        match args.join(cx).await {
            Ok(()) => Init::Run(Self(args)),
            Err(error) => Init::Stop(error.into()),
        }
    }

    async fn handle_call(&mut self, OpenerCall(open, caller): OpenerCall, _cx: &mut Cx<Self>) -> Outcome<Self> {
        let bucket = match BucketName::new(&open.bucket) {
            Ok(bucket) => bucket,
            Err(error) => return Next::reply(caller, Err(NotOpened::Failed(error.to_string()))),
        };
        let args = self.0.clone();
        // Loading takes a while, and others wait. A member hands over a bounded number of calls at a time.
        Task::start(async move { caller.reply(args.open(bucket, open.creates).await) })?;
        Next::wait()
    }

    async fn handle_info(&mut self, info: OpenerInfo, cx: &mut Cx<Self>) -> Outcome<Self> {
        match info {
            OpenerInfo::ClusterDown => {
                cx.send_after(REJOIN_AFTER, OpenerInfo::Rejoin);
            }
            OpenerInfo::Rejoin => match self.0.join(cx).await {
                Ok(()) => {}
                Err(JoinError::NotRunning { .. }) => {
                    cx.send_after(REJOIN_AFTER, OpenerInfo::Rejoin);
                }
                Err(error) => return Next::stop(error),
            },
        }
        Next::wait()
    }
}
