//! The processes that keep the key of this member, and see those of the others.

use std::pin::pin;
use std::sync::Arc;

use futures::StreamExt as _;
use genserver::{Never, Probe, ProcessRef, Reason, StartError, spawn_link_labelled};

use crate::groups::elsewhere::Elsewhere;
use crate::groups::table::Table;
use crate::members::MemberInfo;
use crate::members::follow::changes;
use crate::members::kept_key::KeptKey;
use crate::name::member::Member;
use crate::space::Space;

/// How many times to live the key of joined processes has. By J3 it need not end with its member, so it is renewed seldom.
const LIVES: u32 = 20;

/// Starts both, linked with the calling process.
pub(super) fn start(
    member: &Arc<Member>,
    table: &Arc<Table>,
    elsewhere: &Arc<Elsewhere>,
) -> Result<Vec<ProcessRef>, StartError> {
    let space = &member.space;
    let key = space.joined_key(&member.id, member.incarnation);
    let key = KeptKey::new(space.clone(), key, LIVES * space.time_to_live);
    let (this, changed, table) = (MemberInfo::of(member), table.written().listen(), Arc::clone(table));
    let announcer = spawn_link_labelled("announcer of groups", move |me: Probe<Never>| {
        key.keep(me, changed, move || table.record(&this).map(|record| record.encoded()).transpose())
    })?;
    let (space, elsewhere) = (space.clone(), Arc::clone(elsewhere));
    let lookout = spawn_link_labelled("lookout for groups", move |_me: Probe<Never>| async move {
        look_out(space, elsewhere).await;
        Ok::<(), Reason>(())
    })?;
    Ok(vec![announcer.process_ref(), lookout.process_ref()])
}

/// Watches the keys of all members, once somebody wants to know of them.
async fn look_out(space: Space, elsewhere: Arc<Elsewhere>) {
    elsewhere.wanted.wanted().await;
    let prefix = space.joined_prefix();
    let mut seen = pin!(changes(space, prefix));
    let _cleared = Cleared(&elsewhere);
    while let Some(seen) = seen.next().await {
        // Without the engine, the members are down in time.
        if let Ok(seen) = seen {
            elsewhere.note(seen);
        }
    }
}

/// Forgets all when nobody watches any more, however that has come.
struct Cleared<'a>(&'a Elsewhere);

impl Drop for Cleared<'_> {
    fn drop(&mut self) {
        self.0.clear();
    }
}
