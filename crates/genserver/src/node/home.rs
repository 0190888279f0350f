//! A node as seen from one runtime: where its processes run, and who keeps their time.

use std::cell::Cell;
use std::sync::{Arc, Weak};

use crate::node::alarm::{Alarm, Keeper};
use crate::node::current;
use crate::node::table::{self, Node};
use crate::runtime::{self, Runtime};
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::parking::Mutex;
use crate::sync::thread_local;

/// A node as seen from one runtime: the part of it that a process uses.
pub(crate) struct Home {
    node: Node,
    runtime: Arc<dyn Runtime>,
    alarm: Arc<Alarm>,
    /// The node's list that keeps it alive, if there is one.
    kept_by: Weak<StrongHomes>,
    /// The runtime was shut down: nothing can run here any more.
    gone: AtomicBool,
}

impl Home {
    pub(crate) fn node(&self) -> &Node {
        &self.node
    }

    pub(crate) fn runtime(&self) -> &dyn Runtime {
        &*self.runtime
    }

    pub(crate) fn alarm(&self) -> &Alarm {
        &self.alarm
    }

    /// Returns whether the runtime was shut down. Check this after a process was put into the table.
    pub(crate) fn is_gone(&self) -> bool {
        self.gone.load(Ordering::SeqCst)
    }

    /// The runtime was shut down: every process on it ends.
    pub(crate) fn runtime_gone(self: &Arc<Self>) {
        self.gone.store(true, Ordering::SeqCst);
        if let Some(kept) = self.kept_by.upgrade() {
            kept.homes.lock().retain(|home| !Arc::ptr_eq(home, self));
        }
        for process in self.node.all_processes() {
            if Arc::ptr_eq(&process.head().home, self) {
                process.runtime_gone();
            }
        }
    }
}

// No process is left to set the alarm.
impl Drop for Home {
    fn drop(&mut self) {
        self.alarm.end();
    }
}

/// The homes that a node keeps alive while a clone of it exists, so that the clock goes on from one process to the next.
///
/// A home ends, and its clock with it, when no clone keeps it and no process lives there.
#[derive(Default)]
pub(super) struct StrongHomes {
    homes: Mutex<Vec<Arc<Home>>>,
}

impl Node {
    /// This node as seen from the runtime that new processes run on.
    pub(crate) fn home(&self) -> Option<Arc<Home>> {
        let inherited = current::pid().filter(|pid| pid.node() == self.inner.id).and_then(table::find);
        if let Some(parent) = inherited {
            return Some(Arc::clone(&parent.head().home)).filter(|home| !home.is_gone());
        }
        let runtime = self.inner.runtime.clone().or_else(runtime::ambient)?;
        let id = runtime.id();
        let mut homes = self.inner.homes.lock();
        if let Some(home) = homes.iter().find(|(known, _)| *known == id).and_then(|(_, home)| home.upgrade()) {
            return Some(home).filter(|home| !home.is_gone());
        }
        homes.retain(|(_, home)| home.strong_count() > 0);
        let home = Arc::new(Home {
            node: Self { inner: Arc::clone(&self.inner), strong_homes: None },
            runtime,
            alarm: Arc::default(),
            kept_by: self.strong_homes.as_ref().map_or_else(Weak::new, Arc::downgrade),
            gone: AtomicBool::new(false),
        });
        homes.push((id, Arc::downgrade(&home)));
        drop(homes);
        if let Some(kept) = &self.strong_homes {
            kept.homes.lock().push(Arc::clone(&home));
        }
        let keeper = Keeper::new(Arc::downgrade(&home), Arc::clone(&home.alarm), Arc::clone(&home.runtime));
        home.runtime.spawn(Box::pin(keeper));
        Some(home).filter(|home| !home.is_gone())
    }
}

thread_local! {
    /// The id of the runtime that this thread was in last, and the program's node as seen from it.
    static LAST_HOME: Cell<Option<(u64, Weak<Home>)>> = const { Cell::new(None) };
}

/// The node of the process that runs on this thread, or the program's, as seen from the runtime that new processes run on.
pub(crate) fn current_home() -> Option<Arc<Home>> {
    if let Some(parent) = current::pid().and_then(table::find) {
        return Some(Arc::clone(&parent.head().home));
    }
    let Some(runtime) = runtime::ambient_id() else { return Node::current().home() };
    if let Some((of, known)) = LAST_HOME.take().filter(|_| current::pid().is_none()) {
        let home = known.upgrade().filter(|_| of == runtime);
        LAST_HOME.set(Some((of, known)));
        if home.is_some() {
            return home;
        }
    }
    let node = Node::current();
    let home = node.home()?;
    if Arc::ptr_eq(&node.inner, &Node::program().inner) {
        LAST_HOME.set(Some((runtime, Arc::downgrade(&home))));
    }
    Some(home)
}
