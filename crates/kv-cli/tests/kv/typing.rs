//! What is pasted, typed ahead and given up.

use std::iter;

use tempfile::TempDir;

use crate::played::{Played, PlayedClient};
use crate::terminal::{READY, Terminal};

/// A prompt on a store of its own that waits for a command.
fn prompt() -> (Terminal, TempDir) {
    let state = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::start(&["--memory"], &state);
    terminal.until_it_waits();
    (terminal, state)
}

/// A prompt on a server that the test plays.
fn played() -> (Terminal, Played, PlayedClient, TempDir) {
    let state = tempfile::tempdir().unwrap();
    let played = Played::start();
    let mut terminal = Terminal::start(&["connect", &played.address], &state);
    let client = played.client();
    terminal.until_it_waits();
    (terminal, played, client, state)
}

/// What a terminal sends for a paste.
fn pasted(text: &str) -> String {
    format!("\x1b[200~{text}\x1b[201~")
}

/// Waits until these lines stand at the end of the screen, and below them the line that waits.
#[track_caller]
fn until_it_ends_with(terminal: &mut Terminal, lines: &str) {
    let end = format!("\n{lines}\n{READY}");
    terminal.until(|screen| screen.ends_with(&end));
}

const LINES: &str = "CREATE a\nOK\nPUT a k 1\nOK\nGET a k\n1\nOK\nDROP a\nOK";

#[test]
fn each_line_of_a_paste_runs_and_its_answer_stands_below_it() {
    let (mut terminal, _state) = prompt();
    terminal.types(&pasted("CREATE a\rPUT a k 1\rGET a k\rDROP a\r"));
    until_it_ends_with(&mut terminal, LINES);
    // With the ends of lines of other systems, and with empty lines, which are not entered.
    for end in ["\n", "\r\n", "\r\r"] {
        terminal.types("\x0c");
        terminal.until(|screen| screen == READY);
        terminal.types(&pasted("CREATE a@PUT a k 1@GET a k@DROP a@").replace('@', end));
        until_it_ends_with(&mut terminal, &format!("OK\n{}", &LINES["CREATE a\nOK\n".len()..]));
    }
}

#[test]
fn the_last_line_of_a_paste_waits_if_it_has_no_end() {
    let (mut terminal, _state) = prompt();
    terminal.types(&pasted("CREATE a\rPUT a k 1\rGET a"));
    terminal.until(|screen| screen.ends_with("\nCREATE a\nOK\nPUT a k 1\nOK\nGET a key"));
    terminal.types(" k\r");
    until_it_ends_with(&mut terminal, "GET a k\n1\nOK");
}

#[test]
fn a_paste_goes_where_the_cursor_is() {
    let (mut terminal, _state) = prompt();
    terminal.enters("CREATE a");
    terminal.types("PUT a  1\x1b[D\x1b[D");
    terminal.types(&pasted("key"));
    terminal.until(|screen| screen.ends_with("\nPUT a key 1"));
    terminal.types("\rGET a key\r");
    until_it_ends_with(&mut terminal, "PUT a key 1\nOK\nGET a key\n1\nOK");
}

#[test]
fn nothing_of_a_paste_is_taken_for_a_key() {
    let (mut terminal, _state) = prompt();
    terminal.enters("CREATE a");
    // A tab completes nothing, and neither an arrow nor Ctrl-U nor Ctrl-D does what it would do.
    terminal.types(&pasted("PUT\ta\tk\t\"o\x1b[A\x15\x04ne\ttwo\"\r"));
    terminal.until_it_shows("kv: the control characters of the paste are left out");
    terminal.enters("GET a k");
    terminal.types("\x0c");
    terminal.until(|screen| screen == READY);
    terminal.types("COUNT a\rLIST a\rGET a k\r");
    until_it_ends_with(&mut terminal, "1\nOK\nLIST a\n* k\nOK\nGET a k\none     two\nOK");
}

#[test]
fn a_paste_may_be_longer_than_all_buffers() {
    let (mut terminal, _state) = prompt();
    let puts = (0..300).map(|number| format!("PUT a key{number:03} {}\r", "x".repeat(50)));
    let lines: Vec<String> = iter::once("CREATE a\r".to_owned()).chain(puts).collect();
    terminal.types(&pasted(&(lines.concat() + "COUNT a\rGET a key299\r")));
    until_it_ends_with(&mut terminal, &format!("COUNT a\n300\nOK\nGET a key299\n{}\nOK", "x".repeat(50)));
}

#[test]
fn lines_that_are_typed_at_once_are_answered_in_order() {
    let (mut terminal, _state) = prompt();
    terminal.types("CREATE a\rPUT a k 1\rGET a k\rDROP a\r");
    until_it_ends_with(&mut terminal, LINES);
}

#[test]
fn what_is_typed_while_a_command_runs_stands_below_its_answer() {
    let (mut terminal, _played, mut client, _state) = played();
    terminal.types("GET a k\r");
    assert_eq!(client.line(), "GET a k");
    terminal.types("GET a b\rGET");
    client.answer("1\r\nOK\r\n");
    assert_eq!(client.line(), "GET a b");
    terminal.types(" a c");
    client.answer("2\r\nOK\r\n");
    terminal.until(|screen| screen.ends_with("\nGET a k\n1\nOK\nGET a b\n2\nOK\nGET a c"));
}

#[test]
fn what_is_typed_before_the_program_is_ready_is_not_lost() {
    let state = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::start(&["--memory"], &state);
    terminal.types("CREATE a\rPUT a k 1\rGET a");
    // Above the greeting the terminal itself may have shown it once more.
    terminal.until(|screen| screen.ends_with("\nCREATE a\nOK\nPUT a k 1\nOK\nGET a key"));
}

#[test]
fn ctrl_c_abandons_the_line_and_what_is_typed_behind_it_counts() {
    let (mut terminal, _state) = prompt();
    terminal.types("CREATE a\x03BUCKETS\r");
    until_it_ends_with(&mut terminal, "CREATE a\nBUCKETS\nOK");
    terminal.types("\x03\x03PING\r");
    until_it_ends_with(&mut terminal, "PING\nPONG");
    // Also while the editor waits for something else: a second Tab, or a line to look for.
    terminal.types("D\t\x03PING\r");
    until_it_ends_with(&mut terminal, "D\nPING\nPONG");
    terminal.types("\x12BUCK\x03");
    until_it_ends_with(&mut terminal, "BUCKETS");
}

#[test]
fn the_answer_of_a_command_that_is_given_up_is_nobody_elses() {
    let (mut terminal, played, mut client, _state) = played();
    terminal.types("PUT a k 1\r");
    assert_eq!(client.line(), "PUT a k 1");
    terminal.types("\x03");
    let text = "no longer waiting for the answer; the command may be carried out all the same: look before you";
    terminal.until_it_shows(&format!("PUT a k 1\nkv: {text}"));
    terminal.until_it_waits();
    terminal.types("GET a k\r");
    let mut second = played.client();
    assert_eq!(second.line(), "GET a k");
    client.answer("OK\r\n");
    second.answer("2\r\nOK\r\n");
    until_it_ends_with(&mut terminal, "GET a k\n2\nOK");
    terminal.types("COUNT a\r");
    assert_eq!(second.line(), "COUNT a");
    terminal.types("\x03");
    terminal.until_it_shows("COUNT a\nkv: no longer waiting for the answer; the command changes nothing");
}

// Elsewhere there is more space.
#[cfg(target_os = "linux")]
#[test]
fn ctrl_c_gives_up_connecting() {
    let (mut terminal, played, client, _state) = played();
    drop(client);
    terminal.enters("PING");
    // Nobody takes this client, and there is no space for another one to wait.
    let _waiting = played.fill();
    terminal.types("PING\r");
    terminal.until_entered("\nPING");
    terminal.types("\x03");
    terminal.until_it_shows("kv: no longer connecting; nothing was sent");
    terminal.until_it_waits();
}

#[test]
fn ctrl_c_drops_the_rest_of_a_paste() {
    let (mut terminal, played, mut client, _state) = played();
    terminal.types("\x1b[200~PUT a k 1\rPUT a k 2\rPUT");
    assert_eq!(client.line(), "PUT a k 1");
    terminal.types("\x03");
    terminal.until_it_shows("kv: the rest of the paste is dropped");
    terminal.types(" a k 3\r\x1b[201~PING\r");
    let mut second = played.client();
    assert_eq!(second.line(), "PING");
    second.answer("PONG\r\n");
    until_it_ends_with(&mut terminal, "PING\nPONG");
}

#[test]
fn what_is_typed_ahead_survives_ctrl_c() {
    let (mut terminal, played, mut client, _state) = played();
    terminal.types("GET a k\r");
    assert_eq!(client.line(), "GET a k");
    terminal.types("GET a b\r\x03");
    let mut second = played.client();
    assert_eq!(second.line(), "GET a b");
    second.answer("2\r\nOK\r\n");
    until_it_ends_with(&mut terminal, "GET a b\n2\nOK");
}

#[test]
fn ctrl_d_ends_the_program_on_an_empty_line_alone() {
    let (mut terminal, _state) = prompt();
    terminal.types("PING\x04\r");
    until_it_ends_with(&mut terminal, "PING\nPONG");
    terminal.types("\x04");
    assert_eq!(terminal.end().status.code(), Some(0));
    assert!(terminal.is_as_found());
}

#[test]
fn the_terminal_is_as_it_was_found_whatever_ends_the_program() {
    let (mut terminal, _state) = prompt();
    assert!(!terminal.is_as_found());
    terminal.types("QUIT\r");
    assert_eq!(terminal.end().status.code(), Some(0));
    assert!(terminal.is_as_found());
}

#[test]
fn a_terminal_that_gathers_lines_itself_goes_on_doing_so() {
    let state = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::start_with(&["--memory"], &state, &[("TERM", "dumb")]);
    terminal.until_it_shows("Ctrl-D leaves");
    assert!(terminal.is_as_found());
    terminal.types("CREATE a\rPUT a k 1\rGET a k\r");
    // The terminal itself shows what is typed, at once.
    terminal.until_it_shows("\n1\nOK");
    terminal.types("\x04");
    assert_eq!(terminal.end().status.code(), Some(0));
}

#[test]
fn what_is_not_utf_8_does_not_end_the_program() {
    let (mut terminal, _state) = prompt();
    terminal.types_bytes(b"GET \xFF\xFE\r");
    terminal.until_it_shows("kv: what was typed or pasted is not UTF-8");
    terminal.until_it_waits();
    terminal.enters("CREATE a");
}

#[test]
fn a_line_that_is_too_long_is_not_sent() {
    let (mut terminal, _state) = prompt();
    terminal.types(&pasted(&format!("PUT a k {}\r", "x".repeat(70_000))));
    terminal.until_it_shows("kv: the line has 70008 bytes, and a server takes 65536");
    terminal.types("PING\r");
    until_it_ends_with(&mut terminal, "PING\nPONG");
}
