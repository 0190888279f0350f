//! The commands about the connection: what clients send first, and how a session ends.

use kv_core::Store;
use kv_server::{Session, SessionEnd};

use crate::resp::{Reply, array, bulk, client, error, int, ok, replies_to, request};
use crate::support::Client;

fn field<'a>(map: &'a Reply, key: &str) -> &'a Reply {
    let Reply::Map(pairs) = map else { panic!("{map:?}") };
    &pairs.iter().find(|(it, _)| *it == bulk(key)).expect("there is such a field").1
}

#[tokio::test]
async fn hello_sets_the_version() {
    let (_store, mut client) = client().await;
    let Reply::Array(both) = client.ask("HELLO").await else { panic!("version 2 has no maps") };
    assert_eq!(both.len(), 14);
    let hello = client.ask("hello 3 SETNAME me").await;
    assert_eq!(field(&hello, "proto"), &int(3));
    assert_eq!(field(&hello, "server"), &bulk("kv"));
    assert_eq!(field(&hello, "modules"), &array([]));
    client.expect("CLIENT GETNAME", bulk("me")).await;
    client.expect("HELLO 4", error("NOPROTO unsupported protocol version")).await;
    client.expect("HELLO x", error("ERR Protocol version is not an integer or out of range")).await;
    client.expect("HELLO 2 FOO", error("ERR Syntax error in HELLO option 'FOO'")).await;
    // Nothing was set.
    assert_eq!(field(&client.ask("HELLO").await, "proto"), &int(3));
}

#[tokio::test]
async fn without_passwords_the_default_user_may_give_any() {
    let (_store, mut client) = client().await;
    let none = "ERR AUTH <password> called without any password configured for the default user. Are you sure your \
                configuration is correct?";
    client.expect("AUTH secret", error(none)).await;
    client.expect("AUTH default secret", ok()).await;
    client.expect("AUTH me secret", error("WRONGPASS invalid username-password pair or user is disabled.")).await;
    client
        .expect("HELLO 3 AUTH me secret", error("WRONGPASS invalid username-password pair or user is disabled."))
        .await;
    assert!(matches!(client.ask("HELLO 3 AUTH default secret").await, Reply::Map(_)));
}

#[tokio::test]
async fn there_is_one_database() {
    let (_store, mut client) = client().await;
    client.expect("SELECT 0", ok()).await;
    client.expect("SELECT 1", error("ERR DB index is out of range")).await;
    client.expect("SELECT a", error("ERR value is not an integer or out of range")).await;
    client.expect("CONFIG GET save", array([])).await;
    client.expect("CONFIG SET save 1", error("ERR unknown subcommand 'SET'. Only CONFIG GET is supported.")).await;
}

#[tokio::test]
async fn clients_are_listed_as_long_as_they_are_there() {
    let session = Session::new(Store::start().await.unwrap()).resp();
    let mut one = Client::of(session.clone().peer("192.0.2.1:50000".parse().unwrap()));
    one.expect("CLIENT ID", int(1)).await;
    one.expect("CLIENT GETNAME", Reply::Null).await;
    one.expect("CLIENT SETNAME one", ok()).await;
    one.expect("CLIENT SETINFO LIB-NAME lib", ok()).await;
    one.expect("client setinfo lib-ver 1.2", ok()).await;
    one.expect("CLIENT SETINFO other 1", error("ERR Unrecognized option 'other'")).await;
    let mut two = Client::of(session);
    two.expect("CLIENT ID", int(2)).await;
    two.ask("HELLO 3").await;
    two.ask("SUBSCRIBE a").await;
    let lines = "id=1 addr=192.0.2.1:50000 name=one age=0 db=0 sub=0 psub=0 resp=2 lib-name=lib lib-ver=1.2\n\
                 id=2 addr= name= age=0 db=0 sub=1 psub=0 resp=3 lib-name= lib-ver=\n";
    one.expect("CLIENT LIST", bulk(lines)).await;
    two.leave().await;
    one.expect("CLIENT LIST", bulk(lines.split_inclusive('\n').next().unwrap())).await;
    one.expect("CLIENT INFO", bulk(lines.split_inclusive('\n').next().unwrap())).await;
    let Reply::Error(text) = one.ask("CLIENT MAINT_NOTIFICATIONS ON").await else { panic!("there is no such thing") };
    assert!(text.starts_with("ERR unknown subcommand 'MAINT_NOTIFICATIONS'"), "{text}");
    one.expect("CLIENT GETNAME a", error("ERR wrong number of arguments for 'client|getname' command")).await;
}

#[tokio::test]
async fn info_tells_what_is_true() {
    let store = Store::start().await.unwrap();
    let mut client = Client::of(Session::new(store.clone()).resp());
    client.ask("HSET shopping milk 1").await;
    let Reply::Bulk(text) = client.ask("INFO").await else { panic!("it is a text") };
    let text = String::from_utf8(text).unwrap();
    for line in [
        "redis_version:7.4.0",
        "connected_clients:1",
        "loading:0",
        "aof_last_write_status:ok",
        "db0:keys=1,expires=0,avg_ttl=0",
        &format!("used_memory:{}", store.memory()),
    ] {
        assert!(text.lines().any(|it| it == line), "{line} in {text}");
    }
    client.expect("info KEYSPACE", bulk("# Keyspace\r\ndb0:keys=1,expires=0,avg_ttl=0\r\n")).await;
}

#[tokio::test]
async fn commands_are_described_out_of_their_table() {
    let (_store, mut client) = client().await;
    let Reply::Integer(count) = client.ask("COMMAND COUNT").await else { panic!("it is a number") };
    let Reply::Array(all) = client.ask("COMMAND").await else { panic!("it is an array") };
    assert_eq!(usize::try_from(count).unwrap(), all.len());
    let Reply::Array(info) = client.ask("COMMAND INFO hget nonsense").await else { panic!("it is an array") };
    let [Reply::Array(hget), Reply::Null] = &info[..] else { panic!("{info:?}") };
    assert_eq!(hget[..2], [bulk("hget"), int(3)]);
    client.ask("HELLO 3").await;
    let docs = client.ask("COMMAND DOCS HSET").await;
    assert_eq!(
        field(field(&docs, "hset"), "summary"),
        &bulk("Stores values under keys, and creates the bucket unless it exists.")
    );
    assert!(
        matches!(client.ask("COMMAND DOCS").await, Reply::Map(all) if all.len() == usize::try_from(count).unwrap())
    );
}

#[tokio::test]
async fn the_page_of_the_crate_names_each_command() {
    let page = include_str!("../../src/lib.rs");
    let (_store, mut client) = client().await;
    let Reply::Array(all) = client.ask("COMMAND LIST").await else { panic!("it is an array") };
    for name in all {
        let Reply::Bulk(name) = name else { panic!("{name:?}") };
        let name = String::from_utf8(name).unwrap().to_uppercase();
        assert!(page.contains(&format!("`{name}")), "{name}");
    }
}

#[tokio::test]
async fn each_command_says_when_its_arguments_are_too_few() {
    let (_store, mut client) = client().await;
    let Reply::Array(all) = client.ask("COMMAND LIST").await else { panic!("it is an array") };
    for name in all {
        let Reply::Bulk(name) = name else { panic!("{name:?}") };
        let name = String::from_utf8(name).unwrap();
        let Reply::Array(info) = client.ask(&format!("COMMAND INFO {name}")).await else { panic!("it is an array") };
        let Reply::Array(info) = &info[0] else { panic!("{info:?}") };
        let Reply::Integer(arity) = info[1] else { panic!("{info:?}") };
        if arity.abs() > 1 {
            client.expect(&name, error(&format!("ERR wrong number of arguments for '{name}' command"))).await;
        }
        if arity == 1 {
            let more = format!("{name} a");
            client.expect(&more, error(&format!("ERR wrong number of arguments for '{name}' command"))).await;
        }
    }
    client.expect("HSET a b c d", error("ERR wrong number of arguments for 'hset' command")).await;
    client.expect("PING a b", error("ERR wrong number of arguments for 'ping' command")).await;
}

#[tokio::test]
async fn an_unknown_command_is_named_with_its_first_arguments() {
    let (_store, mut client) = client().await;
    let text = "ERR unknown command 'LPUSH', with args beginning with: 'a' 'b' ";
    client.expect("LPUSH a b", error(text)).await;
    client.expect("PING", Reply::Simple("PONG".into())).await;
    client.expect("PING hello", bulk("hello")).await;
    client.expect("ECHO hello", bulk("hello")).await;
}

#[tokio::test]
async fn quit_is_answered_and_nothing_after_it_is_done() {
    let store = Store::start().await.unwrap();
    let mut sent = request("HSET a b c");
    sent.extend(request("QUIT"));
    sent.extend(request("HSET b b c"));
    assert_eq!(replies_to(&store, &sent).await, (vec![int(1), ok()], SessionEnd::Quit));
    assert!(store.lookup("b").is_none());
}

#[tokio::test]
async fn reset_makes_all_as_it_was() {
    let (_store, mut client) = client().await;
    client.ask("HELLO 3 SETNAME me").await;
    client.expect("MULTI", ok()).await;
    client.expect("RESET", Reply::Simple("RESET".into())).await;
    client.expect("EXEC", error("ERR EXEC without MULTI")).await;
    client.send(request("CLIENT GETNAME")).await;
    assert_eq!(client.line().await, "$-1\r\n");
}

#[tokio::test]
async fn a_browser_is_not_served() {
    let store = Store::start().await.unwrap();
    for request in ["POST / HTTP/1.1\r\nHost: a\r\n\r\nHSET a b c\r\n", "Host: a\r\nHSET a b c\r\n"] {
        assert_eq!(replies_to(&store, request.as_bytes()).await, (vec![], SessionEnd::Browser));
    }
    assert_eq!(store.count(), 0);
}
