//! The prompt: history, mistakes, escapes, connections.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;

use crate::program::{Server, printed};
use crate::terminal::{READY, Terminal};

fn prompt() -> (Terminal, TempDir) {
    let state = tempfile::tempdir().unwrap();
    let terminal = Terminal::start(&[], &state);
    (terminal, state)
}

#[test]
fn a_caret_points_at_what_is_wrong() {
    let (mut terminal, _state) = prompt();
    let screen = terminal.enters("ping");
    assert!(
        screen.contains("\nping\nUNKNOWN COMMAND\nkv: ping\n    ^^^^ commands are in capitals: PING\n"),
        "the screen shows\n{screen}"
    );
    let screen = terminal.enters("PUT a \"soy milk now");
    let expected = "kv: PUT a \"soy milk now\n          ^^^^^^^^^^^^^ expected another \" at the end of the word";
    assert!(screen.contains(expected), "the screen shows\n{screen}");
    let screen = terminal.enters("GET a");
    let expected = "\nUNKNOWN COMMAND\nkv: GET a\n          ^ expected key, as in GET bucket key\n";
    assert!(screen.contains(expected), "the screen shows\n{screen}");
}

#[test]
fn help_lists_the_commands_and_quit_leaves() {
    let (mut terminal, _state) = prompt();
    let screen = terminal.enters("HELP");
    assert!(screen.contains("\nPUT bucket key value: stores the value"), "the screen shows\n{screen}");
    terminal.types("QUIT\r");
    terminal.until_it_shows("QUIT\nOK");
    assert_eq!(terminal.end().status.code(), Some(0));
}

#[test]
fn the_history_is_kept_and_is_its_owners_alone() {
    let (mut terminal, state) = prompt();
    terminal.enters("CREATE shopping");
    drop(terminal);
    let history = state.path().join("kv/history");
    assert_eq!(history.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(history.parent().unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o700);

    let mut terminal = Terminal::start(&[], &state);
    terminal.until_it_waits();
    terminal.types("\x1b[A");
    terminal.until(|screen| screen.ends_with("\nCREATE shopping"));
}

#[test]
fn the_file_of_the_history_becomes_its_owners_alone() {
    let state = tempfile::tempdir().unwrap();
    fs::create_dir(state.path().join("kv")).unwrap();
    let history = state.path().join("kv/history");
    fs::write(&history, "#V2\nCREATE shopping\n").unwrap();
    fs::set_permissions(&history, Permissions::from_mode(0o644)).unwrap();
    let mut terminal = Terminal::start(&["--memory"], &state);
    terminal.until_it_waits();
    assert_eq!(history.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    terminal.types("\x1b[A");
    terminal.until(|screen| screen.ends_with("\nCREATE shopping"));
}

#[test]
fn a_password_is_in_no_history() {
    let (mut terminal, state) = prompt();
    terminal.enters("CREATE a");
    for (line, answer) in [
        ("AUTH sesame", "ERROR this server has no password"),
        (" auth sesame", "UNKNOWN COMMAND"),
        ("AUHT sesame", "is it AUTH?"),
        ("\"AUTH\" \"open sesame\"", "ERROR this server has no password"),
    ] {
        terminal.until_it_waits();
        terminal.types(&format!("{line}\r"));
        terminal.until_it_shows(answer);
        terminal.until_it_waits();
        terminal.types("\x0c");
        terminal.until(|screen| screen == READY);
    }
    terminal.types("\x1b[200~AUTH sesame\rPING\r\x1b[201~");
    terminal.until_it_shows("PONG");
    terminal.types("\x1b[A\x1b[A");
    terminal.until(|screen| screen.ends_with("\nCREATE a"));
    let history = fs::read_to_string(state.path().join("kv/history")).unwrap();
    assert_eq!(history, "#V2\nCREATE a\nPING\n");
}

/// Sets a title, clears the screen, and asks the terminal to answer; the same once more in the characters that stand for ESC and
/// `[` together.
const OBEYED: &str = "\x1b]0;title\x07\x1b[2J\x1b[6n\u{9b}2J";
const SHOWN: &str = r"\x1b]0;title\x07\x1b[2J\x1b[6n\xc2\x9b2J";

#[test]
fn what_a_terminal_would_obey_is_shown_as_an_escape() {
    let server = Server::start();
    printed(&server.kv(&["create", "a"]), 0);
    printed(&server.kv(&["put", "a", OBEYED, OBEYED]), 0);
    let state = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::start(&["connect", &server.address], &state);
    let screen = terminal.enters("LIST a");
    assert!(screen.contains(&format!("\nLIST a\n* {SHOWN}\nOK\n")), "the screen shows\n{screen}");
    let screen = terminal.enters(&format!("\"GET\" a \"{SHOWN}\""));
    assert!(screen.contains(&format!("\n{SHOWN}\nOK\n")), "the screen shows\n{screen}");
    // One command at a terminal, and in a pipe.
    for arguments in [&["list", "a"][..], &["get", "a", OBEYED]] {
        let mut terminal = Terminal::start(&[&["--connect", &server.address], arguments].concat(), &state);
        terminal.until(|screen| screen == SHOWN);
        assert_eq!(printed(&server.kv(arguments), 0), format!("{OBEYED}\n"));
    }
    let mut terminal = Terminal::start(&["--connect", &server.address, "get", OBEYED, "k"], &state);
    terminal.until(|screen| screen.starts_with(&format!("kv: FETCH {SHOWN} k: there is no such bucket")));
}

#[test]
fn events_are_shown_until_ctrl_c_and_the_prompt_goes_on() {
    let server = Server::start();
    let state = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::start(&["connect", &server.address], &state);
    terminal.until_it_waits();
    terminal.types("SUBSCRIBE\r");
    terminal.until_it_shows("SUBSCRIBE\nOK");
    server.kv(&["create", "shopping"]);
    terminal.until_it_shows("OK\nCREATED shopping");
    terminal.types("\x03");
    let screen = terminal.enters("PING");
    assert!(screen.contains("PING\nPONG\n"), "the screen shows\n{screen}");
}

#[test]
fn events_of_keys_are_shown_until_ctrl_c_and_the_prompt_goes_on() {
    let server = Server::start();
    printed(&server.kv(&["create", "a"]), 0);
    let state = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::start(&["connect", &server.address], &state);
    let screen = terminal.enters("WATCH b");
    assert!(screen.contains("\nWATCH b\nNOT FOUND\n"), "the screen shows\n{screen}");
    terminal.types("WATCH a\r");
    terminal.until_it_shows("WATCH a\nOK");
    printed(&server.kv(&["put", "a", OBEYED, "1"]), 0);
    terminal.until_it_shows(&format!("OK\nPUT a {SHOWN}"));
    terminal.types("\x03");
    let screen = terminal.enters("PING");
    assert!(screen.contains("PING\nPONG\n"), "the screen shows\n{screen}");
}

#[test]
fn a_server_that_comes_back_is_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let address = format!("unix:{}/kv.sock", folder.path().display());
    let server = Server::start_at(&address);
    let mut terminal = Terminal::start(&["connect", &address], &folder);
    terminal.enters("CREATE shopping");
    server.leave();
    let screen = terminal.enters("BUCKETS");
    assert!(screen.contains("BUCKETS\nkv: the server closed the connection"), "the screen shows\n{screen}");
    let screen = terminal.enters("BUCKETS");
    assert!(screen.contains("kv: cannot connect to"), "the screen shows\n{screen}");
    let _server = Server::start_at(&address);
    let screen = terminal.enters("PING");
    assert!(screen.contains("PING\nPONG\n"), "the screen shows\n{screen}");
}

#[test]
fn without_colours_there_are_none() {
    let state = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::start_with(&["--memory"], &state, &[("NO_COLOR", "1")]);
    terminal.enters("ping");
    assert!(!terminal.is_coloured());
    let mut terminal = Terminal::start(&["--memory"], &state);
    terminal.enters("ping");
    assert!(terminal.is_coloured());
}
