//! The sessions that the texts of the project print, typed and piped.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;

use crate::program::{Server, kv, printed, run, text, thread};
use crate::terminal::Terminal;

/// The session of `004_821b17fc4ed8eab6.txt`, as it is printed there: what is typed and what is answered.
pub(crate) const SESSION: &str = "\
CREATE shopping
OK
PUT shopping milk 1
OK
GET shopping milk
1
OK";

/// What of a printed session a person types.
pub(crate) fn typed(session: &str) -> impl Iterator<Item = &str> {
    session.lines().filter(|line| line.contains(' '))
}

/// What of it the program answers.
pub(crate) fn answered(session: &str) -> String {
    session.lines().filter(|line| !line.contains(' ')).flat_map(|line| [line, "\n"]).collect()
}

#[test]
fn session_of_004_at_a_terminal() {
    let state = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::start(&[], &state);
    typed(SESSION).for_each(|line| drop(terminal.enters(line)));
    // Above it stands a greeting, below it the line that waits.
    let screen = terminal.until_it_waits();
    assert!(screen.contains(&format!("\n{SESSION}\n")), "the screen shows\n{screen}");
    assert_eq!(screen.lines().count(), SESSION.lines().count() + 2, "the screen shows\n{screen}");

    terminal.types("\x04");
    assert_eq!(terminal.end().status.code(), Some(0));
}

#[test]
fn session_of_004_at_a_terminal_of_a_server() {
    let server = Server::start();
    let state = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::start(&["connect", &server.address], &state);
    typed(SESSION).for_each(|line| drop(terminal.enters(line)));
    let screen = terminal.until_it_waits();
    assert!(screen.contains(&format!("connected to {}", server.address)), "the screen shows\n{screen}");
    assert!(screen.contains(&format!("\n{SESSION}\n")), "the screen shows\n{screen}");
    assert_eq!(printed(&server.kv(&["get", "shopping", "milk"]), 0), "1\n");
}

#[test]
fn session_of_004_in_a_pipe() {
    let input: String = typed(SESSION).flat_map(|line| [line, "\n"]).collect();
    assert_eq!(printed(&run(kv(&["--memory"]), input.as_bytes()), 0), answered(SESSION));
    // The last line without an end, and ends of lines as they are elsewhere.
    assert_eq!(printed(&run(kv(&["--memory"]), input.trim_end().as_bytes()), 0), answered(SESSION));
    assert_eq!(printed(&run(kv(&["--memory"]), input.replace('\n', "\r\n").as_bytes()), 0), answered(SESSION));
}

#[test]
fn session_of_004_in_a_pipe_to_a_server() {
    let server = Server::start();
    let input: String = typed(SESSION).flat_map(|line| [line, "\n"]).collect();
    assert_eq!(printed(&run(kv(&["connect", &server.address]), input.as_bytes()), 0), answered(SESSION));
    assert_eq!(printed(&server.kv(&["get", "shopping", "milk"]), 0), "1\n");
}

/// The session that the README shows below the command that starts the program.
fn readme() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let text = std::fs::read_to_string(path).unwrap();
    let (_, begun) =
        text.split_once("```text\ncargo run --release -p kv-cli\n\n").expect("the README starts the program");
    let (session, _) = begun.split_once("\n```").expect("the block has an end");
    session.to_owned()
}

#[test]
fn the_readme_shows_what_happens() {
    let session = readme();
    let input: String = typed(&session).flat_map(|line| [line, "\n"]).collect();
    assert_eq!(printed(&run(kv(&["--memory"]), input.as_bytes()), 0), answered(&session));
    assert_eq!(session, SESSION);
}

#[test]
fn a_pipe_is_answered_line_by_line_whatever_it_says() {
    let input = "\nBUY milk\nget a b\nCREATE a\nPUT a \"soy milk\" \"two litres\"\nGET a \"soy milk\"\nGET a eggs\nGET b eggs\n\
                 LIST a\nBUCKETS\nPING\nGET b eggs\nDROP a\nCREATE b\n\
                 PUT b k \"NOT FOUND\"\nGET b k\nGET b k\nCREATE b\nQUIT\nPING\n";
    let expected = "UNKNOWN COMMAND\nUNKNOWN COMMAND\nUNKNOWN COMMAND\nOK\nOK\ntwo litres\nOK\n\nOK\nNOT FOUND\n\
                    * soy milk\nOK\n* a\nOK\nPONG\nNOT FOUND\nOK\nOK\n\
                    OK\nNOT FOUND\nOK\nNOT FOUND\nOK\nOK\nOK\n";
    let output = run(kv(&["--memory"]), input.as_bytes());
    assert_eq!(printed(&output, 0), expected);
    assert_eq!(output.stderr, b"", "nothing but answers comes out of a pipe");
}

#[test]
fn a_pipe_with_a_command_that_failed_is_an_error_if_that_is_asked_for() {
    let input = b"CREATE a\n\nPUT b k 1\nGET a k\nFETCH a k\nPUT a k \"two litres\nPUT a k 1\nPUTNEW a k 2\nEXPIRE a k 1\nFETCH a k\n";
    let expected = "OK\nUNKNOWN COMMAND\nNOT FOUND\n\nOK\nKEY NOT FOUND\n\
                    ERROR a quote is opened and not closed; close it, and write \\\" for a quote inside\nOK\nEXISTS\n\
                    ERROR the time is not a whole number and a unit; write it as in 100ms, 60s, 5m, 2h or 1d\n1\nOK\n";
    let output = run(kv(&["--memory"]), input);
    assert_eq!(printed(&output, 0), expected);
    assert_eq!(output.stderr, b"");
    let output = run(kv(&["--memory", "-e"]), input);
    assert_eq!(printed(&output, 3), expected);
    let said = text(&output.stderr);
    let lines: Vec<_> = said.lines().map(|line| line.split(": ").nth(1).unwrap()).collect();
    assert_eq!(lines, ["line 2", "line 3", "line 5", "line 6", "line 8", "line 9"], "{said}");
    assert!(said.contains("kv: line 3: there is no such bucket\n"), "{said}");

    // The first that failed decides, and what came before is done.
    assert_eq!(
        printed(&run(kv(&["--memory", "--fail"]), b"CREATE a\nFETCH a k\nBUY\n"), 1),
        "OK\nKEY NOT FOUND\nUNKNOWN COMMAND\n"
    );
    printed(&run(kv(&["--memory", "-e"]), b"CREATE a\nGET a k\nQUIT\nBUY\n"), 0);
    let server = Server::start();
    printed(&run(kv(&["connect", &server.address, "-e"]), b"GET a k\n"), 1);
}

#[test]
fn a_long_pipe_is_answered_to_its_end() {
    // More than one read, one write and one buffer hold, in both directions.
    let values = || (0..20_000).map(|number| format!("{number:0100}"));
    let input: Vec<u8> = values().flat_map(|value| format!("PUT a k {value}\nGET a k\n").into_bytes()).collect();
    let expected: Vec<u8> = values().flat_map(|value| format!("OK\n{value}\nOK\n").into_bytes()).collect();
    let (input, expected) = ([b"CREATE a\n", &input[..]].concat(), [b"OK\n", &expected[..]].concat());
    assert!(printed(&run(kv(&["--memory"]), &input), 0).into_bytes() == expected);
    let server = Server::start();
    assert!(printed(&run(kv(&["connect", &server.address]), &input), 0).into_bytes() == expected);
}

#[test]
fn a_line_that_is_too_long_is_an_error_and_what_came_before_it_is_answered() {
    let input = [b"PING\n", &b"x".repeat(200_000)[..]].concat();
    let output = run(kv(&["--memory"]), &input);
    assert_eq!(printed(&output, 2), "PONG\n");
    assert!(String::from_utf8_lossy(&output.stderr).contains("a line of the input has more than 65536 bytes"));
}

#[test]
fn a_server_that_leaves_in_the_middle_is_an_error() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let served = thread(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.read_exact(&mut [0; 12]).unwrap();
        stream.write_all(b"PONG\r\n").unwrap();
    });
    let output = run(kv(&["connect", &address]), b"PING\nPING\n");
    assert_eq!(printed(&output, 3), "PONG\n");
    assert!(text(&output.stderr).contains("the server closed the connection before it answered"), "{output:?}");
    served.recv().unwrap();
}

#[test]
fn a_subscription_in_a_pipe_ends_with_the_pipe() {
    assert_eq!(printed(&run(kv(&["--memory"]), b"SUBSCRIBE\n"), 0), "OK\n");
    assert_eq!(printed(&run(kv(&["--memory"]), b"PING\nSUBSCRIBE\nQUIT\n"), 0), "PONG\nOK\n");
    assert_eq!(printed(&run(kv(&["--memory"]), b"CREATE a\nWATCH a\nQUIT\n"), 0), "OK\nOK\n");
}
