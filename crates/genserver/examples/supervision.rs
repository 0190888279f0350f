//! Supervision: a worker crashes and is started again; when it crashes too often, so is the part of the tree that it belongs to.
//!
//! ```text
//! $ cargo run -p genserver --example supervision 2>/dev/null
//! + application started sum
//! + adders started adder
//! + application started adders
//! 1 2 -> 3
//! one -> no answer
//! - adders lost adder
//! + adders started adder
//! 3 4 -> 10
//! two -> no answer
//! - adders lost adder
//! ! adders gives up because of adder
//! - application lost adders
//! + adders started adder
//! + application started adders
//! 5 -> 15
//! three -> no answer
//! - adders lost adder
//! + adders started adder
//! 6 -> 21
//! four -> no answer
//! - adders lost adder
//! ! adders gives up because of adder
//! - application lost adders
//! ! application gives up because of adders
//! 7 -> there is no adder
//! the application ended: shutdown
//! ```
//!
//! The tree:
//!
//! ```text
//! application         one for one, 1 restart within 5 s
//! ├── sum             an agent: what has to survive a crash is kept by a process that does little
//! └── adders          a supervisor: one for one, 1 restart within 5 s
//!     └── adder       reads numbers, and panics at a word that is not one
//! ```

use std::error::Error;
use std::fmt::Write as _;
use std::io::{Write as _, stdout};
use std::time::Duration;

use genserver::agent::{Agent, AgentServer};
use genserver::report::{Level, Report, Reports, Supervised, SupervisorEvent};
use genserver::supervisor::{ChildRef, ChildSpec, Supervisor};
use genserver::{
    AsServer, CallError, Caller, Cx, GenServer, Init, Named, Never, Next, Node, Outcome, StartError, start_link,
};

/// The sum of all numbers so far. It is found through its supervisor, whichever process it is at the moment.
type Sum = ChildRef<AgentServer<u64>, Agent<u64>>;

/// The worker. It has no state of its own that a crash could cost.
struct Adder(Sum);

/// Adds the numbers of a text to the sum, and returns that.
struct Add(&'static str, Caller<u64>);

impl GenServer for Adder {
    type Args = Sum;
    type Call = Add;
    type Cast = Never;
    type Info = Never;

    async fn init(sum: Sum, _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Self(sum))
    }

    async fn handle_call(&mut self, Add(text, caller): Add, _cx: &mut Cx<Self>) -> Outcome<Self> {
        // Nothing is said about words that are not numbers: one ends this server, and its caller hears of that.
        let more: u64 = text.split_whitespace().map(|word| word.parse::<u64>().expect("it is a number")).sum();
        let sum = self.0.current()?;
        let add = move |sum: &mut u64| {
            *sum += more;
            *sum
        };
        Next::reply(caller, sum.get_and_update(add).await?)
    }
}

/// The whole tree, as a value.
async fn application() -> Result<Supervisor, StartError> {
    let sum = ChildSpec::server("sum", || Agent::start_link(|| 0));
    let reference = sum.reference();
    let adders = ChildSpec::supervisor("adders", move || {
        let sum = reference.clone();
        let adder = ChildSpec::server("adder", move || start_link::<Adder>(sum.clone()).name("adder"));
        Supervisor::one_for_one().max_restarts(1).child(adder).start_link().name("adders")
    });
    Supervisor::one_for_one().max_restarts(1).child(sum).child(adders).start().name("application").await
}

/// Adds text after text until the application has given up. Returns what happened, a line each.
async fn session() -> Result<String, Box<dyn Error>> {
    let mut reports = Node::program().reports_from(Level::Info);
    let mut seen = String::new();
    let application = application().await?;
    while let Some(report) = reports.try_next() {
        see(&report, &mut seen)?;
    }
    // Found by its name: a reference to the process would be of no use after the first crash.
    let adder = Named::<Adder>::new("adder");
    for text in ["1 2", "one", "3 4", "two", "5", "three", "6", "four", "7"] {
        match adder.call(|caller| Add(text, caller)).await {
            Ok(sum) => writeln!(seen, "{text} -> {sum}")?,
            Err(CallError::NoProc { .. }) => writeln!(seen, "{text} -> there is no adder")?,
            Err(_) => {
                writeln!(seen, "{text} -> no answer")?;
                until_it_is_over(&mut reports, &mut seen).await?;
            }
        }
    }
    let reason = tokio::time::timeout(Duration::from_secs(5), application.process_ref().ended()).await?;
    writeln!(seen, "the application ended: {reason}")?;
    Ok(seen)
}

/// Waits until what crashed was started again, or the application has given up.
async fn until_it_is_over(reports: &mut Reports, seen: &mut String) -> Result<(), Box<dyn Error>> {
    let mut awaited = "adder";
    while let Some(report) = reports.next().await {
        let Some(Supervised { event, child, .. }) = see(&report, seen)? else { continue };
        match event {
            SupervisorEvent::Progress if child.id == awaited => break,
            SupervisorEvent::Shutdown if child.id == "adder" => awaited = "adders",
            SupervisorEvent::Shutdown => break,
            _ => {}
        }
    }
    Ok(())
}

/// Writes a line about a report of a supervisor, and returns it.
fn see<'a>(report: &'a Report, seen: &mut String) -> Result<Option<&'a Supervised>, std::fmt::Error> {
    let Report::Supervised(report) = report else { return Ok(None) };
    let (sign, what) = match report.event {
        SupervisorEvent::Progress => ('+', "started"),
        SupervisorEvent::Shutdown => ('!', "gives up because of"),
        _ => ('-', "lost"),
    };
    writeln!(seen, "{sign} {} {what} {}", report.process.name.as_deref().unwrap_or("somebody"), report.child.id)?;
    Ok(Some(report))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    stdout().write_all(session().await?.as_bytes())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The session that the page shows.
    fn shown() -> String {
        let page = include_str!("supervision.rs").lines().skip_while(|line| !line.contains("$ cargo run")).skip(1);
        let lines = page.map_while(|line| line.strip_prefix("//! ").filter(|line| *line != "```"));
        lines.flat_map(|line| [line, "\n"]).collect()
    }

    /// The clock stands still, so that the crashes are within five seconds on any machine.
    #[tokio::test(start_paused = true)]
    async fn a_small_restart_is_followed_by_a_larger_one_and_that_by_the_end() {
        assert_eq!(session().await.expect("it starts"), shown());
    }
}
