//! Servers that ask who connects: by certificates, by a password, and by the credentials of a user with few rights.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use genserver_cluster::Cluster;
use genserver_cluster::ConnectError;
use genserver_cluster::engine::nats::{ConnectOptions, Nats, Options};
use genserver_cluster::engine::{Engine, EngineError};
use nkeys::{KeyPair, KeyPairType};

use super::server::Server;
use crate::certificates::Authority;
use crate::facts::{self, System};

fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test);
}

/// What the server says is in the error, and what to do.
fn refused(connected: Result<Nats, EngineError>, said: &str) {
    let Err(EngineError::Refused(why)) = connected else { panic!("{connected:?}") };
    assert!(why.contains(said) && why.contains("`Options::client`"), "{why}");
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A server that takes connections over TLS alone, of those whose certificate is of the same authority.
fn with_certificates(authority: &Authority) -> Option<Server> {
    let (certificate, key) = authority.issue("server", &["127.0.0.1"]);
    let ca = authority.ca();
    let files = ["--tlscert", text(&certificate), "--tlskey", text(&key), "--tlscacert", text(&ca)];
    Server::start_with(&[&["--tls", "--tlsverify"], &files[..]].concat())
}

#[test]
fn a_member_with_a_certificate_connects_over_tls_and_others_hear_what_is_missing() {
    let authority = Authority::new();
    let Some(server) = with_certificates(&authority) else { return };
    let (certificate, key) = authority.issue("member", &["member"]);
    run(async {
        let trusting = || ConnectOptions::new().add_root_certificates(authority.ca());
        let known = trusting().add_client_certificate(certificate, key).require_tls(true);
        let nats = Options::new().client(known).connect(server.address()).await.unwrap();
        assert_eq!(nats.get("t.k").await, Ok(None));

        // Neither one that shows nothing, nor one that trusts another authority.
        let nobody = Options::new().client(trusting()).connect(server.address()).await;
        refused(nobody, "ertificate");
        let other = Authority::new();
        let others = ConnectOptions::new().add_root_certificates(other.ca());
        refused(Options::new().client(others).connect(server.address()).await, "ertificate");
    });
}

#[test]
fn a_user_with_a_wrong_password_is_refused_and_told_what_to_do() {
    let Some(server) = Server::start_with(&["--user", "shop", "--pass", "secret"]) else { return };
    run(async {
        let with = |password: &str| {
            let client = ConnectOptions::with_user_and_password("shop".into(), password.into());
            Options::new().client(client).connect(server.address())
        };
        refused(with("wrong").await, "authorization violation");
        assert_eq!(with("secret").await.unwrap().get("t.k").await, Ok(None));

        // They are not part of an address, and no error shows them.
        let address = format!("nats://shop:secret@{}", server.address());
        let refused = Cluster::connect(address).name_space("shop").member("b").start().await.unwrap_err();
        let said = refused.to_string();
        let begins = format!("the member b of the cluster shop is not connected to NATS at {}: ", server.address());
        assert!(said.starts_with(&begins) && said.contains("`Options::client`"), "{said}");
        assert!(!format!("{said}{refused:?}").contains("secret"), "{said}");
        let nobody = Cluster::connect(server.address()).start().await.unwrap_err();
        assert!(matches!(nobody, ConnectError::Engine { why: EngineError::Refused(_), .. }), "{nobody:?}");
    });
}

#[test]
fn what_is_not_an_address_is_said_when_the_member_starts() {
    run(async {
        let refused = Cluster::connect("http://n1.example.com").start().await.unwrap_err();
        assert!(refused.to_string().contains("invalid scheme"), "{refused}");
    });
}

/// A server with an operator, whose users have credentials.
struct Operated {
    server: Server,
    credentials: PathBuf,
    folder: tempfile::TempDir,
}

/// What the user may do, as the page of the engine says it, in the name space of the facts.
const RIGHTS: [&str; 7] =
    ["t.>", "$KV.genserver.>", "LOG.genserver.>", "EVENTS.genserver.>", "_INBOX.>", "$JS.API.>", "$JS.FC.>"];

impl Operated {
    fn start() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let key = |kind, number: u8| KeyPair::new_from_raw(kind, [number; 32]).unwrap();
        let operator = key(KeyPairType::Operator, 1);
        let (system, account) = (key(KeyPairType::Account, 2), key(KeyPairType::Account, 3));
        let user = key(KeyPairType::User, 4);

        let unlimited = r#"{"subs":-1,"data":-1,"payload":-1,"imports":-1,"exports":-1,"wildcards":true,"conn":-1,"leaf":-1,
            "mem_storage":-1,"disk_storage":-1,"streams":-1,"consumer":-1}"#;
        let plain =
            r#"{"subs":-1,"data":-1,"payload":-1,"imports":-1,"exports":-1,"wildcards":true,"conn":-1,"leaf":-1}"#;
        let limits = |limits: &str| format!(r#""type":"account","version":2,"limits":{limits}"#);
        let allowed = RIGHTS.map(|subject| format!("{subject:?}")).join(",");
        let allowed = format!(
            r#""type":"user","version":2,"subs":-1,"data":-1,"payload":-1,"pub":{{"allow":[{allowed}]}},"sub":{{"allow":[{allowed}]}}"#
        );
        let config = format!(
            "operator: {}\nsystem_account: {}\nresolver: MEMORY\nresolver_preload: {{\n {}: {}\n {}: {}\n}}\n",
            token(&operator, &operator, r#""type":"operator","version":2"#),
            system.public_key(),
            system.public_key(),
            token(&operator, &system, &limits(plain)),
            account.public_key(),
            token(&operator, &account, &limits(unlimited)),
        );
        let (settings, credentials) = (folder.path().join("nats.conf"), folder.path().join("shop.creds"));
        fs::write(&settings, config).unwrap();
        fs::write(&credentials, credentials_of(&user, &token(&account, &user, &allowed))).unwrap();
        let server = Server::start_with(&["--config", text(&settings)])?;
        Some(Self { server, credentials, folder })
    }
}

/// What an issuer says of a key: a JSON web token, as NATS has them.
fn token(issuer: &KeyPair, of: &KeyPair, says: &str) -> String {
    let header = r#"{"typ":"JWT","alg":"ed25519-nkey"}"#;
    let (issuer_key, key) = (issuer.public_key(), of.public_key());
    let claims = format!(r#"{{"jti":"1","iat":1,"iss":"{issuer_key}","name":"t","sub":"{key}","nats":{{{says}}}}}"#);
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let signature = issuer.sign(signed.as_bytes()).unwrap();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// The file that a user gets.
fn credentials_of(user: &KeyPair, token: &str) -> String {
    let seed = user.seed().unwrap();
    format!(
        "-----BEGIN NATS USER JWT-----\n{token}\n------END NATS USER JWT------\n\n\
         -----BEGIN USER NKEY SEED-----\n{seed}\n------END USER NKEY SEED------\n"
    )
}

impl System for Operated {
    type Member = Nats;

    const LEASE: std::time::Duration = std::time::Duration::from_secs(1);

    async fn member(&self, _name: &str) -> Nats {
        let client = ConnectOptions::with_credentials_file(&self.credentials).await.unwrap();
        Options::new().client(client).connect(self.server.address()).await.unwrap()
    }
}

#[test]
fn a_user_with_credentials_and_the_rights_of_the_page_does_all_that_a_member_does() {
    let Some(system) = Operated::start() else { return };
    run(async {
        facts::watches::e9_a_watch_tells_that_a_key_has_ended(&system).await;
        facts::messages::e8_a_request_gets_the_answer_of_its_subscriber(&system).await;
        facts::logs::e7_a_snapshot_replaces_all_entries_if_it_knows_the_last(&system).await;
        facts::events::e12_a_follower_is_told_what_is_there_and_then_what_comes(&system).await;

        refused(Nats::connect(system.server.address()).await, "authorization violation");
        assert!(system.folder.path().exists());
    });
}
