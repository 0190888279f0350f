//! Two replicas so polite that neither ever writes.
//!
//! A replica may write while it has the token. One that has the token and knows that the other wants it passes it on first, and asks for it
//! back. If both want to write at once, the token goes back and forth for ever: processors and network are busy, and no write ends. Tests
//! pass, because a replica that has the token usually writes before the other asks.
//!
//! - **Class**: livelock.
//! - **Source**: the couple that shares a spoon; the class is that of arXiv 1706.07372.
//! - **Mended**: a replica that has the token writes first, and passes it on then.

use genserver::sim::Sim;
use genserver::task::Task;
use genserver::{Caller, Init, Next, Outcome, ServerRef};

use crate::{Version, all};

/// A token that was passed so often serves nobody.
const PASSES_MAX: u32 = 10;

struct Replica {
    version: Version,
    /// This one, and the other.
    replicas: Vec<ServerRef<Replica>>,
    has_token: bool,
    /// Whether the other one has asked for it.
    is_asked: bool,
    passes: u32,
    writing: Option<Caller<()>>,
}

/// A write is due.
struct Write;

#[genserver::server]
impl Replica {
    fn init(has_token: bool, version: Version) -> Init<Self> {
        Init::Run(Self { version, replicas: Vec::new(), has_token, is_asked: false, passes: 0, writing: None })
    }

    #[call]
    fn join(&mut self, replicas: Vec<ServerRef<Replica>>) {
        self.replicas = replicas;
    }

    #[call]
    fn write(&mut self, caller: Caller<()>) {
        self.writing = Some(caller);
        if self.has_token {
            self.begin();
        } else {
            self.tell(ReplicaCast::Ask);
        }
    }

    #[cast]
    fn ask(&mut self) {
        self.is_asked = true;
        let is_free = self.writing.is_none() || self.version.is_broken();
        if self.has_token && is_free {
            self.pass();
        }
    }

    #[cast]
    fn token(&mut self) {
        self.has_token = true;
        self.begin();
    }

    /// A write takes its turn among what the replica has to do.
    fn handle_info(&mut self, Write: Write) -> Outcome<Self> {
        if self.has_token
            && let Some(caller) = self.writing.take()
        {
            caller.reply(());
            if self.is_asked {
                self.pass();
            }
        }
        Next::wait()
    }

    fn begin(&self) {
        self.replicas[0].send(Write).unwrap();
    }

    fn pass(&mut self) {
        self.passes += 1;
        assert!(self.passes < PASSES_MAX, "the token goes back and forth, and nobody writes");
        (self.is_asked, self.has_token) = (false, false);
        self.tell(ReplicaCast::Token);
        if self.writing.is_some() {
            self.tell(ReplicaCast::Ask);
        }
    }

    fn tell(&self, message: ReplicaCast) {
        self.replicas[1].cast(message).unwrap();
    }
}

/// Two replicas that each have something to write; both must get to it.
pub async fn scenario(sim: &Sim<'_>, version: Version) {
    let first = sim.start_supervised(genserver::start_link::<Replica>((true, version))).await;
    let second = sim.start_supervised(genserver::start_link::<Replica>((false, version))).await;
    for (this, other) in [(&first, &second), (&second, &first)] {
        let replicas = vec![this.clone(), other.clone()];
        this.call(|caller| ReplicaCall::Join(replicas, caller)).await.unwrap();
    }
    all([first, second].map(|replica| Task::spawn(async move { replica.call(ReplicaCall::Write).await.unwrap() })))
        .await;
}
