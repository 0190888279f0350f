//! Clients that put values all the time, and count the answers.
#![allow(dead_code, reason = "each test takes what it needs")]
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]
#![expect(clippy::disallowed_methods, reason = "a client is a task of the test's own")]

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::io::{AsyncBufReadExt, AsyncWriteExt};
use kv_server::net::Address;
use tokio::task::JoinHandle;

use crate::socket::{Client, soon};

/// As many as in the test of the others: all of Redis's lost a reply, and all of memcached's.
pub(crate) const CLIENTS: usize = 20;

/// The bucket of a client.
pub(crate) fn bucket(client: usize) -> String {
    format!("client{client}")
}

/// Clients that are running.
pub(crate) struct Load {
    clients: Vec<JoinHandle<usize>>,
    answered: Arc<AtomicUsize>,
}

impl Load {
    /// Connects them, in turn to each address. Each writes `pipeline` commands, reads as many answers, and so on.
    pub(crate) async fn start(addresses: &[Address], pipeline: usize) -> Self {
        let answered = Arc::new(AtomicUsize::new(0));
        let mut clients = Vec::new();
        for (number, address) in addresses.iter().cycle().take(CLIENTS).enumerate() {
            let mut client = Client::connect(address).await;
            assert_eq!(client.send_and_recv(&format!("CREATE {}\n", bucket(number))).await, "OK\r\n");
            clients.push(tokio::spawn(put_and_put(client, number, pipeline, Arc::clone(&answered))));
        }
        Self { clients, answered }
    }

    /// Waits until they have been answered often.
    pub(crate) async fn is_under_way(&self) {
        soon(async {
            while self.answered.load(Ordering::Relaxed) < CLIENTS * 100 {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }

    /// How many commands of each were answered, once the server has gone.
    pub(crate) async fn answered(self) -> Vec<usize> {
        let mut answered = Vec::new();
        for client in self.clients {
            answered.push(soon(client).await.unwrap());
        }
        answered
    }
}

async fn put_and_put(mut client: Client, number: usize, pipeline: usize, answered: Arc<AtomicUsize>) -> usize {
    let bucket = bucket(number);
    let (mut sent, mut received) = (0, 0);
    loop {
        let mut commands = String::new();
        for _ in 0..pipeline {
            sent += 1;
            write!(commands, "PUT {bucket} last {sent}\r\n").unwrap();
        }
        // One that is not taken any more is not carried out either; there may be answers to others.
        let gone = client.writer.write_all(commands.as_bytes()).await.is_err();
        while received < sent {
            let mut line = String::new();
            match client.reader.read_line(&mut line).await {
                Ok(1..) => assert_eq!(line, "OK\r\n"),
                Ok(0) | Err(_) => return received,
            }
            received += 1;
            answered.fetch_add(1, Ordering::Relaxed);
        }
        if gone {
            return received;
        }
    }
}
