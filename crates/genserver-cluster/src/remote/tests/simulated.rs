//! Calls over a model of an engine in which everything goes wrong: what an error says of its call is true.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt as _;
use genserver::sim::{self, Client, Faults, Sim, sometimes};
use genserver::{Caller, Cx, GenServer, Init, Next, Outcome, Probe, spawn, time};
use serde::{Deserialize, Serialize};

use crate::engine::model::{self, Model};
use crate::engine::{Engine, Revision};
use crate::remote::RemoteRef;
use crate::remote::call::RemoteCallError;
use crate::space::{MESSAGE_MAX, Space, TIME_TO_LIVE};
use crate::traces::Traces;
use crate::wire::messages::{Clustered, Messages, Remote};
use crate::wire::{Handed, Service};

/// Writes down what it is told, where its test can read it.
struct Ledger(Arc<Mutex<Vec<u64>>>);

/// Is written down, and answered.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Note(u64);

impl GenServer for Ledger {
    type Args = Arc<Mutex<Vec<u64>>>;
    type Call = (u64, Caller<u64>);
    type Cast = Note;
    type Info = ();

    async fn init(notes: Self::Args, _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Self(notes))
    }

    async fn handle_call(&mut self, (note, caller): Self::Call, _cx: &mut Cx<Self>) -> Outcome<Self> {
        self.0.lock().unwrap().push(note);
        Next::reply(caller, note)
    }

    async fn handle_cast(&mut self, Note(note): Note, _cx: &mut Cx<Self>) -> Outcome<Self> {
        self.0.lock().unwrap().push(note);
        Next::wait()
    }
}

impl Remote<Note> for Ledger {
    type Reply = u64;

    fn local(Note(note): Note, caller: Caller<u64>) -> (u64, Caller<u64>) {
        (note, caller)
    }
}

impl Clustered for Ledger {
    fn messages() -> Messages<Self> {
        Messages::new("test.ledger", 1).call::<Note>("note").cast::<Note>("note")
    }
}

const SECOND: Duration = Duration::from_secs(1);
const FEW: Duration = Duration::from_millis(5);

fn space(engine: impl Engine) -> Space {
    let (time_to_live, message_max) = (TIME_TO_LIVE, MESSAGE_MAX);
    let traces = Traces::default();
    Space { engine: Arc::new(engine), name: "test".into(), time_to_live, message_max, traces }
}

/// Hands what comes for the name to the service, for as long as the subscription lasts. A keeper does so, too.
async fn keep(space: Space, service: Service<Ledger>) {
    let Ok(mut requests) = space.engine.subscribe(&space.call_subject("ledger")).await else { return };
    while let Some(request) = requests.next().await {
        let Handed::Call(answer) = service.hand(&request.payload, time::now()) else { continue };
        let (Some(reply_to), engine) = (request.reply_to, Arc::clone(&space.engine)) else { continue };
        let publishes = move |_me: Probe<()>| async move {
            let _ = engine.publish(&reply_to, answer.await).await;
        };
        spawn(publishes).unwrap();
    }
}

/// A ledger with a name, and what it has noted.
async fn ledger(sim: &Sim<'_>, model: &Model, mailbox: u32) -> Arc<Mutex<Vec<u64>>> {
    let notes = Arc::new(Mutex::new(Vec::new()));
    let server = genserver::start_link::<Ledger>(Arc::clone(&notes)).mailbox(mailbox);
    let server = sim.start_supervised(server.name("ledger")).await;
    let (space, service) = (space(model.member("owner")), Service::new(server, Revision(1), MESSAGE_MAX));
    spawn(move |_me: Probe<()>| keep(space, service)).unwrap();
    sim.settle().await;
    notes
}

fn remote(model: &Model, client: &Client) -> RemoteRef<Ledger> {
    RemoteRef::new(space(model.member(&client.number().to_string())), "ledger".into())
}

#[test]
fn what_an_error_says_of_its_call_is_true() {
    sim::check(async |sim| {
        let model = Model::new();
        let notes = ledger(sim, &model, 1).await;
        model.set_faults(model::Faults::new().latency(FEW).late_subscriptions(FEW).lost(8));
        sim.faults(
            Faults::swarm()
                .kill::<Ledger>()
                .panic::<Ledger>()
                .stall::<Ledger>(SECOND)
                .full_mailboxes::<Ledger>()
                .at_most(2),
        );
        let answers = sim
            .clients(3, async |client| {
                let (remote, mut answers) = (remote(&model, &client), BTreeMap::new());
                for turn in 0..4 {
                    match client.draw(0..8) {
                        6 => model.cut(["owner", "0"][client.number() % 2]),
                        7 => ["owner", "0"].iter().for_each(|member| model.rejoin(member)),
                        _ => (),
                    }
                    let note = client.number() as u64 * 10 + turn;
                    let timeout = Duration::from_millis(client.draw(1..2_000));
                    answers.insert(note, remote.call(Note(note)).timeout(timeout).await);
                }
                answers
            })
            .await;
        sim.heal(SECOND).await;
        for member in ["owner", "0"] {
            model.rejoin(member);
        }
        time::sleep(60 * SECOND).await;

        let notes = notes.lock().unwrap();
        for (note, answer) in answers.into_iter().flatten() {
            let times = notes.iter().filter(|noted| **noted == note).count();
            assert!(times <= 1, "{note} was carried out {times} times");
            match answer {
                Ok(answer) => assert_eq!((answer, times), (note, 1), "what is answered was carried out"),
                Err(error) => {
                    let may = error.may_have_been_carried_out();
                    assert!(may || times == 0, "{note} was carried out, but {error}");
                    sometimes!(may && times == 1, "an answer is lost");
                    sometimes!(may && times == 0, "a request is lost");
                    sometimes!(matches!(error, RemoteCallError::NoProc { .. }), "nobody has the name");
                    sometimes!(matches!(error, RemoteCallError::Exit { .. }), "the server ends meanwhile");
                    sometimes!(matches!(error, RemoteCallError::Overloaded { .. }), "the mailbox is full");
                    sometimes!(matches!(error, RemoteCallError::NotSent { .. }), "the engine cannot be reached");
                }
            }
        }
    });
}

#[test]
fn what_a_member_sends_arrives_in_its_order() {
    sim::check(async |sim| {
        let model = Model::new();
        let notes = ledger(sim, &model, 64).await;
        model.set_faults(model::Faults::new().latency(FEW));
        sim.clients(2, async |client| {
            let remote = remote(&model, &client);
            for note in 0..4 {
                remote.cast(Note(client.number() as u64 * 10 + note)).await.unwrap();
            }
            let last = client.number() as u64 * 10 + 4;
            assert_eq!(remote.call(Note(last)).await, Ok(last));
        })
        .await;
        let notes = notes.lock().unwrap();
        for client in 0..2 {
            let own: Vec<_> = notes.iter().filter(|note| **note / 10 == client).collect();
            assert!(own.len() == 5 && own.is_sorted(), "{own:?}");
        }
    });
}
