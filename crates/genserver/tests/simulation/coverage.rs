//! `sometimes!`: what has to happen in some run of a check.

use genserver::sim::{self, sometimes};
use genserver::{Caller, Cx, GenServer, Init, Never, Next, Outcome};

use crate::{check_256, failure};

#[test]
fn what_happens_in_some_run_does_not_fail_the_check() {
    sim::check(async |sim| {
        let drawn = sim.draw(0..20);
        sometimes!(drawn == 7, "a seven is drawn");
        if drawn == 9 {
            sometimes!(true, "a nine is drawn");
        }
    });
}

#[test]
fn what_never_happens_fails_a_check_with_its_text_and_its_place() {
    let line = line!() + 3;
    let message = failure(|| {
        check_256(async |sim| {
            sometimes!(sim.draw(0..10) == 10, "a ten is drawn");
            sometimes!(sim.draw(0..10) == 9, "a nine is drawn");
        });
    });
    let expected =
        format!("never happened in 256 runs: a ten is drawn (crates/genserver/tests/simulation/coverage.rs:{line})");
    assert_eq!(message, expected);
    // A check after that knows nothing of it.
    sim::check(async |_sim| {});
}

#[test]
fn one_run_proves_nothing() {
    sim::replay("7", async |_sim| sometimes!(false, "it happens"));
}

/// Notes in a callback that it is asked twice.
struct Asked(u64);

impl GenServer for Asked {
    type Args = ();
    type Call = Caller<u64>;
    type Cast = Never;
    type Info = Never;

    async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Self(0))
    }

    async fn handle_call(&mut self, caller: Caller<u64>, _cx: &mut Cx<Self>) -> Outcome<Self> {
        self.0 += 1;
        sometimes!(self.0 == 2, "it is asked twice");
        Next::reply(caller, self.0)
    }
}

#[test]
fn a_server_may_say_what_has_to_happen() {
    let ask = |times| {
        check_256(async |sim| {
            let server = sim.start_supervised(genserver::start_link::<Asked>(())).await;
            for number in 1..=times {
                assert_eq!(server.call(|caller| caller).await, Ok(number));
            }
        });
    };
    ask(2);
    assert!(failure(|| ask(1)).contains("it is asked twice"));
}

#[test]
fn outside_a_check_the_condition_is_not_looked_at() {
    let look = || -> bool { panic!("nobody wants to know") };
    sometimes!(look(), "it is looked at");
}
