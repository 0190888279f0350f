//! Significant children: which ends of a child end its supervisor, and which do not.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use crate::wards::{Diary, Tell, end, kill, process, states};
use genserver::Reason;
use genserver::supervisor::{AutoShutdown, ChildSpec, Restart, Strategy, Supervisor, SupervisorSpec};

const MODES: [AutoShutdown; 3] = [AutoShutdown::Never, AutoShutdown::AnySignificant, AutoShutdown::AllSignificant];

/// The ways in which a child ends.
#[derive(Clone, Copy, Debug)]
enum End {
    Terminated,
    Killed,
    Abnormal,
    Normal,
    Shutdown,
}

const ENDS: [End; 5] = [End::Terminated, End::Killed, End::Abnormal, End::Normal, End::Shutdown];

async fn bring_about(end_of: End, supervisor: &Supervisor, id: &str) {
    match end_of {
        End::Terminated => supervisor.terminate_child(id).await.unwrap(),
        End::Killed => kill(supervisor, id).await,
        End::Abnormal => drop(end(supervisor, id, Tell::Stop(Reason::term("boom"))).await),
        End::Normal => drop(end(supervisor, id, Tell::Stop(Reason::Normal)).await),
        End::Shutdown => drop(end(supervisor, id, Tell::Stop(Reason::Shutdown)).await),
    }
}

/// Checks whether the supervisor of two children is alive after the first has ended.
async fn check(mode: AutoShutdown, restart: Restart, significant: bool, end_of: End, stays: bool) {
    let diary = Diary::new();
    let child = diary.ward("child").restart(restart).significant(significant);
    let spec = Supervisor::one_for_one().auto_shutdown(mode).child(child).child(diary.ward("other"));
    let supervisor = spec.start().await.unwrap();
    let other = process(&supervisor, "other").await;
    bring_about(end_of, &supervisor, "child").await;
    assert_eq!(supervisor.which_children().await.is_ok(), stays, "{mode:?} {restart} {end_of:?}");
    if !stays {
        assert_eq!(supervisor.process_ref().ended().await, Reason::Shutdown);
        assert_eq!(other.ended().await, Reason::Shutdown);
    }
}

#[tokio::test]
async fn sup_075_the_end_of_a_child_that_is_not_significant_does_not_end_the_supervisor() {
    for mode in MODES {
        for restart in [Restart::Permanent, Restart::Transient, Restart::Temporary] {
            for end_of in ENDS {
                check(mode, restart, false, end_of, true).await;
            }
        }
    }
}

#[tokio::test]
async fn sup_076_any_end_of_its_own_of_a_temporary_significant_child_does() {
    let any = AutoShutdown::AnySignificant;
    check(any, Restart::Temporary, true, End::Terminated, true).await;
    for end_of in [End::Killed, End::Abnormal, End::Normal, End::Shutdown] {
        check(any, Restart::Temporary, true, end_of, false).await;
    }
}

#[tokio::test]
async fn sup_077_if_all_are_asked_for_the_last_one_counts() {
    for restart in [Restart::Temporary, Restart::Transient] {
        let diary = Diary::new();
        let children = ["first", "second"].map(|name| diary.ward(name).restart(restart).significant(true));
        let spec = Supervisor::one_for_one().auto_shutdown(AutoShutdown::AllSignificant);
        let supervisor = spec.child(diary.ward("other")).children(children).start().await.unwrap();
        let other = process(&supervisor, "other").await;
        end(&supervisor, "first", Tell::Stop(Reason::Normal)).await;
        assert!(supervisor.which_children().await.is_ok());
        end(&supervisor, "second", Tell::Stop(Reason::Normal)).await;
        assert_eq!(supervisor.process_ref().ended().await, Reason::Shutdown);
        assert_eq!(other.ended().await, Reason::Shutdown);
    }
}

#[tokio::test]
async fn sup_077_one_that_was_ended_on_request_is_not_waited_for() {
    let diary = Diary::new();
    let children = ["first", "second"].map(|name| diary.ward(name).restart(Restart::Transient).significant(true));
    let spec = Supervisor::one_for_one().auto_shutdown(AutoShutdown::AllSignificant);
    let supervisor = spec.children(children).start().await.unwrap();
    supervisor.terminate_child("first").await.unwrap();
    assert_eq!(states(&supervisor).await, ["first stopped", "second runs"]);
    end(&supervisor, "second", Tell::Stop(Reason::Normal)).await;
    assert_eq!(supervisor.process_ref().ended().await, Reason::Shutdown);
}

#[tokio::test]
async fn sup_078_only_an_end_in_order_of_a_transient_significant_child_does() {
    let any = AutoShutdown::AnySignificant;
    for end_of in [End::Terminated, End::Killed, End::Abnormal] {
        check(any, Restart::Transient, true, end_of, true).await;
    }
    for end_of in [End::Normal, End::Shutdown] {
        check(any, Restart::Transient, true, end_of, false).await;
    }
}

#[tokio::test]
async fn sup_081_a_significant_child_that_is_ended_for_a_siblings_sake_does_not_count() {
    for strategy in [Strategy::OneForOne, Strategy::OneForAll, Strategy::RestForOne] {
        let diary = Diary::new();
        let significant = [Restart::Transient, Restart::Temporary]
            .map(|restart| ChildSpec::untyped(diary.ward("significant").restart(restart).significant(true)));
        for child in significant {
            let spec = SupervisorSpec::new(strategy).auto_shutdown(AutoShutdown::AnySignificant);
            let supervisor = spec.child(diary.ward("sibling")).child(child).start().await.unwrap();
            kill(&supervisor, "sibling").await;
            let left = states(&supervisor).await;
            assert_eq!(left[0], "sibling runs");
            assert!(supervisor.is_alive());
            supervisor.stop().await.unwrap();
        }
    }
}

#[tokio::test]
async fn sup_082_the_end_of_a_supervisor_can_be_the_end_of_the_one_above() {
    for significant in [true, false] {
        let diary = Diary::new();
        let inner = diary.clone();
        let branch = ChildSpec::supervisor("branch", move || {
            let leaf = inner.ward("leaf").restart(Restart::Transient).significant(true);
            Supervisor::one_for_one().auto_shutdown(AutoShutdown::AnySignificant).child(leaf).start_link()
        });
        let spec = Supervisor::one_for_one().auto_shutdown(AutoShutdown::AnySignificant);
        let branch = branch.restart(Restart::Transient).significant(significant);
        let top = spec.child(diary.ward("other")).child(branch).start().await.unwrap();
        let other = process(&top, "other").await;
        let branch = Supervisor::from(process(&top, "branch").await.downcast().unwrap());
        end(&branch, "leaf", Tell::Stop(Reason::Normal)).await;
        assert_eq!(branch.process_ref().ended().await, Reason::Shutdown);
        if significant {
            assert_eq!(top.process_ref().ended().await, Reason::Shutdown);
            assert_eq!(other.ended().await, Reason::Shutdown);
        } else {
            assert_eq!(states(&top).await, ["other runs", "branch stopped"]);
        }
    }
}
