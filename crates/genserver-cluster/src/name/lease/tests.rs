//! The steps of one lease, and several leases on an engine that does all that its rules allow.

use super::*;

// Several leases, and every fault.
mod several;

const TIMES: Times = Times { time_to_live: Duration::from_secs(15) };

#[expect(clippy::disallowed_methods, reason = "a lease only counts from it, so any time will do")]
pub(super) fn beginning() -> Instant {
    Instant::now()
}

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn unanswered() -> Answer {
    Answer::Changed(Err(EngineError::Unanswered.into()))
}

fn conflict() -> Answer {
    Answer::Changed(Err(ChangeError::Conflict))
}

fn unreachable() -> EngineError {
    EngineError::Unreachable("no route".to_owned())
}

fn seen(revision: u64, fence: u64, whose: Whose) -> Answer {
    Answer::Read(Ok(Some(Seen { revision: Revision(revision), fence: Revision(fence), whose })))
}

fn update(last: u64, fence: u64) -> Ask {
    Ask::Update { last: Revision(last), fence: Some(Revision(fence)) }
}

/// A lease, and a clock that only moves when it is told to.
struct Script {
    lease: Lease,
    now: Instant,
}

impl Script {
    fn new() -> Self {
        let now = beginning();
        Self { lease: Lease::claim(TIMES, now), now }
    }

    /// One that owns the name with the fence 1, confirmed at the beginning.
    fn owned() -> Self {
        Self::new().asks(Ask::Create).gets(Answer::Changed(Ok(Revision(1))))
    }

    fn after(mut self, time: Duration) -> Self {
        self.now += time;
        self
    }

    #[track_caller]
    fn asks(mut self, expected: Ask) -> Self {
        assert_eq!(self.lease.next(self.now), expected);
        self
    }

    #[track_caller]
    fn waits(mut self, expected: Duration) -> Self {
        assert_eq!(self.lease.next(self.now), Ask::Wait(self.now + expected));
        self.now += expected;
        self
    }

    fn gets(mut self, answer: Answer) -> Self {
        self.lease.answered(answer, self.now);
        self
    }

    fn released(mut self) -> Self {
        self.lease.release(self.now);
        self
    }

    #[track_caller]
    fn serves(self, expected: bool) -> Self {
        assert_eq!(self.lease.may_serve(self.now), expected);
        self
    }

    #[track_caller]
    fn ends(mut self, expected: &End) -> Self {
        assert_eq!(self.lease.next(self.now), Ask::Nothing);
        assert_eq!(self.lease.end(), Some(expected));
        self.serves(false)
    }
}

#[test]
fn a_name_is_served_when_its_create_is_confirmed_and_not_before() {
    Script::new().serves(false).asks(Ask::Create).serves(false).gets(Answer::Changed(Ok(Revision(7)))).serves(true);
}

#[test]
fn the_time_to_live_counts_from_before_the_change_was_sent() {
    let owned = Script::new().asks(Ask::Create).after(secs(2)).gets(Answer::Changed(Ok(Revision(1))));
    let late = owned.serves(true).after(secs(9)).serves(true).after(secs(1)).serves(false);
    late.ends(&End::Unconfirmed);
}

#[test]
fn an_owner_renews_every_third_of_the_time_to_live_with_its_fence() {
    let renewed = Script::owned().waits(secs(5)).asks(update(1, 1)).gets(Answer::Changed(Ok(Revision(4))));
    renewed.waits(secs(5)).asks(update(4, 1)).gets(Answer::Changed(Ok(Revision(9)))).after(secs(11)).serves(true);
}

#[test]
fn an_unanswered_renewal_confirms_nothing() {
    let unconfirmed = Script::owned().waits(secs(5)).asks(update(1, 1)).gets(unanswered());
    unconfirmed.after(secs(7)).serves(false).ends(&End::Unconfirmed);
}

#[test]
fn a_refusal_after_an_unanswered_renewal_is_looked_into() {
    let looks = Script::owned().waits(secs(5)).asks(update(1, 1)).gets(unanswered());
    let looks = looks.waits(TIMES.pause()).asks(update(1, 1)).gets(conflict()).asks(Ask::Read);
    // An old read says nothing, ...
    let looks = looks.gets(seen(1, 1, Whose::Ours)).serves(true).waits(TIMES.pause()).asks(Ask::Read);
    // ... and a new one confirms nothing.
    let found = looks.gets(seen(3, 1, Whose::Ours)).asks(update(3, 1)).gets(unanswered());
    found.after(secs(7)).ends(&End::Unconfirmed);
}

#[test]
fn a_refusal_of_a_renewal_without_doubt_is_a_loss() {
    Script::owned().waits(secs(5)).asks(update(1, 1)).gets(conflict()).serves(false).ends(&End::Taken);
}

#[test]
fn an_owner_that_reads_of_a_later_one_has_lost_the_name() {
    let refused = Script::owned().waits(secs(5)).asks(update(1, 1)).gets(unanswered()).waits(TIMES.pause());
    let refused = refused.asks(update(1, 1)).gets(conflict()).asks(Ask::Read);
    refused.gets(seen(9, 9, Whose::Others("b".into()))).ends(&End::Taken);
}

#[test]
fn a_renewal_that_was_not_sent_leaves_no_doubt() {
    let failed = Answer::Changed(Err(unreachable().into()));
    let tried = Script::owned().waits(secs(5)).asks(update(1, 1)).gets(failed).waits(TIMES.pause());
    tried.asks(update(1, 1)).gets(conflict()).ends(&End::Taken);
}

#[test]
fn a_claim_of_a_name_that_another_has_ends_with_its_member() {
    let refused = Script::new().asks(Ask::Create).gets(conflict()).asks(Ask::Read);
    refused.gets(seen(3, 3, Whose::Others("b".into()))).ends(&End::Owned("b".into()));
}

#[test]
fn a_claim_finds_out_about_its_own_unanswered_create() {
    let looks = Script::new().asks(Ask::Create).gets(unanswered()).waits(TIMES.pause()).asks(Ask::Read);
    let taken = looks.gets(seen(3, 3, Whose::Ours)).serves(false).asks(update(3, 3));
    let owned = taken.gets(Answer::Changed(Ok(Revision(4)))).serves(true);
    assert_eq!(owned.lease.fence(), Some(Revision(3)));
}

#[test]
fn a_claim_in_doubt_looks_again_before_it_believes_that_another_has_the_name() {
    let mut script = Script::new().asks(Ask::Create).gets(unanswered()).waits(TIMES.pause());
    let others = || seen(2, 2, Whose::Others("b".into()));
    script = script.asks(Ask::Read).gets(others()).asks(Ask::Create).gets(conflict()).asks(Ask::Read);
    for _ in 2..LOOKS_MAX {
        script = script.gets(others()).waits(TIMES.pause()).asks(Ask::Create).gets(conflict()).asks(Ask::Read);
    }
    script.gets(others()).ends(&End::Owned("b".into()));
}

#[test]
fn what_an_ended_server_of_this_member_has_left_is_taken_with_a_new_fence() {
    let refused = Script::new().asks(Ask::Create).gets(conflict()).asks(Ask::Read).gets(seen(3, 2, Whose::Abandoned));
    let taken = refused.asks(Ask::Update { last: Revision(3), fence: None }).gets(Answer::Changed(Ok(Revision(8))));
    assert_eq!(taken.lease.fence(), Some(Revision(8)));
}

#[test]
fn a_claim_gives_up_after_a_time_to_live_and_says_why() {
    let mut script = Script::new();
    for _ in 0..29 {
        script = script.asks(Ask::Create).gets(Answer::Changed(Err(unreachable().into()))).waits(TIMES.pause());
    }
    let last = script.asks(Ask::Create).gets(Answer::Changed(Err(unreachable().into())));
    last.ends(&End::NotClaimed(unreachable()));
}

#[test]
fn a_claim_that_the_engine_refuses_ends_at_once() {
    let refused = EngineError::Refused("too old".to_owned());
    let answer = Answer::Changed(Err(refused.clone().into()));
    Script::new().asks(Ask::Create).gets(answer).ends(&End::NotClaimed(refused));
}

#[test]
fn a_released_name_is_deleted_and_not_served() {
    let released = Script::owned().released().serves(false).asks(Ask::Delete { last: Revision(1) });
    released.gets(Answer::Deleted(Ok(()))).ends(&End::Released);
}

#[test]
fn a_renewal_that_is_not_waited_for_is_found_when_the_name_is_released() {
    let released = Script::owned().waits(secs(5)).asks(update(1, 1)).released().asks(Ask::Delete { last: Revision(1) });
    let looks = released.gets(Answer::Deleted(Err(ChangeError::Conflict))).asks(Ask::Read);
    let again = looks.gets(seen(2, 1, Whose::Ours)).asks(Ask::Delete { last: Revision(2) });
    again.gets(Answer::Deleted(Ok(()))).ends(&End::Released);
}

#[test]
fn a_claim_that_is_given_up_deletes_what_it_may_have_created() {
    let released = Script::new().asks(Ask::Create).released().asks(Ask::Read).gets(seen(2, 2, Whose::Ours));
    released.asks(Ask::Delete { last: Revision(2) }).gets(Answer::Deleted(Ok(()))).ends(&End::Released);
    Script::new().released().ends(&End::Released);
}

#[test]
fn a_release_that_the_engine_does_not_answer_ends() {
    let mut script = Script::owned().released();
    for _ in 0..RELEASES_MAX {
        script = script.asks(Ask::Delete { last: Revision(1) });
        script = script.gets(Answer::Deleted(Err(EngineError::Unanswered.into()))).waits(TIMES.pause());
    }
    script.ends(&End::Released);
}

#[test]
fn a_lost_name_is_never_served_again() {
    let lost = Script::owned().waits(secs(5)).asks(update(1, 1)).after(secs(7)).ends(&End::Unconfirmed);
    lost.gets(Answer::Changed(Ok(Revision(2)))).serves(false).ends(&End::Unconfirmed);
}
