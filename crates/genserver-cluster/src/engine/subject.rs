//! What keys, subjects and names of logs are made of, in every engine.

use super::EngineError;

/// The longest id of an event.
const ID_MAX: usize = 200;

/// Checks a key, a subject or the name of a log.
pub(super) fn check(text: &str) -> Result<(), EngineError> {
    let is_part = |part: &str| !part.is_empty() && part.bytes().all(is_of_the_alphabet);
    if text.split('.').all(is_part) {
        return Ok(());
    }
    Err(EngineError::Refused(format!("`{text}` is not made of `A-Z`, `a-z`, `0-9`, `-`, `_`, and `.` between parts")))
}

/// Checks the beginning of keys: parts of which each ends with a `.`.
pub(super) fn check_prefix(prefix: &str) -> Result<(), EngineError> {
    match prefix.strip_suffix('.') {
        Some(parts) => check(parts),
        None => Err(EngineError::Refused(format!("the prefix `{prefix}` does not end with a `.`"))),
    }
}

/// Checks the id of an event.
pub(super) fn check_id(id: &str) -> Result<(), EngineError> {
    if (1..=ID_MAX).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    Err(EngineError::Refused(format!("the id `{id}` is not made of 1 to {ID_MAX} printable characters of ASCII")))
}

fn is_of_the_alphabet(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

#[cfg(test)]
mod tests {
    //! What is allowed.

    use super::*;

    #[test]
    fn a_key_has_parts_of_letters_digits_and_two_signs() {
        for key in ["a", "shop.name.n6d", "A-Z_0.9"] {
            assert_eq!(check(key), Ok(()), "{key}");
        }
        for key in ["", ".", "a.", ".a", "a..b", "a b", "a*", "a.>", "ä", "a\n", "$JS"] {
            assert!(matches!(check(key), Err(EngineError::Refused(_))), "{key}");
        }
    }

    #[test]
    fn a_prefix_ends_with_a_dot() {
        assert_eq!(check_prefix("shop.name."), Ok(()));
        for prefix in ["", ".", "shop", "shop..", ">."] {
            assert!(matches!(check_prefix(prefix), Err(EngineError::Refused(_))), "{prefix}");
        }
    }

    #[test]
    fn an_id_is_printable_and_short() {
        let longest = "x".repeat(ID_MAX);
        for id in ["1", "order-7/2", &longest] {
            assert_eq!(check_id(id), Ok(()), "{id}");
        }
        for id in ["", "a b", "a\r\nb", "ä", &"x".repeat(ID_MAX + 1)] {
            assert!(matches!(check_id(id), Err(EngineError::Refused(_))), "{id}");
        }
    }
}
