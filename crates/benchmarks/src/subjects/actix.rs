//! actix: its actors live on one thread, which on the runtime with two workers is not one of the workers.

use std::future::Future;
use std::sync::{OnceLock, mpsc};

use actix::prelude::{
    Actor, ActorContext, ActorFutureExt, Addr, ArbiterHandle, AtomicResponse, Context, Handler, Message, System,
    WrapFuture,
};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::{Ask, Cast, Counter, Subject, World};

/// The library.
#[derive(Debug)]
pub struct Actix;

/// The counting actor.
#[derive(Debug, Default)]
pub struct Counting {
    counter: Counter<Addr<Self>>,
    stopper: Option<oneshot::Sender<()>>,
}

struct Count;
struct CountLater;
struct Stop(oneshot::Sender<()>);

impl Message for Count {
    type Result = u64;
}

impl Message for CountLater {
    type Result = u64;
}

impl Message for Stop {
    type Result = ();
}

impl Message for Cast<Addr<Counting>> {
    type Result = ();
}

impl Actor for Counting {
    type Context = Context<Self>;

    fn stopped(&mut self, _ctx: &mut Self::Context) {
        if let Some(stopper) = self.stopper.take() {
            stopper.send(()).expect("the caller of the stop waits for the end");
        }
    }
}

impl Handler<Count> for Counting {
    type Result = u64;

    fn handle(&mut self, _msg: Count, _ctx: &mut Self::Context) -> u64 {
        self.counter.count()
    }
}

impl Handler<CountLater> for Counting {
    type Result = AtomicResponse<Self, u64>;

    fn handle(&mut self, _msg: CountLater, _ctx: &mut Self::Context) -> Self::Result {
        let later = Ask::Awaiting.prepare().into_actor(self).map(|(), actor, _| actor.counter.count());
        AtomicResponse::new(Box::pin(later))
    }
}

impl Handler<Cast<Addr<Self>>> for Counting {
    type Result = ();

    fn handle(&mut self, msg: Cast<Addr<Self>>, _ctx: &mut Self::Context) {
        if let Some((next, cast)) = self.counter.handle(msg) {
            next.do_send(cast);
        }
    }
}

impl Handler<Stop> for Counting {
    type Result = ();

    fn handle(&mut self, Stop(stopper): Stop, ctx: &mut Self::Context) {
        self.stopper = Some(stopper);
        ctx.stop();
    }
}

/// The thread of the actors when their clients run on the workers of another runtime.
fn elsewhere() -> &'static ArbiterHandle {
    static ARBITER: OnceLock<ArbiterHandle> = OnceLock::new();
    ARBITER.get_or_init(|| {
        let (tell, told) = mpsc::channel();
        #[expect(clippy::disallowed_methods, reason = "these actors need a thread of their own")]
        std::thread::spawn(move || {
            let system = System::new();
            tell.send(System::current().arbiter().clone()).expect("the starter waits");
            system.run()
        });
        told.recv().expect("the thread starts")
    })
}

/// Whether the current task shares its thread with the actors.
fn at_home() -> bool {
    Handle::current().runtime_flavor() == RuntimeFlavor::CurrentThread
}

impl Subject for Actix {
    const ID: &'static str = "actix";
    type Server = Addr<Counting>;
    type Keep = ();

    async fn start() -> (Self::Server, Self::Keep) {
        let server = if at_home() {
            Counting::default().start()
        } else {
            Counting::start_in_arbiter(elsewhere(), |_| Counting::default())
        };
        (server, ())
    }

    async fn call(server: &Self::Server, ask: Ask) -> u64 {
        let answer = match ask {
            Ask::Plain => server.send(Count).await,
            Ask::Awaiting => server.send(CountLater).await,
        };
        answer.expect("the actor answers")
    }

    async fn cast(server: &Self::Server, cast: Cast<Self::Server>) {
        server.do_send(cast);
    }

    async fn stop(server: Self::Server, (): Self::Keep) {
        let (stopper, stopped) = oneshot::channel();
        server.do_send(Stop(stopper));
        stopped.await.expect("the actor ends");
    }

    fn run<T: Send + 'static>(world: World, work: impl Future<Output = T> + Send + 'static) -> T {
        match world {
            World::OneThread => System::new().block_on(work),
            World::TwoWorkers => world.runtime().block_on(async { Self::spawn(work).await.expect("no panic") }),
        }
    }

    fn spawn<T: Send + 'static>(client: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        if at_home() {
            return actix_rt::spawn(client);
        }
        #[expect(clippy::disallowed_methods, reason = "the clients are Tokio tasks for every subject")]
        tokio::spawn(client)
    }
}
