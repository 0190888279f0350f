//! The registry of the simulator's page, with its mistake, and what is printed of it.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::collections::BTreeMap;
use std::time::Duration;

use genserver::agent::Agent;
use genserver::sim::{Check, Faults, Sim};
use genserver::sys::Message;
use genserver::{Caller, Cx, GenServer, Init, Never, Next, Outcome, Pid};

/// The bucket of each name.
#[derive(Default)]
struct Registry(BTreeMap<&'static str, Bucket>);

type Bucket = Agent<Vec<String>>;

#[derive(Debug)]
enum Call {
    Create(&'static str, Caller<Bucket>),
    Lookup(&'static str, Caller<Option<Bucket>>),
}

/// The bucket of this name has ended.
#[derive(Debug)]
struct Gone {
    name: &'static str,
    #[expect(dead_code, reason = "that is the mistake")]
    pid: Pid,
}

impl GenServer for Registry {
    type Args = ();
    type Call = Call;
    type Cast = Never;
    type Info = Gone;

    async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Self::default())
    }

    async fn handle_call(&mut self, call: Call, cx: &mut Cx<Self>) -> Outcome<Self> {
        match call {
            Call::Create(name, caller) => {
                if let Some(bucket) = self.0.get(name).filter(|bucket| bucket.is_alive()) {
                    return Next::reply(caller, bucket.clone());
                }
                let bucket = Agent::start(Vec::new).label("bucket").await?;
                cx.monitor(&bucket, move |down| Gone { name, pid: down.pid });
                self.0.insert(name, bucket.clone());
                Next::reply(caller, bucket)
            }
            Call::Lookup(name, caller) => Next::reply(caller, self.0.get(name).cloned()),
        }
    }

    async fn handle_info(&mut self, gone: Gone, _cx: &mut Cx<Self>) -> Outcome<Self> {
        self.0.remove(gone.name);
        Next::wait()
    }

    fn format_message(message: Message<'_, Self>) -> Option<String> {
        Some(format!("{message:?}"))
    }
}

async fn a_bucket_may_be_killed(sim: &Sim<'_>) {
    let registry = sim.start_supervised(genserver::start_link::<Registry>(())).await;
    registry.call(|caller| Call::Create("milk", caller)).await.unwrap();

    // From now on, a bucket may be killed between any two steps.
    sim.faults(Faults::new().kill_named("bucket").at_most(1));
    let bucket = registry.call(|caller| Call::Create("milk", caller)).await.unwrap();
    sim.heal(Duration::from_secs(1)).await;

    let found = registry.call(|caller| Call::Lookup("milk", caller)).await.unwrap();
    assert_eq!(found.is_some(), bucket.is_alive(), "a bucket is found while it lives");
}

/// The lines of the page, without what makes them comments.
fn page() -> impl Iterator<Item = &'static str> {
    let lines = include_str!("../../src/sim.rs").lines().filter_map(|line| line.strip_prefix("//!"));
    lines.map(|line| line.strip_prefix(' ').unwrap_or(line))
}

#[test]
fn the_page_shows_what_is_printed() {
    let shown: Vec<&str> =
        page().skip_while(|line| *line != "```text").skip(1).take_while(|line| *line != "```").collect();
    // As `sim::check` does, whatever the environment says.
    let message = Check::new().runs(256).base(0).run(a_bucket_may_be_killed).unwrap_err().to_string();
    assert_eq!(shown.join("\n"), message, "\n{message}\n");
}

#[test]
fn the_program_of_the_page_is_the_one_above() {
    let own: Vec<&str> = include_str!("registry.rs").lines().map(str::trim).collect();
    let shown = page().skip_while(|line| *line != "struct Registry(BTreeMap<&'static str, Bucket>);");
    let shown = shown.take_while(|line| !line.starts_with("# let")).map(str::trim);
    let others: Vec<&str> = shown.filter(|line| !own.contains(line)).collect();
    assert!(others.is_empty(), "{others:#?}");
}
