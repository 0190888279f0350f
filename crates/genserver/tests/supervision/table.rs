//! The restart table: what happens to a child and its siblings, for each strategy, restart kind and way to end.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use crate::wards::{Diary, Tell, end, kill, pids};
use genserver::Reason;
use genserver::supervisor::{Restart, Strategy, SupervisorSpec};

/// How the child in the middle ends.
#[derive(Clone, Copy)]
enum Exit {
    Normal,
    Shutdown,
    Error,
    Panic,
    Kill,
}

/// One cell. `renewed` are the children that are other processes afterwards; `left` says what is left of the child.
async fn check(strategy: Strategy, restart: Restart, exit: Exit, renewed: &[&str], left: Left) {
    let diary = Diary::new();
    let supervisor = SupervisorSpec::new(strategy)
        .child(diary.ward("before"))
        .child(diary.ward("child").restart(restart))
        .child(diary.ward("after"))
        .start()
        .await
        .unwrap();
    let before = pids(&supervisor).await;
    match exit {
        Exit::Normal => drop(end(&supervisor, "child", Tell::Stop(Reason::Normal)).await),
        Exit::Shutdown => drop(end(&supervisor, "child", Tell::Stop(Reason::Shutdown)).await),
        Exit::Error => drop(end(&supervisor, "child", Tell::Fail).await),
        Exit::Panic => drop(end(&supervisor, "child", Tell::Panic).await),
        Exit::Kill => kill(&supervisor, "child").await,
    }
    let after = pids(&supervisor).await;
    for (name, pid) in &before {
        let now = after.iter().find(|(id, _)| id == name);
        match (name.as_str(), left) {
            ("child", Left::Forgotten) => assert_eq!(now, None),
            ("child", Left::Stopped) => assert_eq!(now.unwrap().1, None),
            _ => {
                let now = now.unwrap().1;
                assert!(now.is_some(), "{name} runs");
                assert_eq!(now != *pid, renewed.contains(&name.as_str()), "{name}");
            }
        }
    }
    assert!(supervisor.is_alive());
    supervisor.stop().await.unwrap();
}

/// What is left of the child.
#[derive(Clone, Copy)]
enum Left {
    Running,
    Stopped,
    Forgotten,
}

/// A test for each cell of a row: strategy, restart kind, and what follows each of the five ends.
macro_rules! row {
    ($($name:ident: $strategy:ident $restart:ident $exit:ident -> $renewed:expr, $left:ident;)*) => {
        $(
            #[tokio::test]
            async fn $name() {
                check(Strategy::$strategy, Restart::$restart, Exit::$exit, &$renewed, Left::$left).await;
            }
        )*
    };
}

row! {
    one_for_one_permanent_normal: OneForOne Permanent Normal -> ["child"], Running;
    one_for_one_permanent_shutdown: OneForOne Permanent Shutdown -> ["child"], Running;
    one_for_one_permanent_error: OneForOne Permanent Error -> ["child"], Running;
    one_for_one_permanent_panic: OneForOne Permanent Panic -> ["child"], Running;
    one_for_one_permanent_kill: OneForOne Permanent Kill -> ["child"], Running;

    one_for_one_transient_normal: OneForOne Transient Normal -> [], Stopped;
    one_for_one_transient_shutdown: OneForOne Transient Shutdown -> [], Stopped;
    one_for_one_transient_error: OneForOne Transient Error -> ["child"], Running;
    one_for_one_transient_panic: OneForOne Transient Panic -> ["child"], Running;
    one_for_one_transient_kill: OneForOne Transient Kill -> ["child"], Running;

    one_for_one_temporary_normal: OneForOne Temporary Normal -> [], Forgotten;
    one_for_one_temporary_shutdown: OneForOne Temporary Shutdown -> [], Forgotten;
    one_for_one_temporary_error: OneForOne Temporary Error -> [], Forgotten;
    one_for_one_temporary_panic: OneForOne Temporary Panic -> [], Forgotten;
    one_for_one_temporary_kill: OneForOne Temporary Kill -> [], Forgotten;
}

row! {
    one_for_all_permanent_normal: OneForAll Permanent Normal -> ["before", "child", "after"], Running;
    one_for_all_permanent_shutdown: OneForAll Permanent Shutdown -> ["before", "child", "after"], Running;
    one_for_all_permanent_error: OneForAll Permanent Error -> ["before", "child", "after"], Running;
    one_for_all_permanent_panic: OneForAll Permanent Panic -> ["before", "child", "after"], Running;
    one_for_all_permanent_kill: OneForAll Permanent Kill -> ["before", "child", "after"], Running;

    one_for_all_transient_normal: OneForAll Transient Normal -> [], Stopped;
    one_for_all_transient_shutdown: OneForAll Transient Shutdown -> [], Stopped;
    one_for_all_transient_error: OneForAll Transient Error -> ["before", "child", "after"], Running;
    one_for_all_transient_panic: OneForAll Transient Panic -> ["before", "child", "after"], Running;
    one_for_all_transient_kill: OneForAll Transient Kill -> ["before", "child", "after"], Running;

    one_for_all_temporary_normal: OneForAll Temporary Normal -> [], Forgotten;
    one_for_all_temporary_shutdown: OneForAll Temporary Shutdown -> [], Forgotten;
    one_for_all_temporary_error: OneForAll Temporary Error -> [], Forgotten;
    one_for_all_temporary_panic: OneForAll Temporary Panic -> [], Forgotten;
    one_for_all_temporary_kill: OneForAll Temporary Kill -> [], Forgotten;
}

row! {
    rest_for_one_permanent_normal: RestForOne Permanent Normal -> ["child", "after"], Running;
    rest_for_one_permanent_shutdown: RestForOne Permanent Shutdown -> ["child", "after"], Running;
    rest_for_one_permanent_error: RestForOne Permanent Error -> ["child", "after"], Running;
    rest_for_one_permanent_panic: RestForOne Permanent Panic -> ["child", "after"], Running;
    rest_for_one_permanent_kill: RestForOne Permanent Kill -> ["child", "after"], Running;

    rest_for_one_transient_normal: RestForOne Transient Normal -> [], Stopped;
    rest_for_one_transient_shutdown: RestForOne Transient Shutdown -> [], Stopped;
    rest_for_one_transient_error: RestForOne Transient Error -> ["child", "after"], Running;
    rest_for_one_transient_panic: RestForOne Transient Panic -> ["child", "after"], Running;
    rest_for_one_transient_kill: RestForOne Transient Kill -> ["child", "after"], Running;

    rest_for_one_temporary_normal: RestForOne Temporary Normal -> [], Forgotten;
    rest_for_one_temporary_shutdown: RestForOne Temporary Shutdown -> [], Forgotten;
    rest_for_one_temporary_error: RestForOne Temporary Error -> [], Forgotten;
    rest_for_one_temporary_panic: RestForOne Temporary Panic -> [], Forgotten;
    rest_for_one_temporary_kill: RestForOne Temporary Kill -> [], Forgotten;
}
