//! One command: a missing key, values that are expected, times, and parts of lists.

use crate::program::{Server, kv, printed, run, text};

#[test]
fn a_missing_key_is_exit_1_and_an_empty_value_is_not() {
    let server = Server::start();
    printed(&server.kv(&["create", "a"]), 0);
    let output = server.kv(&["get", "a", "k"]);
    assert_eq!(printed(&output, 1), "");
    assert_eq!(text(&output.stderr), "kv: FETCH a k: there is no such key; kv list lists those there are\n");
    printed(&server.kv(&["put", "a", "k", ""]), 0);
    assert_eq!(printed(&server.kv(&["get", "a", "k"]), 0), "\n");
    assert_eq!(printed(&server.kv(&["--json", "get", "a", "k"]), 0), "\"\"\n");
    // What reads like an answer is a value.
    for value in ["KEY NOT FOUND", "NOT FOUND", "OK", "ERROR no"] {
        printed(&server.kv(&["put", "a", "k", value]), 0);
        assert_eq!(printed(&server.kv(&["get", "a", "k"]), 0), format!("{value}\n"));
    }
}

#[test]
fn a_value_is_put_if_the_key_has_none_or_the_expected_one() {
    let server = Server::start();
    printed(&server.kv(&["create", "a"]), 0);
    let refused = |arguments: &[&str], message: &str| {
        let output = server.kv(arguments);
        assert_eq!(printed(&output, 1), "");
        assert!(text(&output.stderr).contains(message), "{output:?}");
    };
    printed(&server.kv(&["put", "a", "k", "1", "--new"]), 0);
    refused(&["put", "a", "k", "2", "--new"], "kv: PUTNEW a k 2: the key has a value already, so nothing was stored");
    refused(&["put", "a", "k", "2", "--if", "3"], "kv: CAS a k 3 2: the key has another value, so nothing was changed");
    printed(&server.kv(&["put", "a", "k", "-2", "--if", "1"]), 0);
    printed(&server.kv(&["put", "a", "k", "3", "--if", "-2"]), 0);
    assert_eq!(printed(&server.kv(&["get", "a", "k"]), 0), "3\n");
    let output = server.kv(&["put", "a", "k", "4", "--new", "--if", "3"]);
    printed(&output, 2);
    assert!(text(&output.stderr).contains("cannot be used with"), "{output:?}");
}

#[test]
fn a_key_is_deleted_if_it_has_the_expected_value() {
    let server = Server::start();
    printed(&server.kv(&["create", "a"]), 0);
    let refused = |message: &str| {
        let output = server.kv(&["delete", "a", "k", "--if", "-1"]);
        assert_eq!(printed(&output, 1), "");
        assert!(text(&output.stderr).contains(message), "{output:?}");
    };
    refused("kv: CAD a k -1: there is no such key");
    printed(&server.kv(&["put", "a", "k", "2"]), 0);
    refused("kv: CAD a k -1: the key has another value, so nothing was changed");
    printed(&server.kv(&["put", "a", "k", "-1"]), 0);
    assert_eq!(printed(&server.kv(&["delete", "a", "k", "--if", "-1", "--json"]), 0), "\"OK\"\n");
    assert_eq!(printed(&server.kv(&["list", "a"]), 0), "");
}

#[test]
fn a_key_has_a_time() {
    let server = Server::start();
    printed(&server.kv(&["create", "a"]), 0);
    printed(&server.kv(&["put", "a", "k", "1", "--expire", "1d"]), 0);
    let left = printed(&server.kv(&["ttl", "a", "k"]), 0);
    assert!(left.ends_with("ms\n") && left != "86400001ms\n", "{left}");
    printed(&server.kv(&["persist", "a", "k"]), 0);
    assert_eq!(printed(&server.kv(&["ttl", "a", "k"]), 0), "never\n");
    printed(&server.kv(&["expire", "a", "k", "0s"]), 0);
    printed(&server.kv(&["get", "a", "k"]), 1);
    let output = server.kv(&["put", "a", "k", "1", "--expire", "60"]);
    printed(&output, 3);
    assert!(text(&output.stderr).contains("the time is not a whole number and a unit"), "{output:?}");
}

#[test]
fn a_list_is_asked_for_in_parts() {
    let server = Server::start();
    for name in ["bread", "milk", "mint", "soap"] {
        printed(&server.kv(&["create", name]), 0);
        printed(&server.kv(&["put", "bread", name, "1"]), 0);
    }
    for list in [&["list", "bread"][..], &["buckets"]] {
        let check = |arguments: &[&str], expected: &str| {
            assert_eq!(printed(&server.kv(&[list, arguments].concat()), 0), expected);
        };
        check(&["mi"], "milk\nmint\n");
        check(&["--limit", "2"], "bread\nmilk\n");
        check(&["--limit", "2", "--after", "milk"], "mint\nsoap\n");
        check(&["--after", "mint"], "soap\n");
        check(&["mi", "--limit", "1", "--after", "milk"], "mint\n");
        check(&["--json", "mi"], "[\"milk\",\"mint\"]\n");
    }
}

/// With an option that does not concern it, the help of a verb would be a page.
#[test]
fn the_help_of_a_verb_lists_only_what_concerns_it() {
    let check = |verb: &str, shown: &[&str]| {
        let help = printed(&run(kv(&[verb, "--help"]), b""), 0);
        for option in ["--connect", "--json", "--timeout", "--fail", "--data", "--memory", "--sync"] {
            assert_eq!(help.contains(option), shown.contains(&option), "{option} in\n{help}");
        }
    };
    check("get", &["--connect", "--json", "--timeout"]);
    check("watch", &["--connect", "--json"]);
    check("connect", &["--fail"]);
    check("serve", &["--data", "--memory", "--sync"]);
    check("import", &["--data", "--sync"]);
    check("repair", &["--data"]);
    check("top", &["--json"]);
    check("completions", &[]);
    // What is not shown still has an error that says why.
    let output = run(kv(&["get", "a", "k", "--data", "here"]), b"");
    printed(&output, 2);
    assert!(text(&output.stderr).contains("are for a store of this program"), "{output:?}");
}

#[test]
fn the_man_pages_are_the_help_of_each_verb() {
    let folder = tempfile::tempdir().unwrap();
    printed(&run(kv(&["man", folder.path().to_str().unwrap()]), b""), 0);
    let page = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    assert!(page("kv.1").contains("124 the server has not answered in time"));
    let get = page("kv-get.1");
    assert!(get.contains("Print the value of a key") && !get.contains("memory"), "{get}");
    assert!(!folder.path().join("kv-man.1").exists());
    printed(&run(kv(&["man", "/nonexistent"]), b""), 74);
}
