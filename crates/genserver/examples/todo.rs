//! To-do lists by name: a manager that watches its lists, and a prompt that reads `PUT shopping milk` and `LIST shopping`.
//!
//! ```text
//! $ printf 'PUT shopping milk\nPUT shopping eggs\nLIST shopping\n' | cargo run -p genserver --example todo
//! OK
//! OK
//! * eggs
//! * milk
//! OK
//! ```

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{BufRead as _, Write as _, stdin, stdout};

use genserver::agent::Agent;
use genserver::{CallError, Caller, Cx, Down, GenServer, Init, MonitorRef, Next, Outcome, ServerRef};

/// One list: the items, the newest first.
type TodoList = Agent<Vec<String>>;

/// The manager: it knows the lists by their names, and forgets those that end.
#[derive(Default)]
struct Manager {
    names: HashMap<String, TodoList>,
    references: HashMap<MonitorRef, String>,
}

enum Call {
    Lookup(String, Caller<Option<TodoList>>),
    Stop(Caller<()>),
}

struct Create(String);

impl GenServer for Manager {
    type Args = ();
    type Call = Call;
    type Cast = Create;
    type Info = Down;

    async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Self::default())
    }

    async fn handle_call(&mut self, call: Call, _cx: &mut Cx<Self>) -> Outcome<Self> {
        match call {
            Call::Lookup(name, caller) => Next::reply(caller, self.names.get(&name).cloned()),
            Call::Stop(caller) => Next::stop_reply(genserver::Reason::Normal, caller, ()),
        }
    }

    async fn handle_cast(&mut self, Create(name): Create, cx: &mut Cx<Self>) -> Outcome<Self> {
        if !self.names.contains_key(&name) {
            // Watched and not linked: the end of a list is news to the manager, and nothing worse.
            let list = TodoList::start(Vec::new).await?;
            self.references.insert(cx.monitor(&list, |down| down), name.clone());
            self.names.insert(name, list);
        }
        Next::wait()
    }

    async fn handle_info(&mut self, down: Down, _cx: &mut Cx<Self>) -> Outcome<Self> {
        if let Some(name) = self.references.remove(&down.reference) {
            self.names.remove(&name);
        }
        Next::wait()
    }
}

/// The client's side of it.
struct Lists(ServerRef<Manager>);

impl Lists {
    async fn start() -> Result<Self, genserver::StartError> {
        Ok(Self(genserver::start::<Manager>(()).await?))
    }

    /// What a line asks for is done, and the answer is what to print.
    async fn answer(&self, line: &str) -> Result<String, Box<dyn std::error::Error>> {
        match line.split_whitespace().collect::<Vec<_>>()[..] {
            ["PUT", name, item] => {
                self.0.cast(Create(name.to_owned()))?;
                let item = item.to_owned();
                match self.lookup(name).await? {
                    Some(list) => list.update(move |items| items.insert(0, item)).await?,
                    None => return Ok("NOT FOUND\n".to_owned()),
                }
                Ok("OK\n".to_owned())
            }
            ["LIST", name] => {
                let Some(list) = self.lookup(name).await? else { return Ok("NOT FOUND\n".to_owned()) };
                let mut answer = String::new();
                for item in list.get(Vec::clone).await? {
                    writeln!(answer, "* {item}")?;
                }
                Ok(answer + "OK\n")
            }
            _ => Ok("UNKNOWN COMMAND\n".to_owned()),
        }
    }

    /// A call comes after the casts of the same client, so it finds what was just created.
    async fn lookup(&self, name: &str) -> Result<Option<TodoList>, CallError> {
        self.0.call(|caller| Call::Lookup(name.to_owned(), caller)).await
    }

    async fn stop(&self) -> Result<(), CallError> {
        self.0.call(Call::Stop).await
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let lists = Lists::start().await?;
    for line in stdin().lock().lines() {
        let answer = lists.answer(&line?).await?;
        stdout().write_all(answer.as_bytes())?;
    }
    lists.stop().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The session of the seed, as it is printed there.
    #[tokio::test]
    async fn the_session_of_the_seed() {
        let lists = Lists::start().await.expect("it starts");
        for (line, printed) in [
            ("PUT shopping milk", "OK\n"),
            ("PUT shopping eggs", "OK\n"),
            ("LIST shopping", "* eggs\n* milk\nOK\n"),
            ("LIST holidays", "NOT FOUND\n"),
            ("PUT shopping", "UNKNOWN COMMAND\n"),
        ] {
            assert_eq!(lists.answer(line).await.expect("it answers"), printed, "{line}");
        }
    }

    #[tokio::test]
    async fn a_list_that_ends_is_forgotten() {
        let lists = Lists::start().await.expect("it starts");
        lists.answer("PUT shopping milk").await.expect("it answers");
        let list = lists.lookup("shopping").await.expect("it answers").expect("it was just made");
        list.stop().await.expect("it runs");
        assert_eq!(lists.answer("LIST shopping").await.expect("it answers"), "NOT FOUND\n");
    }
}
