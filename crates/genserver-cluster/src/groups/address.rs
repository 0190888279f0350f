//! A process without a name is asked from other members at a subject of its own.

use std::sync::Arc;

use futures::future::{Either, select};
use genserver::ServerRef;

use crate::engine::Revision;
use crate::members::MemberInfo;
use crate::name::lease::Times;
use crate::name::responder::{self, Served};
use crate::remote::RemoteRef;
use crate::space::Space;
use crate::wire::messages::Clustered;

/// Where a process is asked.
struct Address {
    space: Space,
    subject: String,
}

impl Served for Address {
    fn space(&self) -> &Space {
        &self.space
    }

    fn subject(&self) -> String {
        self.subject.clone()
    }

    fn times(&self) -> Times {
        Times { time_to_live: self.space.time_to_live }
    }

    /// No other process ever has this subject.
    fn may_serve(&self) -> bool {
        true
    }
}

/// Hands requests to a process until it ends.
pub(super) async fn serve<S: Clustered>(space: Space, member: &MemberInfo, number: u64, server: ServerRef<S>) {
    let subject = space.process_subject(&member.name, member.incarnation, number);
    let address = Arc::new(Address { space, subject });
    let first = match select(Box::pin(responder::subscribe(&*address)), Box::pin(server.ended())).await {
        Either::Left((first, _)) => first,
        Either::Right(_) => return,
    };
    responder::serve(address, server, Revision::default(), first).await;
}

/// The process of a member with a number.
pub(super) fn remote_ref<S: Clustered>(space: &Space, member: &MemberInfo, number: u64) -> RemoteRef<S> {
    let subject = space.process_subject(&member.name, member.incarnation, number);
    RemoteRef::at(space.clone(), format!("{}/{number}", member.name).into(), subject)
}
