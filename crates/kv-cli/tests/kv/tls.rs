//! TLS: `kv serve` and its clients.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use rustix::process::Signal;

use crate::certificates::Authority;
use crate::program::{Running, Server, kv, printed, run, text};

/// A folder with an authority, `ca.pem`, and what it has issued: `server.pem`, `client.pem` and their keys.
fn certificates() -> Authority {
    let authority = Authority::new();
    authority.issue("server", &["127.0.0.1"]);
    authority.issue("client", &["a client"]);
    authority
}

/// `kv` with these arguments, in the folder of the certificates.
fn kv_in(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = kv(arguments);
    command.current_dir(folder);
    command
}

const SERVE: &[&str] =
    &["serve", "--memory", "--listen", "tls:127.0.0.1:0", "--tls-cert", "server.pem", "--tls-key", "server.key"];

#[test]
fn a_server_with_tls_serves_commands_pipes_and_watches() {
    let authority = certificates();
    let folder = authority.folder();
    let server = Server::of(kv_in(folder, SERVE));
    assert!(server.address.starts_with("tls:127.0.0.1:"), "{}", server.address);
    let ask = |arguments: &[&str]| {
        run(kv_in(folder, &[&["--connect", &server.address, "--tls-ca", "ca.pem"], arguments].concat()), b"")
    };
    printed(&ask(&["create", "a"]), 0);
    let watch = Running::start(kv_in(folder, &["watch", "a", "--connect", &server.address, "--tls-ca", "ca.pem"]));
    watch.said();
    printed(&ask(&["put", "a", "k", "1"]), 0);
    assert_eq!(watch.line(), "PUT a k");

    let mut command = kv_in(folder, &[]);
    command.env("KV_URL", &server.address).env("KV_TLS_CA", "ca.pem");
    assert_eq!(printed(&run(command, b"GET a k\nBUCKETS\n"), 0), "1\nOK\n* a\nOK\n");

    server.running.signal(Signal::TERM);
    assert_eq!(watch.end().status.code(), Some(0), "the server said that this is the end");
    assert_eq!(server.running.end().status.code(), Some(0));
}

#[test]
fn a_server_that_knows_its_clients_asks_for_their_certificates() {
    let authority = certificates();
    let folder = authority.folder();
    let server = Server::of(kv_in(folder, &[SERVE, &["--tls-client-ca", "ca.pem"]].concat()));
    let ask = |more: &[(&str, &str)]| -> Output {
        let mut command = kv_in(folder, &["ping"]);
        command.env("KV_URL", &server.address).env("KV_TLS_CA", "ca.pem").envs(more.iter().copied());
        run(command, b"")
    };
    assert_eq!(printed(&ask(&[("KV_TLS_CERT", "client.pem"), ("KV_TLS_KEY", "client.key")]), 0), "PONG\n");
    let output = ask(&[]);
    assert_eq!(printed(&output, 3), "");
    assert!(text(&output.stderr).contains("the server asks for a client certificate: name its file"), "{output:?}");
    let output = ask(&[("KV_TLS_CERT", "client.pem")]);
    printed(&output, 2);
    assert!(text(&output.stderr).contains("a certificate needs its key"), "{output:?}");

    // Where the network may reach it, too.
    let serve = |client_ca: &[&str]| {
        let listen =
            ["serve", "--memory", "--listen", "tls:0.0.0.0:0", "--tls-cert", "server.pem", "--tls-key", "server.key"];
        kv_in(folder, &[&listen[..], client_ca].concat())
    };
    let output = run(serve(&[]), b"");
    printed(&output, 78);
    assert!(text(&output.stderr).contains("--tls-client-ca"), "{output:?}");
    let server = Server::of(serve(&["--tls-client-ca", "ca.pem"]));
    assert!(server.address.starts_with("tls:0.0.0.0:"), "{}", server.address);
}

#[test]
fn what_does_not_go_together_is_said() {
    let folder = certificates();
    let check = |arguments: &[&str], code: i32, message: &str| {
        let output = run(kv_in(folder.folder(), arguments), b"");
        assert_eq!(printed(&output, code), "");
        assert!(text(&output.stderr).contains(message), "{output:?}");
    };
    check(&["--connect", "127.0.0.1:1", "--tls-ca", "ca.pem", "ping"], 2, "write tls:127.0.0.1:1");
    check(&["--connect", "tls:127.0.0.1:1", "ping"], 2, "name its file with --tls-ca, or in KV_TLS_CA");
    check(&["--connect", "tls:127.0.0.1:1", "--tls-ca", "none.pem", "ping"], 78, "none.pem cannot be read: ");
    check(&["--connect", "tls:127.0.0.1:1", "--tls-ca", "ca.pem", "ping"], 4, "cannot connect to tls:127.0.0.1:1: ");
    check(&["--tls-ca", "ca.pem", "--memory"], 2, "are for a server, and this command asks none");
    check(&["export", "--tls-ca", "ca.pem"], 2, "are for a server, and this command asks none");
    check(&["serve", "--memory", "--tls-ca", "ca.pem"], 2, "--tls-client-ca");
    check(&["serve", "--memory", "--tls-cert", "server.pem"], 2, "--tls-cert and --tls-key are given together");
    check(&["serve", "--memory", "--listen", "tls:127.0.0.1:0"], 2, "with --tls-cert and --tls-key");
    check(
        &["serve", "--memory", "--tls-cert", "server.pem", "--tls-key", "client.key"],
        78,
        "the key in client.key is not that of the certificate in server.pem",
    );
    fs::set_permissions(folder.folder().join("server.key"), fs::Permissions::from_mode(0o644)).unwrap();
    check(
        &["serve", "--memory", "--tls-cert", "server.pem", "--tls-key", "server.key"],
        78,
        "other users can read the private key in server.key; chmod 600 server.key",
    );
}

#[test]
fn a_handshake_that_fails_is_a_line_on_standard_error() {
    let authority = certificates();
    let server = Server::of(kv_in(authority.folder(), SERVE));
    assert!(server.running.said().contains("the store is in memory"));
    let plain = server.address.replace("tls:", "");
    let output = run(kv(&["ping", "--connect", &plain]), b"");
    assert_eq!(printed(&output, 3), "");
    let said = server.running.said();
    assert!(said.starts_with("kv: Session <"), "{said}");
    let what = "> refused a client that speaks no TLS; let it connect with tls: before the address, or to an address without TLS; \
                label: session; address: ";
    assert!(said.contains(&format!("{what}{}; from: 127.0.0.1:", server.address)), "{said}");
    server.running.signal(Signal::TERM);
    let said = server.running.said();
    assert!(said.starts_with("kv: SIGTERM"), "nothing else is said: {said}");
    assert_eq!(server.running.end().status.code(), Some(0));
}
