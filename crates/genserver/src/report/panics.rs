//! A panic hook that notes where a process panicked.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::sync::Once;

use crate::node::current;
use crate::values::panic_place;

/// From now on, notes where processes of this crate panic, so that their reasons and reports can say so.
///
/// It sets a panic hook for the whole program, once: calling this again does nothing. The earlier hook is called
/// after this one, so what is printed stays the same. A hook that is set later replaces this one unless it calls it. The
/// backtrace is taken if `RUST_BACKTRACE` or `RUST_LIB_BACKTRACE` asks for one.
///
/// # Examples
///
/// ```
/// # use genserver::{Cx, GenServer, Init, Never, Next, Outcome, Reason};
/// # struct Fragile;
/// # impl GenServer for Fragile {
/// #     type Args = ();
/// #     type Call = Never;
/// #     type Cast = ();
/// #     type Info = Never;
/// #     async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> { Init::Run(Fragile) }
/// #     async fn handle_cast(&mut self, (): (), _cx: &mut Cx<Self>) -> Outcome<Self> { panic!("broken") }
/// # }
/// # genserver_doc::run! {
/// genserver::report::capture_panics();
///
/// let mut reports = genserver::Node::program().reports();
/// let fragile = genserver::start::<Fragile>(()).await?;
/// fragile.cast(())?;
///
/// let report = reports.next().await.ok_or("the node is gone")?;
/// let Some(Reason::Panic(panic)) = report.reason() else { unreachable!() };
/// assert!(panic.location().is_some());
/// # }
/// ```
pub fn capture_panics() {
    static HOOKED: Once = Once::new();
    HOOKED.call_once(|| {
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if current::pid().is_some() {
                let location =
                    panic.location().map_or_else(|| "a place that is not known".to_owned(), ToString::to_string);
                let backtrace = Backtrace::capture();
                let backtrace = (backtrace.status() == BacktraceStatus::Captured).then(|| backtrace.to_string());
                panic_place::note(panic.payload(), location, backtrace);
            }
            previous(panic);
        }));
    });
}
