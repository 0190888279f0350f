//! Sessions that come and go: a dynamic supervisor starts one for each user, and a registry finds it.
//!
//! ```text
//! $ cargo run -p genserver --example dynamic_supervisor 2>/dev/null
//! > JOIN alice
//! welcome, alice
//! > JOIN alice
//! alice is here already
//! > JOIN bob
//! welcome, bob
//! > JOIN carol
//! there is space for 2 only
//! > SAY alice good morning
//! GOOD
//! > SAY bob
//! the session is over
//! > WHO
//! 1 here: ["alice"]
//! > JOIN carol
//! welcome, carol
//! > SAY carol hello
//! HELLO
//! > LEAVE carol
//! 1
//! > WHO
//! 1 here: ["alice"]
//! > a minute later
//! > WHO
//! 0 here: []
//! > SAY alice hello
//! nobody of that name is here
//! ```

use std::error::Error;
use std::fmt::Write as _;
use std::io::{Write as _, stdout};
use std::time::Duration;

use genserver::dynamic_supervisor::{self, DynamicSupervisor, StartChildError};
use genserver::registry::{Registry, UniqueRegistry};
use genserver::supervisor::{ChildRef, ChildSpec, Restart, Supervisor};
use genserver::{
    AsServer, CallError, Caller, Cx, GenServer, Init, Named, Never, Next, Outcome, Reason, StartError, start_link,
};

/// A session without a word for this long ends by itself.
const SILENCE: Duration = Duration::from_secs(30);

/// What one user has said.
struct Session(Vec<String>);

enum Call {
    /// Returns the first word of what was said, in capitals.
    Say(String, Caller<String>),
    /// Ends the session, and returns how often something was said in it.
    Leave(Caller<usize>),
}

impl GenServer for Session {
    type Args = ();
    type Call = Call;
    type Cast = Never;
    type Info = Never;

    async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
        Init::RunIdle(Self(Vec::new()), SILENCE)
    }

    async fn handle_call(&mut self, call: Call, _cx: &mut Cx<Self>) -> Outcome<Self> {
        match call {
            Call::Say(text, caller) => {
                // Somebody who says nothing ends the session, and nobody else's.
                let first = text.split_whitespace().next().expect("something is said").to_uppercase();
                self.0.push(text);
                Next::reply_idle(caller, first, SILENCE)
            }
            Call::Leave(caller) => Next::stop_reply(Reason::Normal, caller, self.0.len()),
        }
    }

    async fn handle_idle(&mut self, _cx: &mut Cx<Self>) -> Outcome<Self> {
        Next::stop(Reason::shutdown_with("nothing was said"))
    }
}

/// Who is here.
struct Lobby {
    application: Supervisor,
    users: UniqueRegistry<String, ()>,
    sessions: ChildRef<dynamic_supervisor::DynamicSupervisorServer, DynamicSupervisor>,
}

impl Lobby {
    async fn start() -> Result<Self, StartError> {
        let users = Registry::unique();
        let sessions = ChildSpec::supervisor("sessions", || DynamicSupervisor::new().max_children(2).start_link());
        let reference = sessions.reference();
        let registry = users.clone();
        let application = Supervisor::one_for_one()
            .child(ChildSpec::server("users", move || registry.start_link()))
            .child(sessions)
            .start()
            .await?;
        Ok(Self { application, users, sessions: reference })
    }

    /// What a line asks for is done, and the answer is what to print.
    async fn answer(&self, line: &str) -> Result<String, Box<dyn Error>> {
        let (command, rest) = line.split_once(' ').unwrap_or((line, ""));
        let (user, text) = rest.split_once(' ').unwrap_or((rest, ""));
        match command {
            "JOIN" => self.join(user).await,
            "SAY" => Ok(heard(self.session(user).call(|caller| Call::Say(text.to_owned(), caller)).await)),
            "LEAVE" => Ok(heard(self.session(user).call(Call::Leave).await)),
            "WHO" => Ok(self.who().await?),
            _ => Ok("unknown command".to_owned()),
        }
    }

    /// The name belongs to the session from before its init, so two who join at once get one session.
    async fn join(&self, user: &str) -> Result<String, Box<dyn Error>> {
        let name = self.users.via(user.to_owned(), ());
        let spec = ChildSpec::server("session", move || start_link::<Session>(()).name(name.clone()));
        // Its user can join again, so nobody starts it again.
        match self.sessions.current()?.start_child(spec.restart(Restart::Temporary)).await {
            Ok(_) => Ok(format!("welcome, {user}")),
            Err(StartChildError::AlreadyStarted { .. }) => Ok(format!("{user} is here already")),
            Err(StartChildError::MaxChildren { max, .. }) => Ok(format!("there is space for {max} only")),
            Err(error) => Err(error.into()),
        }
    }

    fn session(&self, user: &str) -> Named<Session> {
        Named::new(self.users.via(user.to_owned(), ()))
    }

    async fn who(&self) -> Result<String, Box<dyn Error>> {
        let mut users: Vec<String> = self.users.select().map(|entry| entry.key().clone()).collect();
        users.sort();
        let active = self.sessions.current()?.count_children().await?.active;
        Ok(format!("{active} here: {users:?}"))
    }
}

fn heard(answer: Result<impl ToString, CallError>) -> String {
    match answer {
        Ok(answer) => answer.to_string(),
        Err(CallError::NoProc { .. }) => "nobody of that name is here".to_owned(),
        Err(_) => "the session is over".to_owned(),
    }
}

/// Lines and their answers, as at a prompt.
async fn session() -> Result<String, Box<dyn Error>> {
    let lobby = Lobby::start().await?;
    let mut seen = String::new();
    for line in [
        "JOIN alice",
        "JOIN alice",
        "JOIN bob",
        "JOIN carol",
        "SAY alice good morning",
        "SAY bob",
        "WHO",
        "JOIN carol",
        "SAY carol hello",
        "LEAVE carol",
        "WHO",
        "a minute later",
        "WHO",
        "SAY alice hello",
    ] {
        writeln!(seen, "> {line}")?;
        if line == "a minute later" {
            genserver::time::sleep(2 * SILENCE).await;
        } else {
            writeln!(seen, "{}", lobby.answer(line).await?)?;
        }
    }
    lobby.application.stop().await?;
    Ok(seen)
}

// The clock stands still, and goes on at once when all wait for it.
#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    stdout().write_all(session().await?.as_bytes())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The session that the page shows.
    fn shown() -> String {
        let page = include_str!("dynamic_supervisor.rs").lines().skip_while(|line| !line.contains("$ cargo run"));
        let lines = page.skip(1).map_while(|line| line.strip_prefix("//! ").filter(|line| *line != "```"));
        lines.flat_map(|line| [line, "\n"]).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn sessions_end_alone_and_leave_space_for_others() {
        assert_eq!(session().await.expect("it starts"), shown());
    }
}
