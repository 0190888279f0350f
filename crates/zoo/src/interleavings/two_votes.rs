//! A candidate that elects itself.
//!
//! When its election timeout fires, a candidate sends itself the message to begin: it then votes for itself and asks the others. If the timeout
//! fires again before the first message is handled, it begins twice in the same term, and counts its own vote twice. With two of three votes
//! it is leader, beside the one that the others have elected. Users see two leaders, and writes that vanish. Tests pass, because a message to
//! oneself is handled at once.
//!
//! - **Class**: bad interleaving.
//! - **Source**: akka-raft, issue 50.
//! - **Mended**: votes are a set of voters, and not a number.

use std::collections::BTreeSet;

use genserver::agent::Agent;
use genserver::sim::Sim;
use genserver::task::Task;
use genserver::{Init, ServerRef};

use crate::{Version, all, pause};

/// The third member, and the candidate that has its vote.
type Voter = Agent<Option<u32>>;

const VOTER: u32 = 2;

struct Candidate {
    version: Version,
    number: u32,
    voter: Voter,
    this: Option<ServerRef<Candidate>>,
    has_begun: bool,
    votes: Vec<u32>,
}

#[genserver::server]
impl Candidate {
    fn init(number: u32, voter: Voter, version: Version) -> Init<Self> {
        Init::Run(Self { version, number, voter, this: None, has_begun: false, votes: Vec::new() })
    }

    #[call]
    fn join(&mut self, this: ServerRef<Candidate>) {
        self.this = Some(this);
    }

    #[cast]
    fn timeout(&mut self) {
        if !self.has_begun {
            self.this.as_ref().unwrap().cast(CandidateCast::Begin).unwrap();
        }
    }

    #[cast]
    async fn begin(&mut self) {
        self.has_begun = true;
        self.votes.push(self.number);
        let number = self.number;
        let vote = self.voter.get_and_update(move |vote| *vote.get_or_insert(number)).await;
        if vote == Ok(number) {
            self.votes.push(VOTER);
        }
    }

    #[call]
    fn is_leader(&self) -> bool {
        let votes =
            if self.version.is_broken() { self.votes.len() } else { self.votes.iter().collect::<BTreeSet<_>>().len() };
        votes >= 2
    }
}

/// The timer of an election, which fires twice.
async fn timer(candidate: ServerRef<Candidate>) {
    for _ in 0..2 {
        candidate.cast(CandidateCast::Timeout).unwrap();
        pause(3).await;
    }
}

/// Two candidates and one voter: at most one of the two leads.
pub async fn scenario(sim: &Sim<'_>, version: Version) {
    let voter = sim.start_supervised(Agent::start_link(|| None)).await;
    let mut candidates = Vec::new();
    for number in 0..2 {
        let candidate = genserver::start_link::<Candidate>((number, voter.clone(), version));
        let candidate = sim.start_supervised(candidate).await;
        candidate.call(|caller| CandidateCall::Join(candidate.clone(), caller)).await.unwrap();
        candidates.push(candidate);
    }
    all([0, 1].map(|number: usize| Task::spawn(timer(candidates[number].clone())))).await;
    let mut leaders = 0;
    for candidate in candidates {
        leaders += u32::from(candidate.call(CandidateCall::IsLeader).await.unwrap());
    }
    assert!(leaders < 2, "there are two leaders");
}
