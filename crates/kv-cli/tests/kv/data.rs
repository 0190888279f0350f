//! Where the store is: in the person's folder, in another, or in memory.

use std::os::unix::fs::PermissionsExt;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::program::{Running, kv, printed, run, text};
use crate::sessions::{SESSION, answered, typed};
use crate::terminal::Terminal;

/// A person with a folder for data.
fn person(arguments: &[&str], home: &TempDir) -> std::process::Command {
    let mut command = kv(arguments);
    command.env("XDG_DATA_HOME", home.path());
    command
}

#[test]
fn session_of_004_is_answered_the_same_the_second_time() {
    let home = tempfile::tempdir().unwrap();
    let input: String = typed(SESSION).flat_map(|line| [line, "\n"]).collect();
    for _ in 0..2 {
        assert_eq!(printed(&run(person(&[], &home), input.as_bytes()), 0), answered(SESSION));
    }
    assert_eq!(printed(&run(person(&[], &home), b"GET shopping milk\nBUCKETS\n"), 0), "1\nOK\n* shopping\nOK\n");
    let mode = home.path().join("kv").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700, "it is its owner's alone");
}

#[test]
fn session_of_004_is_answered_the_same_the_second_time_at_a_terminal() {
    let state = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let mut terminal = Terminal::start(&[], &state);
        typed(SESSION).for_each(|line| drop(terminal.enters(line)));
        let screen = terminal.until_it_waits();
        let greeting = format!("kv: the store is in {}/data/kv; ", state.path().display());
        assert!(screen.starts_with(&greeting), "the screen shows\n{screen}");
        assert!(screen.contains(&format!("\n{SESSION}\n")), "the screen shows\n{screen}");
        terminal.types("\x04");
        assert_eq!(terminal.end().status.code(), Some(0));
    }
}

#[test]
fn the_default_is_below_home_and_without_a_home_it_is_an_error() {
    let home = tempfile::tempdir().unwrap();
    let mut command = kv(&[]);
    command.env("HOME", home.path());
    printed(&run(command, b"CREATE a\n"), 0);
    assert!(home.path().join(".local/share/kv/format").exists());

    let output = run(kv(&[]), b"CREATE a\n");
    assert_eq!(printed(&output, 78), "");
    assert!(text(&output.stderr).contains("neither XDG_DATA_HOME nor HOME is set; name one with --data"), "{output:?}");
}

#[test]
fn a_store_in_memory_is_gone_with_its_program() {
    let home = tempfile::tempdir().unwrap();
    assert_eq!(printed(&run(person(&["--memory"], &home), b"CREATE a\nBUCKETS\n"), 0), "OK\n* a\nOK\n");
    assert_eq!(printed(&run(person(&["--memory"], &home), b"BUCKETS\n"), 0), "OK\n");
    assert!(!home.path().join("kv").exists());
    let mut terminal = Terminal::start(&["--memory"], &home);
    assert!(terminal.until_it_waits().starts_with("kv: the store is in memory, and gone with this program; "));
}

#[test]
fn a_server_and_a_prompt_share_a_folder_one_after_the_other() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("shop");
    let data = ["--data", folder.to_str().unwrap()];
    for sync in ["sync", "every=100ms", "every=2s", "buffered"] {
        let arguments = ["serve", "--listen", "127.0.0.1:0", data[0], data[1], "--sync", sync];
        let server = Running::start(kv(&arguments));
        assert_eq!(server.said(), format!("kv: the store is in {}", folder.display()));
        let address = server.line().strip_prefix("listening on ").unwrap().to_owned();
        printed(&run(kv(&["--connect", &address, "create", sync]), b""), 0);
        server.signal(Signal::TERM);
        assert_eq!(server.end().status.code(), Some(0));
    }
    let buckets = "* buffered\n* every=100ms\n* every=2s\n* sync\nOK\n";
    assert_eq!(printed(&run(kv(&data), b"BUCKETS\n"), 0), buckets);
    // A flag counts more than the environment.
    let mut command = kv(&data);
    command.env("KV_URL", "127.0.0.1:1");
    assert_eq!(printed(&run(command, b"BUCKETS\n"), 0), buckets);
}

#[test]
fn what_a_killed_server_has_answered_is_there() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().to_str().unwrap();
    let server = Running::start(kv(&["serve", "--listen", "127.0.0.1:0", "--data", data]));
    let address = server.line().strip_prefix("listening on ").unwrap().to_owned();
    printed(&run(kv(&["--connect", &address, "create", "a"]), b""), 0);
    printed(&run(kv(&["--connect", &address, "put", "a", "k", "1"]), b""), 0);
    server.signal(Signal::KILL);
    server.end();
    assert_eq!(printed(&run(kv(&["--data", data]), b"GET a k\n"), 0), "1\nOK\n");
}

#[test]
fn a_folder_in_use_is_exit_75_and_names_the_process() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().to_str().unwrap();
    let server = Running::start(kv(&["serve", "--listen", "127.0.0.1:0", "--data", data]));
    server.line();
    for arguments in [&["--data", data][..], &["serve", "--listen", "127.0.0.1:0", "--data", data]] {
        let output = run(kv(arguments), b"");
        assert_eq!(printed(&output, 75), "");
        let expected = format!("the store in {data} is in use by the process {}; ", server.pid());
        assert!(text(&output.stderr).contains(&expected), "{output:?}");
    }
}

#[test]
fn a_folder_that_cannot_be_one_is_refused() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("diary"), "dear diary").unwrap();
    let output = run(kv(&["--data", home.path().to_str().unwrap()]), b"");
    assert_eq!(printed(&output, 78), "");
    assert!(text(&output.stderr).contains("holds something else than a store"), "{output:?}");
    let output = run(kv(&["--data", home.path().join("diary").to_str().unwrap()]), b"");
    assert_eq!(printed(&output, 74), "");
    assert!(text(&output.stderr).contains("diary cannot be used: "), "{output:?}");
}

#[test]
fn options_that_do_not_go_together_are_exit_2() {
    let check = |arguments: &[&str], message: &str| {
        let output = run(kv(arguments), b"");
        assert_eq!(printed(&output, 2), "");
        assert!(text(&output.stderr).contains(message), "{output:?}");
    };
    check(&["--memory", "--data", "a"], "cannot be used with");
    check(&["--sync", "soon", "--data", "a"], "write sync, buffered, or every= and a time");
    check(&["--sync", "every=1", "--data", "a"], "write sync, buffered, or every= and a time");
    check(&["--sync", "every=1m", "--data", "a"], "write sync, buffered, or every= and a time");
    check(&["--data", "a", "ping"], "--data, --memory and --sync are for a store of this program");
    check(&["--memory", "--connect", "127.0.0.1:1"], "--connect is for a server");
    check(&["connect", "--memory", "127.0.0.1:1"], "--data, --memory and --sync are for a store of this program");
}
