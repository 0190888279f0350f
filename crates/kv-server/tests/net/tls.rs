//! TLS: who is served and who is refused, handshakes that do not end, and stopping.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::fs;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use futures::future::join_all;
use futures::io::{AsyncReadExt, BufReader};
use kv_core::Store;
use kv_core::genserver::{Node, time};
use kv_server::Limits;
use kv_server::net::{Address, ClientTls, Server, ServerTls, StartServerError, TlsError, connect, connect_tls};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};

use crate::certificates::Authority;
use crate::reports::{stop_silently, told};
use crate::socket::{Client, limits, soon};

const HOST: &str = "127.0.0.1";

/// A server with TLS and its authority; `clients` have to have a certificate of it.
async fn start(clients: bool) -> (Authority, Store, Server) {
    let authority = Authority::new();
    let (certificate, key) = authority.issue("server", &[HOST]);
    let tls = ServerTls::from_files(certificate, key).unwrap();
    let tls = if clients { tls.client_ca(authority.ca()).unwrap() } else { tls };
    let store = Store::start().await.unwrap();
    let options = Server::options().listen(address(HOST)).tls(tls).limits(limits());
    let server = options.start(store.clone()).await.unwrap();
    (authority, store, server)
}

fn address(host: &str) -> Address {
    Address::Tls { host: host.to_owned(), port: 0 }
}

fn trusting(authority: &Authority) -> ClientTls {
    ClientTls::from_ca(authority.ca()).unwrap()
}

async fn client(server: &Server, tls: &ClientTls) -> Client {
    let (reader, writer) = soon(connect_tls(&server.addresses()[0], tls)).await.unwrap();
    Client { reader: BufReader::new(reader), writer }
}

/// The same port, without TLS.
fn plain(server: &Server) -> Address {
    let Address::Tls { host, port } = &server.addresses()[0] else { unreachable!() };
    Address::Tcp { host: host.clone(), port: *port }
}

#[tokio::test]
async fn lines_and_requests_of_redis_are_served() {
    let (authority, store, server) = start(false).await;
    let tls = trusting(&authority);
    let mut lines = client(&server, &tls).await;
    assert_eq!(lines.send_and_recv("CREATE s\r\n").await, "OK\r\n");
    let long = "x".repeat(60_000);
    assert_eq!(lines.send_and_recv(&format!("PUT s k {long}\r\n")).await, "OK\r\n");
    lines.send("GET s k\r\n".repeat(100)).await;
    for _ in 0..100 {
        assert_eq!(lines.line().await, format!("{long}\r\n"));
        assert_eq!(lines.line().await, "OK\r\n");
    }
    let mut redis = client(&server, &tls).await;
    assert_eq!(redis.send_and_recv("*4\r\n$4\r\nHSET\r\n$1\r\ns\r\n$1\r\nr\r\n$1\r\n1\r\n").await, ":1\r\n");
    assert_eq!(redis.send_and_recv("*3\r\n$4\r\nHGET\r\n$1\r\ns\r\n$1\r\nr\r\n").await, "$1\r\n");
    assert_eq!(store.lookup("s").unwrap().len().await.unwrap(), 2);
    server.stop().await.unwrap();
}

/// A client of another making, with one version.
async fn with_version(server: &Server, authority: &Authority, version: &'static SupportedProtocolVersion) -> String {
    let Address::Tls { host, port } = &server.addresses()[0] else { unreachable!() };
    let socket = TcpStream::connect((host.as_str(), *port)).await.unwrap();
    let mut stream = soon(connector(authority, version).connect(name(), socket)).await.unwrap();
    stream.write_all(b"PING\nQUIT\n").await.unwrap();
    let mut answers = String::new();
    soon(stream.read_to_string(&mut answers)).await.unwrap();
    format!("{:?} {answers}", stream.get_ref().1.protocol_version().unwrap())
}

fn connector(authority: &Authority, version: &'static SupportedProtocolVersion) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(authority.ca()).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_protocol_versions(&[version]).unwrap().with_root_certificates(roots);
    TlsConnector::from(Arc::new(config.with_no_client_auth()))
}

fn name() -> ServerName<'static> {
    ServerName::try_from(HOST).unwrap()
}

#[tokio::test]
async fn versions_1_2_and_1_3_are_spoken() {
    let (authority, _store, server) = start(false).await;
    assert_eq!(with_version(&server, &authority, &TLS12).await, "TLSv1_2 PONG\r\nOK\r\n");
    assert_eq!(with_version(&server, &authority, &TLS13).await, "TLSv1_3 PONG\r\nOK\r\n");
    server.stop().await.unwrap();
}

#[tokio::test]
#[expect(clippy::print_stdout, reason = "a test that was left out is seen")]
async fn openssl_is_served_and_asked_for_a_certificate() {
    let (authority, _store, server) = start(true).await;
    let Address::Tls { host, port } = &server.addresses()[0] else { unreachable!() };
    let (certificate, key) = authority.issue("client", &["a client"]);
    let run = |with: bool| {
        let mut command = Command::new("openssl");
        command.args(["s_client", "-quiet", "-verify_return_error", "-verify_ip", host, "-connect"]);
        command.arg(format!("{host}:{port}")).arg("-CAfile").arg(authority.ca());
        if with {
            command.arg("-cert").arg(&certificate).arg("-key").arg(&key);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        tokio::task::spawn_blocking(move || {
            let mut openssl = command.spawn().ok()?;
            // One that is refused may have gone.
            drop(openssl.stdin.as_mut().unwrap().write_all(b"CREATE s\nHELLO\n\nPING\nQUIT\n"));
            let output = openssl.wait_with_output().unwrap();
            Some((String::from_utf8(output.stdout).unwrap(), String::from_utf8_lossy(&output.stderr).into_owned()))
        })
    };
    let Some((answered, said)) = soon(run(true)).await.unwrap() else {
        println!("left out, because there is no openssl");
        return;
    };
    assert!(answered.starts_with("OK\r\n") && answered.ends_with("PONG\r\nOK\r\n"), "{answered} {said}");
    let (answered, said) = soon(run(false)).await.unwrap().unwrap();
    assert_eq!(answered, "");
    assert!(said.contains("certificate required"), "{said}");
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_client_without_a_certificate_of_the_authority_is_refused() {
    let (authority, store, server) = start(true).await;
    let check = async |tls: ClientTls, expected: &str| {
        let (mut reader, mut writer) = connect_tls(&server.addresses()[0], &tls).await.unwrap();
        // It may be refused already.
        drop(futures::AsyncWriteExt::write_all(&mut writer, b"CREATE s\n").await);
        let error = soon(reader.read(&mut [0])).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    check(trusting(&authority), "the server asks for a client certificate: name its file").await;
    let strangers = Authority::new();
    let (certificate, key) = strangers.issue("client", &[HOST]);
    check(
        trusting(&authority).certificate(certificate, key).unwrap(),
        "the server does not accept the client certificate",
    )
    .await;
    assert!(store.lookup("s").is_none());

    let (certificate, key) = authority.issue("client", &["a client"]);
    let mut known = client(&server, &trusting(&authority).certificate(certificate, key).unwrap()).await;
    assert_eq!(known.send_and_recv("CREATE s\n").await, "OK\r\n");
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_server_that_is_not_trusted_gets_nothing() {
    let (authority, _store, server) = start(false).await;
    let error = connect_tls(&server.addresses()[0], &trusting(&Authority::new())).await.unwrap_err().to_string();
    assert!(error.ends_with("; name the file of the authority that has issued the server's certificate"), "{error}");

    let (certificate, key) = authority.issue("other", &["kv.example.org"]);
    let other = Server::options().listen(address(HOST)).tls(ServerTls::from_files(certificate, key).unwrap());
    let other = other.start(Store::start().await.unwrap()).await.unwrap();
    let error = connect_tls(&other.addresses()[0], &trusting(&authority)).await.unwrap_err().to_string();
    assert!(error.ends_with("; write the host as the server's certificate names it"), "{error}");

    let error = connect(&server.addresses()[0]).await.unwrap_err().to_string();
    assert!(error.ends_with(": the address is one of TLS; name the authority of its certificate"), "{error}");
    for server in [server, other] {
        server.stop().await.unwrap();
    }
}

#[tokio::test]
async fn a_client_without_tls_is_told() {
    let (_authority, _store, server) = start(false).await;
    for (sent, told) in [
        ("PING\n", "ERROR this address speaks TLS; connect with tls: before it\r\n"),
        ("*1\r\n$4\r\nPING\r\n", "-ERR this address speaks TLS\r\n"),
    ] {
        let mut client = Client::connect(&plain(&server)).await;
        client.send(sent).await;
        assert_eq!(client.rest().await, told);
    }
    server.stop().await.unwrap();
}

/// Fails in a handshake with a server that asks for certificates, and checks what is reported: one of these, and this error.
async fn check_report(fails: impl AsyncFnOnce(&Server, &Authority) -> Option<String>, whats: &[&str], error: &str) {
    // Each has a server of its own, because it reports the same only once a minute.
    let (authority, _store, server) = start(true).await;
    let mut reports = Node::current().reports();
    let from = fails(&server, &authority).await;
    let told = told(&mut reports, &server).await;
    assert!(whats.contains(&&*told.what), "{told:?}");
    assert!(told.detail("error").unwrap().contains(error), "{told:?}");
    let shown = told.detail("from").unwrap();
    assert!(from.is_none_or(|from| from == shown) && shown.starts_with("127.0.0.1:"), "{told:?}");
    server.stop().await.unwrap();
}

/// Sends bytes that do not make a handshake, and returns from where.
async fn sends(server: &Server, bytes: &[u8]) -> Option<String> {
    let Address::Tls { host, port } = &server.addresses()[0] else { unreachable!() };
    let mut socket = TcpStream::connect((host.as_str(), *port)).await.unwrap();
    socket.write_all(bytes).await.unwrap();
    socket.shutdown().await.unwrap();
    drop(socket.read_to_end(&mut Vec::new()).await);
    Some(socket.local_addr().unwrap().to_string())
}

/// Connects, and is refused then or when it reads.
async fn is_refused(server: &Server, tls: ClientTls) -> Option<String> {
    if let Ok((mut reader, _writer)) = connect_tls(&server.addresses()[0], &tls).await {
        soon(reader.read(&mut [0])).await.unwrap_err();
    }
    None
}

#[tokio::test]
async fn each_handshake_that_fails_is_reported_with_the_address_of_the_client_and_what_to_do() {
    let lost = "lost a client during its handshake of TLS; look whether it accepts the certificate of this server";
    let plain = "refused a client that speaks no TLS; let it connect with tls: before the address, or to an address without TLS";
    check_report(async |server, _| sends(server, b"PING\n").await, &[plain], "InvalidContentType").await;
    let begun = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
    check_report(async |server, _| sends(server, begun).await, &[lost], "eof").await;

    let without = "refused a client without a certificate; give it one of the authority that this server asks";
    let trusts = async |server: &Server, authority: &Authority| is_refused(server, trusting(authority)).await;
    check_report(trusts, &[without], "peer sent no certificates").await;
    let other =
        "refused the certificate of a client; give it one that is valid, of the authority that this server asks";
    let shows = async |server: &Server, authority: &Authority| {
        let strangers = Authority::new();
        let (certificate, key) = strangers.issue("client", &[HOST]);
        is_refused(server, trusting(authority).certificate(certificate, key).unwrap()).await
    };
    check_report(shows, &[other], "invalid peer certificate").await;

    let distrusted = "lost a client that does not accept the certificate of this server; name its authority to the client, or renew it";
    let distrusts = async |server: &Server, _: &Authority| is_refused(server, trusting(&Authority::new())).await;
    // The system may drop what the client has said when the client closes its socket.
    check_report(distrusts, &[distrusted, lost], "").await;
}

#[tokio::test]
async fn a_flood_of_failed_handshakes_is_one_report_and_a_client_that_says_nothing_is_none() {
    let (_authority, _store, server) = start(false).await;
    let mut reports = Node::current().reports();
    for _ in 0..100 {
        let mut client = Client::connect(&plain(&server)).await;
        client.send("GET / HTTP/1.1\r\n").await;
        client.rest().await;
        drop(Client::connect(&plain(&server)).await);
    }
    let told = told(&mut reports, &server).await;
    assert!(told.what.starts_with("refused a client that speaks no TLS;"), "{told:?}");
    stop_silently(reports, server).await;
}

#[tokio::test]
async fn a_client_of_a_server_without_tls_is_told() {
    let store = Store::start().await.unwrap();
    let server = crate::socket::options().limits(Limits { half_command: crate::socket::ms(50), ..limits() });
    let server = server.start(store).await.unwrap();
    let Address::Tcp { host, port } = server.addresses()[0].clone() else { unreachable!() };
    let error = connect_tls(&Address::Tls { host, port }, &trusting(&Authority::new())).await.unwrap_err().to_string();
    assert!(error.ends_with("the server does not speak TLS there: write its address without tls:"), "{error}");
    server.stop().await.unwrap();
}

/// Waits without a timer, which would move a clock that stands still.
async fn until(condition: impl Fn() -> bool) {
    while !condition() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_never_ends_is_cut_off_and_reported_and_has_a_place_until_then() {
    let (_authority, _store, server) = start(false).await;
    let mut reports = Node::current().reports();
    let Address::Tls { host, port } = &server.addresses()[0] else { unreachable!() };
    // The second stops in the middle of a record.
    for begun in [&b""[..], b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"] {
        let mut socket = std::net::TcpStream::connect((host.as_str(), *port)).unwrap();
        socket.write_all(begun).unwrap();
        socket.set_nonblocking(true).unwrap();
        let mut socket = TcpStream::from_std(socket).unwrap();
        until(|| server.connections() == 1).await;
        let before = time::now();
        // The runtime has nothing else to do, so the clock moves on.
        match socket.read_to_end(&mut Vec::new()).await {
            Ok(_) => {}
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
        }
        assert_eq!(time::now().duration_since(before).as_secs(), 5);
        until(|| server.connections() == 0).await;
    }
    let told = told(&mut reports, &server).await;
    assert!(told.what.starts_with("cut off a handshake of TLS that took too long;"), "{told:?}");
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_handshake_that_has_not_ended_holds_nobody_up() {
    let (authority, _store, server) = start(false).await;
    let plain = plain(&server);
    let _silent = join_all((0..20).map(|_| Client::connect(&plain))).await;
    let mut other = client(&server, &trusting(&authority)).await;
    assert_eq!(other.send_and_recv("PING\n").await, "PONG\r\n");
    server.stop().await.unwrap();
}

#[tokio::test]
async fn whatever_has_arrived_when_a_server_stops_is_answered_and_the_end_is_said() {
    let (authority, store, server) = start(false).await;
    store.create("s").await.unwrap();
    let tls = trusting(&authority);
    let mut clients = Vec::new();
    for _ in 0..10 {
        let mut client = client(&server, &tls).await;
        assert_eq!(client.send_and_recv("PING\n").await, "PONG\r\n");
        clients.push(client);
    }
    for client in &mut clients {
        client.send("PUT s k 1\r\n".repeat(2_000)).await;
    }
    let rest = clients.iter_mut().map(async |client| {
        let mut rest = String::new();
        // Without a `close_notify` it would be an error.
        soon(client.reader.read_to_string(&mut rest)).await.unwrap();
        rest
    });
    let (stopped, answers) = futures::join!(server.stop(), join_all(rest));
    stopped.unwrap();
    for answers in answers {
        assert_eq!(answers, "OK\r\n".repeat(2_000));
    }
}

#[tokio::test]
async fn a_client_that_shakes_hands_while_a_server_stops_is_answered() {
    let (authority, _store, server) = start(false).await;
    let Address::Tls { host, port } = &server.addresses()[0] else { unreachable!() };
    // No await from here to the stop, so it is not accepted before.
    let socket = std::net::TcpStream::connect((host.as_str(), *port)).unwrap();
    socket.set_nonblocking(true).unwrap();
    let socket = TcpStream::from_std(socket).unwrap();
    let client = async {
        let mut stream = connector(&authority, &TLS13).connect(name(), socket).await.unwrap();
        stream.write_all(b"PING\n").await.unwrap();
        let mut answers = String::new();
        stream.read_to_string(&mut answers).await.unwrap();
        answers
    };
    let (stopped, answers) = futures::join!(server.stop(), soon(client));
    stopped.unwrap();
    assert_eq!(answers, "PONG\r\n");
}

#[tokio::test]
async fn an_address_for_everybody_takes_client_certificates() {
    let authority = Authority::new();
    let (certificate, key) = authority.issue("server", &[HOST]);
    let tls = ServerTls::from_files(certificate, key).unwrap();
    let start = async |tls: Option<ServerTls>, address: &str| {
        let options = Server::options().listen(address.parse().unwrap());
        let options = if let Some(tls) = tls { options.tls(tls) } else { options };
        options.start(Store::start().await.unwrap()).await
    };
    let refused = start(Some(tls.clone()), "tls:0.0.0.0:0").await.unwrap_err();
    assert!(matches!(refused, StartServerError::NotLoopback { .. }), "{refused}");
    let refused = start(None, "tls:127.0.0.1:0").await.unwrap_err();
    assert!(matches!(refused, StartServerError::NoCertificate { .. }), "{refused}");
    let tls = tls.client_ca(authority.ca()).unwrap();
    // What is not encrypted is as open as before.
    let refused = start(Some(tls.clone()), "0.0.0.0:0").await.unwrap_err();
    assert!(matches!(refused, StartServerError::NotLoopback { .. }), "{refused}");
    let server = start(Some(tls), "tls:0.0.0.0:0").await.unwrap();
    assert!(server.addresses()[0].to_string().starts_with("tls:0.0.0.0:"));
    server.stop().await.unwrap();
}

#[test]
fn files_that_are_of_no_use_are_named_with_what_to_do() {
    #[track_caller]
    fn check(certificate: &Path, key: &Path, expected: &str) {
        let error = ServerTls::from_files(certificate, key).unwrap_err().to_string();
        assert_eq!(error, expected);
    }
    let authority = Authority::new();
    let (certificate, key) = authority.issue("server", &[HOST]);
    let (other, other_key) = authority.issue("other", &[HOST]);
    let shown = |path: &Path| path.display().to_string();
    let (c, k) = (shown(&certificate), shown(&key));

    let error = ServerTls::from_files(authority.path("none"), &key).unwrap_err();
    assert!(matches!(error, TlsError::Read { .. }), "{error}");
    check(
        &key,
        &key,
        &format!("there is no certificate in {k}; it has to have a part that begins with -----BEGIN CERTIFICATE-----"),
    );
    let no_key = format!(
        "there is no private key in {c}; it has to have a part that begins with -----BEGIN PRIVATE KEY-----, and keys with a password \
         are not read"
    );
    fs::set_permissions(&certificate, fs::Permissions::from_mode(0o600)).unwrap();
    check(&certificate, &certificate, &no_key);
    check(
        &certificate,
        &other_key,
        &format!(
            "the key in {} is not that of the certificate in {c}; name the two that belong together",
            shown(&other_key)
        ),
    );
    drop(other);
    for (mode, is_refused) in [(0o644, true), (0o604, true), (0o620, true), (0o600, false), (0o400, false)] {
        fs::set_permissions(&key, fs::Permissions::from_mode(mode)).unwrap();
        if is_refused {
            check(&certificate, &key, &format!("other users can read the private key in {k}; chmod 600 {k}"));
        } else {
            ServerTls::from_files(&certificate, &key).unwrap();
        }
    }
    let (expired, its_key) = authority.issue_expired("expired", &[HOST]);
    let e = shown(&expired);
    check(&expired, &its_key, &format!("the certificate in {e} has expired at 1609459200; renew it, or set the clock"));
    fs::write(&certificate, "-----BEGIN CERTIFICATE-----\nAAAA\n").unwrap();
    let error = ServerTls::from_files(&certificate, &key).unwrap_err().to_string();
    assert!(error.starts_with(&format!("{c} is not a PEM file: ")), "{error}");
    fs::write(&certificate, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
    let error = ServerTls::from_files(&certificate, &key).unwrap_err().to_string();
    assert!(error.starts_with(&format!("{c} cannot be used: its certificate is ")), "{error}");
}
