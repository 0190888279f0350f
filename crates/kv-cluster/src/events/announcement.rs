//! What a member announces to the others, in bytes.
//!
//! Version 1. Numbers are little-endian.
//!
//! ```text
//! announcement = version: u8 = 1, member: u64, number: u64, event*
//! event        = 0: u8, name                 a bucket was created
//!              | 1: u8, name                 a bucket was removed
//!              | 2: u8, name, key            a key was put
//!              | 3: u8, name, key            a key was deleted
//!              | 4: u8, name, key            a key has expired
//!              | 5: u8, count: u64           so many events are missing, or 2^64 - 1 if that is not known
//! name, key    = length: u32, bytes
//! ```
//!
//! `member` is another one after each start, and `number` is that of the first event.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use kv_core::{BucketName, KeyEvent, KeyEventKind, RemoteEvent};

const VERSION: u8 = 1;

/// The bytes before the events.
const HEAD: usize = 17;

/// A message of this length gets no more events. So it is longer by one event at most, whose key is a half of what an entry of a log may be.
const MESSAGE_MAX: usize = 128 << 10;

const CREATED: u8 = 0;
const REMOVED: u8 = 1;
const PUT: u8 = 2;
const DELETED: u8 = 3;
const EXPIRED: u8 = 4;
const MISSED: u8 = 5;

/// Events of one member, in order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Announcement {
    /// Which member, since its last start.
    pub(super) member: u64,
    /// The number of the first event.
    pub(super) number: u64,
    pub(super) events: Vec<RemoteEvent>,
}

/// Why bytes are not an announcement: they are of another version, or damaged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Malformed;

impl Announcement {
    /// The messages for these events, of which the first has this number.
    pub(super) fn split(member: u64, number: u64, events: &[RemoteEvent]) -> Vec<Bytes> {
        let (mut messages, mut out) = (Vec::new(), BytesMut::new());
        for (number, event) in (number..).zip(events) {
            if out.is_empty() {
                out.put_u8(VERSION);
                out.put_u64_le(member);
                out.put_u64_le(number);
            }
            write(event, &mut out);
            if out.len() >= MESSAGE_MAX {
                messages.push(std::mem::take(&mut out).freeze());
            }
        }
        if !out.is_empty() {
            messages.push(out.freeze());
        }
        messages
    }

    pub(super) fn decode(bytes: &Bytes) -> Result<Self, Malformed> {
        let mut bytes = bytes.clone();
        if bytes.len() < HEAD || bytes.get_u8() != VERSION {
            return Err(Malformed);
        }
        let (member, number) = (bytes.get_u64_le(), bytes.get_u64_le());
        let mut events = Vec::new();
        while bytes.has_remaining() {
            events.push(read(&mut bytes)?);
        }
        Ok(Self { member, number, events })
    }
}

fn write(event: &RemoteEvent, out: &mut BytesMut) {
    match event {
        RemoteEvent::Created(name) => {
            out.put_u8(CREATED);
            write_text(name.as_bytes(), out);
        }
        RemoteEvent::Removed(name) => {
            out.put_u8(REMOVED);
            write_text(name.as_bytes(), out);
        }
        RemoteEvent::Key(KeyEvent { bucket, key, kind }) => {
            out.put_u8(match kind {
                KeyEventKind::Put => PUT,
                KeyEventKind::Delete => DELETED,
                KeyEventKind::Expire => EXPIRED,
                // An event that this version has no number for.
                _ => return write_missed(Some(1), out),
            });
            write_text(bucket.as_bytes(), out);
            write_text(key, out);
        }
        RemoteEvent::Missed(events) => write_missed(*events, out),
        _ => write_missed(Some(1), out),
    }
}

fn write_missed(events: Option<u64>, out: &mut BytesMut) {
    out.put_u8(MISSED);
    out.put_u64_le(events.unwrap_or(u64::MAX));
}

fn write_text(text: &[u8], out: &mut BytesMut) {
    out.put_u32_le(u32::try_from(text.len()).expect("a key is much shorter"));
    out.put_slice(text);
}

fn read(bytes: &mut Bytes) -> Result<RemoteEvent, Malformed> {
    let kind = match bytes.get_u8() {
        CREATED => return Ok(RemoteEvent::Created(read_name(bytes)?)),
        REMOVED => return Ok(RemoteEvent::Removed(read_name(bytes)?)),
        MISSED if bytes.len() >= 8 => {
            return Ok(RemoteEvent::Missed(Some(bytes.get_u64_le()).filter(|events| *events < u64::MAX)));
        }
        PUT => KeyEventKind::Put,
        DELETED => KeyEventKind::Delete,
        EXPIRED => KeyEventKind::Expire,
        _ => return Err(Malformed),
    };
    let (bucket, key) = (read_name(bytes)?, read_text(bytes)?);
    // A copy, so that an event does not keep the whole message.
    Ok(RemoteEvent::Key(KeyEvent { bucket, key: Bytes::copy_from_slice(&key), kind }))
}

fn read_name(bytes: &mut Bytes) -> Result<BucketName, Malformed> {
    let name = read_text(bytes)?;
    std::str::from_utf8(&name).ok().and_then(|name| name.parse().ok()).ok_or(Malformed)
}

fn read_text(bytes: &mut Bytes) -> Result<Bytes, Malformed> {
    let length = bytes.try_get_u32_le().map_err(|_cut| Malformed)?;
    let length = usize::try_from(length).ok().filter(|length| *length <= bytes.len()).ok_or(Malformed)?;
    Ok(bytes.split_to(length))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events() -> Vec<RemoteEvent> {
        let name = || "Einkäufe".parse::<BucketName>().unwrap();
        let key = |kind| RemoteEvent::Key(KeyEvent { bucket: name(), key: "soy milk".into(), kind });
        vec![
            RemoteEvent::Created(name()),
            key(KeyEventKind::Put),
            key(KeyEventKind::Delete),
            key(KeyEventKind::Expire),
            RemoteEvent::Missed(Some(3)),
            RemoteEvent::Missed(None),
            RemoteEvent::Removed(name()),
        ]
    }

    #[test]
    fn events_come_out_as_they_went_in() {
        let messages = Announcement::split(1, 7, &events());
        let decoded: Vec<_> = messages.iter().map(|message| Announcement::decode(message).unwrap()).collect();
        assert_eq!(decoded, [Announcement { member: 1, number: 7, events: events() }]);
    }

    #[test]
    fn long_keys_go_into_several_messages_and_the_numbers_go_on() {
        let event = RemoteEvent::Key(KeyEvent {
            bucket: "books".parse().unwrap(),
            key: vec![b'k'; MESSAGE_MAX].into(),
            kind: KeyEventKind::Put,
        });
        let messages = Announcement::split(1, 7, &[event.clone(), event.clone(), event]);
        let numbers: Vec<u64> = messages.iter().map(|message| Announcement::decode(message).unwrap().number).collect();
        assert_eq!(numbers, [7, 8, 9]);
    }

    #[test]
    fn what_is_cut_off_or_of_another_version_is_refused() {
        let message = Announcement::split(1, 7, &events()).remove(0);
        let whole_events = (HEAD..message.len()).filter(|end| Announcement::decode(&message.slice(..*end)).is_ok());
        // Where an event ends, the rest is missing, and nothing of it is read.
        assert_eq!(whole_events.count(), events().len());
        let mut other = message.to_vec();
        other[0] = 2;
        assert_eq!(Announcement::decode(&other.into()), Err(Malformed));
    }
}
