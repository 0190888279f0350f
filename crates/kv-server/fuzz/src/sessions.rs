//! A session for each input, with a store of its own.

use std::cell::OnceCell;

use futures::AsyncReadExt;
use futures::io::Cursor;
use kv_core::Store;
use kv_server::{Limits, Session, SessionEnd};
use tokio::runtime::{Builder, Runtime};

/// The longest line.
pub(crate) const LINE_MAX: usize = 128;

/// Small limits, so that a fuzzer's inputs reach them.
fn limits() -> Limits {
    Limits { line: LINE_MAX, argument: 64, arguments: 8, request: 256, replies: 512, ..Limits::default() }
}

/// Runs it on this thread's runtime. The clock is paused: what waits for a deadline is over at once.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    thread_local! {
        static RUNTIME: OnceCell<Runtime> = const { OnceCell::new() };
    }
    RUNTIME.with(|runtime| {
        let make = || Builder::new_current_thread().enable_time().start_paused(true).build().expect("it needs nothing");
        runtime.get_or_init(make).block_on(future)
    })
}

/// What a session answers to these bytes, which come in two pieces.
pub(crate) fn serve(pieces: [&[u8]; 2], speaks_resp: bool) -> (Vec<u8>, SessionEnd) {
    block_on(async {
        let store = Store::start().await.expect("nothing is in its way");
        let session = Session::new(store.clone()).limits(limits());
        let session = if speaks_resp { session.resp() } else { session };
        let mut answers = Cursor::new(Vec::new());
        let end = session.serve(pieces[0].chain(pieces[1]), &mut answers).await.expect("memory takes all");
        store.stop().await.expect("it runs");
        (answers.into_inner(), end)
    })
}

/// The bytes of an input, and where they are cut: its first byte says so.
pub(crate) fn pieces(input: &[u8]) -> Option<[&[u8]; 2]> {
    let (&place, bytes) = input.split_first()?;
    let (first, second) = bytes.split_at(bytes.len() * usize::from(place) / 256);
    Some([first, second])
}

/// Whether these bytes contain this word, in capitals or not.
pub(crate) fn has_word(bytes: &[u8], word: &str) -> bool {
    bytes.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word.as_bytes()))
}
