//! The processes that keep the key of this member, and see those of the others.

use std::pin::pin;
use std::sync::Arc;

use futures::StreamExt as _;
use futures::future::{Either, pending, select};
use genserver::{Never, Probe, ProcessRef, Reason, StartError, spawn_link_labelled, time};

use crate::members::follow::changes;
use crate::members::kept_key::KeptKey;
use crate::members::member_record::MemberRecord;
use crate::members::notify::Notify;
use crate::members::roster::Roster;
use crate::name::member::Member;
use crate::space::Space;

/// Starts both, linked with the calling process.
pub(super) fn start(member: &Arc<Member>, roster: &Arc<Roster>) -> Result<Vec<ProcessRef>, StartError> {
    let space = &member.space;
    let key = KeptKey::new(space.clone(), space.member_key(&member.id, member.incarnation), space.time_to_live);
    let (record, changed) = (MemberRecord::of(member), Notify::default().listen());
    let key = spawn_link_labelled("key of this member", move |me: Probe<Never>| {
        key.keep(me, changed, move || record.encoded().map(Some))
    })?;
    let (space, roster) = (space.clone(), Arc::clone(roster));
    let watch = spawn_link_labelled("watch of members", move |_me: Probe<Never>| async move {
        watch_keys(space, roster).await;
        Ok::<(), Reason>(())
    })?;
    Ok(vec![key.process_ref(), watch.process_ref()])
}

/// Watches the keys of all members, once somebody wants to know of them.
async fn watch_keys(space: Space, roster: Arc<Roster>) {
    roster.wanted.wanted().await;
    let prefix = space.members_prefix();
    let mut seen = pin!(changes(space, prefix));
    let _cleared = Cleared(&roster);
    loop {
        let expires_at = roster.expires_at();
        let expires = async {
            match expires_at {
                Some(at) => time::sleep_until(at).await,
                None => pending().await,
            }
        };
        // What was seen goes first: a machine that stood still has to catch up before it ends anybody.
        match select(seen.next(), pin!(expires)).await {
            Either::Left((Some(Ok(seen)), _)) => roster.note(seen, time::now()),
            Either::Left((Some(Err(why)), _)) => roster.note_failure(why),
            Either::Left((None, _)) => return,
            Either::Right(((), _)) => roster.expire(time::now()),
        }
    }
}

/// Ends all members when nobody watches any more, however that has come.
struct Cleared<'a>(&'a Roster);

impl Drop for Cleared<'_> {
    fn drop(&mut self) {
        self.0.clear();
    }
}
