//! One look at everything: links, monitors, exits, timers, stops.
#![cfg(feature = "tokio")]

use std::time::Duration;

use genserver::*;

struct Echo {
    heard: Vec<String>,
}
enum Call {
    Heard(Caller<Vec<String>>),
    Stop(Caller<()>),
    Forget(#[allow(dead_code)] Caller<()>),
    Panic(Caller<()>),
    Later(Caller<u32>, Duration),
}
enum Info {
    Tick,
    Down(Down),
    Exit(Exit),
    Answer(Caller<u32>),
}
enum Cast {
    Watch(ProcessRef),
    Trap,
}

impl GenServer for Echo {
    type Args = ();
    type Call = Call;
    type Cast = Cast;
    type Info = Info;
    async fn init((): (), cx: &mut Cx<Self>) -> Init<Self> {
        cx.send_after(Duration::from_millis(10), Info::Tick);
        Init::Run(Echo { heard: vec![] })
    }
    async fn handle_call(&mut self, call: Call, cx: &mut Cx<Self>) -> Outcome<Self> {
        match call {
            Call::Heard(caller) => Next::reply(caller, self.heard.clone()),
            Call::Stop(caller) => Next::stop_reply(Reason::Normal, caller, ()),
            Call::Forget(_) => Next::wait(),
            Call::Panic(_) => panic!("boom"),
            Call::Later(caller, delay) => {
                cx.send_after(delay, Info::Answer(caller));
                Next::wait()
            }
        }
    }
    async fn handle_cast(&mut self, cast: Cast, cx: &mut Cx<Self>) -> Outcome<Self> {
        match cast {
            Cast::Watch(process) => {
                cx.monitor(&process, Info::Down);
            }
            Cast::Trap => cx.trap_exits(Info::Exit),
        }
        Next::wait()
    }
    async fn handle_info(&mut self, info: Info, _cx: &mut Cx<Self>) -> Outcome<Self> {
        match info {
            Info::Tick => self.heard.push("tick".into()),
            Info::Down(down) => self.heard.push(format!("down {}", down.reason)),
            Info::Exit(exit) => self.heard.push(format!("exit {}", exit.reason)),
            Info::Answer(caller) => return Next::reply(caller, 7),
        }
        Next::wait()
    }
}

#[tokio::test(start_paused = true)]
async fn everything_once() {
    let a = start::<Echo>(()).await.unwrap();
    let b = start::<Echo>(()).name("b").await.unwrap();
    a.cast(Cast::Watch(b.process_ref())).unwrap();
    assert_eq!(a.call(Call::Heard).await.unwrap(), Vec::<String>::new());
    tokio::time::sleep(Duration::from_millis(11)).await;
    assert_eq!(a.call(Call::Heard).await.unwrap(), ["tick"]);
    b.call(Call::Stop).await.unwrap();
    assert!(!b.is_alive());
    assert_eq!(whereis("b"), None);
    assert_eq!(a.call(Call::Heard).await.unwrap(), ["tick", "down normal"]);
    assert!(matches!(b.call(Call::Heard).await, Err(CallError::NoProc { .. })));
    assert!(matches!(a.call(Call::Forget).await, Err(CallError::NoReply { .. })));
    assert_eq!(a.call(|caller| Call::Later(caller, Duration::from_secs(1))).await.unwrap(), 7);
    let late = a.call(|caller| Call::Later(caller, Duration::from_secs(9))).await;
    assert!(matches!(late, Err(CallError::Timeout { .. })), "{late:?}");
    let mut probe = Probe::<()>::new();
    probe.trap_exits(true);
    let c = probe.start_link::<Echo>(()).await.unwrap();
    let r = probe.monitor(&c);
    let error = c.call(Call::Panic).await.unwrap_err();
    assert!(matches!(&error, CallError::Exit { reason: Reason::Panic(p), .. } if p.message() == "boom"), "{error}");
    assert!(matches!(probe.expect_exit(&c).await.reason, Reason::Panic(_)));
    assert!(matches!(probe.expect_down(r).await.reason, Reason::Panic(_)));
    a.kill();
    assert!(!a.is_alive());
    assert!(matches!(a.stop().await, Err(StopError::NoProc { .. })));
    let d = start::<Echo>(()).await.unwrap();
    d.cast(Cast::Trap).unwrap();
    d.call(Call::Heard).await.unwrap();
    d.exit(Reason::term("boom"));
    assert_eq!(d.call(Call::Heard).await.unwrap(), ["exit boom"]);
    d.stop().reason(Reason::Shutdown).await.unwrap();
}
