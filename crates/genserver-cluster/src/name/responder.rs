//! Who answers the requests that come to a name: a process beside the keeper, so that a slow server holds up nothing else.
//!
//! # Rules
//!
//! - D1: A request is handed to the server only while the name may be served, and an answer is sent only then. Others stay unanswered:
//!   the next owner may have been asked, too.
//! - D2: Requests are handed over in the order in which they came. At most [`REQUESTS_MAX`] calls are under way; what comes then waits
//!   in the subscription.
//! - D3: A subscription that is lost is made anew, until the server ends.
//! - D4: When the server has ended, the callers that wait for it hear why.

use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, FuturesUnordered};
use futures::{FutureExt as _, Stream, StreamExt as _, select_biased};
use genserver::report::{CustomReport, Level, Report};
use genserver::{ProcessRef, Reason, ServerRef, StartError, current_process, time};

use crate::engine::{Delivery, Revision};
use crate::name::lease::Times;
use crate::name::lease_client::LeaseClient;
use crate::space::Space;
use crate::wire::messages::Clustered;
use crate::wire::{Dropped, Handed, Service};

/// How many calls one name has under way.
const REQUESTS_MAX: usize = 1_024;

/// What requests come to.
pub(crate) trait Served: Send + Sync + 'static {
    fn space(&self) -> &Space;
    /// Where they come.
    fn subject(&self) -> String;
    /// How long the engine is waited for.
    fn times(&self) -> Times;
    /// Whether they may be answered now.
    fn may_serve(&self) -> bool;
}

impl Served for LeaseClient {
    fn space(&self) -> &Space {
        self.space()
    }

    fn subject(&self) -> String {
        self.space().call_subject(self.name())
    }

    fn times(&self) -> Times {
        self.times()
    }

    fn may_serve(&self) -> bool {
        self.may_serve()
    }
}

/// Subscribes to requests, as soon as the engine does that.
pub(crate) async fn subscribe(served: &impl Served) -> BoxStream<'static, Delivery> {
    let subject = served.subject();
    loop {
        let subscribe = served.space().engine.subscribe(&subject);
        if let Ok(Ok(requests)) = time::timeout(served.times().patience(), subscribe).await {
            return requests;
        }
        time::sleep(served.times().pause()).await;
    }
}

/// Starts the process that answers, linked with the keeper that calls this.
pub(super) fn start<S: Clustered>(
    lease: Arc<LeaseClient>,
    server: ServerRef<S>,
    fence: Revision,
    first: BoxStream<'static, Delivery>,
) -> Result<ProcessRef, StartError> {
    let label = format!("responder of {}", lease.name());
    let responder = genserver::spawn_link_labelled(label, move |_me: genserver::Probe<genserver::Never>| async move {
        serve(lease, server, fence, first).await;
        Ok::<(), Reason>(())
    })?;
    Ok(responder.process_ref())
}

/// Answers requests, beginning with those of a subscription, until the server has ended.
pub(crate) async fn serve<S: Clustered>(
    served: Arc<impl Served>,
    server: ServerRef<S>,
    fence: Revision,
    first: BoxStream<'static, Delivery>,
) {
    let Space { message_max, traces, .. } = served.space();
    let service = Service::new(server.clone(), fence, *message_max).traced(traces.clone());
    Responder { served, service }.serve(server.process_ref(), first).await;
}

struct Responder<V, S: Clustered> {
    served: Arc<V>,
    service: Service<S>,
}

impl<V: Served, S: Clustered> Responder<V, S> {
    async fn serve(self, server: ProcessRef, first: BoxStream<'static, Delivery>) {
        let mut requests = pin!(requests(Arc::clone(&self.served), first).fuse());
        let mut answers = FuturesUnordered::<BoxFuture<'static, ()>>::new();
        let mut ended = server.ended().fuse();
        loop {
            // By D2.
            if answers.len() == REQUESTS_MAX {
                answers.next().await;
            }
            select_biased! {
                _ = ended => break,
                () = answers.select_next_some() => {}
                request = requests.select_next_some() => answers.extend(self.hand(request)),
            }
        }
        // By D4. Each answer is there already, and is sent in bounded time.
        while answers.next().await.is_some() {}
    }

    /// Hands a request to the server, if the name may be served. Returns what sends the answer.
    fn hand(&self, request: Delivery) -> Option<BoxFuture<'static, ()>> {
        // By D1.
        if !self.served.may_serve() {
            return None;
        }
        match self.service.hand(&request.payload, time::now()) {
            Handed::Call(answer) => {
                let (served, reply_to) = (Arc::clone(&self.served), request.reply_to?);
                Some(answer.then(move |answer| send(served, reply_to, answer)).boxed())
            }
            Handed::Cast => None,
            Handed::Dropped(why) => {
                report(&why);
                None
            }
        }
    }
}

async fn send(served: Arc<impl Served>, reply_to: String, answer: Bytes) {
    // By D1.
    if served.may_serve() {
        // An answer that is lost is for its caller to miss.
        let _ = time::timeout(served.times().patience(), served.space().engine.publish(&reply_to, answer)).await;
    }
}

fn report(why: &Dropped) {
    let Some(me) = current_process() else { return };
    let level = Level::Warning;
    me.report(level, |me| Report::Custom(CustomReport::new(me, level, "Responder", why.to_string())));
}

/// All requests, over as many subscriptions as it takes: D3.
fn requests<V: Served>(served: Arc<V>, first: BoxStream<'static, Delivery>) -> impl Stream<Item = Delivery> + Send {
    stream::unfold((served, first), |(served, mut subscription)| async move {
        loop {
            if let Some(request) = subscription.next().await {
                return Some((request, (served, subscription)));
            }
            subscription = subscribe(&*served).await;
        }
    })
}
