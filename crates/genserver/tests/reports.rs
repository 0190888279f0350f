//! Reports: which ends make them, what they say, and what they do not say.
#![cfg(feature = "tokio")]
#![expect(clippy::unwrap_used, reason = "in a test, a failed unwrap is a failed test, with its line")]

use std::fmt;

use genserver::report::{Crashed, Limits, Report, Reports, Terminated, capture_panics};
use genserver::sys::{self, LOG_LENGTH, Message, Shown};
use genserver::{
    CallError, Callback, Caller, Cx, GenServer, Init, Never, Next, Node, Outcome, Probe, Reason, ServerRef,
};

/// A server that keeps a secret, and can fail in every way.
struct Vault {
    secret: &'static str,
    formatter: Formatter,
    terminate_panics: bool,
}

/// What the formatter does.
#[derive(Clone, Copy, PartialEq)]
enum Formatter {
    ShowsStars,
    ReplacesEverything,
    Panics,
}

#[derive(Debug)]
enum Call {
    Stop(Reason, Caller<()>),
    Panic(&'static str, Caller<()>),
    Fail(Caller<()>),
}

impl Vault {
    async fn start(node: &Node) -> ServerRef<Self> {
        Self::start_with(node, Formatter::ShowsStars, false).await
    }

    async fn start_with(node: &Node, formatter: Formatter, terminate_panics: bool) -> ServerRef<Self> {
        node.start::<Self>(Vault { secret: "1234", formatter, terminate_panics }).name("vault").await.unwrap()
    }
}

impl GenServer for Vault {
    type Args = Vault;
    type Call = Call;
    type Cast = Never;
    type Info = Never;

    async fn init(vault: Vault, _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(vault)
    }

    async fn handle_call(&mut self, call: Call, _cx: &mut Cx<Self>) -> Outcome<Self> {
        match call {
            Call::Stop(reason, _caller) => Next::stop(reason),
            Call::Panic(text, _caller) => panic!("{text}"),
            Call::Fail(_caller) => {
                let _: u8 = "a byte".parse()?;
                Next::wait()
            }
        }
    }

    async fn terminate(&mut self, _reason: &Reason, _cx: &mut Cx<Self>) {
        assert!(!self.terminate_panics, "terminate failed with {}", self.secret.len());
    }

    fn format_status(&self, shown: &mut Shown) {
        match self.formatter {
            Formatter::ShowsStars => shown.state = "*".repeat(self.secret.len()),
            Formatter::ReplacesEverything => {
                shown.state = "a state".into();
                shown.message = shown.message.take().map(|_| "a message".to_owned());
                shown.reason = shown.reason.take().map(|_| "a reason".to_owned());
                shown.log.iter_mut().for_each(|event| *event = "an event".into());
            }
            Formatter::Panics => {
                shown.state = self.secret.into();
                panic!("a formatter that cannot");
            }
        }
    }

    fn format_message(message: Message<'_, Self>) -> Option<String> {
        Some(format!("{message:?}"))
    }
}

fn all(reports: &mut Reports) -> Vec<Report> {
    std::iter::from_fn(|| reports.try_next()).collect()
}

/// The two reports of a server's end, and no other.
#[track_caller]
fn both(reports: &mut Reports) -> (Terminated, Crashed) {
    let mut all = all(reports);
    match (all.pop(), all.pop(), all.pop()) {
        (Some(Report::Crashed(crashed)), Some(Report::Terminated(terminated)), None) => (terminated, crashed),
        other => panic!("these are not the two reports of an end: {other:?}"),
    }
}

async fn stop_from_inside(vault: &ServerRef<Vault>, reason: Reason) {
    let ended = vault.call(|caller| Call::Stop(reason.clone(), caller)).await;
    assert!(matches!(&ended, Err(CallError::Exit { reason: told, .. }) if *told == reason), "{ended:?}");
}

#[tokio::test]
async fn gs_059_an_abnormal_end_makes_exactly_two_reports() {
    let node = Node::new();
    let mut reports = node.reports();
    let vault = Vault::start(&node).await;
    let client = Probe::<()>::on(&node);
    client.register("client").unwrap();
    client.scope(async { stop_from_inside(&vault, Reason::term("crashed")).await }).await;

    let (terminated, crashed) = both(&mut reports);
    assert_eq!(terminated.process.pid, vault.pid());
    assert_eq!(terminated.process.name.as_deref(), Some("vault"));
    assert_eq!(terminated.server, std::any::type_name::<Vault>());
    let last = terminated.last_message.as_ref().unwrap();
    assert_eq!((last.callback, &last.text[..]), (Callback::Call, std::any::type_name::<Call>()));
    assert_eq!(terminated.client.as_ref().unwrap().pid, client.pid());
    assert_eq!(terminated.state, "****");
    assert_eq!(terminated.reason, Reason::term("crashed"));
    assert_eq!(crashed.reason, Reason::term("crashed"));
    assert_eq!(crashed.process, terminated.process);
    assert!(!crashed.in_init);
}

#[tokio::test]
async fn a_log_that_is_on_shows_in_the_report() {
    let node = Node::new();
    let mut reports = node.reports();
    let vault = Vault::start(&node).await;
    sys::log(&vault, LOG_LENGTH).await.unwrap();
    stop_from_inside(&vault, Reason::term("crashed")).await;
    let (terminated, _) = both(&mut reports);
    let last = terminated.last_message.unwrap();
    assert!(last.text.starts_with(r#"Stop(Term("crashed")"#), "{}", last.text);
    assert_eq!(terminated.log, [format!("got call {}", last.text)]);
    assert!(terminated.client.is_none(), "plain code is not a process");
}

/// How many reports an end makes.
async fn check(expected: usize, end: impl AsyncFnOnce(&ServerRef<Vault>)) {
    let node = Node::new();
    let mut reports = node.reports();
    let vault = Vault::start(&node).await;
    end(&vault).await;
    vault.ended().await;
    assert_eq!(all(&mut reports).len(), expected);
}

#[tokio::test]
async fn gs_139_only_ends_of_its_own_making_are_reported() {
    for quiet in [Reason::Normal, Reason::Shutdown, Reason::shutdown_with("idle")] {
        check(0, async |vault| stop_from_inside(vault, quiet).await).await;
    }
    check(2, async |vault| stop_from_inside(vault, Reason::term("other")).await).await;
    check(2, async |vault| drop(vault.call(Call::Fail).await)).await;
    check(2, async |vault| drop(vault.call(|caller| Call::Panic("boom", caller)).await)).await;
    check(2, async |vault| vault.stop().reason(Reason::term("ordered")).await.unwrap()).await;
    check(0, async |vault| vault.exit(Reason::term("a signal"))).await;
    check(0, async |vault| vault.kill()).await;
}

#[tokio::test]
async fn an_ordered_end_has_no_last_message() {
    let node = Node::new();
    let mut reports = node.reports();
    let vault = Vault::start(&node).await;
    vault.stop().reason(Reason::term("ordered")).await.unwrap();
    assert_eq!(both(&mut reports).0.last_message, None);
}

/// An init that does what it is told.
struct Starter;

enum Start {
    Stop(Reason),
    Fail(Reason),
    Panic,
}

impl GenServer for Starter {
    type Args = Start;
    type Call = Never;
    type Cast = Never;
    type Info = &'static str;

    async fn init(start: Start, _cx: &mut Cx<Self>) -> Init<Self> {
        match start {
            Start::Stop(reason) => Init::Stop(reason),
            Start::Fail(reason) => Init::Fail(reason),
            Start::Panic => panic!("init broke"),
        }
    }
}

#[tokio::test]
async fn gs_140_an_init_that_stops_is_reported_once_unless_for_shutdown() {
    let node = Node::new();
    let mut reports = node.reports();
    let mut reported = async |start: Start| {
        node.start::<Starter>(start).await.unwrap_err();
        all(&mut reports)
    };
    let nope = reported(Start::Stop(Reason::term("nope"))).await;
    let [Report::Crashed(crashed)] = &nope[..] else { panic!("{nope:?}") };
    assert!(crashed.in_init);
    assert_eq!(crashed.reason, Reason::term("nope"));
    assert_eq!(crashed.entry, std::any::type_name::<Starter>());
    assert_eq!(reported(Start::Stop(Reason::Shutdown)).await, []);
    assert_eq!(reported(Start::Fail(Reason::term("quietly"))).await, []);
    let broke = reported(Start::Panic).await;
    assert!(matches!(&broke[..], [Report::Crashed(crashed)] if crashed.reason.to_string() == "panicked: init broke"));
}

#[tokio::test]
async fn gs_154_a_crash_report_shows_the_formatted_state() {
    let node = Node::new();
    let mut reports = node.reports();
    let vault = Vault::start(&node).await;
    stop_from_inside(&vault, Reason::term("crashed")).await;
    let (terminated, crashed) = both(&mut reports);
    let texts = [Report::Terminated(terminated).to_string(), Report::Crashed(crashed).to_string()];
    assert!(texts[0].contains("\n  state: ****\n"), "{}", texts[0]);
    assert!(texts.iter().all(|text| !text.contains("1234")));
}

#[tokio::test(start_paused = true)]
async fn gs_155_a_failing_terminate_is_reported_with_the_formatted_state() {
    let node = Node::new();
    let mut reports = node.reports();
    let vault = Vault::start_with(&node, Formatter::ShowsStars, true).await;
    let mut probe = Probe::<()>::on(&node);
    let reference = probe.monitor(&vault);
    let ended = vault.call(|caller| Call::Stop(Reason::Normal, caller)).await;
    let Err(CallError::Exit { reason, .. }) = ended else { panic!("{ended:?}") };
    assert_eq!(reason.to_string(), "panicked: terminate failed with 4");
    assert_eq!(probe.expect_down(reference).await.reason, reason);
    let (terminated, crashed) = both(&mut reports);
    assert_eq!((&terminated.reason, &crashed.reason), (&reason, &reason));
    assert_eq!(terminated.state, "****");
    assert_eq!(terminated.last_message.unwrap().callback, Callback::Call);
}

#[tokio::test]
async fn gs_157_a_panicking_formatter_shows_nothing_of_the_state() {
    let node = Node::new();
    let mut reports = node.reports();
    let vault = Vault::start_with(&node, Formatter::Panics, false).await;
    sys::log(&vault, LOG_LENGTH).await.unwrap();
    let status = sys::get_status(&vault).await.unwrap();
    assert_eq!(status.state, "not shown, because format_status panicked");
    stop_from_inside(&vault, Reason::term("crashed")).await;
    let (terminated, _) = both(&mut reports);
    assert_eq!(terminated.state, status.state);
    assert_eq!(terminated.last_message.as_ref().unwrap().text, status.state);
    assert_eq!(terminated.log, [status.state]);
    assert_eq!(terminated.reason, Reason::term("crashed"));
}

#[tokio::test]
async fn gs_158_a_formatter_redacts_everything_that_is_shown() {
    let node = Node::new();
    let mut reports = node.reports();
    let vault = Vault::start_with(&node, Formatter::ReplacesEverything, false).await;
    sys::log(&vault, LOG_LENGTH).await.unwrap();
    stop_from_inside(&vault, Reason::term("1234 again")).await;
    let (terminated, crashed) = both(&mut reports);
    assert_eq!(terminated.state, "a state");
    assert_eq!(terminated.last_message.as_ref().unwrap().text, "a message");
    assert_eq!(terminated.reason, Reason::term("a reason".to_owned()));
    assert_eq!(terminated.log, ["an event"]);
    assert_eq!(crashed.reason, terminated.reason);
    for report in [Report::Terminated(terminated), Report::Crashed(crashed)] {
        assert!(!format!("{report} {report:?}").contains("1234"), "{report}");
    }
}

/// What is printed of a report, with the pid and the paths of this test taken out.
fn printed(report: &Report, limits: &Limits) -> String {
    report.render(limits).replace("reports::", "")
}

#[tokio::test]
async fn gs_160_a_report_is_rendered_within_its_limits() {
    let node = Node::new();
    let mut reports = node.reports();
    let vault = Vault::start(&node).await;
    stop_from_inside(&vault, Reason::term(vec![Some("a long\nreason"), None])).await;
    let (terminated, crashed) = both(&mut reports);
    let terminated = Report::Terminated(terminated);
    assert_eq!(
        printed(&terminated, &Limits::NONE),
        "Server vault <1> terminating\n  server: Vault\n  last message: call Call\n  state: ****\n  \
         reason: [Some(\"a long\\nreason\"), None]"
    );
    let short = Limits { chars: Some(6), depth: Some(1), single_line: true, ..Limits::NONE };
    assert_eq!(
        printed(&terminated, &short),
        "Server vault <1> terminating; server: Vault; last message: call r...; state: ****; reason: [Some(..."
    );
    let flat = Limits { depth: Some(1), single_line: true, ..Limits::NONE };
    assert!(printed(&terminated, &flat).ends_with("reason: [Some(..), None]"));
    let one_line = Limits { lines: Some(1), ..Limits::NONE };
    assert_eq!(
        printed(&Report::Crashed(crashed), &one_line),
        "Process vault <1> crashed\n  entry: Vault\n  ancestors: none\n  links: none\n  mailbox: 0\n  traps exits: no\n  \
         reason: [Some(\"a long\\nreason\"), None]"
    );
}

#[tokio::test]
async fn gs_161_a_label_appears_in_the_report() {
    let node = Node::new();
    let mut reports = node.reports();
    let args = Vault { secret: "", formatter: Formatter::ShowsStars, terminate_panics: false };
    let vault = node.start::<Vault>(args).label("the cellar").await.unwrap();
    stop_from_inside(&vault, Reason::term("crashed")).await;
    let (terminated, crashed) = both(&mut reports);
    for report in [Report::Terminated(terminated), Report::Crashed(crashed)] {
        assert_eq!(report.process().label.as_deref(), Some("the cellar"));
        assert!(report.to_string().contains("\n  label: the cellar\n"), "{report}");
    }
}

/// Has no `handle_info`. Shows messages as its formatter says.
struct Deaf;

#[derive(Debug)]
enum Word {
    Plain,
    Secret,
    Unspeakable,
}

impl GenServer for Deaf {
    type Args = ();
    type Call = Never;
    type Cast = Never;
    type Info = Word;

    async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Deaf)
    }

    fn format_message(message: Message<'_, Self>) -> Option<String> {
        let Message::Info(word) = message else { return None };
        match word {
            Word::Plain => Some(format!("{word:?}")),
            Word::Secret => None,
            Word::Unspeakable => panic!("it cannot be said"),
        }
    }
}

#[tokio::test]
async fn gs_174_a_message_without_a_handler_is_reported_as_the_server_shows_it() {
    let node = Node::new();
    let mut reports = node.reports();
    let deaf = node.start::<Deaf>(()).name("deaf").await.unwrap();
    let expected = [
        (Word::Plain, "Plain"),
        (Word::Secret, "reports::Word"),
        (Word::Unspeakable, "a message that is not shown, because format_message panicked"),
    ];
    for (word, shown) in expected {
        deaf.send(word).unwrap();
        let report = reports.next().await.unwrap();
        assert!(report.to_string().starts_with("Unexpected message in deaf <1>\n"), "{report}");
        assert!(report.to_string().ends_with(&format!("message: {shown}")), "{report}");
    }
    assert!(deaf.is_alive());
}

#[tokio::test]
async fn an_unexpected_message_is_reported_by_its_type_if_nobody_says_more() {
    struct Mute;
    impl GenServer for Mute {
        type Args = ();
        type Call = Never;
        type Cast = Never;
        type Info = &'static str;

        async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
            Init::Run(Mute)
        }
    }
    let node = Node::new();
    let mut reports = node.reports();
    let mute = node.start::<Mute>(()).await.unwrap();
    mute.send("hello").unwrap();
    let report = reports.next().await.unwrap();
    assert!(report.to_string().ends_with("message: &str"), "{report}");
    assert!(mute.is_alive());
}

#[tokio::test]
async fn a_message_that_a_server_says_is_unexpected_is_reported() {
    struct Picky;
    impl GenServer for Picky {
        type Args = ();
        type Call = Never;
        type Cast = Never;
        type Info = u8;

        async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
            Init::Run(Picky)
        }

        async fn handle_info(&mut self, info: u8, cx: &mut Cx<Self>) -> Outcome<Self> {
            cx.unexpected(&info);
            Next::wait()
        }
    }
    let node = Node::new();
    let mut reports = node.reports();
    let picky = node.start::<Picky>(()).name("picky").await.unwrap();
    picky.send(7).unwrap();
    assert!(picky.stop().await.is_ok());
    let [report] = &all(&mut reports)[..] else { panic!("there is one report") };
    assert!(report.to_string().starts_with("Unexpected message in picky"), "{report}");
    assert!(report.to_string().ends_with("message: 7"), "{report}");
}

#[tokio::test]
async fn reports_without_space_are_counted() {
    let node = Node::new();
    let mut reports = node.reports();
    for _ in 0..1030 {
        node.start::<Starter>(Start::Panic).await.unwrap_err();
    }
    assert_eq!(reports.dropped(), 6);
    assert_eq!(all(&mut reports).len(), 1024);
}

#[tokio::test]
async fn the_reports_of_a_node_that_is_gone_end() {
    let mut reports = Node::new().reports();
    assert_eq!(reports.next().await, None);
}

/// Runs a function as a process that a named one has started, and returns its report.
async fn report_of<F>(function: impl FnOnce(Probe<()>) -> F + Send + 'static) -> Vec<Report>
where
    F: Future<Output = Result<(), Reason>> + Send + 'static,
{
    let node = Node::new();
    let mut reports = node.reports();
    let mut parent = Probe::<()>::on(&node);
    parent.register("parent").unwrap();
    parent.trap_exits(true);
    let child = parent.spawn_link(function).unwrap();
    parent.expect_exit(&child).await;
    all(&mut reports)
}

#[tokio::test]
async fn pl_001_a_shutdown_is_not_reported() {
    assert_eq!(report_of(|_me| async { Err(Reason::Shutdown) }).await, []);
    assert_eq!(report_of(|_me| async { Err(Reason::shutdown_with("idle")) }).await, []);
    assert_eq!(report_of(|_me| async { Ok(()) }).await, []);
}

#[tokio::test]
async fn pl_002_a_report_names_entry_ancestors_reason_and_neighbours() {
    let reports = report_of(|_me| async { Err(Reason::term("die")) }).await;
    let [Report::Crashed(crashed)] = &reports[..] else { panic!("{reports:?}") };
    assert!(crashed.entry.contains("pl_002_a_report_names"), "{}", crashed.entry);
    let parents = [&crashed.ancestors[..], &crashed.links[..]];
    for parent in parents {
        assert_eq!(parent.len(), 1);
        assert_eq!(parent[0].pid.number(), 1);
    }
    assert_eq!(crashed.reason, Reason::term("die"));
    assert_eq!(crashed.process.pid.number(), 2);
}

#[tokio::test]
async fn pl_003_a_panic_tells_its_place_and_an_exit_its_reason() {
    capture_panics();
    let line = line!() + 1;
    let reports = report_of(|_me| async { panic!("a bad match") }).await;
    let Some(Reason::Panic(panic)) = reports[0].reason() else { panic!("{reports:?}") };
    assert_eq!(panic.message(), "a bad match");
    assert!(panic.location().unwrap().contains(&format!("reports.rs:{line}:")), "{panic:?}");
    assert!(reports[0].to_string().contains("\n  at: "), "{}", reports[0]);

    let reports = report_of(|_me| async { Err(Reason::term("bye")) }).await;
    assert!(reports[0].to_string().ends_with("\n  reason: bye"), "{}", reports[0]);
}

#[tokio::test(start_paused = true)]
async fn pl_009_a_crash_after_hibernation_is_reported_in_full() {
    struct Sleeper;
    impl GenServer for Sleeper {
        type Args = ();
        type Call = Never;
        type Cast = Never;
        type Info = bool;

        async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
            Init::RunHibernate(Sleeper)
        }

        async fn handle_info(&mut self, crash: bool, _cx: &mut Cx<Self>) -> Outcome<Self> {
            if crash { Next::stop(Reason::term("woken")) } else { Next::hibernate() }
        }
    }
    let node = Node::new();
    let mut reports = node.reports();
    let sleeper = node.start::<Sleeper>(()).await.unwrap();
    sleeper.send(false).unwrap();
    sleeper.send(true).unwrap();
    assert_eq!(sleeper.ended().await, Reason::term("woken"));
    let (terminated, crashed) = both(&mut reports);
    assert_eq!(terminated.last_message.unwrap().callback, Callback::Info);
    assert_eq!(terminated.state, std::any::type_name::<Sleeper>());
    assert_eq!(crashed.entry, std::any::type_name::<Sleeper>());
}

/// A value that cannot be printed.
#[derive(PartialEq)]
struct Unprintable;

impl fmt::Debug for Unprintable {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("it cannot be printed")
    }
}

#[tokio::test]
async fn pl_010_a_report_always_renders() {
    let reports = report_of(|_me| async { Err(Reason::term(Unprintable)) }).await;
    let [report] = &reports[..] else { panic!("not one report") };
    assert!(report.to_string().contains("entry: reports::pl_010"), "{report}");
    assert!(report.to_string().ends_with("reason: a value that panics when it is printed"), "{report}");

    let reports = report_of(|_me| async { Err(Reason::term("x".repeat(10_000))) }).await;
    let limits = Limits { chars: Some(100), depth: Some(3), lines: Some(1), single_line: true };
    let text = reports[0].render(&limits);
    assert!(text.len() < 700, "{text}");
    assert!(text.ends_with("xxx..."), "{text}");
}
