//! How a failing run is shown: as a picture with a column for each process, in a message that can be read.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::process::Command;
use std::time::Duration;
use std::{env, fs};

use genserver::sim::{self, Sim};
use genserver::supervisor::{ChildSpec, Supervisor};
use genserver::sys::{Message, Shown};
use genserver::task::Task;
use genserver::{AsServer, Caller, Cx, GenServer, Init, Never, Next, Outcome, time};

use crate::failure;

/// An account whose messages are formatted.
struct Account(u64);

#[derive(Debug)]
enum Call {
    Balance(Caller<u64>),
    Set(u64, Caller<()>),
    /// Answers after a millisecond.
    Slow(Caller<()>),
}

impl GenServer for Account {
    type Args = u64;
    type Call = Call;
    type Cast = u64;
    type Info = Never;

    async fn init(first: u64, _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Account(first))
    }

    async fn handle_call(&mut self, call: Call, _cx: &mut Cx<Self>) -> Outcome<Self> {
        match call {
            Call::Balance(caller) => Next::reply(caller, self.0),
            Call::Set(balance, caller) => {
                self.0 = balance;
                Next::reply(caller, ())
            }
            Call::Slow(caller) => {
                time::sleep(Duration::from_millis(1)).await;
                Next::reply(caller, ())
            }
        }
    }

    async fn handle_cast(&mut self, more: u64, _cx: &mut Cx<Self>) -> Outcome<Self> {
        self.0 += more;
        Next::wait()
    }

    fn format_message(message: Message<'_, Self>) -> Option<String> {
        Some(format!("{message:?}"))
    }

    fn format_status(&self, shown: &mut Shown) {
        shown.set_state(&format_args!("a balance of {}", self.0));
    }
}

/// The picture in the message of a test that fails in the usual order.
fn picture(test: impl AsyncFn(&Sim<'_>)) -> Vec<String> {
    let message = failure(|| sim::replay("0/", test));
    let lines = message.lines().skip_while(|line| !line.starts_with("the smallest run found")).skip(1);
    let lines = lines.take_while(|line| line.starts_with(' '));
    lines.map(str::to_owned).collect()
}

/// Compares two pictures.
#[track_caller]
fn assert_shows(picture: &[String], lines: &[&str]) {
    assert_eq!(picture, lines, "\n{}\n", picture.join("\n"));
}

#[test]
fn a_call_is_an_arrow_and_its_answer_a_broken_one() {
    let picture = picture(async |sim| {
        let account = sim.start_supervised(genserver::start_link::<Account>(1).name("savings")).await;
        account.call(|caller| Call::Set(5, caller)).await.unwrap();
        account.call(Call::Slow).await.unwrap();
        account.cast(1).unwrap();
        assert_eq!(account.call(Call::Balance).await, Ok(7));
    });
    assert_shows(
        &picture,
        &[
            "  the test <2>      savings <3>         step",
            "        |<- - Set(5) --->|                 1",
            "        |----- Slow ---->|",
            "        |<- - - - - - - -|                 3  1ms",
            "        |------ 1 ------>|                 4",
            "        |--- Balance --->|",
            "        |                o 1",
            "        |                o Balance",
            "        |<- - - - - - - -|",
            "        x fails          |",
        ],
    );
}

#[test]
fn a_call_that_is_not_answered_in_time_says_so() {
    let picture = picture(async |sim| {
        let account = sim.start_supervised(genserver::start_link::<Account>(1)).await;
        account.call(Call::Slow).timeout(Duration::from_micros(1)).await.unwrap();
    });
    assert_shows(
        &picture,
        &[
            "  the test <2>     Account <3>    step",
            "        |---- Slow ---->|            1",
            "        |< - timeout - -|            3  1µs",
            "        x fails         |            4",
        ],
    );
}

#[test]
fn what_is_killed_ends_and_what_replaces_it_begins() {
    let picture = picture(async |sim| {
        let child = ChildSpec::server("account", || genserver::start_link::<Account>(7));
        let account = child.reference();
        sim.start_supervised(Supervisor::one_for_one().child(child).start_link()).await;
        let first = account.current().unwrap();
        for _ in 0..10 {
            account.call(Call::Balance).await.unwrap();
            time::sleep(Duration::from_secs(1)).await;
        }
        first.kill();
        first.cast(7).unwrap_err();
        assert_eq!(account.waiting().call(Call::Balance).await, Ok(8));
    });
    assert_shows(
        &picture,
        &[
            "  the test <2>       account <4>        supervisor <3>   account <5>    step",
            "        |<- - Balance --->|                    |                        1-11  9s",
            "        |----- kill ----->|                    |                          12  10s",
            "        |                 x killed             |",
            "        |                 |--- exit: killed -->|",
            "        |------- 7 ------x                     |",
            "        |                                      |--- starts -->|           13",
            "        |<- - - - - - - - - - - Balance --------------------->|           14",
            "        x fails                                |              |",
        ],
    );
}

#[test]
fn a_message_that_is_not_formatted_is_shown_by_its_type_and_its_variant() {
    let picture = picture(async |sim| {
        let account = sim.start_supervised(genserver::start_link::<crate::Account>(1)).await;
        account.call(|caller| crate::Call::Set(5, caller)).await.unwrap();
        assert_eq!(account.call(crate::Call::Balance).await, Ok(6));
    });
    assert_shows(
        &picture,
        &[
            "  the test <2>      Account <3>    step",
            "        |<- - Call#2 --->|            1",
            "        |<- - Call#1 --->|",
            "        x fails          |",
        ],
    );
}

/// Only the one that the test has asked can be at fault.
#[test]
fn what_cannot_have_had_an_effect_is_left_out() {
    let picture = picture(async |sim| {
        let [first, second] = ["first", "second"].map(|name| genserver::start_link::<Account>(1).name(name));
        let (first, second) = (sim.start_supervised(first).await, sim.start_supervised(second).await);
        let other = second.clone();
        Task::spawn(async move { other.call(Call::Balance).await.unwrap() }).await.unwrap();
        second.cast(7).unwrap();
        assert_eq!(first.call(Call::Balance).await, Ok(6));
    });
    assert_shows(
        &picture,
        &[
            "  task <5>         second <4>  the test <2>        first <3>    step",
            "      |<- - Balance --->|            |                 |           3",
            "      x normal          |            |                 |",
            "                        |<---- 7 ----|                 |           4",
            "                        |            |<- - Balance --->|",
            "                        |            x fails           |",
        ],
    );
}

#[test]
fn a_run_that_does_not_fit_is_a_list() {
    let picture = picture(async |sim| {
        let mut accounts = Vec::new();
        for number in 0..8 {
            let account = genserver::start_link::<Account>(number).name(format!("{number} {}", "long ".repeat(24)));
            accounts.push(sim.start_supervised(account).await);
        }
        for account in &accounts {
            assert_eq!(account.call(Call::Balance).await, Ok(0));
            let others = accounts.iter().filter(|other| other != &account);
            for other in others {
                other.cast(1).unwrap();
            }
        }
    });
    assert!(picture.iter().any(|line| line.contains("> 7 long")), "\n{}\n", picture.join("\n"));
}

#[test]
fn a_message_fits_a_terminal() {
    let message = failure(|| {
        sim::check(async |sim| {
            let accounts = [(); 4].map(|()| genserver::start_link::<Account>(0));
            let mut started = Vec::new();
            for account in accounts {
                started.push(sim.start_supervised(account).await);
            }
            for number in 0..100_u64 {
                for account in &started {
                    account.call(|caller| Call::Set(1 << (number % 60), caller)).await.unwrap();
                    time::sleep(Duration::from_millis(1)).await;
                }
            }
            let balance = started[0].call(Call::Balance).await;
            assert_eq!(balance, Ok(3));
        });
    });
    assert!(message.lines().count() <= 40, "{message}");
    assert!(message.lines().all(|line| line.chars().count() <= 100), "{message}");
    assert!(message.contains("is left out"), "{message}");
}

#[test]
#[ignore = "it is run by the tests below, in another environment"]
fn fails() {
    sim::replay("0/", async |sim| {
        let account = sim.start_supervised(genserver::start_link::<Account>(1).name("savings")).await;
        time::sleep(Duration::from_secs(1)).await;
        account.call(|caller| Call::Set(5, caller)).await.unwrap();
        time::sleep(Duration::from_secs(1)).await;
        assert_eq!(account.call(Call::Balance).await, Ok(7));
    });
}

/// What the test above says where this variable is set.
fn said_with(variable: &str, value: &str) -> String {
    let mut fails = Command::new(env::current_exe().unwrap());
    fails.args(["--exact", "pictures::fails", "--ignored", "--nocapture"]).env(variable, value);
    String::from_utf8(fails.output().unwrap().stderr).unwrap()
}

#[test]
fn the_whole_run_is_written_to_a_page_if_that_is_wanted() {
    let directory = env::temp_dir().join(format!("genserver-sim-{}", std::process::id()));
    let said = said_with("GENSERVER_SIM_HTML", directory.to_str().unwrap());
    let path = said.lines().skip_while(|line| *line != "the whole run, as a page:").nth(1).map(str::trim);
    let page = fs::read_to_string(path.unwrap_or_else(|| panic!("{said}"))).unwrap();
    fs::remove_dir_all(&directory).unwrap();
    for part in ["savings", "Set(5)", "id=\"step-1\"", "sim::replay(&quot;", "prefers-color-scheme: dark"] {
        assert!(page.contains(part) || page.contains(&part.replace("&quot;", "\"")), "{part}: {page}");
    }
    assert!(!page.contains("<script") && !page.contains("src="), "it needs nothing from elsewhere");
}

#[test]
fn a_run_stops_at_a_step_and_shows_what_every_process_is_then() {
    let first = said_with("GENSERVER_SIM_UNTIL", "1");
    assert!(first.contains("stopped at step 1 of") && first.contains("state: a balance of 1"), "{first}");
    let later = said_with("GENSERVER_SIM_UNTIL", "3");
    assert!(later.contains("state: a balance of 5"), "{later}");
}
