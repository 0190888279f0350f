//! `COMMAND`: what clients ask about the commands themselves, out of the table.

use super::command::{Buckets, COMMANDS, CommandEntry};
use super::reply::{self, Version};
use super::request::Request;

/// Writes the reply of `COMMAND`.
pub(super) fn write(request: Request<'_>, version: Version, out: &mut Vec<u8>) {
    let names = || request.from(2);
    if request.len() == 1 {
        reply::array(COMMANDS.len(), out);
        for entry in COMMANDS {
            info(entry, version, out);
        }
        return;
    }
    if names().count() > COMMANDS.len() {
        return reply::err("too many names; there are fewer commands", out);
    }
    match request.get(1).to_ascii_uppercase().as_slice() {
        b"COUNT" => reply::count(COMMANDS.len(), out),
        b"LIST" => {
            reply::array(COMMANDS.len(), out);
            for entry in COMMANDS {
                reply::bulk(entry.name.as_bytes(), out);
            }
        }
        b"INFO" if request.len() == 2 => {
            reply::array(COMMANDS.len(), out);
            for entry in COMMANDS {
                info(entry, version, out);
            }
        }
        b"INFO" => {
            reply::array(request.len() - 2, out);
            for name in names() {
                match CommandEntry::find(name) {
                    Some(entry) => info(entry, version, out),
                    None => reply::null(version, out),
                }
            }
        }
        b"DOCS" => {
            let asked: Vec<&CommandEntry> = if request.len() == 2 {
                COMMANDS.iter().collect()
            } else {
                names().filter_map(CommandEntry::find).collect()
            };
            reply::map(asked.len(), version, out);
            for entry in asked {
                docs(entry, version, out);
            }
        }
        other => {
            let other = String::from_utf8_lossy(other).into_owned();
            reply::err(&format!("unknown subcommand '{other}'. Try COUNT, DOCS, INFO or LIST."), out);
        }
    }
}

/// What `COMMAND INFO` says: name, arity, flags, which arguments are keys; no categories, hints, specifications and subcommands.
fn info(entry: &CommandEntry, version: Version, out: &mut Vec<u8>) {
    let (first, last, step) = match entry.buckets {
        Buckets::None => (0, 0, 0),
        Buckets::First => (1, 1, 1),
        Buckets::All => (1, -1, 1),
    };
    reply::array(10, out);
    reply::bulk(entry.name.as_bytes(), out);
    reply::integer(entry.arity, out);
    reply::set(entry.flags.len(), version, out);
    for flag in entry.flags {
        reply::simple(flag, out);
    }
    reply::integer(first, out);
    reply::integer(last, out);
    reply::integer(step, out);
    reply::set(0, version, out);
    for _nothing in 0..3 {
        reply::array(0, out);
    }
}

/// What `COMMAND DOCS` says. Each part of the arguments is an argument, named as it is to be shown.
fn docs(entry: &CommandEntry, version: Version, out: &mut Vec<u8>) {
    reply::bulk(entry.name.as_bytes(), out);
    let arguments = parts(entry.arguments);
    reply::map(if arguments.is_empty() { 2 } else { 3 }, version, out);
    for (key, value) in [("summary", entry.summary), ("group", entry.group)] {
        reply::bulk(key.as_bytes(), out);
        reply::bulk(value.as_bytes(), out);
    }
    if arguments.is_empty() {
        return;
    }
    reply::bulk(b"arguments", out);
    reply::array(arguments.len(), out);
    for argument in arguments {
        reply::map(2, version, out);
        for (key, value) in [("name", argument), ("type", "string")] {
            reply::bulk(key.as_bytes(), out);
            reply::bulk(value.as_bytes(), out);
        }
    }
}

/// The words of a text, and what is in brackets in one piece.
fn parts(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut depth) = (0, 0_usize);
    for (at, character) in text.char_indices().chain([(text.len(), ' ')]) {
        match character {
            '[' => depth += 1,
            ']' => depth -= 1,
            ' ' if depth == 0 => {
                parts.extend((at > start).then_some(&text[start..at]));
                start = at + 1;
            }
            _ => {}
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    //! The parts of arguments.

    use super::*;

    #[test]
    fn what_is_in_brackets_is_one_part() {
        assert_eq!(parts(""), [] as [&str; 0]);
        assert_eq!(parts("bucket key [key ...]"), ["bucket", "key", "[key ...]"]);
        let hello = CommandEntry::find(b"hello").unwrap();
        assert_eq!(parts(hello.arguments), [hello.arguments]);
        // Every row of the table is in balance.
        for entry in COMMANDS {
            assert_eq!(parts(entry.arguments).join(" "), entry.arguments);
        }
    }
}
