//! Inspecting running servers: state, suspension, status, logs, traces, statistics, hooks.
#![expect(clippy::unwrap_used, reason = "in a test, a failed unwrap is a failed test, with its line")]

use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use genserver::sys::{self, Hook, LOG_LENGTH, Message, Shown, SysError, SysEvent};
use genserver::{
    CallError, Caller, Cx, GenServer, Init, Name, Named, Next, Node, Outcome, Probe, Reason, ServerRef, Status,
};

use crate::puppet::{Act, Log, Puppet, Told, act, beginning};

#[derive(Clone, Debug, PartialEq)]
struct Counter {
    value: u64,
    silences: u32,
}

#[derive(Debug)]
enum Call {
    Add(u64, Caller<u64>),
    AddLater(u64, Caller<u64>),
    AwaitForever(Caller<()>),
    Silences(Caller<u32>),
}

#[derive(Debug)]
enum Cast {
    Set(u64),
    Idle(Duration),
}

#[derive(Debug)]
enum Info {
    Answer(u64, Caller<u64>),
}

impl GenServer for Counter {
    type Args = u64;
    type Call = Call;
    type Cast = Cast;
    type Info = Info;

    async fn init(value: u64, _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Counter { value, silences: 0 })
    }

    async fn handle_call(&mut self, call: Call, _cx: &mut Cx<Self>) -> Outcome<Self> {
        match call {
            Call::Add(more, caller) => {
                self.value += more;
                Next::reply(caller, self.value)
            }
            Call::AddLater(more, caller) => Next::then(Info::Answer(more, caller)),
            Call::AwaitForever(_caller) => std::future::pending().await,
            Call::Silences(caller) => Next::reply(caller, self.silences),
        }
    }

    async fn handle_cast(&mut self, cast: Cast, _cx: &mut Cx<Self>) -> Outcome<Self> {
        match cast {
            Cast::Set(value) => self.value = value,
            Cast::Idle(silence) => return Next::idle(silence),
        }
        Next::wait()
    }

    async fn handle_info(&mut self, Info::Answer(more, caller): Info, _cx: &mut Cx<Self>) -> Outcome<Self> {
        self.value += more;
        caller.reply(self.value);
        Next::wait()
    }

    async fn handle_idle(&mut self, _cx: &mut Cx<Self>) -> Outcome<Self> {
        self.silences += 1;
        Next::wait()
    }

    fn format_status(&self, shown: &mut Shown) {
        shown.state = format!("a value of {}", self.value);
    }

    fn format_message(message: Message<'_, Self>) -> Option<String> {
        Some(match message {
            Message::Call(Call::Add(more, _) | Call::AddLater(more, _)) => format!("add {more}"),
            other => format!("{other:?}"),
        })
    }
}

async fn counter() -> (Node, ServerRef<Counter>) {
    let node = Node::new();
    let counter = node.start::<Counter>(40).name("counter").await.unwrap();
    (node, counter)
}

async fn add(counter: &ServerRef<Counter>, more: u64) -> u64 {
    counter.call(|caller| Call::Add(more, caller)).await.unwrap()
}

/// Moves the clock, and lets all tasks do what is due by then.
async fn pass(time: Duration) {
    #[expect(clippy::disallowed_methods, reason = "the paused clock of the test")]
    tokio::time::sleep(time).await;
}

/// A hook that sends on what it sees.
fn watch() -> (impl FnMut(&SysEvent) -> Hook + Send + 'static, Receiver<String>) {
    let (seen, events) = channel();
    let hook = move |event: &SysEvent| {
        seen.send(event.to_string()).unwrap();
        Hook::Keep
    };
    (hook, events)
}

fn all(events: &Receiver<String>) -> Vec<String> {
    events.try_iter().collect()
}

#[tokio::test(start_paused = true)]
async fn gs_121_inspection_restarts_the_idle_timeout() {
    for inline in [true, false] {
        check_idle_clock(inline).await;
    }
}

/// The case, for a server that callers may run and for one that only its task runs.
async fn check_idle_clock(inline: bool) {
    let counter = Node::new().start::<Counter>(40).inline(inline).await.unwrap();
    let silences = async || sys::with_state(&counter, |counter| counter.silences).await.unwrap();
    counter.cast(Cast::Idle(Duration::from_millis(60))).unwrap();
    for _ in 0..2 {
        pass(Duration::from_millis(40)).await;
        assert_eq!(silences().await, 0);
    }
    pass(Duration::from_millis(59)).await;
    assert_eq!(silences().await, 0, "the silence began anew with the last look");
    pass(Duration::from_millis(61)).await;
    assert_eq!(silences().await, 1);
}

#[tokio::test(start_paused = true)]
async fn suspension_restarts_the_idle_timeout_too() {
    let (_node, counter) = counter().await;
    counter.cast(Cast::Idle(Duration::from_millis(60))).unwrap();
    sys::suspend(&counter).await.unwrap();
    tokio::time::advance(Duration::from_millis(100)).await;
    sys::resume(&counter).await.unwrap();
    assert_eq!(counter.call(Call::Silences).await.unwrap(), 0);
}

#[tokio::test]
async fn gs_150_the_state_can_be_read_even_while_suspended() {
    let (node, counter) = counter().await;
    let expected = Counter { value: 40, silences: 0 };
    assert_eq!(sys::get_state(&counter).await.unwrap(), expected);
    assert_eq!(sys::get_state(&Named::<Counter>::on(&node, "counter")).await.unwrap(), expected);
    sys::suspend(&counter).await.unwrap();
    assert_eq!(sys::get_state(&counter).await.unwrap(), expected);
    assert_eq!(sys::with_state(&counter, |counter| counter.value).await.unwrap(), 40);
    assert_eq!(counter.info().status, Status::Suspended);
}

#[tokio::test]
async fn gs_151_a_failing_replacement_changes_nothing() {
    let (_node, counter) = counter().await;
    let new = sys::replace_state(&counter, |old| Counter { value: old.value + 2, ..old }).await.unwrap();
    assert_eq!(new.value, 42);
    assert_eq!(sys::get_state(&counter).await.unwrap(), new);

    let failed = sys::replace_state(&counter, |_| panic!("no new one")).await;
    let Err(SysError::CallbackFailed { panic, .. }) = &failed else { panic!("{failed:?}") };
    assert_eq!(panic.message(), "no new one");
    assert_eq!(sys::get_state(&counter).await.unwrap(), new);

    sys::suspend(&counter).await.unwrap();
    sys::replace_state(&counter, |old| Counter { value: 7, ..old }).await.unwrap();
    sys::resume(&counter).await.unwrap();
    assert_eq!(add(&counter, 1).await, 8);
}

#[tokio::test]
async fn gs_153_the_status_shows_the_formatted_state() {
    let node = Node::new();
    let check = async |name: Option<Name>, label: Option<&str>| {
        let mut start = node.start::<Counter>(3);
        if let Some(name) = name.clone() {
            start = start.name(name);
        }
        if let Some(label) = label {
            start = start.label(label);
        }
        let counter = start.await.unwrap();
        let status = sys::get_status(&counter).await.unwrap();
        assert_eq!(status.state, "a value of 3");
        assert_eq!(status.name, name.as_ref().map(ToString::to_string));
        assert_eq!(status.label.as_deref(), label);
        assert_eq!((status.pid, status.mailbox, status.suspended), (counter.pid(), 0, false));
        let text = status.to_string();
        assert!(text.starts_with(&format!("Status of {}", counter.pid())), "{text}");
        assert!(text.ends_with("state: a value of 3"), "{text}");
        counter.stop().await.unwrap();
    };
    check(None, None).await;
    check(Some("a name".into()), None).await;
    check(Some(Name::global("gs_153")), Some("a label")).await;
    check(None, Some("only a label")).await;
}

#[tokio::test]
async fn pl_012_the_log_keeps_events_while_it_is_on() {
    let (_node, counter) = counter().await;
    let events = async || -> Vec<String> {
        let log = sys::get_log(&counter).await.unwrap();
        log.events.iter().map(ToString::to_string).collect()
    };
    sys::log(&counter, LOG_LENGTH).await.unwrap();
    add(&counter, 1).await;
    add(&counter, 2).await;
    assert_eq!(events().await, ["got call add 1", "sent a reply", "got call add 2", "sent a reply"]);
    assert_eq!(sys::get_log(&counter).await.unwrap().to_string().lines().next(), Some("counter <1> got call add 1"));
    assert_eq!(sys::get_status(&counter).await.unwrap().log.len(), 4);

    sys::log(&counter, 3).await.unwrap();
    assert_eq!(events().await, ["sent a reply", "got call add 2", "sent a reply"]);
    counter.cast(Cast::Set(9)).unwrap();
    counter.call(|caller| Call::AddLater(1, caller)).await.unwrap();
    let [returned, continues, done] = &events().await[..] else { panic!("the log holds three") };
    assert!(continues.starts_with("continues with Answer(1, "), "{continues}");
    assert_eq!((&returned[..], &done[..]), ("sent no reply", "sent no reply"));

    sys::log_off(&counter).await.unwrap();
    add(&counter, 1).await;
    assert!(events().await.is_empty());
}

#[tokio::test]
async fn pl_013_a_call_is_two_lines_in_the_log_file() {
    let (_node, counter) = counter().await;
    let path = std::env::temp_dir().join(format!("genserver-pl-013-{}.log", std::process::id()));
    sys::log_to_file(&counter, &path).await.unwrap();
    add(&counter, 5).await;
    sys::log_to_file_off(&counter).await.unwrap();
    add(&counter, 6).await;
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(text, "counter <1> got call add 5\ncounter <1> sent a reply\n");

    let failed = sys::log_to_file(&counter, path.join("no folder")).await;
    assert!(matches!(failed, Err(SysError::File { .. })), "{failed:?}");
}

#[tokio::test(start_paused = true)]
async fn pl_014_statistics_count_one_in_and_one_out() {
    let (_node, counter) = counter().await;
    sys::statistics_on(&counter).await.unwrap();
    add(&counter, 1).await;
    tokio::time::advance(Duration::from_secs(3)).await;
    let counted = sys::statistics(&counter).await.unwrap();
    assert_eq!((counted.messages_in, counted.messages_out), (1, 1));
    assert_eq!(counted.duration(), Duration::from_secs(3));

    // A reply that is not a return value is not counted, and an info of `Next::then` is not a message.
    counter.call(|caller| Call::AddLater(1, caller)).await.unwrap();
    let counted = sys::statistics(&counter).await.unwrap();
    assert_eq!((counted.messages_in, counted.messages_out), (2, 1));

    sys::statistics_off(&counter).await.unwrap();
    let none = sys::statistics(&counter).await;
    assert!(matches!(none, Err(SysError::NoStatistics { .. })), "{none:?}");
}

#[tokio::test(start_paused = true)]
async fn pl_016_suspending_twice_needs_one_resume() {
    let (_node, counter) = counter().await;
    sys::suspend(&counter).await.unwrap();
    sys::suspend(&counter).await.unwrap();
    let late = counter.call(|caller| Call::Add(1, caller)).timeout(Duration::from_millis(50)).await;
    assert!(matches!(late, Err(CallError::Timeout { .. })), "{late:?}");
    assert_eq!(sys::get_status(&counter).await.unwrap().mailbox, 1);
    sys::resume(&counter).await.unwrap();
    sys::resume(&counter).await.unwrap();
    assert_eq!(add(&counter, 2).await, 43, "what was held back was done first");
    assert_eq!(counter.info().status, Status::Waiting);
}

#[tokio::test]
async fn pl_017_a_hook_is_called_once_per_id() {
    let (_node, counter) = counter().await;
    let (first, seen_by_first) = watch();
    let (again, seen_by_again) = watch();
    let (second, seen_by_second) = watch();
    sys::install(&counter, "first", first).await.unwrap();
    sys::install(&counter, "first", again).await.unwrap();
    sys::install(&counter, "second", second).await.unwrap();
    add(&counter, 1).await;
    let one_call = ["got call add 1", "sent a reply"];
    assert_eq!(all(&seen_by_first), one_call);
    assert!(all(&seen_by_again).is_empty());
    assert_eq!(all(&seen_by_second), one_call);

    sys::remove(&counter, "first").await.unwrap();
    add(&counter, 1).await;
    assert!(all(&seen_by_first).is_empty());
    assert_eq!(all(&seen_by_second), one_call);
}

#[tokio::test]
async fn a_hook_that_is_done_or_panics_is_removed() {
    let (_node, counter) = counter().await;
    let (seen, events) = channel();
    let panics = seen.clone();
    sys::install(&counter, "done", move |_| {
        seen.send("done").unwrap();
        Hook::Done
    })
    .await
    .unwrap();
    sys::install(&counter, "panics", move |_| {
        panics.send("panics").unwrap();
        panic!("a hook");
    })
    .await
    .unwrap();
    add(&counter, 1).await;
    assert_eq!(add(&counter, 1).await, 42);
    assert_eq!(events.try_iter().collect::<Vec<_>>(), ["done", "panics"]);
}

#[tokio::test]
async fn no_debug_switches_everything_off() {
    let (_node, counter) = counter().await;
    let (hook, seen) = watch();
    sys::install(&counter, "hook", hook).await.unwrap();
    sys::log(&counter, LOG_LENGTH).await.unwrap();
    sys::statistics_on(&counter).await.unwrap();
    sys::no_debug(&counter).await.unwrap();
    add(&counter, 1).await;
    assert!(all(&seen).is_empty());
    assert!(sys::get_log(&counter).await.unwrap().events.is_empty());
    assert!(sys::statistics(&counter).await.is_err());
}

#[tokio::test]
async fn pl_018_a_failing_replacement_leaves_the_process_alive() {
    let (_node, counter) = counter().await;
    let failed = sys::update_state(&counter, |counter| {
        counter.value = 1;
        panic!("half way");
    })
    .await;
    let failed: SysError = failed.map(|(): ()| ()).unwrap_err();
    let text = failed.to_string();
    assert!(text.contains("sys::update_state") && text.contains("counter <1>") && text.contains("half way"), "{text}");
    assert!(counter.is_alive());
    assert_eq!(add(&counter, 1).await, 2, "the state is as the panic left it");
}

#[tokio::test(start_paused = true)]
async fn terminate_is_answered_before_the_end() {
    let (_node, counter) = counter().await;
    let mut probe = Probe::<()>::new();
    let reference = probe.monitor(&counter);
    sys::terminate(&counter, Reason::Shutdown).await.unwrap();
    assert_eq!(probe.expect_down(reference).await.reason, Reason::Shutdown);
    let gone = sys::get_state(&counter).await;
    assert!(matches!(gone, Err(SysError::NoProc { .. })), "{gone:?}");
}

#[tokio::test]
async fn a_suspended_server_can_be_stopped() {
    let (_node, counter) = counter().await;
    sys::suspend(&counter).await.unwrap();
    counter.cast(Cast::Set(1)).unwrap();
    counter.stop().await.unwrap();
    assert!(!counter.is_alive());
}

#[tokio::test(start_paused = true)]
async fn a_request_to_a_busy_server_ends_with_its_timeout_or_its_death() {
    let (_node, counter) = counter().await;
    let mut busy = Box::pin(counter.call(Call::AwaitForever).no_timeout());
    assert!(futures::poll!(&mut busy).is_pending());
    let late = sys::get_state(&counter).timeout(Duration::from_secs(1)).await;
    let Err(SysError::Timeout { after, .. }) = late else { panic!("{late:?}") };
    assert_eq!(after, Duration::from_secs(1));

    let mut waiting = Box::pin(sys::get_state(&counter));
    assert!(futures::poll!(&mut waiting).is_pending());
    counter.kill();
    let cut_off = waiting.await;
    assert!(matches!(cut_off, Err(SysError::Exit { reason: Reason::Killed, .. })), "{cut_off:?}");
    assert!(busy.await.is_err());
}

#[tokio::test]
async fn a_name_that_belongs_to_nobody_or_to_another_is_told_apart() {
    let (node, _counter) = counter().await;
    let nobody = sys::suspend(&Named::<Counter>::on(&node, "nobody")).await;
    assert!(matches!(nobody, Err(SysError::NoProc { .. })), "{nobody:?}");
    let other = sys::suspend(&Named::<Idler>::on(&node, "counter")).await;
    assert!(matches!(other, Err(SysError::WrongServer { .. })), "{other:?}");
}

struct Idler;

impl GenServer for Idler {
    type Args = ();
    type Call = genserver::Never;
    type Cast = genserver::Never;
    type Info = genserver::Never;

    async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Idler)
    }
}

#[tokio::test]
async fn a_server_that_shows_nothing_is_shown_by_its_types() {
    let idler = genserver::start::<Idler>(()).await.unwrap();
    let status = sys::get_status(&idler).await.unwrap();
    assert_eq!(status.state, std::any::type_name::<Idler>());
}

#[tokio::test]
async fn all_processes_of_a_node_are_listed() {
    let (node, counter) = counter().await;
    let idler = node.start::<Idler>(()).label("an idler").await.unwrap();
    let list = node.process_list();
    assert_eq!(list.iter().map(|info| info.pid).collect::<Vec<_>>(), [counter.pid(), idler.pid()]);
    assert_eq!(list[0], node.info(counter.pid()).unwrap());
    assert_eq!(list[1].to_string(), "<2> an idler servers::sys::Idler: waiting, 0 in the mailbox");
}

/// Notes what is seen of the process from outside.
fn note_status(puppet: &Puppet, cx: &Cx<Puppet>) {
    puppet.log.note(cx.process_ref().info().status.to_string());
}

/// The same in a callback that then does something else.
fn looks(then: impl FnOnce() -> Outcome<Puppet> + Send + 'static) -> Act {
    act(|puppet, cx| {
        note_status(puppet, cx);
        then()
    })
}

#[tokio::test(start_paused = true)]
async fn a_status_names_the_callback_that_runs() {
    for inline in [true, false] {
        let log = Log::default();
        let init = beginning(&log, |puppet, cx| {
            note_status(&puppet, cx);
            Init::Run(puppet)
        });
        let puppet = Node::new().start::<Puppet>(init).inline(inline).await.unwrap();
        assert_eq!(log.take(), ["running init"]);

        let call = || puppet.call(|caller| looks(|| Next::reply(caller, ())));
        call().await.unwrap();
        assert_eq!(log.take(), ["running handle_call"]);

        // One after the other, ...
        let cast = || puppet.cast(looks(Next::wait)).unwrap();
        let info = || puppet.send(Told::Act(looks(Next::wait))).unwrap();
        cast();
        pass(Duration::from_millis(1)).await;
        info();
        pass(Duration::from_millis(1)).await;
        assert_eq!(log.take(), ["running handle_cast", "running handle_info"]);
        // ... and without a pause.
        info();
        cast();
        info();
        call().await.unwrap();
        assert_eq!(
            log.take(),
            ["running handle_info", "running handle_cast", "running handle_info", "running handle_call"]
        );

        let idle = act(|puppet, _| {
            puppet.when_idle = Some(looks(Next::wait));
            Next::idle(Duration::ZERO)
        });
        puppet.cast(idle).unwrap();
        pass(Duration::from_millis(1)).await;
        assert_eq!(log.take(), ["idle", "running handle_idle"]);
        assert_eq!(puppet.info().status.to_string(), "waiting");

        let (this, curtain) = (puppet.process_ref(), log.clone());
        let last = act(move |puppet, _| {
            puppet.curtain = Some(Box::new(move || {
                curtain.note(this.info().status.to_string());
                Box::pin(async {})
            }));
            Next::stop(Reason::Normal)
        });
        puppet.cast(last).unwrap();
        puppet.ended().await;
        assert_eq!(log.take(), ["terminate normal", "running terminate"]);
    }
}

#[tokio::test]
async fn what_needs_no_type_is_asked_of_any_process() {
    let (node, counter) = counter().await;
    let (pid, process) = (counter.pid(), counter.process_ref());
    sys::log(&pid, 10).await.unwrap();
    sys::statistics_on(&process).await.unwrap();
    assert_eq!(add(&counter, 2).await, 42);
    assert_eq!(sys::get_log(&process).await.unwrap().events.len(), 2);
    assert_eq!(sys::statistics(&pid).await.unwrap().messages_in, 1);
    assert_eq!(sys::get_status(&pid).await.unwrap().state, "a value of 42");

    sys::suspend(&process).await.unwrap();
    assert_eq!(node.process_list()[0].status, Status::Suspended);
    sys::resume(&pid).await.unwrap();
    sys::terminate(&pid, Reason::Shutdown).await.unwrap();
    assert_eq!(process.ended().await, Reason::Shutdown);
    let gone = sys::get_status(&pid).await;
    assert!(matches!(&gone, Err(SysError::NoProc { server, .. }) if server.pid == pid), "{gone:?}");
}

#[tokio::test]
async fn a_process_without_a_server_says_so() {
    let probe = Probe::<()>::new();
    let refused = sys::get_status(&probe).await.unwrap_err();
    assert!(matches!(refused, SysError::NoServer { .. }));
    let text = refused.to_string();
    assert!(text.contains("sys::get_status") && text.contains(&probe.pid().to_string()), "{text}");

    let sender = probe.sender();
    drop(probe);
    let gone = sys::suspend(&sender).await;
    assert!(matches!(gone, Err(SysError::NoProc { .. })), "{gone:?}");
}

#[tokio::test]
async fn a_server_may_not_ask_for_itself_by_its_pid_either() {
    let probe = Probe::<()>::new();
    let own = probe.pid();
    let asked = probe.scope(async move { sys::suspend(&own).await }).await;
    assert!(matches!(asked, Err(SysError::CallingSelf { .. })), "{asked:?}");
}

#[tokio::test]
async fn what_is_switched_on_from_the_start_sees_everything() {
    struct Eager(u32);
    impl GenServer for Eager {
        type Args = ();
        type Call = genserver::Never;
        type Cast = genserver::Never;
        type Info = ();
        async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
            Init::RunThen(Eager(0), ())
        }
        async fn handle_info(&mut self, (): (), _cx: &mut Cx<Self>) -> Outcome<Self> {
            self.0 += 1;
            Next::wait()
        }
    }
    let path = std::env::temp_dir().join(format!("genserver-debug-{}", std::process::id()));
    let (hook, events) = watch();
    let (second, nothing) = watch();
    let debug = sys::DebugOptions::new().log(1).statistics().install("hook", hook).install("hook", second);
    let debug = debug.log_to_file(&path).unwrap();
    let eager = genserver::start::<Eager>(()).debug(debug).await.unwrap();
    eager.send(()).unwrap();
    let statistics = sys::statistics(&eager).await.unwrap();
    // A continue does not count as a message that came in.
    assert_eq!((statistics.messages_in, statistics.messages_out), (1, 0));
    let expected = ["continues with ()", "sent no reply", "got ()", "sent no reply"];
    assert_eq!(all(&events), expected);
    assert!(all(&nothing).is_empty(), "the first of an id stays");
    assert_eq!(sys::get_log(&eager).await.unwrap().events, [SysEvent::NoReply]);
    let lines = std::fs::read_to_string(&path).unwrap();
    assert_eq!(lines.lines().count(), 4);
    std::fs::remove_file(&path).unwrap();

    sys::no_debug(&eager).await.unwrap();
    eager.send(()).unwrap();
    assert!(sys::statistics(&eager).await.is_err());
    assert!(all(&events).is_empty());
}
