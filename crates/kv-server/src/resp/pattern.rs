//! Patterns with `*`, `?` and sets of bytes, as `KEYS`, `SCAN` and `PSUBSCRIBE` take them.

/// Whether a text matches a pattern. `*` is any bytes, `?` one byte, `[a-c]` one of a set and `[^a]` one that is not in it; a
/// backslash takes the special meaning from the next byte.
///
/// It takes at most as many steps as the product of both lengths, so no client can make it last.
pub(super) fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut pattern, mut text) = (pattern, text);
    // Where to go on if a match fails: with the pattern behind the last `*`, one byte later in the text.
    let mut last_star: Option<(&[u8], &[u8])> = None;
    loop {
        if let [b'*', rest @ ..] = pattern {
            if rest.is_empty() {
                return true;
            }
            (pattern, last_star) = (rest, Some((rest, text)));
            continue;
        }
        if let Some((byte, rest)) = text.split_first()
            && let Some(behind) = one(pattern, *byte)
        {
            (pattern, text) = (behind, rest);
            continue;
        }
        if pattern.is_empty() && text.is_empty() {
            return true;
        }
        match &mut last_star {
            Some((behind, from)) if !from.is_empty() => {
                *from = &from[1..];
                (pattern, text) = (behind, from);
            }
            _ => return false,
        }
    }
}

/// The pattern behind its first element, if that matches the byte.
fn one(pattern: &[u8], byte: u8) -> Option<&[u8]> {
    match pattern {
        [] => None,
        [b'?', rest @ ..] => Some(rest),
        [b'[', set @ ..] => in_set(set, byte),
        [b'\\', literal, rest @ ..] | [literal, rest @ ..] => (*literal == byte).then_some(rest),
    }
}

/// The same for a set, whose end may be missing.
fn in_set(set: &[u8], byte: u8) -> Option<&[u8]> {
    let (is_not, mut set) = match set {
        [b'^', rest @ ..] => (true, rest),
        set => (false, set),
    };
    let mut is_in = false;
    loop {
        set = match set {
            [] => return (is_in != is_not).then_some(&[]),
            [b']', rest @ ..] => return (is_in != is_not).then_some(rest),
            [b'\\', literal, rest @ ..] => {
                is_in |= *literal == byte;
                rest
            }
            [from, b'-', to, rest @ ..] => {
                is_in |= (*from.min(to)..=*from.max(to)).contains(&byte);
                rest
            }
            [literal, rest @ ..] => {
                is_in |= *literal == byte;
                rest
            }
        };
    }
}

#[cfg(test)]
mod tests {
    //! What Redis matches.

    use super::*;

    #[track_caller]
    fn check(pattern: &str, matching: &[&str], others: &[&str]) {
        for text in matching {
            assert!(matches(pattern.as_bytes(), text.as_bytes()), "{text}");
        }
        for text in others {
            assert!(!matches(pattern.as_bytes(), text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn patterns_match_as_in_redis() {
        check("", &[""], &["a"]);
        check("*", &["", "a", "ab"], &[]);
        check("h?llo", &["hello", "hallo"], &["hllo", "heello"]);
        check("h*llo", &["hllo", "heeeello", "hllollo"], &["hlla"]);
        check("h[ae]llo", &["hello", "hallo"], &["hillo", "h"]);
        check("h[^e]llo", &["hallo"], &["hello"]);
        check("h[a-b]llo", &["hallo", "hbllo"], &["hcllo"]);
        check("h[b-a]llo", &["hallo"], &["h-llo"]);
        check(r"h[\]]", &["h]"], &["h\\"]);
        check(r"\*", &["*"], &["a", r"\*"]);
        check("__key*__:*", &["__keyspace@0__:a", "__keyevent@0__:del"], &["kv.events"]);
        check("[a", &["a"], &["b"]);
    }

    #[test]
    fn a_pattern_of_many_stars_is_answered_at_once() {
        let text = "a".repeat(2000);
        assert!(!matches(format!("{}b", "a*".repeat(1000)).as_bytes(), text.as_bytes()));
    }
}
