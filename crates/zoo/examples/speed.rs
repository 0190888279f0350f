//! How fast the simulator is: `cargo xtask bench --sim` runs this, with optimisation and without.
//!
//! The world has ten processes: a supervisor with four accounts, four clients who move money between them, and the test. Accounts are
//! killed and stall now and then, and everything that the simulator checks by itself is checked.

#![expect(clippy::disallowed_methods, reason = "it is the time of the machine that is measured")]

use std::io::{Write as _, stdout};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use genserver::sim::{Check, Faults, History, Passed, Search, Sim};
use genserver::supervisor::{ChildRef, ChildSpec, Supervisor, SupervisorSpec};
use genserver::{AsServer as _, CallError, Caller, Cx, GenServer, Init, Never, Next, Outcome, start_link, time};

const ACCOUNTS: usize = 4;
const CLIENTS: usize = 4;

/// How many operations each client does: so many that a run has some 300 steps.
const OPERATIONS: u64 = 50;

/// So many runs are timed, ...
const RUNS: u64 = 4_000;
/// ... so many times.
const ROUNDS: usize = 5;

struct Account(u64);

enum Ask {
    Balance(Caller<u64>),
    Deposit(u64, Caller<u64>),
}

impl GenServer for Account {
    type Args = ();
    type Call = Ask;
    type Cast = Never;
    type Info = Never;

    async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Self(0))
    }

    async fn handle_call(&mut self, ask: Ask, _cx: &mut Cx<Self>) -> Outcome<Self> {
        match ask {
            Ask::Balance(caller) => Next::reply(caller, self.0),
            Ask::Deposit(amount, caller) => {
                self.0 += amount;
                Next::reply(caller, self.0)
            }
        }
    }
}

/// What a client does: to which account, and how much it deposits, if anything.
#[derive(Debug)]
struct Op(usize, Option<u64>);

async fn does(account: &ChildRef<Account>, Op(_, amount): &Op) -> Result<u64, CallError> {
    match *amount {
        None => account.waiting().call(Ask::Balance).await,
        Some(amount) => account.waiting().call(|caller| Ask::Deposit(amount, caller)).await,
    }
}

/// Clients and accounts. With a history, accounts are not killed: a new one would begin at zero.
async fn bank(sim: &Sim<'_>, has_history: bool) {
    let specs: Vec<_> =
        (0..ACCOUNTS).map(|number| ChildSpec::server(number.to_string(), || start_link::<Account>(()))).collect();
    let accounts: Vec<ChildRef<Account>> = specs.iter().map(ChildSpec::reference).collect();
    let supervisor = specs.into_iter().fold(Supervisor::one_for_one().max_restarts(10), SupervisorSpec::child);
    sim.start_supervised(supervisor.start_link()).await;
    let history: Option<History<u64, Op, u64>> = has_history.then(|| {
        let apply = |balance: &mut u64, Op(_, amount): &Op| {
            *balance += amount.unwrap_or_default();
            *balance
        };
        sim.history_by_key(0, |Op(account, _): &Op| *account, apply)
    });
    let faults = Faults::new().stall::<Account>(Duration::from_millis(5));
    sim.faults(if has_history { faults } else { faults.kill::<Account>() });
    sim.clients(CLIENTS, async |client| {
        for _ in 0..OPERATIONS {
            let place = usize::try_from(client.draw(0..ACCOUNTS as u64)).unwrap_or_default();
            let op = Op(place, (client.draw(0..2) == 0).then(|| client.draw(1..10)));
            let call = does(&accounts[place], &op);
            // It may fail: its account may be killed.
            let _ = match &history {
                Some(history) => history.record(Op(op.0, op.1), call).await,
                None => call.await,
            };
            time::sleep(Duration::from_millis(client.draw(1..4))).await;
        }
    })
    .await;
}

fn main() -> ExitCode {
    let lines = if cfg!(debug_assertions) { without_optimisation() } else { with_optimisation() };
    match stdout().write_all(lines.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn without_optimisation() -> String {
    let (passed, times) = timed(|| Check::new().runs(256), false);
    format!("256 runs without optimisation, {} steps each: {}\n", passed.steps() / passed.runs(), shown(&times))
}

fn with_optimisation() -> String {
    let mut text = String::new();
    let searches = [
        ("portfolio", Search::Portfolio),
        ("random walk", Search::RandomWalk),
        ("priorities", Search::Priorities),
        ("reversals", Search::Reversals),
    ];
    for (name, search) in searches {
        text.push_str(&row(name, || Check::new().runs(RUNS).search(search), false));
    }
    text.push_str(&row("portfolio, with a history", || Check::new().runs(RUNS), true));
    text
}

fn row(name: &str, check: impl Fn() -> Check, has_history: bool) -> String {
    let (passed, times) = timed(check, has_history);
    let mut rates: Vec<u128> =
        times.iter().map(|time| u128::from(passed.runs()) * 1_000_000 / time.as_micros()).collect();
    rates.sort_unstable();
    let (least, middle, most) = (rates[0], rates[ROUNDS / 2], rates[ROUNDS - 1]);
    let steps = passed.steps() / passed.runs();
    format!("{name:<28} {middle:>7} runs a second ({least} to {most}), {steps} steps each\n")
}

/// Runs a check several times. What it has done, and how long each took.
fn timed(check: impl Fn() -> Check, has_history: bool) -> (Passed, Vec<Duration>) {
    let once = || {
        let begin = Instant::now();
        let passed = check().run(async |sim| bank(sim, has_history).await).expect("the bank is right");
        (passed, begin.elapsed())
    };
    let (passed, first) = once();
    let times = [first].into_iter().chain((1..ROUNDS).map(|_| once().1)).collect();
    (passed, times)
}

/// The time in the middle, and the shortest and the longest.
fn shown(times: &[Duration]) -> String {
    let mut times = times.to_vec();
    times.sort_unstable();
    format!("{:.2?} ({:.2?} to {:.2?})", times[times.len() / 2], times[0], times[times.len() - 1])
}
