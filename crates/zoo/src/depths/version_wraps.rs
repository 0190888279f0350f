//! A page whose version number comes round again.
//!
//! A page is changed only if its version is the one that the editor has read. The number of a version has four bits. An editor reads the page,
//! and is slow; meanwhile others change the page exactly sixteen times. The version is the old one again, the slow change goes through, and what
//! the others wrote is gone. Users lose an hour of work of many, once. Tests pass, because nobody is that slow in them.
//!
//! - **Class**: bad interleaving.
//! - **Source**: the ABA problem of compare-and-swap, here with messages.
//! - **Mended**: the number has 64 bits.

use genserver::Init;
use genserver::sim::Sim;
use genserver::task::Task;

use crate::{Version, all, pause};

const OTHERS: u64 = 16;

/// How many changes the slow editor makes, ...
const SLOW: u64 = 4;

/// ... and what each of them adds.
const MUCH: u64 = 1000;

/// A page, of which only the number of words matters here.
struct Page {
    words: u64,
    version: u64,
    versions: u64,
}

#[genserver::server(client = PageClient)]
impl Page {
    fn init(version_bits: u32) -> Init<Self> {
        Init::Run(Self { words: 0, version: 0, versions: 1 << version_bits })
    }

    /// The words of the page, and its version.
    #[call]
    fn read(&self) -> (u64, u64) {
        (self.words, self.version)
    }

    /// Changes the page if it still has this version. Answers whether it had.
    #[call]
    fn change(&mut self, version: u64, words: u64) -> bool {
        let is_same = version == self.version;
        if is_same {
            self.words = words;
            self.version = (self.version + 1) % self.versions;
        }
        is_same
    }
}

/// Adds words to the page, as often as it takes. An editor thinks for so many steps.
async fn edit(page: &PageClient, more: u64, thinks: u32) {
    loop {
        let (words, version) = page.read().await.unwrap();
        pause(thinks).await;
        if page.change(version, words + more).await.unwrap() {
            return;
        }
    }
}

async fn slow_editor(page: PageClient) {
    for _ in 0..SLOW {
        edit(&page, MUCH, 1).await;
    }
}

async fn others(page: PageClient) {
    for _ in 0..OTHERS {
        edit(&page, 1, 0).await;
        pause(1).await;
    }
}

/// Four slow changes, and sixteen quick ones.
pub async fn scenario(sim: &Sim<'_>, version: Version) {
    let bits = if version.is_broken() { 4 } else { 63 };
    let page = PageClient::new(sim.start_supervised(genserver::start_link::<Page>(bits)).await);
    all([Task::spawn(slow_editor(page.clone())), Task::spawn(others(page.clone()))]).await;
    let (words, _version) = page.read().await.unwrap();
    assert_eq!(words, OTHERS + SLOW * MUCH, "a change was written over");
}
