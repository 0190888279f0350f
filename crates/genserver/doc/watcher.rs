// Included by the examples of what a server arranges in its context: a server that keeps, in words, what it was told.
#[allow(unused_imports, reason = "an example need not use all of it")]
use genserver::*;
#[allow(unused_imports, reason = "an example need not use all of it")]
use std::time::Duration;

#[derive(Default)]
struct Watcher(Vec<String>);

struct Heard(Caller<Vec<String>>);

#[allow(dead_code, reason = "an example need not use all of it")]
enum Info {
    Down(Down),
    Exit(Exit),
    Tick,
    Line(&'static str),
}

/// The watcher, begun with these arguments by this init.
macro_rules! watcher {
    ($args:ty; $($init:tt)*) => {
        impl GenServer for Watcher {
            type Args = $args;
            type Call = Heard;
            type Cast = Never;
            type Info = Info;

            $($init)*

            async fn handle_call(&mut self, Heard(caller): Heard, _cx: &mut Cx<Self>) -> Outcome<Self> {
                Next::reply(caller, self.0.clone())
            }

            async fn handle_info(&mut self, info: Info, _cx: &mut Cx<Self>) -> Outcome<Self> {
                self.0.push(match info {
                    Info::Down(down) => format!("down {}", down.reason),
                    Info::Exit(exit) => format!("exit {}", exit.reason),
                    Info::Tick => "tick".to_owned(),
                    Info::Line(line) => format!("line {line}"),
                });
                Next::wait()
            }
        }
    };
}
