//! Logging in: what is refused before, how long it may take, and what failures cost.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]
#![expect(clippy::disallowed_methods, reason = "a test's time and tasks are the runtime's own")]

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures::FutureExt;
use kv_core::Store;
use kv_server::{Drain, Limits, Session, SessionEnd};
use tokio::time::{Instant, sleep};
use tokio_util::compat::{TokioAsyncReadCompatExt, TokioAsyncWriteCompatExt};

use crate::secret::hash;
use crate::support::Client;

const FIRST: &str = "ERROR log in first: send AUTH and the password";
const WRONG: &str = "ERROR wrong password; check it, and send AUTH again";
const LATE: &str = "ERROR no login within 5s and 16384 bytes; connect again, and send AUTH and the password first\r\n";
const LOGIN: &str = r#"AUTH "open sesame""#;

async fn session() -> Session {
    Session::new(Store::start().await.unwrap()).password(hash())
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Sends a wrong password, and returns after how many seconds it was answered.
async fn fail(client: &mut Client) -> u64 {
    let begun = Instant::now();
    client.check("AUTH sesame", &[WRONG]).await;
    begun.elapsed().as_secs()
}

/// A session whose client may take as long as it likes to log in.
async fn patient() -> Session {
    session().await.limits(Limits { login: seconds(1_000_000), ..Limits::default() })
}

#[tokio::test]
async fn before_the_login_there_is_only_auth_and_quit() {
    let mut client = Client::of(session().await);
    let others = kv_server::COMMANDS.iter().filter(|usage| usage.word != "QUIT");
    for line in others.map(|usage| [&[usage.word], usage.arguments].concat().join(" ")) {
        client.check(&line, &[FIRST]).await;
    }
    for line in ["", "hello", "PUT \"a", "auth sesame", "AUTHOR"] {
        client.check(line, &[FIRST]).await;
    }
    let usage = "ERROR AUTH has one argument, the password; write it in quotes if there are blanks in it";
    for line in ["AUTH", "AUTH open sesame", "AUTH \"open sesame"] {
        client.check(line, &[usage]).await;
    }
    client.send("QUIT\r\n").await;
    assert_eq!(client.rest().await, ("OK\r\n".to_owned(), SessionEnd::Quit));
}

#[tokio::test]
async fn the_password_opens_the_store_and_a_wrong_one_does_not_close_it_again() {
    let mut client = Client::of(session().await);
    assert_eq!(fail(&mut client).await, 0);
    client.check("CREATE shopping", &[FIRST]).await;
    client.check(LOGIN, &["OK"]).await;
    client.check("CREATE shopping", &["OK"]).await;
    client.check("AUTH \"\"", &[WRONG]).await;
    client.check("PUT shopping milk 1", &["OK"]).await;
    client.check(LOGIN, &["OK"]).await;
}

#[tokio::test]
async fn without_a_password_there_is_nothing_to_log_in_to() {
    let mut client = Client::new().await;
    let open = "ERROR this server has no password, so everyone who reaches it can do everything; go on without AUTH";
    client.check("AUTH sesame", &[open]).await;
    client.check("CREATE shopping", &["OK"]).await;
}

#[tokio::test]
async fn commands_behind_a_login_are_executed_after_it_is_answered() {
    let session = session().await;
    let mut client = Client::of(session.clone());
    client.send(format!("CREATE a\r\nAUTH no\r\nCREATE b\r\n{LOGIN}\r\nCREATE c\r\nBUCKETS\r\n")).await;
    for line in [FIRST, WRONG, FIRST, "OK", "OK", "* c", "OK"] {
        assert_eq!(client.line().await, format!("{line}\r\n"));
    }
    // They may come in the same read, and be more than a client may send before.
    let mut client = Client::of(session);
    let put = format!("PUT c k {}\r\n", "x".repeat(10_000));
    client.send(format!("{LOGIN}\r\n{}", put.repeat(10))).await;
    assert_eq!(client.leave().await, ("OK\r\n".repeat(11), SessionEnd::Left));
}

#[tokio::test(start_paused = true)]
async fn a_client_has_five_seconds_to_log_in() {
    // Whether it is silent, or sends half a command, or whole ones.
    for line in ["", "AUTH", "PING\r\n"] {
        let mut client = Client::of(session().await);
        let begun = Instant::now();
        client.send(line).await;
        let (said, end) = client.rest().await;
        assert!(said.ends_with(LATE), "{said}");
        assert_eq!((end, begun.elapsed().as_secs()), (SessionEnd::NotLoggedIn, 5));
    }
    let mut client = Client::of(session().await);
    sleep(seconds(4)).await;
    client.check(LOGIN, &["OK"]).await;
    sleep(seconds(1_000_000)).await;
    client.check("PING", &["PONG"]).await;
}

#[tokio::test(start_paused = true)]
async fn commands_that_are_refused_give_no_more_time() {
    let mut client = Client::of(session().await);
    let begun = Instant::now();
    for _ in 0..4 {
        sleep(seconds(1)).await;
        client.check("PING", &[FIRST]).await;
        assert_eq!(fail(&mut client).await, 0);
    }
    assert_eq!(client.rest().await, (LATE.to_owned(), SessionEnd::NotLoggedIn));
    assert_eq!(begun.elapsed().as_secs(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_client_may_send_16_kib_before_it_has_logged_in() {
    let begun = Instant::now();
    let space = 16 * 1024 - LOGIN.len() - 2;
    let filled = |more: usize| format!("{}\r\n{LOGIN}\r\nPING\r\n", "x".repeat(space + more - 2));

    let mut client = Client::of(session().await);
    client.send(filled(0)).await;
    for line in [FIRST, "OK", "PONG"] {
        assert_eq!(client.line().await, format!("{line}\r\n"));
    }
    let mut client = Client::of(session().await);
    client.send(filled(1)).await;
    assert_eq!(client.rest().await, (format!("{FIRST}\r\n{LATE}"), SessionEnd::NotLoggedIn));

    // A line that never ends.
    let mut client = Client::of(session().await);
    client.send("x".repeat(100_000)).await;
    assert_eq!(client.rest().await, (LATE.to_owned(), SessionEnd::NotLoggedIn));
    // It is not the deadline that ends it, but only the wait for the client to read what it was told.
    assert!(begun.elapsed().as_secs() < 5);
}

#[tokio::test(start_paused = true)]
async fn after_five_failures_the_next_answers_come_later_and_later_until_one_succeeds() {
    let mut client = Client::of(patient().await);
    for seconds in [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60] {
        assert_eq!(fail(&mut client).await, seconds);
    }
    // Also the right one: otherwise its answer would be the one that comes at once.
    let begun = Instant::now();
    client.check(LOGIN, &["OK"]).await;
    assert_eq!(begun.elapsed().as_secs(), 60);
    assert_eq!(fail(&mut client).await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_new_connection_does_not_make_failures_forgotten_and_another_address_has_its_own() {
    let session = patient().await;
    let [here, there]: [IpAddr; 2] = ["192.0.2.1", "192.0.2.2"].map(|address| address.parse().unwrap());
    for (port, seconds) in (50_000..).zip([0, 0, 0, 0, 0, 1, 2]) {
        let mut client = Client::of(session.clone().peer((here, port).into()));
        assert_eq!(fail(&mut client).await, seconds);
    }
    assert_eq!(fail(&mut Client::of(session.clone().peer((there, 50_000).into()))).await, 0);
    assert_eq!(fail(&mut Client::of(session.clone())).await, 0);
    assert_eq!(fail(&mut Client::of(session.peer((here, 50_000).into()))).await, 4);
}

/// Otherwise a hundred connections would be a hundred passwords at once.
#[tokio::test(start_paused = true)]
async fn passwords_that_are_tried_at_once_are_delayed_as_well() {
    let session = patient().await;
    let begun = Instant::now();
    let clients: Vec<_> = (0..100)
        .map(|_| {
            let mut client = Client::of(session.clone());
            tokio::spawn(async move {
                client.send("AUTH sesame\r\n").await;
                client.line().await
            })
        })
        .collect();
    let mut answers = Vec::new();
    for client in clients {
        answers.push(client.await.unwrap());
    }
    let checked = answers.iter().filter(|answer| **answer == format!("{WRONG}\r\n")).count();
    let refused = answers
        .iter()
        .filter(|answer| answer.starts_with("ERROR too many failed logins from this address; try again in "))
        .count();
    assert_eq!(checked + refused, 100);
    // Two checks may run at once, so six may be free. The others wait one behind the other, for at most a minute.
    assert!((6..=66).contains(&checked), "{checked}");
    assert!(begun.elapsed() <= seconds(61), "{:?}", begun.elapsed());
}

/// The only thread that may be blocked is taken, so a check takes until it is given back.
#[test]
fn a_check_that_takes_its_time_holds_up_no_other_client() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(1).build().unwrap();
    runtime.block_on(async {
        let session = session().await;
        let mut other = Client::of(session.clone());
        other.check(LOGIN, &["OK"]).await;
        let (give_back, taken) = std::sync::mpsc::channel::<()>();
        let blocked = tokio::task::spawn_blocking(move || taken.recv());
        let mut clients: Vec<Client> = (0..10).map(|_| Client::of(session.clone())).collect();
        for client in &mut clients {
            client.send(format!("{LOGIN}\r\n")).await;
        }
        other.check("CREATE a", &["OK"]).await;
        other.check("PUT a k 1", &["OK"]).await;
        for client in &mut clients {
            assert!(client.line().now_or_never().is_none(), "it is not checked yet");
        }
        give_back.send(()).unwrap();
        for client in &mut clients {
            assert_eq!(client.line().await, "OK\r\n");
        }
        blocked.await.unwrap().unwrap();
    });
}

/// As above, but those who wait come from two addresses.
#[test]
fn a_flood_of_logins_from_one_address_does_not_hold_up_those_of_another() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(1).build().unwrap();
    runtime.block_on(async {
        let session = session().await;
        let (give_back, taken) = std::sync::mpsc::channel::<()>();
        let blocked = tokio::task::spawn_blocking(move || taken.recv());
        let [flooding, other]: [SocketAddr; 2] = ["192.0.2.1:1", "192.0.2.2:1"].map(|address| address.parse().unwrap());
        let mut flood: Vec<Client> = (0..200).map(|_| Client::of(session.clone().peer(flooding))).collect();
        for client in &mut flood {
            client.send(format!("{LOGIN}\r\n")).await;
        }
        let mut late = Client::of(session.peer(other));
        late.send(format!("{LOGIN}\r\n")).await;
        // Nothing can be checked, so all of them wait after some turns of the runtime.
        for _ in 0..10_000 {
            tokio::task::yield_now().await;
        }
        assert!(late.line().now_or_never().is_none());
        give_back.send(()).unwrap();
        assert_eq!(late.line().await, "OK\r\n");
        let before = flood.iter_mut().filter_map(|client| client.line().now_or_never()).count();
        // It is the third; the runtime looks for what a test waits for after some dozens of other tasks.
        assert!(before < 100, "{before} of the flood were answered before");
        blocked.await.unwrap().unwrap();
    });
}

/// Only the client's own time counts.
#[tokio::test(start_paused = true)]
async fn a_delay_does_not_end_the_session_before_its_answer() {
    let session = session().await;
    for _ in 0..9 {
        fail(&mut Client::of(session.clone())).await;
    }
    let mut client = Client::of(session);
    client.send(format!("{LOGIN}\r\n")).await;
    assert_eq!(client.line().await, "OK\r\n");
    client.check("PING", &["PONG"]).await;
}

/// Otherwise a client could hold its place for a day, with one write.
#[tokio::test(start_paused = true)]
async fn attempts_that_are_sent_at_once_get_no_more_time() {
    let mut client = Client::of(session().await);
    let begun = Instant::now();
    client.send("AUTH sesame\r\n".repeat(1000)).await;
    // After 0, 0, 0, 0, 0, 1, 3 and 7 seconds.
    assert_eq!(client.rest().await, (format!("{WRONG}\r\n").repeat(8) + LATE, SessionEnd::NotLoggedIn));
    assert_eq!(begun.elapsed().as_secs(), 7);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_drains_does_not_wait_for_a_delay() {
    let drain = Drain::new();
    let session = patient().await;
    for _ in 0..20 {
        fail(&mut Client::of(session.clone())).await;
    }
    let mut client = Client::of(session.drain(&drain));
    client.send(format!("{LOGIN}\r\nPING\r\n")).await;
    sleep(seconds(1)).await;
    let begun = Instant::now();
    drain.begin();
    let said = format!("ERROR the server is about to stop; log in again later\r\n{FIRST}\r\n");
    assert_eq!(client.rest().await, (said, SessionEnd::Drained));
    assert!(begun.elapsed() < seconds(2));
}

#[tokio::test]
async fn a_client_gets_whole_answers_before_and_after_its_login() {
    let (ours, theirs) = tokio::io::duplex(1024);
    let (reader, writer) = tokio::io::split(theirs);
    tokio::spawn(session().await.serve(reader.compat(), writer.compat_write()));
    let (reader, writer) = tokio::io::split(ours);
    let mut client = kv_server::Client::new(reader.compat(), writer.compat_write());
    for usage in kv_server::COMMANDS.iter().filter(|usage| usage.word != "QUIT") {
        let line = [&[usage.word], usage.arguments].concat().join(" ");
        let answer = client.send(&line.parse().unwrap()).await.unwrap();
        assert!(answer.is_not_logged_in(), "{line}: {answer:?}");
    }
    let wrong = client.log_in(&kv_server::Password::new("sesame").unwrap()).await.unwrap_err();
    assert!(matches!(wrong, kv_server::LoginError::WrongPassword), "{wrong}");
    client.log_in(&crate::secret::password()).await.unwrap();
    assert_eq!(client.send(&kv_server::Command::create("a")).await.unwrap(), kv_server::Answer::Done);
}
