//! The prompt: completion, hints, history, Ctrl-C.

use std::io::Read;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;

use crate::program::{LIMIT, Server, thread};
use crate::terminal::Terminal;

fn prompt() -> (Terminal, TempDir) {
    let state = tempfile::tempdir().unwrap();
    let terminal = Terminal::start(&[], &state);
    (terminal, state)
}

#[test]
fn tab_completes_commands_buckets_and_keys() {
    let (mut terminal, _state) = prompt();
    terminal.enters("CREATE shopping");
    terminal.enters("PUT shopping milk 1");
    terminal.types("ge\t");
    terminal.until_it_shows("GET bucket key");
    terminal.types("sh\t mi\t\r");
    let screen = terminal.until_it_waits();
    assert!(screen.contains("\nGET shopping milk\n1\nOK\n"), "the screen shows\n{screen}");
}

#[test]
fn hints_say_what_is_still_to_be_typed() {
    let (mut terminal, _state) = prompt();
    terminal.until_it_waits();
    terminal.types("PUT ");
    terminal.until(|screen| screen.ends_with("\nPUT bucket key value"));
    terminal.types("shopping");
    terminal.until(|screen| screen.ends_with("\nPUT shopping key value"));
    // Ctrl-C throws the line away.
    terminal.types("\x03");
    let screen = terminal.until_it_waits();
    assert!(!screen.contains("NOT FOUND"), "the screen shows\n{screen}");
}

#[test]
fn small_letters_get_advice_and_the_answer_of_the_protocol() {
    let (mut terminal, _state) = prompt();
    terminal.enters("ping");
    let screen = terminal.until_it_waits();
    assert!(screen.contains("UNKNOWN COMMAND\nkv: commands are in capitals: PING\n"), "the screen shows\n{screen}");
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
fn what_would_move_the_cursor_is_shown_as_an_escape() {
    let (mut terminal, _state) = prompt();
    terminal.enters("CREATE a");
    terminal.enters(r#""PUT" a k "\x1b[2J\x07""#);
    let screen = terminal.enters("GET a k");
    assert!(screen.contains("\nGET a k\n\\x1b[2J\\x07\nOK\n"), "the screen shows\n{screen}");
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
fn ctrl_c_gives_up_a_server_that_does_not_answer() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let state = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::start(&["connect", &address], &state);
    let (mut client, _) = listener.accept().unwrap();
    terminal.until_it_waits();
    terminal.types("PING\r");
    let asked = thread(move || {
        client.read_exact(&mut [0; 6]).unwrap();
        client
    });
    let _client = asked.recv_timeout(LIMIT).unwrap();
    terminal.types("\x03");
    terminal.until_it_shows("kv: no longer waiting for the answer");
    terminal.until_it_waits();
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
    let mut terminal = Terminal::start_with(&[], &state, &[("NO_COLOR", "1")]);
    terminal.enters("ping");
    assert!(!terminal.is_coloured());
    let mut terminal = Terminal::start(&[], &state);
    terminal.enters("ping");
    assert!(terminal.is_coloured());
}
