//! A client that goes on talking to a process that is dead.
//!
//! A printer crashes, and its supervisor starts it again. The client has kept the reference to the first process, and all of its jobs fail, although
//! there is a printer. Users have to restart what is not broken. Tests pass, because nothing crashes in them.
//!
//! - **Class**: message order violation.
//! - **Source**: kameo, pull request 377 and issue 392: references from before a supervised restart still control the process that has stopped.
//! - **Mended**: the client keeps the child, which finds the present process at each use.
//! - **Faults**: the printer is killed.

use std::time::Duration;

use genserver::sim::{Faults, Sim};
use genserver::supervisor::{ChildRef, ChildSpec, Supervisor};
use genserver::{AsServer, Init, ServerRef};

use crate::{Version, pause};

struct Printer {
    pages: u32,
}

#[genserver::server]
impl Printer {
    fn init() -> Init<Self> {
        Init::Run(Self { pages: 0 })
    }

    #[call]
    fn print(&mut self) -> u32 {
        self.pages += 1;
        self.pages
    }
}

/// Prints, and says whether that has worked.
async fn print(printer: &ChildRef<Printer>, kept: &ServerRef<Printer>, version: Version) -> bool {
    if version.is_broken() {
        kept.call(PrinterCall::Print).await.is_ok()
    } else {
        printer.waiting().call(PrinterCall::Print).await.is_ok()
    }
}

/// A printer that may be killed. When that is over, printing works again.
pub async fn scenario(sim: &Sim<'_>, version: Version) {
    let child = ChildSpec::server("printer", || genserver::start_link::<Printer>(()));
    let printer = child.reference();
    sim.start_supervised(Supervisor::one_for_one().max_restarts(10).child(child).start_link()).await;
    let kept = printer.current().unwrap();
    sim.faults(Faults::new().kill::<Printer>().at_most(1));
    for _ in 0..5 {
        print(&printer, &kept, version).await;
        pause(1).await;
    }
    sim.heal(Duration::from_secs(1)).await;
    assert!(print(&printer, &kept, version).await, "there is a printer, and it does not print");
}
