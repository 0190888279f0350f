//! A server with a name, and an oracle that sees all of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use genserver::{Caller, Cx, Exit, GenServer, Init, Never, Next, Outcome, Reason, time};
use genserver_cluster::{Clustered, Messages, Remote};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

/// What happens to the servers of one name, in the whole cluster.
#[derive(Default)]
pub(super) struct Oracle(Mutex<Seen>);

#[derive(Default)]
struct Seen {
    /// How many were started. Each has the number of its start.
    started: u64,
    /// The member of the last.
    member: String,
    /// Those that have not ended, and where they are.
    alive: Vec<(u64, String)>,
    /// Until when each member can be sure of the name: a time to live from before the last change that was confirmed to it was sent.
    kept_until: BTreeMap<String, Instant>,
    /// What must not happen, and did. A panic would only end the process that notices it.
    wrong: Option<String>,
    /// Whether members may stand still, so that an old server is still there while the next one starts. Then it must not be asked.
    may_overlap: bool,
}

impl Oracle {
    pub(super) fn of_members_that_stand_still() -> Self {
        Self(Mutex::new(Seen { may_overlap: true, ..Seen::default() }))
    }

    /// The number of the server that was started last; 0 before the first.
    pub(super) fn newest(&self) -> u64 {
        self.0.lock().started
    }

    fn starts(self: &Arc<Self>, member: &str) -> Alive {
        let mut seen = self.0.lock();
        seen.started += 1;
        member.clone_into(&mut seen.member);
        let number = seen.started;
        if !seen.may_overlap && !seen.alive.is_empty() {
            let alive = format!("{:?}", seen.alive);
            seen.is_wrong(format!("server {number} starts on {member} while another has the name: {alive}"));
        }
        seen.alive.push((number, member.to_owned()));
        Alive { oracle: Arc::clone(self), number }
    }

    /// A server is asked.
    fn is_asked(&self, number: u64) {
        let mut seen = self.0.lock();
        let newest = seen.started;
        if number != newest {
            seen.is_wrong(format!("server {number} is asked although a later one has started: {newest}"));
        }
    }

    /// A change of a member was confirmed.
    pub(super) fn keeps(&self, member: &str, until: Instant) {
        self.0.lock().kept_until.insert(member.to_owned(), until);
    }

    /// The server of a member has ended just now.
    pub(super) fn has_ended(&self, member: &str) {
        let mut seen = self.0.lock();
        if seen.may_belong_to_others(member) {
            seen.is_wrong(format!("the server of {member} ends when another may have the name"));
        }
    }

    /// A member answers a request.
    pub(super) fn is_answered_by(&self, member: &str) {
        let mut seen = self.0.lock();
        if seen.member != member {
            let owner = seen.member.clone();
            seen.is_wrong(format!("{member} answers although a server of another has started: of {owner}"));
        }
        if seen.may_belong_to_others(member) {
            seen.is_wrong(format!("{member} answers although another may have the name"));
        }
    }

    /// Fails if something was seen that must not happen.
    pub(super) fn check(&self) {
        let wrong = self.0.lock().wrong.take();
        assert!(wrong.is_none(), "{}", wrong.unwrap_or_default());
    }
}

impl Seen {
    fn may_belong_to_others(&self, member: &str) -> bool {
        self.kept_until.get(member).is_none_or(|until| *until < time::now())
    }

    fn is_wrong(&mut self, what: String) {
        self.wrong.get_or_insert(what);
    }
}

/// A server that has not ended.
struct Alive {
    oracle: Arc<Oracle>,
    number: u64,
}

impl Drop for Alive {
    fn drop(&mut self) {
        let mut seen = self.oracle.0.lock();
        seen.alive.retain(|(number, _)| *number != self.number);
    }
}

/// How a server behaves.
#[derive(Clone)]
pub(super) struct CartArgs {
    pub(super) oracle: Arc<Oracle>,
    pub(super) member: String,
    pub(super) init_takes: Duration,
    /// Whether it traps exits and then does not end by itself.
    pub(super) lingers: bool,
}

pub(super) struct Cart {
    alive: Alive,
    lingers: bool,
}

pub(super) enum Call {
    Which(Caller<u64>),
    Slow(Duration, Caller<u64>),
    End(Caller<()>),
}

/// Asks which server it is.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Which;

/// The same, of one that takes its time.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Slow {
    pub(super) millis: u64,
}

/// Ends it with a reason of its own.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct End;

impl Remote<Which> for Cart {
    type Reply = u64;

    fn local(Which: Which, caller: Caller<u64>) -> Call {
        Call::Which(caller)
    }
}

impl Remote<Slow> for Cart {
    type Reply = u64;

    fn local(Slow { millis }: Slow, caller: Caller<u64>) -> Call {
        Call::Slow(Duration::from_millis(millis), caller)
    }
}

impl Remote<End> for Cart {
    type Reply = ();

    fn local(End: End, caller: Caller<()>) -> Call {
        Call::End(caller)
    }
}

impl Clustered for Cart {
    fn messages() -> Messages<Self> {
        Messages::new("test.cart", 1).call::<Which>("which").call::<Slow>("slow").call::<End>("end")
    }
}

impl GenServer for Cart {
    type Args = CartArgs;
    type Call = Call;
    type Cast = Never;
    type Info = Exit;

    async fn init(args: CartArgs, cx: &mut Cx<Self>) -> Init<Self> {
        let alive = args.oracle.starts(&args.member);
        if args.lingers {
            cx.trap_exits(|exit| exit);
        }
        if !args.init_takes.is_zero() {
            time::sleep(args.init_takes).await;
        }
        Init::Run(Self { alive, lingers: args.lingers })
    }

    async fn handle_call(&mut self, call: Call, _cx: &mut Cx<Self>) -> Outcome<Self> {
        self.alive.oracle.is_asked(self.alive.number);
        match call {
            Call::Which(caller) => Next::reply(caller, self.alive.number),
            Call::Slow(takes, caller) => {
                time::sleep(takes).await;
                Next::reply(caller, self.alive.number)
            }
            Call::End(caller) => {
                drop(caller);
                Next::stop(Reason::term("sold out"))
            }
        }
    }

    async fn handle_info(&mut self, _exit: Exit, _cx: &mut Cx<Self>) -> Outcome<Self> {
        Next::wait()
    }

    async fn terminate(&mut self, _reason: &Reason, _cx: &mut Cx<Self>) {
        if self.lingers {
            std::future::pending::<()>().await;
        }
    }
}
