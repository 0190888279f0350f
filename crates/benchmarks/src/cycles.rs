//! What the search for cycles costs calls that wait inside callbacks, when many threads make them at once.

use std::time::Duration;

use genserver::{Caller, Cx, GenServer, Init, Never, Next, Outcome, ServerRef};

use crate::measure::quartiles;
use crate::options::Options;
use crate::report;
use crate::subjects::genserver::Ours;
use crate::subjects::{Subject, workers};
use crate::workloads::now;

/// The row as `--only` finds it.
const TITLE: &str = "queued calls inside callbacks";

/// How many servers call, each another one; and how many threads there are.
const CROWDS: [usize; 3] = [1, 4, 16];

/// How many calls each of them makes in a round.
const CALLS: u64 = 20_000;

/// A server that its callers never run, so each call waits.
struct Answerer;

impl GenServer for Answerer {
    type Args = ();
    type Call = Caller<()>;
    type Cast = Never;
    type Info = Never;

    async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Self)
    }

    async fn handle_call(&mut self, caller: Caller<()>, _cx: &mut Cx<Self>) -> Outcome<Self> {
        Next::reply(caller, ())
    }
}

/// A server whose callback calls an [`Answerer`] of its own.
struct Asker(ServerRef<Answerer>);

/// So many calls, watched for cycles or not.
struct Ask(u64, bool, Caller<()>);

impl GenServer for Asker {
    type Args = ();
    type Call = Ask;
    type Cast = Never;
    type Info = Never;

    async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
        let answerer = genserver::start::<Answerer>(()).inline(false).await.expect("the server starts");
        Init::Run(Self(answerer))
    }

    async fn handle_call(&mut self, Ask(calls, watched, caller): Ask, _cx: &mut Cx<Self>) -> Outcome<Self> {
        for _ in 0..calls {
            let call = self.0.call(|caller| caller);
            let call = if watched { call } else { call.allow_cycle() };
            call.await?;
        }
        Next::reply(caller, ())
    }
}

/// Prints the table, if it is wanted.
pub fn compare(options: &Options) {
    if !options.wants(TITLE) {
        return;
    }
    report::line(&format!("\n{TITLE}: the mean of a call, in as many threads as there are callers"));
    report::cells("", &["watched, ns", "allow_cycle, ns", "ratio"].map(str::to_owned));
    for crowd in CROWDS {
        let mut rounds: [Vec<f64>; 3] = Default::default();
        for round in 0..options.rounds() {
            // Each goes first in every second round.
            let first = round % 2 == 0;
            let (one, other) = (mean(crowd, first), mean(crowd, !first));
            let (watched, not) = if first { (one, other) } else { (other, one) };
            for (values, value) in rounds.iter_mut().zip([watched, not, watched / not]) {
                values.push(value);
            }
        }
        report::cells(&format!("{crowd} callers"), &rounds.map(|values| report::number(quartiles(values)[1])));
    }
}

/// How many nanoseconds one call takes altogether.
fn mean(crowd: usize, watched: bool) -> f64 {
    let calls = CALLS / u64::try_from(crowd).expect("it is small");
    let runtime = workers(crowd);
    let work = async move {
        run(crowd, calls / 16, watched).await;
        run(crowd, calls, watched).await
    };
    let whole = runtime.block_on(runtime.spawn(work)).expect("a workload does not panic");
    let ops = u32::try_from(calls).expect("a round is short") * u32::try_from(crowd).expect("it is small");
    whole.as_secs_f64() * 1e9 / f64::from(ops)
}

async fn run(crowd: usize, calls: u64, watched: bool) -> Duration {
    let mut askers = Vec::new();
    for _ in 0..crowd {
        askers.push(genserver::start::<Asker>(()).await.expect("the server starts"));
    }
    let start = now();
    let asked: Vec<_> = askers
        .iter()
        .cloned()
        .map(|asker| Ours::spawn(async move { asker.call(|caller| Ask(calls, watched, caller)).no_timeout().await }))
        .collect();
    for asked in asked {
        asked.await.expect("a client does not panic").expect("the server answers");
    }
    let whole = start.elapsed();
    for asker in askers {
        let answerer = genserver::sys::with_state(&asker, |asker| asker.0.clone()).await.expect("the server answers");
        asker.stop().await.expect("the server runs");
        answerer.stop().await.expect("the server runs");
    }
    whole
}
