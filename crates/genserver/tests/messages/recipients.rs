//! References to any process that takes messages of one type.
#![expect(clippy::unwrap_used, reason = "a failed `unwrap` is a failed test, also in what the tests share")]

use std::time::{Duration, Instant};

use genserver::{
    CallError, CallRecipient, Caller, CastError, Cx, GenServer, Init, Named, Next, Node, Outcome, Pid, Probe, Reason,
    Recipient, ServerRef, sys,
};

/// Records what it is told.
struct Scribe(Vec<String>);

enum Ask {
    Read(Caller<Vec<String>>),
    Repeat(String, Caller<String>),
    Never(String, Caller<String>),
}

enum Tell {
    Note(String),
    Number(u32),
}

struct Plain(String);

impl GenServer for Scribe {
    type Args = ();
    type Call = Ask;
    type Cast = Tell;
    type Info = Plain;

    async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Scribe(Vec::new()))
    }

    async fn handle_call(&mut self, call: Ask, _cx: &mut Cx<Self>) -> Outcome<Self> {
        match call {
            Ask::Read(caller) => Next::reply(caller, self.0.clone()),
            Ask::Repeat(word, caller) => Next::reply(caller, format!("{word} {word}")),
            Ask::Never(_word, _caller) => std::future::pending().await,
        }
    }

    async fn handle_cast(&mut self, cast: Tell, _cx: &mut Cx<Self>) -> Outcome<Self> {
        match cast {
            Tell::Note(note) => self.0.push(note),
            Tell::Number(number) => self.0.push(number.to_string()),
        }
        Next::wait()
    }

    async fn handle_info(&mut self, Plain(text): Plain, _cx: &mut Cx<Self>) -> Outcome<Self> {
        self.0.push(text);
        Next::wait()
    }
}

#[expect(clippy::disallowed_methods, reason = "a test's time is the runtime's own")]
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

async fn scribe() -> ServerRef<Scribe> {
    genserver::start::<Scribe>(()).await.unwrap()
}

#[tokio::test]
async fn messages_arrive_as_the_servers_own_in_the_order_sent() {
    let scribe = scribe().await;
    let (notes, numbers) = (scribe.recipient(Tell::Note), scribe.recipient(Tell::Number));
    let infos: Recipient<&'static str> = scribe.info_recipient(|text: &str| Plain(text.to_owned()));
    notes.send("one".to_owned()).unwrap();
    numbers.send(2).unwrap();
    infos.send("three").unwrap();
    scribe.cast(Tell::Number(4)).unwrap();
    notes.clone().send("five".to_owned()).unwrap();
    assert_eq!(scribe.call(Ask::Read).await.unwrap(), ["one", "2", "three", "4", "five"]);
}

#[tokio::test]
async fn what_is_refused_comes_back_as_it_was() {
    let scribe = genserver::start::<Scribe>(()).mailbox(1).await.unwrap();
    let notes = scribe.recipient(Tell::Note);
    notes.send("kept".to_owned()).unwrap();
    let full = notes.send("too much".to_owned()).unwrap_err();
    assert!(full.is_full());
    assert_eq!(full.into_inner(), "too much");
    assert_eq!(scribe.call(Ask::Read).await.unwrap(), ["kept"]);

    scribe.stop().await.unwrap();
    assert!(!notes.is_alive());
    match notes.send("too late".to_owned()) {
        Err(CastError::NoProc { message, server }) => assert_eq!((&*message, server.pid), ("too late", notes.pid())),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_suspended_server_is_told_when_it_goes_on() {
    let scribe = scribe().await;
    sys::suspend(&scribe).await.unwrap();
    scribe.recipient(Tell::Number).send(1).unwrap();
    scribe.cast(Tell::Number(2)).unwrap();
    sys::resume(&scribe).await.unwrap();
    assert_eq!(scribe.call(Ask::Read).await.unwrap(), ["1", "2"]);
}

#[tokio::test]
async fn a_panic_in_the_function_is_the_servers() {
    let scribe = scribe().await;
    let fragile = scribe.recipient(|number: u32| match number.checked_sub(1) {
        Some(less) => Tell::Number(less),
        None => panic!("nothing is less than nothing"),
    });
    fragile.send(1).unwrap();
    assert_eq!(scribe.call(Ask::Read).await.unwrap(), ["0"]);
    fragile.send(0).unwrap();
    let reason = scribe.ended().await;
    assert!(reason.to_string().contains("nothing is less than nothing"), "{reason}");
}

#[tokio::test(start_paused = true)]
async fn a_probe_is_a_recipient_too() {
    let mut probe = Probe::<u32>::new();
    let recipients: [Recipient<u32>; 2] = [probe.sender().into(), scribe().await.recipient(Tell::Number)];
    for recipient in &recipients {
        recipient.send(7).unwrap();
    }
    assert_eq!(probe.expect_message().await, 7);
    assert_eq!(recipients[0].pid(), probe.pid());
}

#[tokio::test(start_paused = true)]
async fn a_probe_gets_what_the_function_makes_unless_that_ends_it() {
    let mut probe = Probe::<u32>::new();
    probe.sender().recipient(|number: u8| u32::from(number) + 1).send(7).unwrap();
    assert_eq!(probe.expect_message().await, 8);
    let killed = probe.sender();
    let kills = probe.sender().recipient(move |number: u8| {
        killed.kill();
        u32::from(number)
    });
    kills.send(7).unwrap();
    assert_eq!(probe.try_recv(), None);
}

#[tokio::test(start_paused = true)]
async fn a_recipient_can_be_watched() {
    let mut probe = Probe::<()>::new();
    let notes = scribe().await.recipient(Tell::Note);
    let reference = probe.monitor(&notes);
    notes.process_ref().unwrap().kill();
    assert_eq!(probe.expect_down(reference).await.reason, Reason::Killed);
}

#[tokio::test(start_paused = true)]
async fn questions_are_answered_like_calls() {
    let scribe = scribe().await;
    let repeats = scribe.call_recipient(Ask::Repeat);
    assert_eq!(repeats.call("da".to_owned()).await.unwrap(), "da da");
    assert_eq!(repeats.send_request("na".to_owned()).await.unwrap(), "na na");

    let never: CallRecipient<String, String> = scribe.call_recipient(Ask::Never);
    let begun = now();
    let late = never.call(String::new()).await;
    assert!(matches!(late, Err(CallError::Timeout { .. })), "{late:?}");
    assert_eq!(now() - begun, Duration::from_secs(5));
    let late = never.call(String::new()).timeout(Duration::from_millis(1)).await;
    assert!(matches!(late, Err(CallError::Timeout { .. })), "{late:?}");

    scribe.kill();
    let dead = repeats.call(String::new()).no_timeout().await;
    assert!(matches!(dead, Err(CallError::NoProc { .. })), "{dead:?}");
    assert!(!repeats.is_alive());
}

#[tokio::test]
async fn an_idle_server_is_asked_without_a_task() {
    let scribe = scribe().await;
    let repeats = scribe.call_recipient(Ask::Repeat).clone();
    assert_eq!(repeats.call("da".to_owned()).await.unwrap(), "da da");
    assert!(!scribe.info().has_task);
}

#[tokio::test]
async fn it_shows_who_it_is() {
    let scribe = genserver::Node::new().start::<Scribe>(()).name("scribe").await.unwrap();
    assert_eq!(format!("{:?}", scribe.recipient(Tell::Note)), "Recipient(scribe <1>)");
    assert_eq!(format!("{:?}", scribe.call_recipient(Ask::Repeat)), "CallRecipient(scribe <1>)");
}

#[tokio::test(start_paused = true)]
async fn a_named_recipient_finds_the_current_holder_of_the_name() {
    let node = Node::new();
    let name = Named::<Scribe>::on(&node, "scribe");
    let (notes, plain) = (name.recipient(Tell::Note), name.info_recipient(Plain));
    let repeat = name.call_recipient(Ask::Repeat);
    assert_eq!(notes.send("lost".to_owned()).unwrap_err().into_inner(), "lost");
    assert_eq!((notes.pid(), notes.is_alive(), notes.process_ref()), (Pid::NOBODY, false, None));
    assert!(matches!(repeat.call("x".to_owned()).await, Err(CallError::NoProc { .. })));
    assert!(matches!(repeat.send_request("x".to_owned()).await, Err(CallError::NoProc { .. })));
    assert_eq!(format!("{notes:?} {repeat:?}"), "Recipient(scribe) CallRecipient(scribe)");

    for _ in 0..2 {
        let scribe = node.start::<Scribe>(()).name("scribe").await.unwrap();
        assert_eq!((notes.pid(), repeat.pid()), (scribe.pid(), scribe.pid()));
        notes.send("a note".to_owned()).unwrap();
        plain.send("an info".to_owned()).unwrap();
        assert_eq!(repeat.call("x".to_owned()).timeout(Duration::from_secs(1)).await.unwrap(), "x x");
        assert_eq!(repeat.send_request("x".to_owned()).await.unwrap(), "x x");
        assert_eq!(scribe.call(Ask::Read).await.unwrap(), ["a note", "an info"]);
        let mut probe = Probe::<()>::on(&node);
        let (down, other) = (probe.monitor(&notes), probe.monitor(&repeat));
        scribe.kill();
        assert_eq!(probe.expect_down(down).await.pid, scribe.pid());
        assert_eq!(probe.expect_down(other).await.pid, scribe.pid());
    }
}

#[tokio::test]
async fn a_named_recipient_leaves_a_server_of_another_type_alone() {
    struct Other;
    impl GenServer for Other {
        type Args = ();
        type Call = genserver::Never;
        type Cast = genserver::Never;
        type Info = genserver::Never;
        async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
            Init::Run(Other)
        }
    }
    let node = Node::new();
    let other = node.start::<Other>(()).name("scribe").await.unwrap();
    let name = Named::<Scribe>::on(&node, "scribe");
    assert!(matches!(name.recipient(Tell::Note).send("x".to_owned()), Err(CastError::NoProc { .. })));
    let called = name.call_recipient(Ask::Repeat).call("x".to_owned()).await;
    assert!(matches!(called, Err(CallError::WrongServer { .. })));
    assert!(other.is_alive());
}
