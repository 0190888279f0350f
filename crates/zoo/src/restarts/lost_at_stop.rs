//! Letters that were taken, and are thrown away when the post office closes.
//!
//! The post office takes letters and sends them one by one, each when it gets to it. When it is told to close, it closes: what it has taken and
//! not yet sent is dropped. The senders were told that all is well. Users miss letters after every deployment. Tests pass, because nobody closes
//! a post office that has letters.
//!
//! - **Class**: message order violation.
//! - **Source**: kameo, issue 335: a mailbox is drained while the actor stops, and what was in it is discarded.
//! - **Mended**: the post office sends what it has before it closes.

use std::collections::VecDeque;

use genserver::agent::Agent;
use genserver::sim::Sim;
use genserver::task::Task;
use genserver::{Caller, Init, Next, Outcome, Reason, ServerRef};

use crate::{Version, all, pause};

type Sent = Agent<Vec<u32>>;

struct Office {
    version: Version,
    this: Option<ServerRef<Office>>,
    sent: Sent,
    letters: VecDeque<u32>,
}

/// A letter is to be sent.
struct Send;

#[genserver::server]
impl Office {
    fn init(sent: Sent, version: Version) -> Init<Self> {
        Init::Run(Self { version, this: None, sent, letters: VecDeque::new() })
    }

    #[call]
    fn open(&mut self, this: ServerRef<Office>) {
        self.this = Some(this);
    }

    /// Takes a letter. Answers when it is taken.
    #[call]
    fn post(&mut self, letter: u32) {
        self.letters.push_back(letter);
        if self.letters.len() == 1 {
            self.plan();
        }
    }

    #[call]
    async fn close(&mut self, caller: Caller<()>) -> Outcome<Self> {
        while !self.version.is_broken() && !self.letters.is_empty() {
            self.send().await;
        }
        Next::stop_reply(Reason::Normal, caller, ())
    }

    async fn handle_info(&mut self, Send: Send) -> Outcome<Self> {
        self.send().await;
        if !self.letters.is_empty() {
            self.plan();
        }
        Next::wait()
    }

    /// The next letter takes its turn among what else the office has to do.
    fn plan(&self) {
        self.this.as_ref().unwrap().send(Send).unwrap();
    }

    async fn send(&mut self) {
        if let Some(letter) = self.letters.pop_front() {
            self.sent.update(move |sent| sent.push(letter)).await.unwrap();
        }
    }
}

/// Two letters, and then the office closes.
pub async fn scenario(sim: &Sim<'_>, version: Version) {
    let sent = sim.start_supervised(Agent::start_link(Vec::new)).await;
    let office = sim.start_supervised(genserver::start_link::<Office>((sent.clone(), version))).await;
    office.call(|caller| OfficeCall::Open(office.clone(), caller)).await.unwrap();
    let letters = [1, 2].map(|letter| {
        let office = office.clone();
        Task::spawn(async move { office.call(|caller| OfficeCall::Post(letter, caller)).await.unwrap() })
    });
    all(letters).await;
    pause(2).await;
    office.call(OfficeCall::Close).await.unwrap();
    assert_eq!(sent.get(Vec::len).await, Ok(2), "a letter was taken and never sent");
}
