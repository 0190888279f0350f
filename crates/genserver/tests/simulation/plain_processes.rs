//! Processes without a server: they are killed by another task, after any number of steps.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use genserver::sim::{self, sometimes};
use genserver::task::{Task, TaskError};
use genserver::{Ack, Letter, Never, Probe, ProcessRef, Reason, StartError, spawn, start_process};

use crate::worker::steps;

/// Kills a process after so many steps.
fn kill_after(count: u64, process: ProcessRef) -> ProcessRef {
    let kill = async move {
        steps(count).await;
        process.kill();
    };
    Task::start(kill).unwrap()
}

/// Is set when it is dropped.
struct Dropped(Arc<AtomicBool>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Promises 4, 5 and 6 for functions.
#[test]
fn a_function_is_dropped_before_anybody_hears_of_its_end_and_after_all_that_it_sent() {
    sim::check(async |sim| {
        let mut probe = Probe::<u64>::new();
        probe.trap_exits(true);
        let is_dropped = Arc::new(AtomicBool::new(false));
        let (told, held) = (probe.sender(), Dropped(Arc::clone(&is_dropped)));
        let (process, reference) = probe
            .spawn_monitor(move |me: Probe<Never>| async move {
                let held = held;
                me.register("function").unwrap();
                for number in 0..5 {
                    told.send(number).unwrap();
                    steps(1).await;
                }
                drop(held);
                Err(Reason::term("done"))
            })
            .unwrap();
        // It may be dead already, and then this brings an exit.
        let has_link = probe.link(&process).is_ok();
        kill_after(sim.draw(0..8), process.process_ref());
        let mut numbers = 0;
        let exit = loop {
            match probe.recv().await.unwrap() {
                Letter::Message(number) => {
                    assert_eq!(number, numbers);
                    numbers += 1;
                }
                Letter::Exit(exit) => break Some(exit),
                Letter::Down(down) => {
                    assert!(!has_link, "{down:?} comes before the exit");
                    break None;
                }
            }
        };
        assert!(is_dropped.load(Ordering::Relaxed), "the end is told before the function is dropped");
        probe.register("function").expect("its name is free");
        if let Some(exit) = exit {
            let down = probe.expect_down(reference).await;
            assert_eq!((down.pid, &down.reason), (exit.from, &exit.reason));
            assert!(down.reason == Reason::Killed || down.reason == Reason::term("done") && numbers == 5, "{down:?}");
            sometimes!(down.reason == Reason::Killed, "the function is killed");
            sometimes!(down.reason != Reason::Killed, "the function comes to its end");
        }
        assert_eq!(probe.flush(), []);
    });
}

#[test]
fn a_task_that_is_killed_says_so_to_the_one_that_awaits_it() {
    sim::check(async |sim| {
        let is_done = Arc::new(AtomicBool::new(false));
        let done = Arc::clone(&is_done);
        let mut probe = Probe::<Result<u64, Reason>>::new();
        let told = probe.sender();
        let after = sim.draw(0..6);
        let awaiting = spawn(move |mut me: Probe<Never>| async move {
            me.trap_exits(true);
            let mut task = Task::spawn(async move {
                steps(3).await;
                done.store(true, Ordering::Relaxed);
                7
            });
            kill_after(after, genserver::AsProcess::as_process(&task).unwrap());
            let ended = task.join().await;
            let _ = told.send(ended.map_err(|error| match error {
                TaskError::Exit { reason, .. } => reason,
                other => panic!("{other}"),
            }));
        });
        drop(awaiting);
        match probe.expect_message().await {
            Ok(value) => assert!(value == 7 && is_done.load(Ordering::Relaxed)),
            Err(reason) => assert_eq!((reason, is_done.load(Ordering::Relaxed)), (Reason::Killed, false)),
        }
        assert_eq!(sim.elapsed(), Duration::ZERO);
    });
}

#[test]
fn a_start_returns_when_the_process_is_ready_or_has_ended() {
    sim::check(async |sim| {
        let is_ready = Arc::new(AtomicBool::new(false));
        let (said, after) = (Arc::clone(&is_ready), sim.draw(0..5));
        let start = start_process(move |mut me: Probe<Never>, ack: Ack<u16>| async move {
            kill_after(after, me.process_ref());
            steps(2).await;
            said.store(true, Ordering::Relaxed);
            ack.ready(8080);
            me.recv().await.map(drop)
        });
        let started = start.await;
        sometimes!(started.is_ok(), "it gets ready");
        sometimes!(started.is_err(), "it is killed before it is ready");
        match started {
            Ok((process, port)) => {
                assert!(port == 8080 && is_ready.load(Ordering::Relaxed));
                assert_eq!(process.process_ref().ended().await, Reason::Killed);
            }
            Err(StartError::Failed { reason, .. }) => {
                assert_eq!((reason, is_ready.load(Ordering::Relaxed)), (Reason::Killed, false));
            }
            Err(other) => panic!("{other}"),
        }
        assert_eq!(sim.elapsed(), Duration::ZERO);
    });
}
