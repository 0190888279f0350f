//! A disk that is really full: a small one in memory, which only root can make. Elsewhere this test says so and does nothing.
#![cfg(all(feature = "persistence", feature = "tokio", target_os = "linux"))]

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::join_all;
use genevent::persistence::{LogCall, LogError, replay};
use genevent::{Manager, NotifyError, PersistenceHandler};
use tempfile::{TempDir, tempdir};

const SENDERS: u64 = 8;

/// How many refusals each sender meets before it gives up.
const REFUSALS: usize = 20;

/// A sender, a number, and what fills the disk.
type Event = (u64, u64, Vec<u8>);

/// A disk of this folder, until it is dropped.
struct SmallDisk(TempDir);

impl SmallDisk {
    fn new(size: &str) -> Result<Self, String> {
        let disk = Self(tempdir().map_err(|error| error.to_string())?);
        disk.mount(&format!("size={size}")).map(|()| disk)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn mount(&self, options: &str) -> Result<(), String> {
        let done = Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(self.path()).output();
        match done {
            Ok(done) if done.status.success() => Ok(()),
            Ok(done) => Err(String::from_utf8_lossy(&done.stderr).trim().to_owned()),
            Err(error) => Err(format!("there is no `mount`: {error}")),
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // If it was never mounted, there is nothing to undo.
        let _done = Command::new("umount").arg(self.path()).output();
    }
}

/// Sends until the log has refused often enough, and returns what was acknowledged.
async fn sends(manager: Manager<Event>, sender: u64, from: u64, refusals: usize) -> (Vec<u64>, u64) {
    let (mut kept, mut refused, mut number) = (Vec::new(), 0, from);
    loop {
        let event = (sender, number, vec![7; 100]);
        match manager.sync_notify(event).no_timeout().await {
            Ok(()) => kept.push(number),
            Err(NotifyError::Refused { handler, reason, .. }) => {
                assert!(handler.is_some_and(|handler| handler.is::<PersistenceHandler>()));
                let Some(LogError::Write(error)) = reason.downcast_ref() else { panic!("{reason}") };
                assert_eq!(error.source.kind(), std::io::ErrorKind::StorageFull, "{error}");
                refused += 1;
            }
            Err(error) => panic!("{error}"),
        }
        number += 1;
        if refused >= refusals || (refusals == usize::MAX && kept.len() == 5) {
            return (kept, number);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::print_stderr, reason = "a test that is skipped says why")]
async fn a_full_disk_loses_nothing_that_was_acknowledged() {
    let disk = match SmallDisk::new("300k") {
        Ok(disk) => disk,
        Err(why) => {
            eprintln!("skipped, because no small disk could be mounted: {why}");
            return;
        }
    };
    let folder = disk.path().join("log");
    let manager = Manager::<Event>::start().await.unwrap();
    let log = manager.add_async_handler(PersistenceHandler::open(&folder).await.unwrap()).await.unwrap();
    // Another handler sees every event, also those that the log refuses.
    let seen = Arc::new(AtomicUsize::new(0));
    manager.add_handler(Counts(Arc::clone(&seen))).await.unwrap();

    let sent = join_all((0..SENDERS).map(|sender| tokio_task(sends(manager.clone(), sender, 0, REFUSALS)))).await;
    let mut kept: Vec<Vec<u64>> = sent.iter().map(|(kept, _)| kept.clone()).collect();
    let all: u64 = sent.iter().map(|(_, number)| number).sum();
    assert_eq!(seen.load(Ordering::Relaxed) as u64, all);
    let acknowledged: usize = kept.iter().map(Vec::len).sum();
    assert!(acknowledged > 500, "{acknowledged}");
    assert_eq!(read(&folder), kept, "while the disk is full");
    // The log is broken, and an acknowledgement would be an empty one.
    let filler: Event = (SENDERS, 0, vec![7; 100_000]);
    assert!(matches!(manager.ack_notify(filler.clone()).await, Err(NotifyError::Refused { .. })));
    // Nobody waits for this one, so it waits for the disk.
    manager.notify(filler).unwrap();
    assert!(manager.call_async_handler(&log, LogCall::Flush).await.unwrap().is_err());

    disk.mount("remount,size=4m").unwrap();
    let sent = join_all(
        sent.iter().zip(0..).map(|((_, from), sender)| tokio_task(sends(manager.clone(), sender, *from, usize::MAX))),
    )
    .await;
    for (kept, (again, _)) in kept.iter_mut().zip(sent) {
        kept.extend(again);
    }
    kept.push(vec![0]);
    assert_eq!(read(&folder), kept, "with space again");
    manager.stop().await.unwrap();
    assert_eq!(read(&folder), kept, "afterwards");
}

/// The numbers of each sender, in the order of the log.
fn read(folder: &Path) -> Vec<Vec<u64>> {
    let mut read = Vec::new();
    for event in replay::<Event>(folder) {
        let (sender, number, _) = event.expect("nothing stands in its way");
        let sender = usize::try_from(sender).expect("they are few");
        if read.len() <= sender {
            read.resize(sender + 1, Vec::new());
        }
        read[sender].push(number);
    }
    read
}

/// Counts events.
struct Counts(Arc<AtomicUsize>);

impl genevent::Handler<Event> for Counts {
    type Call = genserver::Never;

    fn handle_event(&mut self, _event: &Event, _cx: &mut genevent::HandlerCx<Event>) -> genevent::Reaction<Event> {
        self.0.fetch_add(1, Ordering::Relaxed);
        genevent::React::stay()
    }
}

#[expect(clippy::disallowed_methods, reason = "the senders are plain Tokio tasks, on both workers")]
async fn tokio_task<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    tokio::spawn(work).await.expect("it does not panic")
}
