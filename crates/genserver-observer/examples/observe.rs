//! A program with an observer. It takes three lines: the first two of `main`, and the `use`.
//!
//! `cargo run -p genserver-observer --example observe`, and open the address that it prints.

use std::time::Duration;

use genserver::supervisor::{ChildSpec, Supervisor};
use genserver::{Caller, Cx, GenServer, Init, Never, Next, Node, Outcome, StartError};
use genserver_observer::Observer;
use tokio::io::{AsyncBufReadExt as _, BufReader};

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

/// What the program does: here, it has a clock.
async fn start() -> Result<Supervisor, StartError> {
    let clock = ChildSpec::server("clock", || genserver::start_link::<Clock>(()));
    Supervisor::one_for_one().child(clock).start().await
}

#[tokio::main]
#[expect(clippy::print_stdout, reason = "a program at a terminal talks to its user")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Port 0 takes a free one. A program of yours has a port of its own, such as 4000.
    let page = Observer::new(&Node::program()).serve("127.0.0.1:0")?;
    println!("open http://{} and look; Enter ends the program", page.address());

    let supervisor = start().await?;
    BufReader::new(tokio::io::stdin()).read_line(&mut String::new()).await?;
    supervisor.stop().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    //! The program, and a reader of its page.

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;

    use super::*;

    #[tokio::test]
    async fn the_page_shows_the_clock_and_what_it_shows_of_itself() {
        let page = Observer::new(&Node::program()).serve("127.0.0.1:0").expect("a port is free");
        let supervisor = start().await.expect("it starts");
        let clock = supervisor.child::<Clock>("clock").await.expect("it is there").current().expect("it runs");
        let head = format!("Host: {}\r\nConnection: close\r\n\r\n", page.address());
        for (path, shown) in [
            ("/".to_owned(), "<title>Observer</title>"),
            ("/api/processes?search=clock".to_owned(), r#""label":"clock""#),
            (format!("/api/process/{}", clock.pid().number()), r#""state":"0 seconds""#),
        ] {
            let mut socket = TcpStream::connect(page.address()).await.expect("it listens");
            socket.write_all(format!("GET {path} HTTP/1.1\r\n{head}").as_bytes()).await.expect("it reads");
            let mut answer = String::new();
            socket.read_to_string(&mut answer).await.expect("it answers");
            assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains(shown), "{path}: {answer}");
        }
        page.stop();
        supervisor.stop().await.expect("it runs");
    }
}
