//! Several leases want one name, on an engine that loses answers, makes changes late and shows what is old.

use proptest::prelude::*;

use super::super::*;
use super::beginning;

const TIMES: Times = Times { time_to_live: Duration::from_millis(300) };
const LEASES: usize = 3;

/// What happens next.
#[derive(Clone, Debug)]
enum Happens {
    /// Time passes.
    Time(u64),
    /// A lease asks, and no longer waits for what it has asked before.
    Asks(usize),
    /// The engine does what a lease has asked.
    Does(usize),
    /// The engine does something that nobody waits for any more.
    DoesLate(prop::sample::Index),
    /// A lease is answered, with a read of so many changes ago.
    Answers(usize, usize),
    /// A lease is told that it was not answered.
    IsSilent(usize),
    /// A lease hears that the engine cannot be reached.
    Fails(usize),
    /// A lease is given back.
    Releases(usize),
    /// One that has ended is claimed anew, by another lease.
    Claims(usize),
}

fn happens() -> impl Strategy<Value = Happens> {
    let lease = 0..LEASES;
    prop_oneof![
        4 => (1..60_u64).prop_map(Happens::Time),
        6 => lease.clone().prop_map(Happens::Asks),
        6 => lease.clone().prop_map(Happens::Does),
        1 => any::<prop::sample::Index>().prop_map(Happens::DoesLate),
        6 => (lease.clone(), 0..4_usize).prop_map(|(lease, age)| Happens::Answers(lease, age)),
        1 => lease.clone().prop_map(Happens::IsSilent),
        1 => lease.clone().prop_map(Happens::Fails),
        1 => lease.clone().prop_map(Happens::Releases),
        2 => lease.prop_map(Happens::Claims),
    ]
}

/// The key of the name, as it is or was.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Key {
    revision: Revision,
    fence: Revision,
    owner: u64,
    ends: Instant,
}

/// A change that a lease has asked for.
#[derive(Clone, Debug)]
struct Request {
    ask: Ask,
    owner: u64,
    answer: Option<Answer>,
}

struct Claimant {
    lease: Lease,
    /// A new one for each claim.
    owner: u64,
    /// Those of its earlier claims, whose servers have ended.
    earlier: Vec<u64>,
    request: Option<Request>,
    /// When its server has to be gone, at the latest.
    gone_at: Option<Instant>,
}

struct World {
    now: Instant,
    /// What the key was after each change, the newest last.
    history: Vec<Option<Key>>,
    revision: u64,
    claimants: Vec<Claimant>,
    late: Vec<Request>,
    owners: u64,
    last_fence: Revision,
}

impl World {
    fn new() -> Self {
        let now = beginning();
        let claimant = |owner| {
            let lease = Lease::claim(TIMES, now);
            Claimant { lease, owner, earlier: Vec::new(), request: None, gone_at: None }
        };
        let claimants = (0..LEASES as u64).map(claimant).collect();
        let (owners, last_fence) = (LEASES as u64, Revision(0));
        Self { now, history: vec![None], revision: 0, claimants, late: Vec::new(), owners, last_fence }
    }

    fn key(&mut self) -> Option<Key> {
        let key = self.history.last().copied().flatten();
        if key.is_some_and(|key| key.ends <= self.now) {
            self.history.push(None);
            return None;
        }
        key
    }

    fn change(&mut self, owner: u64, fence: Option<Revision>) -> Answer {
        self.revision += 1;
        let revision = Revision(self.revision);
        let ends = self.now + TIMES.time_to_live;
        self.history.push(Some(Key { revision, fence: fence.unwrap_or(revision), owner, ends }));
        Answer::Changed(Ok(revision))
    }

    /// The engine does it, by E1 to E3.
    fn do_it(&mut self, ask: Ask, owner: u64) -> Answer {
        let key = self.key();
        let is_last = |last| key.is_some_and(|key| key.revision == last);
        match ask {
            Ask::Create if key.is_none() => self.change(owner, None),
            Ask::Update { last, fence } if is_last(last) => self.change(owner, fence),
            Ask::Delete { last } if is_last(last) => {
                self.history.push(None);
                Answer::Deleted(Ok(()))
            }
            Ask::Create | Ask::Update { .. } => Answer::Changed(Err(ChangeError::Conflict)),
            Ask::Delete { .. } => Answer::Deleted(Err(ChangeError::Conflict)),
            Ask::Read | Ask::Wait(_) | Ask::Nothing => Answer::Read(Ok(None)),
        }
    }

    /// What is read is what was there so many changes ago: E5.
    fn read(&mut self, at: usize, age: usize) -> Answer {
        self.key();
        let (owner, earlier) = (self.claimants[at].owner, &self.claimants[at].earlier);
        let whose = |of: u64| match of {
            of if of == owner => Whose::Ours,
            of if earlier.contains(&of) => Whose::Abandoned,
            _ => Whose::Others("other".into()),
        };
        let then = self.history.len().saturating_sub(1 + age);
        let seen = |key: Key| Seen { revision: key.revision, fence: key.fence, whose: whose(key.owner) };
        Answer::Read(Ok(self.history[then].map(seen)))
    }

    fn happens(&mut self, what: &Happens) {
        match *what {
            Happens::Time(millis) => self.now += Duration::from_millis(millis),
            Happens::Asks(at) => self.ask(at),
            Happens::Does(at) => {
                let Some(request) = self.claimants[at].request.clone() else { return };
                if request.answer.is_none() {
                    let answer = self.do_it(request.ask, request.owner);
                    self.claimants[at].request = Some(Request { answer: Some(answer), ..request });
                }
            }
            Happens::DoesLate(at) if !self.late.is_empty() => {
                let request = self.late.swap_remove(at.index(self.late.len()));
                self.do_it(request.ask, request.owner);
            }
            Happens::DoesLate(_) => {}
            Happens::Answers(at, age) => {
                let request = self.claimants[at].request.take_if(|request| request.answer.is_some());
                let Some(Request { ask, answer: Some(answer), .. }) = request else { return };
                let answer = if ask == Ask::Read { self.read(at, age) } else { answer };
                self.claimants[at].lease.answered(answer, self.now);
            }
            Happens::IsSilent(at) => self.tell(at, &EngineError::Unanswered, true),
            Happens::Fails(at) => {
                let is_done = self.claimants[at].request.as_ref().is_some_and(|request| request.answer.is_some());
                if !is_done {
                    self.tell(at, &EngineError::Unreachable(String::new()), false);
                }
            }
            Happens::Releases(at) => {
                self.abandon(at);
                self.claimants[at].lease.release(self.now);
                // A keeper gives a name back when its server has ended.
                self.claimants[at].gone_at = None;
            }
            Happens::Claims(at) => self.claim(at),
        }
    }

    fn ask(&mut self, at: usize) {
        self.abandon(at);
        let claimant = &mut self.claimants[at];
        let ask = claimant.lease.next(self.now);
        if !matches!(ask, Ask::Wait(_) | Ask::Nothing) {
            claimant.request = Some(Request { ask, owner: claimant.owner, answer: None });
        }
    }

    /// What was asked and not done may still be done.
    fn abandon(&mut self, at: usize) {
        let request = self.claimants[at].request.take();
        self.late.extend(request.filter(|request| request.answer.is_none() && request.ask != Ask::Read));
    }

    fn tell(&mut self, at: usize, error: &EngineError, may_be_late: bool) {
        let Some(request) = self.claimants[at].request.clone() else { return };
        if may_be_late {
            self.abandon(at);
        }
        self.claimants[at].request = None;
        let answer = match request.ask {
            Ask::Create | Ask::Update { .. } => Answer::Changed(Err(error.clone().into())),
            Ask::Delete { .. } => Answer::Deleted(Err(error.clone().into())),
            Ask::Read | Ask::Wait(_) | Ask::Nothing => Answer::Read(Err(error.clone())),
        };
        self.claimants[at].lease.answered(answer, self.now);
    }

    fn claim(&mut self, at: usize) {
        if self.claimants[at].lease.end().is_none() || self.claimants[at].gone_at.is_some_and(|gone| self.now < gone) {
            return;
        }
        self.abandon(at);
        let claimant = &mut self.claimants[at];
        claimant.earlier.push(claimant.owner);
        (claimant.lease, claimant.gone_at) = (Lease::claim(TIMES, self.now), None);
        claimant.owner = self.owners;
        self.owners += 1;
    }

    /// At most one may serve, it has the key, and every other server is gone.
    fn check(&mut self) {
        let (now, key) = (self.now, self.key());
        for claimant in &mut self.claimants {
            if let Some(until) = claimant.lease.serves_until() {
                claimant.gone_at = Some(until + TIMES.margin());
            }
        }
        let serve = self.claimants.iter().filter(|claimant| claimant.lease.may_serve(now));
        for claimant in serve {
            let key = key.expect("a name that is served has its key");
            let fence = claimant.lease.fence().expect("what is served is owned");
            assert_eq!((key.owner, key.fence), (claimant.owner, fence), "the key is that of the one that serves");
            assert!(fence >= self.last_fence, "a fence is smaller than one before it");
            self.last_fence = fence;
            let others = self.claimants.iter().filter(|other| other.owner != claimant.owner);
            for other in others {
                assert!(other.gone_at.is_none_or(|gone| gone <= now), "a server may be there beside another");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn at_most_one_may_serve_whatever_the_engine_does(happens in prop::collection::vec(happens(), 1..200)) {
        let mut world = World::new();
        for happens in &happens {
            world.happens(happens);
            world.check();
        }
    }

    #[test]
    fn a_name_is_claimed_again_when_the_faults_are_over(happens in prop::collection::vec(happens(), 1..100)) {
        let mut world = World::new();
        for happens in &happens {
            world.happens(happens);
        }
        world.late.clear();
        // Whatever is left of the others ends within a time to live, and nobody renews it.
        world.now += 2 * TIMES.time_to_live;
        world.claimants.truncate(1);
        world.claimants[0].lease.release(world.now);
        world.claimants[0].gone_at = None;
        world.claim(0);
        for _ in 0..2 {
            world.ask(0);
            world.happens(&Happens::Does(0));
            world.happens(&Happens::Answers(0, 0));
        }
        prop_assert!(world.claimants[0].lease.may_serve(world.now));
        world.check();
    }
}
