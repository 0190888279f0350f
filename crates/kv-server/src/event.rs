//! The events that a subscriber receives, one line each.

use bytes::Bytes;

use crate::answer::{END, write_text};
use crate::command::words;

/// Something that happened to buckets or their keys, as a subscriber receives it.
///
/// ```
/// use kv_server::SubscriptionEvent;
///
/// #[track_caller]
/// fn check(event: SubscriptionEvent, line: &str) {
///     let mut written = Vec::new();
///     event.encode(&mut written);
///     assert_eq!(String::from_utf8_lossy(&written), format!("{line}\r\n"));
///     assert_eq!(SubscriptionEvent::parse(line.as_bytes()), Some(event));
/// }
///
/// check(SubscriptionEvent::Created { bucket: "shopping".into() }, "CREATED shopping");
/// check(
///     SubscriptionEvent::Exited { bucket: "shopping".into(), reason: "normal".into() },
///     "EXITED shopping normal",
/// );
/// let (bucket, key) = (|| "shopping".into(), || "milk".into());
/// check(SubscriptionEvent::Put { bucket: bucket(), key: key() }, "PUT shopping milk");
/// check(SubscriptionEvent::Deleted { bucket: bucket(), key: key() }, "DELETED shopping milk");
/// check(SubscriptionEvent::Expired { bucket: bucket(), key: key() }, "EXPIRED shopping milk");
/// check(SubscriptionEvent::Missed { events: Some(17) }, "MISSED 17");
/// check(SubscriptionEvent::Missed { events: None }, "MISSED ?");
/// ```
///
/// A name is quoted if it is not a single word or begins with a quote. The reason is the rest of its line.
///
/// ```
/// # use kv_server::SubscriptionEvent;
/// # #[track_caller]
/// # fn check(event: SubscriptionEvent, line: &str) {
/// #     let mut written = Vec::new();
/// #     event.encode(&mut written);
/// #     assert_eq!(String::from_utf8_lossy(&written), format!("{line}\r\n"));
/// #     assert_eq!(SubscriptionEvent::parse(line.as_bytes()), Some(event));
/// # }
/// check(
///     SubscriptionEvent::Exited { bucket: "soy\nmilk".into(), reason: "no cow".into() },
///     r#"EXITED "soy\nmilk" no cow"#,
/// );
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum SubscriptionEvent {
    /// A bucket was created.
    Created {
        /// Its name.
        bucket: Bytes,
    },
    /// A bucket has ended.
    Exited {
        /// Its name.
        bucket: Bytes,
        /// The reason.
        reason: Bytes,
    },
    /// A key was given a value, whether it was there or not.
    Put {
        /// The bucket's name.
        bucket: Bytes,
        /// The key.
        key: Bytes,
    },
    /// A key was there, and was removed.
    Deleted {
        /// The bucket's name.
        bucket: Bytes,
        /// The key.
        key: Bytes,
    },
    /// A key has expired.
    Expired {
        /// The bucket's name.
        bucket: Bytes,
        /// The key.
        key: Bytes,
    },
    /// This subscriber has missed events. For one that watches a bucket, they may have been events of other buckets.
    Missed {
        /// How many, if it read too slowly. `None` if the store's event manager crashed and was restarted, so that the
        /// number is unknown.
        events: Option<u64>,
    },
}

impl SubscriptionEvent {
    /// Writes the line of the protocol, ended by CR and LF.
    ///
    /// # Examples
    ///
    /// ```
    /// use kv_server::SubscriptionEvent;
    ///
    /// let mut lines = Vec::new();
    /// SubscriptionEvent::Created { bucket: "shopping".into() }.encode(&mut lines);
    /// SubscriptionEvent::Missed { events: Some(2) }.encode(&mut lines);
    /// assert_eq!(lines, b"CREATED shopping\r\nMISSED 2\r\n");
    /// ```
    pub fn encode(&self, out: &mut Vec<u8>) {
        self.write(out);
        out.extend(END);
    }

    /// Writes the same line for a file or a terminal, ended by LF.
    pub fn print(&self, out: &mut Vec<u8>) {
        self.write(out);
        out.push(b'\n');
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Created { bucket } => write_created(bucket, out),
            Self::Exited { bucket, reason } => write_exited(bucket, &String::from_utf8_lossy(reason), out),
            Self::Put { bucket, key } => write_changed(KeyChange::Put, bucket, key, out),
            Self::Deleted { bucket, key } => write_changed(KeyChange::Delete, bucket, key, out),
            Self::Expired { bucket, key } => write_changed(KeyChange::Expire, bucket, key, out),
            Self::Missed { events } => write_missed(*events, out),
        }
    }

    /// Parses a line without its end. `None` if it is not an event.
    pub fn parse(line: &[u8]) -> Option<Self> {
        let (kind, told) = line.split_at(line.iter().position(|byte| *byte == b' ')?);
        let told = &told[1..];
        match kind {
            b"CREATED" => {
                let (bucket, rest) = read_name(told)?;
                rest.is_empty().then_some(Self::Created { bucket })
            }
            b"EXITED" => {
                let (bucket, rest) = read_name(told)?;
                let reason = Bytes::copy_from_slice(rest.strip_prefix(b" ")?);
                Some(Self::Exited { bucket, reason })
            }
            PUT => read_names(told).map(|(bucket, key)| Self::Put { bucket, key }),
            DELETED => read_names(told).map(|(bucket, key)| Self::Deleted { bucket, key }),
            EXPIRED => read_names(told).map(|(bucket, key)| Self::Expired { bucket, key }),
            b"MISSED" if told == b"?" => Some(Self::Missed { events: None }),
            b"MISSED" => Some(Self::Missed { events: Some(std::str::from_utf8(told).ok()?.parse().ok()?) }),
            _ => None,
        }
    }
}

/// What the lines of a key's events begin with.
const PUT: &[u8] = b"PUT";
const DELETED: &[u8] = b"DELETED";
const EXPIRED: &[u8] = b"EXPIRED";

/// What happened to a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum KeyChange {
    Put,
    Delete,
    Expire,
}

/// These four write a line without its end.
pub(crate) fn write_created(name: &[u8], out: &mut Vec<u8>) {
    out.extend(b"CREATED ");
    write_name(name, out);
}

pub(crate) fn write_exited(name: &[u8], reason: &str, out: &mut Vec<u8>) {
    out.extend(b"EXITED ");
    write_name(name, out);
    out.push(b' ');
    write_text(reason, out);
}

pub(crate) fn write_missed(events: Option<u64>, out: &mut Vec<u8>) {
    match events {
        Some(events) => out.extend(format!("MISSED {events}").as_bytes()),
        None => out.extend(b"MISSED ?"),
    }
}

pub(crate) fn write_changed(change: KeyChange, bucket: &[u8], key: &[u8], out: &mut Vec<u8>) {
    out.extend(match change {
        KeyChange::Put => PUT,
        KeyChange::Delete => DELETED,
        KeyChange::Expire => EXPIRED,
    });
    for name in [bucket, key] {
        out.push(b' ');
        write_name(name, out);
    }
}

fn write_name(name: &[u8], out: &mut Vec<u8>) {
    if words::is_word(name) && name[0] != b'"' {
        out.extend(name);
    } else {
        words::quote(name, out);
    }
}

/// Reads a bucket's name and a key, and nothing more.
fn read_names(text: &[u8]) -> Option<(Bytes, Bytes)> {
    let (bucket, rest) = read_name(text)?;
    let (key, rest) = read_name(rest.strip_prefix(b" ")?)?;
    rest.is_empty().then_some((bucket, key))
}

/// Reads the name at the beginning of a text, and returns it and the rest.
fn read_name(text: &[u8]) -> Option<(Bytes, &[u8])> {
    if let Some(quoted) = text.strip_prefix(b"\"") {
        let (name, rest) = words::unquote_start(quoted).ok()?;
        return Some((Bytes::from(name.into_owned()), rest));
    }
    let (name, rest) = text.split_at(text.iter().position(|byte| *byte == b' ').unwrap_or(text.len()));
    (!name.is_empty()).then(|| (Bytes::copy_from_slice(name), rest))
}
