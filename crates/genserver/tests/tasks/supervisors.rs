//! Supervised tasks: what they are linked with, who ends them, and how many there may be.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::future::pending;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::StreamExt;
use futures::future::poll_immediate;
use genserver::dynamic_supervisor::{DynamicSupervisor, StartChildError, TerminateChildError};
use genserver::report::Report;
use genserver::supervisor::Restart;
use genserver::task::{ItemTimeout, Shutdown, TaskError, TaskSupervisor, callers, or_exit};
use genserver::time::sleep;
use genserver::{AsProcess, Letter, Node, Probe, Reason, spawn};

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn boom() -> Reason {
    Reason::term("boom")
}

fn slip(message: &str) {
    panic!("{message}");
}

async fn settle() {
    sleep(ms(1)).await;
}

async fn supervisor() -> TaskSupervisor {
    TaskSupervisor::start().await.unwrap()
}

#[tokio::test]
async fn rat_062_a_supervised_task_is_linked_with_its_caller_or_not() {
    let tasks = supervisor().await;
    for linked in [true, false] {
        let mut caller = Probe::<()>::new();
        caller.trap_exits(true);
        let run = async {
            let task = or_exit(async {
                settle().await;
                Err::<u8, _>(boom())
            });
            if linked { tasks.spawn(task).await } else { tasks.spawn_nolink(task).await }
        };
        let mut task = caller.scope(run).await.unwrap();
        let process = task.as_process().unwrap();
        assert_eq!(tasks.children().await.unwrap(), std::slice::from_ref(&process));
        let supervisor = tasks.pid();
        let mut links = vec![supervisor];
        links.extend(linked.then_some(caller.pid()));
        links.sort_unstable();
        assert_eq!(process.info().links, links);
        assert_eq!(process.info().parent, Some(supervisor));

        let failed = task.join().await;
        assert_eq!(failed, Err(TaskError::Exit { task: process.pid(), reason: boom() }));
        settle().await;
        let expected =
            if linked { vec![Letter::Exit(genserver::Exit { from: process.pid(), reason: boom() })] } else { vec![] };
        assert_eq!(caller.flush(), expected);
        assert!(tasks.children().await.unwrap().is_empty());
    }
    assert_eq!(tasks.spawn(async { 1 }).await.unwrap().await, Ok(1));
    assert_eq!(tasks.spawn_nolink(async { 2 }).await.unwrap().await, Ok(2));
    tasks.stop().await.unwrap();
}

#[tokio::test]
async fn the_end_of_its_caller_takes_a_supervised_task_along_only_if_it_is_linked() {
    let tasks = supervisor().await;
    for linked in [true, false] {
        let asked = tasks.clone();
        let caller = spawn(move |_me: Probe<()>| async move {
            let task = pending::<()>();
            let task = if linked { asked.spawn(task).await } else { asked.spawn_nolink(task).await };
            drop(task?);
            Err(boom())
        });
        assert_eq!(caller.unwrap().process_ref().ended().await, boom());
        settle().await;
        assert_eq!(tasks.children().await.unwrap().len(), usize::from(!linked));
    }
}

#[tokio::test(start_paused = true)]
async fn rat_063_a_started_child_is_ended_and_started_again_as_it_says() {
    let tasks = supervisor().await;
    let starts = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&starts);
    let permanent = move || {
        let number = count.fetch_add(1, Ordering::SeqCst);
        async move {
            if number > 0 {
                pending::<()>().await;
            }
            settle().await;
        }
    };
    let first = tasks.start_child(permanent).restart(Restart::Permanent).await.unwrap();
    assert_eq!(first.ended().await, Reason::Normal);
    settle().await;
    assert_eq!(starts.load(Ordering::SeqCst), 2);
    let second = &tasks.children().await.unwrap()[0];
    assert_ne!(second.pid(), first.pid());

    // By default it runs once, however it ends.
    let temporary = tasks.start_child(|| async { Err(boom()) }).await.unwrap();
    temporary.ended().await;
    settle().await;
    assert_eq!(tasks.children().await.unwrap().len(), 1);

    let killed = tasks.start_child(pending::<()>).shutdown(Shutdown::BrutalKill).await.unwrap();
    let told = tasks.start_child(pending::<()>).await.unwrap();
    tasks.stop().await.unwrap();
    assert_eq!(killed.ended().await, Reason::Killed);
    assert_eq!(told.ended().await, Reason::Shutdown);
}

#[tokio::test]
async fn rat_064_no_more_tasks_run_than_may() {
    let tasks = TaskSupervisor::start_from(DynamicSupervisor::new().max_children(1)).await.unwrap();
    let only = tasks.spawn(pending::<()>()).await.unwrap();
    assert!(matches!(tasks.spawn(async {}).await, Err(StartChildError::MaxChildren { .. })));
    assert!(matches!(tasks.spawn_nolink(async {}).await, Err(StartChildError::MaxChildren { .. })));
    assert!(matches!(tasks.start_child(|| async {}).await, Err(StartChildError::MaxChildren { .. })));
    only.shutdown(Shutdown::BrutalKill).await;
    assert_eq!(tasks.spawn(async { 1 }).await.unwrap().await, Ok(1));
}

#[tokio::test]
async fn rat_065_a_task_is_terminated_once() {
    let tasks = supervisor().await;
    let task = tasks.spawn_nolink(pending::<()>()).await.unwrap();
    tasks.terminate_child(&task).await.unwrap();
    let again = tasks.terminate_child(&task).await;
    assert!(matches!(again, Err(TerminateChildError::NotFound { .. })), "{again:?}");
    assert!(matches!(task.await, Err(TaskError::Exit { reason: Reason::Shutdown, .. })));
}

#[tokio::test]
async fn a_supervisor_that_is_gone_starts_nothing() {
    let tasks = supervisor().await;
    tasks.stop().await.unwrap();
    let refused = tasks.spawn(async {}).await;
    assert!(matches!(refused, Err(StartChildError::Supervisor(_))), "{refused:?}");
    let items: Vec<_> = tasks.async_stream([1], |number| async move { number }).collect().await;
    assert!(items[0].as_ref().unwrap_err().downcast_ref::<StartChildError>().is_some());
}

#[tokio::test]
async fn a_supervised_task_knows_who_asked_for_it_and_reports_that() {
    let node = Node::new();
    let mut reports = node.reports();
    let caller = Probe::<()>::on(&node);
    let run = async {
        let tasks = TaskSupervisor::start().await.unwrap();
        let chain = tasks.spawn(async { callers() }).await.unwrap().await;
        let crash = tasks.spawn_nolink(async { slip("crash") }).await.unwrap();
        (tasks.pid(), chain, crash.await)
    };
    let (supervisor, chain, crashed) = caller.scope(run).await;
    assert_eq!(chain, Ok(vec![caller.pid()]));
    crashed.unwrap_err();
    let Some(Report::TaskFailed(task)) = reports.try_next() else { panic!() };
    assert_eq!(task.started_by.unwrap().pid, caller.pid());
    let Some(Report::Crashed(crashed)) = reports.try_next() else { panic!() };
    assert_eq!(crashed.ancestors[0].pid, supervisor);
}

#[tokio::test(start_paused = true)]
async fn streams_run_under_a_supervisor_like_anywhere_else() {
    let tasks = supervisor().await;
    let results = tasks.async_stream(0..5_u64, |number| {
        or_exit(async move {
            match number {
                1 => Err(boom()),
                2 => pending().await,
                _ => Ok(number),
            }
        })
    });
    let results = results.max_concurrency(NonZeroUsize::new(2).unwrap()).timeout(ms(100));
    let results: Vec<_> = results.on_timeout(ItemTimeout::KillTask).zip_input_on_exit().collect().await;
    assert_eq!(results[1], Err((1, boom())));
    assert!(matches!(results[2], Err((2, _))));
    assert_eq!([&results[0], &results[3], &results[4]], [&Ok(0), &Ok(3), &Ok(4)]);
    settle().await;
    assert!(tasks.children().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_supervised_stream_that_is_dropped_anywhere_leaves_nothing() {
    let node = Node::new();
    let tasks = node.clone();
    let caller = Probe::<()>::on(&tasks);
    let tasks = caller.scope(async { TaskSupervisor::start().await }).await.unwrap();
    for round in 0..300_usize {
        let consumer = Probe::<()>::on(&node);
        let mut results = tasks.async_stream(0_usize.., |number| async move {
            for _ in 0..number % 3 {
                tokio::task::yield_now().await;
            }
            number
        });
        consumer
            .scope(async move {
                for _ in 0..round % 5 {
                    assert!(results.next().await.unwrap().is_ok());
                }
                let _ = poll_immediate(results.next()).await;
            })
            .await;
        assert!(consumer.is_alive());
    }
    while !tasks.children().await.unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(node.process_list().len(), 2);
}
