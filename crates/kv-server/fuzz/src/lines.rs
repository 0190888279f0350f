//! Lines at a session: each command has one answer, however its bytes are cut, and what is read as a command is written as it.

use bytes::Bytes;
use kv_server::{AnswerReader, Command, LineBuffer, ReaderStep, SessionEnd};

use crate::sessions::{LINE_MAX, has_word, pieces, serve};

pub(crate) fn run(input: &[u8]) {
    let Some([first, second]) = pieces(input) else { return };
    let sent = [first, second].concat();
    if sent.first() == Some(&b'*') {
        // A client of Redis.
        return;
    }
    // A subscriber may hear of events between any two answers.
    if has_word(&sent, "SUBSCRIBE") || has_word(&sent, "WATCH") {
        serve([first, second], false);
        return;
    }
    let whole = serve([&sent, &[]], false);
    assert_eq!(serve([first, second], false), whole, "it does not matter where the bytes are cut");
    check_answers(&sent);
}

/// Sends the lines once more, with a `PING` behind each, and reads the answers as a client does, which sends it where it cannot tell
/// a value from an error.
fn check_answers(sent: &[u8]) {
    let whole = sent.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
    let lines: Vec<&[u8]> = LineBuffer::of(&sent[..whole]).collect();
    // With a CR, because a line may have one of its own at its end.
    let with_pings: Vec<u8> = lines.iter().flat_map(|line| [*line, b"\r\nPING\n"].concat()).collect();
    let (answers, end) = serve([&with_pings, &[]], false);
    let mut answers = LineBuffer::of(&answers).map(Bytes::copy_from_slice);
    for line in lines {
        let command = Command::parse(Bytes::copy_from_slice(line));
        if line.len() > LINE_MAX {
            assert_eq!(end, SessionEnd::LineTooLong);
            assert!(answers.next().is_some_and(|error| error.starts_with(b"ERROR line too long")));
            break;
        }
        match command {
            Ok(Command::Quit) => {
                assert_eq!((end, answers.next()), (SessionEnd::Quit, Some("OK".into())));
                break;
            }
            Ok(command) => {
                check_written(&command);
                read(&command, &mut answers);
            }
            // The request of a browser was not taken for a command.
            Err(_) if end == SessionEnd::Browser => return,
            Err(_) => {
                let error = answers.next().expect("each line has an answer");
                assert!(error == "UNKNOWN COMMAND" || error.starts_with(b"ERROR "), "{error:?}");
                assert_eq!(answers.next(), Some("PONG".into()));
            }
        }
    }
    assert_eq!(answers.next(), None, "nothing is answered twice");
}

/// What was read is written so that it is read again.
fn check_written(command: &Command) {
    let mut written = Vec::new();
    command.encode(&mut written);
    assert_eq!(Command::parse(written).as_ref(), Ok(command));
}

/// Reads the whole answer to a command, and the one to the `PING` behind it.
fn read(command: &Command, answers: &mut impl Iterator<Item = Bytes>) {
    let (mut reader, mut has_pinged) = (AnswerReader::of(command), false);
    loop {
        let line = answers.next().expect("each answer is whole");
        match reader.line(line).expect("it belongs to the answer") {
            ReaderStep::Whole(_) => break,
            ReaderStep::Ping => has_pinged = true,
            ReaderStep::More => {}
        }
    }
    if !has_pinged {
        assert_eq!(answers.next(), Some("PONG".into()));
    }
}
