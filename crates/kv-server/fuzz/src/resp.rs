//! Requests of Redis's clients at a session: the same replies however the bytes are cut.

use crate::sessions::{has_word, pieces, serve};

pub(crate) fn run(input: &[u8]) {
    let Some([first, second]) = pieces(input) else { return };
    let sent = [first, second].concat();
    let (replies, end) = serve([&sent, &[]], true);
    assert!(replies.is_empty() || replies.ends_with(b"\r\n"), "replies are whole");
    // A subscriber may hear of events between any two replies.
    if !has_word(&sent, "SUBSCRIBE") {
        let (cut_replies, cut_end) = serve([first, second], true);
        assert_eq!(cut_end, end);
        assert_eq!(shown(&cut_replies), shown(&replies), "it does not matter where the bytes are cut");
    }
}

fn shown(replies: &[u8]) -> String {
    replies.escape_ascii().to_string()
}
