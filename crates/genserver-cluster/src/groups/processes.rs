//! The processes that write down the groups of this member, and watch those of the others.

use std::pin::pin;
use std::sync::Arc;

use futures::StreamExt as _;
use genserver::{Never, Probe, ProcessRef, Reason, StartError, spawn_link_labelled};

use crate::groups::other_members::OtherMembers;
use crate::groups::table::Table;
use crate::members::MemberInfo;
use crate::members::follow::changes;
use crate::members::kept_key::KeptKey;
use crate::members::roster::Roster;
use crate::name::member::Member;
use crate::space::Space;

/// How many times to live the key of joined processes has. By J3 it need not end with its member, so it is renewed seldom.
const LIVES: u32 = 20;

/// Starts both, linked with the calling process.
pub(super) fn start(
    member: &Arc<Member>,
    table: &Arc<Table>,
    others: &Arc<OtherMembers>,
    roster: &Arc<Roster>,
) -> Result<Vec<ProcessRef>, StartError> {
    let space = &member.space;
    let key = space.joined_key(&member.id, member.incarnation);
    let key = KeptKey::new(space.clone(), key, LIVES * space.time_to_live);
    let (this, changed, table) = (MemberInfo::of(member), table.written().listen(), Arc::clone(table));
    let key = spawn_link_labelled("key of its groups", move |me: Probe<Never>| {
        key.keep(me, changed, move || table.record(&this).map(|record| record.encoded()).transpose())
    })?;
    let (space, others, roster) = (space.clone(), Arc::clone(others), Arc::clone(roster));
    let watch = spawn_link_labelled("watch of groups", move |_me: Probe<Never>| async move {
        watch_keys(space, others, &roster).await;
        Ok::<(), Reason>(())
    })?;
    Ok(vec![key.process_ref(), watch.process_ref()])
}

/// Watches the keys of all members, once somebody wants to know of them.
async fn watch_keys(space: Space, others: Arc<OtherMembers>, roster: &Roster) {
    others.wanted.wanted().await;
    let prefix = space.joined_prefix();
    let mut seen = pin!(changes(space.clone(), prefix));
    let _cleared = Cleared(&others);
    while let Some(seen) = seen.next().await {
        // Without the engine, the members are down in time.
        if let Ok(seen) = seen {
            let key = |member: MemberInfo| space.joined_key(&member.name, member.incarnation);
            others.note(seen, || roster.up().into_values().map(key).collect());
        }
    }
}

/// Forgets all when nobody watches any more, however that has come.
struct Cleared<'a>(&'a OtherMembers);

impl Drop for Cleared<'_> {
    fn drop(&mut self) {
        self.0.clear();
    }
}
