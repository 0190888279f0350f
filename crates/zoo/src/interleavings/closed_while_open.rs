//! A file that is closed in the hands of the user who has just opened it.
//!
//! The keeper of a file counts its users. When the last one closes it, the keeper lets a task write what is left to the disk, and forgets the
//! file when that is done. A user who opens the file meanwhile is counted, and gets a file that is forgotten a moment later. Users see writes
//! fail with "not open", seldom and only under load. Tests pass, because nobody opens a file while it is being closed.
//!
//! - **Class**: bad interleaving.
//! - **Source**: `QuickCheck` found five races in dets, the table on disk that OTP has (Hughes and Bolinder, *Testing a Database
//!   for Race Conditions with `QuickCheck`*, 2011). This is a race of that kind, not one of them.
//! - **Mended**: the keeper forgets the file only if it still has no users when the writing is done.

use genserver::sim::Sim;
use genserver::task::Task;
use genserver::{Init, ServerRef};

use crate::{Version, all, pause};

struct File {
    version: Version,
    this: Option<ServerRef<File>>,
    users: u32,
    is_open: bool,
}

#[genserver::server]
impl File {
    fn init(version: Version) -> Init<Self> {
        Init::Run(Self { version, this: None, users: 0, is_open: false })
    }

    #[call]
    fn open(&mut self, this: ServerRef<File>) {
        self.this = Some(this);
        self.users += 1;
        self.is_open = true;
    }

    /// Whether the file is open.
    #[call]
    fn write(&mut self) -> bool {
        self.is_open
    }

    #[call]
    fn close(&mut self) {
        self.users -= 1;
        if self.users == 0 {
            let this = self.this.clone().unwrap();
            // What is left is written.
            Task::start_link(async move { this.cast(FileCast::Written).unwrap() }).unwrap();
        }
    }

    #[cast]
    fn written(&mut self) {
        if self.users == 0 || self.version.is_broken() {
            self.is_open = false;
        }
    }
}

async fn user(file: ServerRef<File>, late: u32) -> bool {
    pause(late).await;
    file.call(|caller| FileCall::Open(file.clone(), caller)).await.unwrap();
    pause(2).await;
    let is_written = file.call(FileCall::Write).await.unwrap();
    file.call(FileCall::Close).await.unwrap();
    is_written
}

/// Two users, the second of which comes when the first has long closed the file.
pub async fn scenario(sim: &Sim<'_>, version: Version) {
    let file = sim.start_supervised(genserver::start_link::<File>(version)).await;
    let users = [0, 6].map(|late| Task::spawn(user(file.clone(), late)));
    let written = all(users).await;
    assert!(written.iter().all(|is_written| *is_written), "a user has opened the file, and it is not open");
}
