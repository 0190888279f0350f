//! A program with an observer: the three lines are in `main`.
//!
//! `cargo run -p genserver-observer --example observe`, and open the address that it prints.
// xtask: compile only

use std::time::Duration;

use genserver::supervisor::{ChildSpec, Supervisor};
use genserver::{Caller, Cx, GenServer, Init, Never, Next, Node, Outcome};
use genserver_observer::Observer;

/// Counts the seconds, and shows its count.
struct Clock(u64);

struct Tick;

impl GenServer for Clock {
    type Args = ();
    type Call = Caller<u64>;
    type Cast = Never;
    type Info = Tick;

    async fn init((): (), cx: &mut Cx<Self>) -> Init<Self> {
        cx.send_after(Duration::from_secs(1), Tick);
        Init::Run(Self(0))
    }

    async fn handle_call(&mut self, caller: Caller<u64>, _cx: &mut Cx<Self>) -> Outcome<Self> {
        Next::reply(caller, self.0)
    }

    async fn handle_info(&mut self, Tick: Tick, cx: &mut Cx<Self>) -> Outcome<Self> {
        self.0 += 1;
        cx.send_after(Duration::from_secs(1), Tick);
        Next::wait()
    }

    fn format_status(&self, shown: &mut genserver::sys::Shown) {
        shown.set_state(&format_args!("{} seconds", self.0));
    }
}

#[tokio::main]
#[expect(clippy::print_stdout, reason = "a program at a terminal talks to its user")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let page = Observer::new(&Node::program()).serve("127.0.0.1:4000")?;
    println!("http://{}", page.address());

    let clock = ChildSpec::server("clock", || genserver::start_link::<Clock>(()));
    let supervisor = Supervisor::one_for_one().child(clock).start().await?;
    tokio::signal::ctrl_c().await?;
    supervisor.stop().await?;
    Ok(())
}
