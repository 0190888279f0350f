//! Completion and hints.

use std::fmt::Write;

use tempfile::TempDir;

use crate::program::{Server, kv, run, text};
use crate::terminal::{READY, Terminal};

fn prompt() -> (Terminal, TempDir) {
    let state = tempfile::tempdir().unwrap();
    let terminal = Terminal::start(&["--memory"], &state);
    (terminal, state)
}

#[test]
fn tab_completes_commands_buckets_and_keys_each_with_a_blank() {
    let (mut terminal, _state) = prompt();
    terminal.enters("CREATE shopping");
    terminal.enters("PUT shopping milk 1");
    terminal.types("ge\t");
    terminal.until(|screen| screen.ends_with("\nGET bucket key"));
    terminal.types("sh\t");
    terminal.until(|screen| screen.ends_with("\nGET shopping key"));
    terminal.types("mi\t\r");
    let screen = terminal.until_it_waits();
    assert!(screen.contains("\nGET shopping milk\n1\nOK\n"), "the screen shows\n{screen}");
}

#[test]
fn a_name_with_blanks_is_completed_in_quotes_and_read_back() {
    let (mut terminal, _state) = prompt();
    terminal.enters(r#"CREATE "my shop""#);
    terminal.enters(r#"PUT "my shop" "soy milk" 1"#);
    terminal.types("GET my\tso\t\r");
    terminal.until_it_shows("\n\"GET\" \"my shop\" \"soy milk\"\n1\nOK\n");
    terminal.until_it_waits();
    terminal.types("DELETE \"my s\t\"soy m\t\r");
    terminal.until_it_shows("\n\"DELETE\" \"my shop\" \"soy milk\"\nOK\n");
    terminal.until_it_waits();
    // Here it is clear that the quotes count.
    terminal.enters("CREATE a");
    terminal.enters(r#"PUT a "soy milk" 2"#);
    terminal.types("GET a so\t\r");
    terminal.until_it_shows("\nGET a \"soy milk\"\n2\nOK\n");
}

#[test]
fn the_quotes_of_a_completed_key_count_before_a_value_too() {
    let (mut terminal, _state) = prompt();
    terminal.enters("CREATE a");
    terminal.enters(r#"PUT a "soy milk" 1"#);
    terminal.types("PUT a so\t");
    terminal.until(|screen| screen.ends_with("\n\"PUT\" a \"soy milk\" value"));
    terminal.types("2\r");
    terminal.until_it_waits();
    let screen = terminal.enters(r#"GET a "soy milk""#);
    assert!(screen.contains("\nGET a \"soy milk\"\n2\nOK\n"), "the screen shows\n{screen}");
    let screen = terminal.enters("COUNT a");
    assert!(screen.contains("\nCOUNT a\n1\nOK\n"), "the screen shows\n{screen}");
}

#[test]
fn a_key_that_a_terminal_would_obey_is_completed_as_an_escape() {
    let (mut terminal, _state) = prompt();
    terminal.enters("CREATE a");
    terminal.enters(r#""PUT" a "\x1b]0;title\x07" 1"#);
    terminal.types("GET a \t\r");
    terminal.until_it_shows("\n\"GET\" a \"\\x1b]0;title\\x07\"\n1\nOK\n");
    terminal.until_it_waits();
    terminal.enters(r#""PUT" a "\x1b]0;other\x07" 1"#);
    // The second Tab lists them.
    terminal.types("GET a \t\t");
    terminal.until_it_shows("\"\\x1b]0;other\\x07\"  \"\\x1b]0;title\\x07\"");
}

#[test]
fn of_many_keys_a_page_is_offered_and_the_next_answer_is_its_own() {
    let server = Server::start();
    let mut lines = "CREATE a\n".to_owned();
    (0..2000).for_each(|number| writeln!(lines, "PUT a key{number:05} 1").unwrap());
    assert_eq!(run(pipe(&server), lines.as_bytes()).status.code(), Some(0));
    let state = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::start(&["connect", &server.address], &state);
    terminal.until_it_waits();
    terminal.types("GET a k\t");
    terminal.until(|screen| screen.ends_with("\nGET a key000"));
    terminal.types("\t");
    let screen = terminal.until_it_shows("key00099");
    assert!(!screen.contains("key00100"), "the screen shows\n{screen}");
    // A prefix that one key has, far from the beginning.
    terminal.types("\x15GET a key0199\t9\t\r");
    terminal.until(|screen| screen.ends_with(&format!("\nGET a key01999\n1\nOK\n{READY}")));
}

fn pipe(server: &Server) -> std::process::Command {
    kv(&["connect", &server.address])
}

#[test]
fn hints_say_what_is_still_to_be_typed() {
    let (mut terminal, _state) = prompt();
    terminal.until_it_waits();
    terminal.types("PUT ");
    terminal.until(|screen| screen.ends_with("\nPUT bucket key value"));
    assert!(terminal.is_coloured());
    terminal.types("shopping");
    terminal.until(|screen| screen.ends_with("\nPUT shopping key value"));
    terminal.types(" \"soy milk\" 1");
    terminal.until(|screen| screen.ends_with("\nPUT shopping \"soy milk\" 1"));
    // Ctrl-C throws the line away.
    terminal.types("\x03");
    let screen = terminal.until_it_waits();
    assert!(!screen.contains("NOT FOUND"), "the screen shows\n{screen}");
}

#[test]
fn a_hint_warns_of_quotes_that_do_not_count() {
    let (mut terminal, _state) = prompt();
    terminal.until_it_waits();
    terminal.types("PUT a k \"1\"");
    terminal.until(|screen| screen.ends_with("(the quotes are taken as they are, unless it begins with \"PUT\")"));
    terminal.types("\x01\"\x1b[C\x1b[C\x1b[C\"\x05");
    terminal.until(|screen| screen.ends_with("\n\"PUT\" a k \"1\""));
}

#[test]
fn a_pipe_has_neither_hints_nor_a_greeting_nor_escapes() {
    let mut command = kv(&["--memory"]);
    command.env("TERM", "xterm");
    let output = run(command, b"CREATE a\n\"PUT\" a k \"\\x1b]0;title\\x07\"\nGET a k\n");
    assert_eq!(text(&output.stdout), "OK\nOK\n\x1b]0;title\x07\nOK\n");
    assert_eq!(text(&output.stderr), "");
}
