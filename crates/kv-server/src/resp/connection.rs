//! The commands about the connection, the server and subscriptions.

use bytes::Bytes;
use futures::io::AsyncWrite;

use super::clients::valid_name;
use super::command::{Command, shown, wrong_arity};
use super::info;
use super::reply::{self, Version};
use super::request::{Request, number};
use super::session::RespSession;
use super::subscriptions::{Kind, Subscriptions};
use crate::session::replies::ReplyError;

impl<W: AsyncWrite + Unpin> RespSession<'_, W> {
    /// Tells what serves the client.
    pub(super) fn who(&mut self) {
        let (version, id) = (self.resp.version, self.resp.client.id());
        let out = self.replies.short();
        reply::map(7, version, out);
        let mut text = |key: &str, value: &str| {
            reply::bulk(key.as_bytes(), out);
            reply::bulk(value.as_bytes(), out);
        };
        text("server", "kv");
        text("version", info::REDIS_VERSION);
        text("mode", "standalone");
        text("role", "master");
        for (key, number) in [("proto", version.number()), ("id", i64::try_from(id).unwrap_or(i64::MAX))] {
            reply::bulk(key.as_bytes(), out);
            reply::integer(number, out);
        }
        reply::bulk(b"modules", out);
        reply::array(0, out);
    }

    pub(super) fn select(&mut self, request: Request<'_>) {
        let out = self.replies.short();
        match number(request.get(1)) {
            Some(0) => out.extend(reply::OK),
            Some(_) => reply::err("DB index is out of range", out),
            None => reply::err("value is not an integer or out of range", out),
        }
    }

    pub(super) fn client(&mut self, request: Request<'_>) {
        let client = &self.resp.client;
        let version = self.resp.version;
        let out = self.replies.short();
        match (request.get(1).to_ascii_uppercase().as_slice(), request.len()) {
            (b"ID", 2) => reply::count(usize::try_from(client.id()).unwrap_or(usize::MAX), out),
            (b"GETNAME", 2) => {
                let name = client.with(|client| client.name.clone());
                reply::nullable((!name.is_empty()).then_some(name.as_bytes()), version, out);
            }
            (b"INFO", 2) => reply::verbatim(&client.line(), version, out),
            (b"LIST", 2) => reply::verbatim(&client.clients().list(), version, out),
            (b"SETNAME", 3) => match valid_name(request.get(2)) {
                Ok(name) => {
                    client.with(|client| client.name = name);
                    out.extend(reply::OK);
                }
                Err(invalid) => reply::err(&invalid.to_string(), out),
            },
            (b"SETINFO", 4) => match (request.get(2).to_ascii_uppercase().as_slice(), valid_name(request.get(3))) {
                (b"LIB-NAME", Ok(name)) => {
                    client.with(|client| client.library = name);
                    out.extend(reply::OK);
                }
                (b"LIB-VER", Ok(name)) => {
                    client.with(|client| client.library_version = name);
                    out.extend(reply::OK);
                }
                (b"LIB-NAME" | b"LIB-VER", Err(invalid)) => reply::err(&invalid.to_string(), out),
                _ => reply::err(&format!("Unrecognized option '{}'", shown(request.get(2))), out),
            },
            (name @ (b"ID" | b"GETNAME" | b"INFO" | b"LIST" | b"SETNAME" | b"SETINFO"), _) => {
                let name = String::from_utf8_lossy(name).to_lowercase();
                reply::err(&wrong_arity(&format!("client|{name}")), out);
            }
            _ => {
                let text = format!(
                    "unknown subcommand '{}'. Try ID, GETNAME, SETNAME, SETINFO, INFO or LIST.",
                    shown(request.get(1))
                );
                reply::err(&text, out);
            }
        }
    }

    pub(super) fn config(&mut self, request: Request<'_>) {
        let version = self.resp.version;
        let out = self.replies.short();
        if !request.get(1).eq_ignore_ascii_case(b"GET") {
            let text = format!("unknown subcommand '{}'. Only CONFIG GET is supported.", shown(request.get(1)));
            reply::err(&text, out);
        } else if request.len() == 2 {
            reply::err(&wrong_arity("config|get"), out);
        } else {
            reply::map(0, version, out);
        }
    }

    pub(super) async fn info(&mut self, request: Request<'_>) {
        // Figures of the server are to be had also if the store does not answer.
        let buckets = self.count_buckets().await.unwrap_or(0);
        let text = info::text(request.from(1), self.store, buckets, self.resp.client.clients());
        reply::verbatim(&text, self.resp.version, self.replies.short());
    }

    /// Makes the connection as it was when it began.
    pub(super) fn reset(&mut self) {
        self.resp.transaction = None;
        self.resp.subscriptions = Subscriptions::default();
        self.login.log_out();
        self.resp.version = Version::Two;
        self.resp.client.with(|client| {
            client.name.clear();
            client.version = Version::Two;
            (client.channels, client.patterns) = (0, 0);
        });
        self.replies.short().extend(b"+RESET\r\n");
    }

    /// Answers a `PING` with a message of a subscriber of version 2.
    pub(super) fn subscribers_ping(&mut self, request: Request<'_>) {
        let out = self.replies.short();
        if request.len() > 2 {
            return reply::err(&wrong_arity("ping"), out);
        }
        reply::array(2, out);
        reply::bulk(b"pong", out);
        reply::bulk(request.get(1), out);
    }

    /// Executes one of the four commands about subscriptions.
    pub(super) async fn subscribe(&mut self, command: Command, request: Request<'_>) -> Result<(), ReplyError> {
        let (kind, is_more, word) = match command {
            Command::Subscribe => (Kind::Channel, true, "subscribe"),
            Command::Psubscribe => (Kind::Pattern, true, "psubscribe"),
            Command::Punsubscribe => (Kind::Pattern, false, "punsubscribe"),
            _ => (Kind::Channel, false, "unsubscribe"),
        };
        let subscriptions = &mut self.resp.subscriptions;
        if is_more && !subscriptions.has_space(request.from(1)) {
            reply::err("too many channels; end some subscriptions, or connect once more", self.replies.short());
            return Ok(());
        }
        let names: Vec<Bytes> = match request.len() {
            1 => subscriptions.all(kind),
            arguments => (1..arguments).map(|argument| request.copy(argument)).collect(),
        };
        let change = |name: Bytes| {
            if is_more {
                subscriptions.add(kind, name.clone());
            } else {
                subscriptions.remove(kind, &name);
            }
            (Some(name), subscriptions.count())
        };
        let mut changed: Vec<(Option<Bytes>, usize)> = names.into_iter().map(change).collect();
        if changed.is_empty() {
            // A command that has nothing to do is answered all the same.
            changed.push((None, subscriptions.count()));
        }
        // Before the replies, so that a client that has one misses nothing.
        if let Err(refusal) = subscriptions.listen(self.store, self.limits.events).await {
            reply::err(refusal.text(), self.replies.short());
            return Ok(());
        }
        self.resp.client.with(|client| {
            (client.channels, client.patterns) = (subscriptions.channels(), subscriptions.patterns());
        });
        for (name, count) in changed {
            let version = self.resp.version;
            let out = self.replies.short();
            reply::push(3, version, out);
            reply::bulk(word.as_bytes(), out);
            reply::nullable(name.as_deref(), version, out);
            reply::count(count, out);
            self.replies.space().await?;
        }
        Ok(())
    }
}
