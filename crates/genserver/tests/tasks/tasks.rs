//! Tasks: their results, their ends, and their ties to the process that spawns them.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::future::{Future, pending};
use std::sync::Arc;
use std::time::Duration;

use futures::future::poll_immediate;
use genserver::report::{Report, Reports};
use genserver::task::{OnTimeout, Shutdown, Task, TaskError, await_many, callers, or_exit, yield_many};
use genserver::time::{now, sleep};
use genserver::{AsProcess, CALL_TIMEOUT, Letter, Node, Pid, Probe, ProcessRef, Reason, StartError, spawn};

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn boom() -> Reason {
    Reason::term("boom")
}

fn slip(message: &str) {
    panic!("{message}");
}

/// A process that stands for an owner, and whose mailbox can be read.
fn shell(traps: bool) -> Probe<()> {
    let mut shell = Probe::new();
    shell.trap_exits(traps);
    shell
}

/// A task of that owner.
async fn task_of<T: Send + 'static>(owner: &Probe<()>, future: impl Future<Output = T> + Send + 'static) -> Task<T> {
    owner.scope(async { Task::spawn(future) }).await
}

fn process<T>(task: &Task<T>) -> ProcessRef {
    task.as_process().unwrap()
}

/// Gives every task time to do what it can.
async fn settle() {
    sleep(ms(1)).await;
}

fn is_timeout<T>(result: &Result<T, TaskError>, expected: Duration) -> bool {
    matches!(result, Err(TaskError::Timeout { after, .. }) if *after == expected)
}

fn exit_of<T: std::fmt::Debug>(result: Result<T, TaskError>) -> Reason {
    match result {
        Err(TaskError::Exit { reason, .. }) => reason,
        other => panic!("this is not an exit: {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn rat_040_a_linked_task_brings_its_result_and_then_its_end() {
    let mut owner = shell(true);
    let mut task = task_of(&owner, async {
        sleep(ms(10)).await;
        1
    })
    .await;
    let reference = owner.monitor(&task);
    assert_eq!(owner.process_ref().info().links, [task.pid()]);

    assert_eq!(task.join().await, Ok(1));
    assert_eq!(owner.expect_exit(&task).await.reason, Reason::Normal);
    assert_eq!(owner.expect_down(reference).await.reason, Reason::Normal);
    assert!(owner.flush().is_empty());
}

#[tokio::test(start_paused = true)]
async fn rat_041_an_await_that_times_out_leaves_no_message() {
    let mut owner = shell(false);
    for within in [ms(0), ms(10)] {
        let mut task = task_of(&owner, sleep(ms(20))).await;
        let begun = now();
        assert!(is_timeout(&task.join().timeout(within).await, within));
        assert_eq!((now() - begun).as_millis(), within.as_millis());
        sleep(ms(100)).await;
        assert!(owner.flush().is_empty());
        // The task was not cancelled, and its result was kept.
        assert_eq!(task.join().await, Ok(()));
    }
    let begun = now();
    let late = task_of(&owner, pending::<()>()).await;
    assert!(is_timeout(&late.await, CALL_TIMEOUT));
    assert_eq!((now() - begun).as_secs(), 5);
}

#[tokio::test]
async fn rat_042_an_await_tells_how_a_task_ended_without_a_result() {
    let mut owner = shell(true);
    let normal = owner.scope(async { Task::spawn(or_exit(async { Err::<u8, _>(Reason::Normal) })) }).await;
    let pid = normal.pid();
    assert_eq!(normal.await, Err(TaskError::Exit { task: pid, reason: Reason::Normal }));

    let panicked = task_of(&owner, async { slip("oops") }).await;
    assert_eq!(exit_of(panicked.await).to_string(), "panicked: oops");

    let thrown = task_of(&owner, async { std::panic::panic_any(7_u8) }).await;
    assert!(matches!(exit_of(thrown.await), Reason::Panic(_)));

    let exited = owner.scope(async { Task::spawn(or_exit(async { Err::<u8, _>(boom()) })) }).await;
    assert_eq!(exit_of(exited.await), boom());

    let killed = task_of(&owner, pending::<()>()).await;
    process(&killed).kill();
    assert_eq!(exit_of(killed.await), Reason::Killed);

    // Each sent one exit over its link.
    assert_eq!(owner.flush().len(), 5);
}

#[tokio::test(start_paused = true)]
async fn rat_044_many_results_come_in_the_order_of_their_tasks() {
    let mut tasks = [(30, 1), (10, 3), (20, 9)].map(|(millis, value)| {
        Task::spawn(async move {
            sleep(ms(millis)).await;
            value
        })
    });
    let begun = now();
    assert_eq!(await_many(&mut tasks).await, Ok(vec![1, 3, 9]));
    assert_eq!((now() - begun).as_millis(), 30);

    assert_eq!(await_many::<u8>(&mut []).timeout(ms(0)).await, Ok(vec![]));
}

#[tokio::test]
async fn rat_045_awaiting_leaves_the_mailbox_alone() {
    let owner = spawn(|mut me: Probe<u8>| async move {
        me.sender().send(1)?;
        let mut tasks = [Task::spawn(async { 5 }), Task::completed(6)];
        assert_eq!(await_many(&mut tasks).await?, [5, 6]);
        assert_eq!(Task::spawn(async { 7 }).await?, 7);
        assert_eq!(me.flush(), [Letter::Message(1)]);
        Ok(())
    });
    assert_eq!(owner.unwrap().process_ref().ended().await, Reason::Normal);
}

#[tokio::test(start_paused = true)]
async fn rat_046_many_awaits_end_with_the_first_failure() {
    let mut owner = shell(true);
    let slow = || async {
        sleep(ms(50)).await;
        1
    };
    let mut tasks = [task_of(&owner, async { 0 }).await, task_of(&owner, slow()).await];
    let late = await_many(&mut tasks).timeout(ms(10)).await;
    assert_eq!(late, Err(TaskError::Timeout { task: tasks[1].pid(), after: ms(10) }));
    // Nothing is lost: early results are kept, and late ones can still come.
    assert_eq!(await_many(&mut tasks).await, Ok(vec![0, 1]));

    let exits = || Task::spawn(or_exit(async { Err(boom()) }));
    let crashes = || {
        Task::spawn(async {
            slip("crash");
            2
        })
    };
    for (fails, expected) in [(&exits as &(dyn Fn() -> Task<i32> + Sync), "boom"), (&crashes, "panicked: crash")] {
        let begun = now();
        let failing = owner.scope(async { fails() }).await;
        let mut tasks = [task_of(&owner, slow()).await, failing];
        let failed = await_many(&mut tasks).await;
        assert_eq!(exit_of(failed).to_string(), expected);
        assert_eq!(now(), begun, "it did not wait for the slow one");
        assert_eq!(tasks[0].join().await, Ok(1));
    }
    assert!(owner.flush().iter().all(|letter| matches!(letter, Letter::Exit(_))));
}

#[tokio::test(start_paused = true)]
async fn rat_047_a_result_wins_over_the_end_that_follows_it() {
    let mut owner = shell(true);
    let mut task = task_of(&owner, async { 1 }).await;
    let reference = owner.monitor(&task);
    owner.expect_down(reference).await;
    assert_eq!(task.yield_for(ms(0)).await, Some(Ok(1)));
    assert_eq!(owner.flush().len(), 1, "the exit, and nothing else");
}

#[tokio::test(start_paused = true)]
async fn a_yield_can_be_repeated_until_there_is_a_result() {
    let mut task = Task::spawn(or_exit(async {
        sleep(ms(25)).await;
        Err::<u8, _>(boom())
    }));
    assert_eq!(task.yield_for(ms(10)).await, None);
    assert_eq!(task.yield_for(ms(0)).await, None);
    assert_eq!(task.yield_for(ms(10)).await, None);
    assert_eq!(task.yield_for(ms(10)).await, Some(Err(boom())));
    assert_eq!(task.yield_for(ms(10)).await, Some(Err(Reason::NoProc)));
}

/// A task that traps exits, and does not look at what arrives.
fn deaf() -> Task<()> {
    Task::with_mailbox(|mut me: Probe<()>| {
        me.trap_exits(true);
        async move {
            let _me = me;
            pending::<()>().await;
        }
    })
}

#[tokio::test(start_paused = true)]
async fn rat_051_a_shutdown_ends_a_task_and_says_how() {
    let mut owner = shell(false);
    let after = Shutdown::After(ms(5000));
    assert_eq!(task_of(&owner, pending::<()>()).await.shutdown(after).await, None);
    assert_eq!(task_of(&owner, pending::<()>()).await.shutdown(Shutdown::Infinity).await, None);

    for (how, expected) in [
        (Shutdown::BrutalKill, None),
        (Shutdown::After(ms(1)), Some(Err(Reason::Killed))),
        (Shutdown::After(ms(0)), Some(Err(Reason::Killed))),
    ] {
        let task = owner.scope(async { deaf() }).await;
        settle().await;
        assert_eq!(task.shutdown(how).await, expected, "{how:?}");
    }

    let done = task_of(&owner, async { 1 }).await;
    settle().await;
    assert_eq!(done.shutdown(after).await, Some(Ok(1)));

    let crashed = Task::spawn(async { slip("before") });
    settle().await;
    assert_eq!(crashed.shutdown(after).await.unwrap().unwrap_err().to_string(), "panicked: before");

    // The spawner got nothing from it.
    settle().await;
    assert!(owner.is_alive());
    assert!(owner.process_ref().info().links.is_empty());
    owner.trap_exits(true);
    assert!(owner.flush().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_task_that_traps_exits_may_finish_before_the_deadline() {
    let task = Task::with_mailbox(|mut me: Probe<()>| async move {
        me.trap_exits(true);
        let told = me.recv().await;
        assert!(matches!(told, Ok(Letter::Exit(exit)) if exit.reason == Reason::Shutdown));
        sleep(ms(10)).await;
        "finished"
    });
    settle().await;
    assert_eq!(task.shutdown(Shutdown::After(ms(100))).await, Some(Ok("finished")));
}

#[tokio::test]
async fn rat_052_a_task_whose_result_was_taken_fails_with_noproc() {
    let mut task = Task::spawn(async { 1 });
    assert_eq!(task.join().await, Ok(1));
    assert_eq!(exit_of(task.join().await), Reason::NoProc);
    assert_eq!(exit_of(await_many(std::slice::from_mut(&mut task)).await), Reason::NoProc);
    assert_eq!(task.shutdown(Shutdown::BrutalKill).await, Some(Err(Reason::NoProc)));
}

#[tokio::test(start_paused = true)]
async fn rat_053_an_ignored_task_goes_on_without_its_owner() {
    let mut owner = shell(false);
    let alive = Arc::new(());
    let (held, done) = (Arc::clone(&alive), Arc::new(tokio::sync::Notify::new()));
    let told = Arc::clone(&done);
    let task = task_of(&owner, async move {
        sleep(ms(10)).await;
        told.notify_one();
        held
    })
    .await;
    assert_eq!(task.ignore(), None);
    assert!(owner.process_ref().info().links.is_empty());
    done.notified().await;
    settle().await;
    assert_eq!(Arc::strong_count(&alive), 1, "its result was dropped");

    // The failure of an ignored task affects nothing.
    let fails = task_of(&owner, async {
        sleep(ms(10)).await;
        slip("ignored");
    })
    .await;
    assert_eq!(fails.ignore(), None);
    sleep(ms(20)).await;
    assert!(owner.is_alive());

    let done = task_of(&owner, async { 1 }).await;
    settle().await;
    assert_eq!(done.ignore(), Some(Ok(1)));
    owner.trap_exits(true);
    let failed = task_of(&owner, async { slip("failed") }).await;
    settle().await;
    assert_eq!(failed.ignore().unwrap().unwrap_err().to_string(), "panicked: failed");
}

#[tokio::test(start_paused = true)]
async fn rat_054_a_completed_task_has_no_process() {
    let node = Node::new();
    let owner = Probe::<()>::on(&node);
    let mut task = owner.scope(async { Task::completed(7) }).await;
    assert_eq!(task.pid(), Pid::NOBODY);
    assert_eq!(node.process_list().len(), 1, "its owner");
    assert_eq!(task.yield_for(ms(0)).await, Some(Ok(7)));
    assert_eq!(Task::completed(8).await, Ok(8));
}

#[tokio::test]
async fn rat_061_a_task_knows_on_whose_behalf_it_runs() {
    assert!(callers().is_empty());
    assert_eq!(Task::spawn(async { callers() }).await, Ok(vec![]));

    let owner = shell(false);
    let outer = owner.scope(async {
        Task::with_mailbox(|me: Probe<()>| async move {
            let inner = Task::with_mailbox(|me: Probe<()>| async move {
                // Awaiting something does not lose them.
                settle().await;
                (me.pid(), callers(), me.process_ref().info())
            });
            (me.pid(), inner.await)
        })
    });
    let (outer, inner) = outer.await.await.unwrap();
    let (_, chain, info) = inner.unwrap();
    assert_eq!(chain, [outer, owner.pid()]);
    assert_eq!(info.parent, Some(outer));
}

#[tokio::test]
async fn a_crash_of_a_task_takes_its_spawner_along() {
    let owner = spawn(|_me: Probe<()>| async {
        let task = Task::spawn(async { slip("crash") });
        drop(task);
        pending::<()>().await;
    });
    assert_eq!(owner.unwrap().process_ref().ended().await.to_string(), "panicked: crash");
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_spawner_takes_its_tasks_along() {
    let mut shell = Probe::<Pid>::new();
    let told = shell.sender();
    let owner = spawn(move |_me: Probe<()>| async move {
        let task = Task::spawn(pending::<()>());
        told.send(task.pid())?;
        drop(task);
        pending::<()>().await;
        Ok(())
    });
    let task = shell.expect_message().await;
    let reference = shell.monitor(&task);
    owner.unwrap().exit(boom());
    assert_eq!(shell.expect_down(reference).await.reason, boom());
}

#[tokio::test]
async fn a_question_mark_makes_a_failed_await_the_end_of_its_process() {
    let owner = spawn(|mut me: Probe<()>| async move {
        me.trap_exits(true);
        let task = Task::spawn(async { slip("crash") });
        task.await?;
        Ok(())
    });
    let reason = owner.unwrap().process_ref().ended().await;
    assert!(matches!(reason.downcast_ref(), Some(TaskError::Exit { reason: Reason::Panic(_), .. })), "{reason}");
}

#[tokio::test]
async fn a_task_of_plain_code_is_linked_with_nobody() {
    let mut task = Task::spawn(async { slip("alone") });
    assert!(process(&task).info().links.is_empty());
    assert_eq!(exit_of(task.join().await).to_string(), "panicked: alone");
}

#[tokio::test(start_paused = true)]
async fn a_task_whose_handle_is_dropped_goes_on() {
    let mut shell = Probe::<u8>::new();
    let told = shell.sender();
    drop(Task::spawn(async move {
        sleep(ms(10)).await;
        told.send(1)
    }));
    assert_eq!(shell.expect_message().await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_is_dropped_loses_nothing() {
    let mut tasks = [
        Task::spawn(async { 1 }),
        Task::spawn(async {
            sleep(ms(10)).await;
            2
        }),
    ];
    assert_eq!(poll_immediate(tasks[0].join()).await, None);
    settle().await;
    assert_eq!(poll_immediate(await_many(&mut tasks).into_future()).await, None);
    assert_eq!(poll_immediate(yield_many(&mut tasks).into_future()).await, None);
    assert_eq!(await_many(&mut tasks).await, Ok(vec![1, 2]));
}

#[tokio::test(start_paused = true)]
async fn yielding_to_many_leaves_ignores_or_kills_the_late() {
    for (on_timeout, later) in [
        (OnTimeout::Nothing, Some(Ok(2))),
        (OnTimeout::Ignore, Some(Err(Reason::NoProc))),
        (OnTimeout::Kill, Some(Err(Reason::NoProc))),
    ] {
        let owner = shell(false);
        let mut tasks = [
            task_of(&owner, async { 1 }).await,
            task_of(&owner, async {
                sleep(ms(20)).await;
                2
            })
            .await,
            owner.scope(async { Task::spawn(or_exit(async { Err(Reason::Normal) })) }).await,
        ];
        let pid = tasks[1].pid();
        let results = yield_many(&mut tasks).timeout(ms(10)).on_timeout(on_timeout).await;
        assert_eq!(results, [Some(Ok(1)), None, Some(Err(Reason::Normal))], "{on_timeout:?}");
        assert_eq!(pid.as_process().is_some(), on_timeout != OnTimeout::Kill);
        assert_eq!(tasks[1].yield_for(ms(100)).await, later, "{on_timeout:?}");
        assert!(owner.is_alive());
    }
}

#[tokio::test(start_paused = true)]
async fn yielding_to_many_may_be_content_with_some() {
    let after = |millis| {
        Task::spawn(async move {
            sleep(ms(millis)).await;
            millis
        })
    };
    let mut tasks = [after(30), after(10), after(20)];
    let begun = now();
    let results = yield_many(&mut tasks).limit(2).on_timeout(OnTimeout::Kill).await;
    assert_eq!(results, [None, Some(Ok(10)), Some(Ok(20))]);
    assert_eq!((now() - begun).as_millis(), 20);
    assert_eq!(tasks[0].join().await, Ok(30), "it was not late, so it was not killed");

    assert_eq!(yield_many(&mut [after(1)]).limit(0).await, [None]);
}

#[test]
fn a_task_that_cannot_run_fails_when_it_is_awaited() {
    let result = crate::plain_thread::block_on(Task::spawn(async { 1 }).into_future());
    let reason = exit_of(result);
    assert_eq!(reason.downcast_ref(), Some(&StartError::NoRuntime));
    assert_eq!(Task::start(async {}).unwrap_err(), StartError::NoRuntime);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_is_started_ends_with_its_reason() {
    let quiet = Task::start(async {}).unwrap();
    assert_eq!(quiet.ended().await, Reason::Normal);
    assert_eq!(Task::start_link(async {}).unwrap_err(), StartError::NotAProcess);

    let mut owner = shell(true);
    let task = owner.scope(async { Task::start_link(async { slip("linked") }) }).await.unwrap();
    assert_eq!(owner.expect_exit(&task).await.reason.to_string(), "panicked: linked");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_tasks_each_bring_their_result() {
    let node = Node::new();
    let owner = Probe::<()>::on(&node);
    let mut tasks = Vec::new();
    for number in 0..5000_u32 {
        tasks.push(task_of(&owner, async move { number }).await);
    }
    let results = await_many(&mut tasks).timeout(Duration::from_mins(1)).await.unwrap();
    assert!(results.iter().copied().eq(0..5000));
    // A task leaves the table before its links are notified, so wait for both.
    while node.process_list().len() > 1 || !owner.process_ref().info().links.is_empty() {
        tokio::task::yield_now().await;
    }
}

fn all(reports: &mut Reports) -> Vec<Report> {
    std::iter::from_fn(|| reports.try_next()).collect()
}

async fn cracks() {
    settle().await;
    slip("crack");
}

#[tokio::test]
async fn rat_066_a_task_that_fails_reports_it_once_and_its_process_after_it() {
    let node = Node::new();
    let mut reports = node.reports();
    let owner = Probe::<()>::on(&node);
    owner.register("owner").unwrap();

    let task = task_of(&owner, cracks()).await;
    let pid = task.pid();
    task.await.unwrap_err();
    let [Report::TaskFailed(task), Report::Crashed(crashed)] = &all(&mut reports)[..] else { panic!() };
    assert_eq!((task.process.pid, crashed.process.pid), (pid, pid));
    assert_eq!(task.started_by.as_ref().unwrap().pid, owner.pid());
    assert!(task.function.contains("cracks"), "{}", task.function);
    assert_eq!(crashed.entry, format!("genserver::task::body::Body<{}>", task.function));
    assert_eq!(crashed.ancestors[0].pid, owner.pid());
    assert_eq!((&task.reason, task.reason.to_string().as_str()), (&crashed.reason, "panicked: crack"));
    let text = Report::TaskFailed(task.clone()).to_string();
    assert!(text.starts_with(&format!("Task {pid} terminating\n  started by: {}", owner.pid())), "{text}");

    // An error that becomes the exit, and an error of a task that is not awaited.
    owner.scope(async { Task::spawn(or_exit(async { Err::<u8, _>(boom()) })).await }).await.unwrap_err();
    let unattended = owner.scope(async { Task::start(async { Err(boom()) }) }).await.unwrap();
    unattended.ended().await;
    let reasons: Vec<_> = all(&mut reports).iter().map(|report| report.reason().cloned()).collect();
    assert_eq!(reasons, [Some(boom()), Some(boom()), Some(boom()), Some(boom())]);
}

#[tokio::test]
async fn an_end_of_the_normal_set_or_from_outside_is_not_reported() {
    let node = Node::new();
    let mut reports = node.reports();
    let owner = Probe::<()>::on(&node);
    owner.scope(async { Task::spawn(async { 1 }).await }).await.unwrap();
    for reason in [Reason::Normal, Reason::Shutdown, Reason::shutdown_with("for now")] {
        let exits = owner.scope(async { Task::spawn(or_exit(async { Err::<u8, _>(reason) })).await }).await;
        exits.unwrap_err();
    }
    for how in [Shutdown::BrutalKill, Shutdown::Infinity] {
        task_of(&owner, pending::<()>()).await.shutdown(how).await;
    }
    assert!(all(&mut reports).is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_that_is_killed_at_any_moment_leaves_no_task() {
    let node = Node::new();
    for round in 0..500_u32 {
        let shell = Probe::<()>::on(&node);
        let owner = shell.scope(async {
            spawn(move |_me: Probe<()>| async move {
                let mut tasks: Vec<_> = (0..4)
                    .map(|number| {
                        Task::spawn(async move {
                            for _ in 0..number {
                                tokio::task::yield_now().await;
                            }
                            number
                        })
                    })
                    .collect();
                tasks.push(Task::spawn(pending()));
                await_many(&mut tasks).await?;
                Ok(())
            })
        });
        let owner = owner.await.unwrap();
        for _ in 0..round % 5 {
            tokio::task::yield_now().await;
        }
        owner.kill();
        assert_eq!(owner.process_ref().ended().await, Reason::Killed);
    }
    while !node.process_list().is_empty() {
        tokio::task::yield_now().await;
    }
}
