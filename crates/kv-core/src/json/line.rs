//! One line of an export.
//!
//! ```text
//! {"format":"kv export","version":1}
//! {"bucket":"holidays"}
//! {"bucket":"shopping","key":"milk","value":"1"}
//! {"bucket":"shopping","expires":1798761600000,"key":{"base64":"/w=="},"value":""}
//! {"end":true}
//! ```
//!
//! A bucket that has entries needs no line of its own. `expires` is in milliseconds since 1970. Without the
//! last line, an export that was cut off between two lines would look whole.

use std::time::{Duration, SystemTime};

use base64::prelude::{BASE64_STANDARD, Engine};
use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::BucketName;
use crate::storage::Entry;

const FORMAT: &str = "kv export";
const VERSION: u64 = 1;

/// What a line says.
#[derive(Debug, PartialEq)]
pub(super) enum Line {
    Format,
    Bucket(BucketName),
    Entry(BucketName, Entry),
    End,
}

impl Line {
    /// The line, with its end.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let value = match self {
            Self::Format => json!({ "format": FORMAT, "version": VERSION }),
            Self::Bucket(bucket) => json!({ "bucket": &**bucket }),
            Self::Entry(bucket, entry) => {
                let mut value = json!({ "bucket": &**bucket, "key": text(&entry.key), "value": text(&entry.value) });
                if let Some(expires) = entry.expires {
                    value["expires"] = json!(millis(expires));
                }
                value
            }
            Self::End => json!({ "end": true }),
        };
        out.extend(value.to_string().as_bytes());
        out.push(b'\n');
    }

    /// Reads a line, or says what is wrong with it.
    pub(super) fn read(line: &[u8]) -> Result<Self, String> {
        let value = serde_json::from_slice(line).map_err(|error| format!("is not JSON: {error}"))?;
        let Value::Object(mut fields) = value else { return Err("is not a JSON object".to_owned()) };
        let line = if let Some(format) = fields.remove("format") {
            let version = fields.remove("version").unwrap_or_default();
            if format != FORMAT || version != VERSION {
                return Err(format!("says {format} {version}, and this program reads \"{FORMAT}\" {VERSION}"));
            }
            Self::Format
        } else if let Some(end) = fields.remove("end") {
            if end != true {
                return Err("has an `end` that is not `true`".to_owned());
            }
            Self::End
        } else {
            let bucket = fields.remove("bucket").ok_or("has no `bucket`")?;
            let bucket = bucket.as_str().ok_or("has a `bucket` that is not a string")?;
            let bucket = BucketName::new(bucket).map_err(|error| format!("has a bad `bucket`: {error}"))?;
            if fields.is_empty() { Self::Bucket(bucket) } else { Self::Entry(bucket, entry(&mut fields)?) }
        };
        // A field that is skipped would be lost.
        match fields.keys().next() {
            Some(unknown) => Err(format!("has a field {unknown:?}, which this program does not know")),
            None => Ok(line),
        }
    }
}

fn entry(fields: &mut Map<String, Value>) -> Result<Entry, String> {
    let mut bytes = |name: &str| {
        let value = fields.remove(name).ok_or_else(|| format!("has no `{name}`"))?;
        self::bytes(value).ok_or_else(|| format!("has a `{name}` that is neither a string nor {{\"base64\": \"...\"}}"))
    };
    let (key, value) = (bytes("key")?, bytes("value")?);
    let expires = match fields.remove("expires") {
        None => None,
        Some(millis) => {
            Some(millis.as_u64().and_then(time).ok_or("has an `expires` that is not a time in milliseconds")?)
        }
    };
    Ok(Entry { expires, ..Entry::new(key, value) })
}

/// A string. Bytes that are not UTF-8 become `{"base64": "..."}`.
fn text(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => json!(text),
        Err(_) => json!({ "base64": BASE64_STANDARD.encode(bytes) }),
    }
}

fn bytes(value: Value) -> Option<Bytes> {
    match value {
        Value::String(text) => Some(text.into()),
        Value::Object(fields) if fields.len() == 1 => {
            let decoded = BASE64_STANDARD.decode(fields.get("base64")?.as_str()?).ok()?;
            Some(decoded.into())
        }
        _ => None,
    }
}

/// A time before 1970 has passed as well as 1970 has.
fn millis(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn time(millis: u64) -> Option<SystemTime> {
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(millis))
}

#[cfg(test)]
mod tests {
    //! Lines that are written and read again, and lines that are refused.

    use proptest::prelude::*;

    use super::*;

    fn written(line: &Line) -> String {
        let mut out = Vec::new();
        line.write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_line_is_one_object() {
        let bucket = || BucketName::new("shopping").unwrap();
        assert_eq!(written(&Line::Format), "{\"format\":\"kv export\",\"version\":1}\n");
        assert_eq!(written(&Line::Bucket(bucket())), "{\"bucket\":\"shopping\"}\n");
        assert_eq!(written(&Line::End), "{\"end\":true}\n");
        let mut entry = Entry::new(&b"\xff"[..], "two\nlitres");
        entry.expires = time(1_798_761_600_000);
        let expected = r#"{"bucket":"shopping","expires":1798761600000,"key":{"base64":"/w=="},"value":"two\nlitres"}"#;
        assert_eq!(written(&Line::Entry(bucket(), entry)), format!("{expected}\n"));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(
            name in "\\PC{1,20}",
            key in proptest::collection::vec(any::<u8>(), 0..20),
            value in proptest::collection::vec(any::<u8>(), 0..20),
            millis in proptest::option::of(0..1_u64 << 53),
        ) {
            let entry = Entry { expires: millis.and_then(time), ..Entry::new(key, value) };
            let line = Line::Entry(BucketName::new(&name).unwrap(), entry);
            prop_assert_eq!(Line::read(written(&line).as_bytes()), Ok(line));
        }
    }

    #[test]
    fn what_is_not_a_line_is_refused() {
        #[track_caller]
        fn check(line: &str, expected: &str) {
            let refused = Line::read(line.as_bytes()).unwrap_err();
            assert!(refused.starts_with(expected), "{refused}");
        }
        check("", "is not JSON: ");
        check("[]", "is not a JSON object");
        check(r#"{"key":"a"}"#, "has no `bucket`");
        check(r#"{"end":false}"#, "has an `end` that is not `true`");
        check(r#"{"end":true,"bucket":"a"}"#, "has a field \"bucket\", which this program does not know");
        check(r#"{"bucket":""}"#, "has a bad `bucket`: the name is empty");
        check(r#"{"bucket":1}"#, "has a `bucket` that is not a string");
        check(r#"{"bucket":"a","key":"b"}"#, "has no `value`");
        check(r#"{"bucket":"a","key":1,"value":""}"#, "has a `key` that is neither a string nor {\"base64\": \"...\"}");
        check(r#"{"bucket":"a","key":{"base64":"?"},"value":""}"#, "has a `key` that is neither");
        check(r#"{"bucket":"a","key":"b","value":"","expires":-1}"#, "has an `expires` that is not a time");
        check(
            r#"{"bucket":"a","key":"b","value":"","ttl":1}"#,
            "has a field \"ttl\", which this program does not know",
        );
        check(r#"{"format":"kv export","version":2}"#, "says \"kv export\" 2, and this program reads \"kv export\" 1");
    }
}
