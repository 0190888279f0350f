//! Times as a line has them: a whole number and a unit.

use std::borrow::Cow;
use std::time::Duration;

use kv_core::TimeToLive;

/// What is wrong with a time that is none, and what to write.
pub(crate) const NO_TIME: &str = "the time is not a whole number and a unit; write it as in 100ms, 60s, 5m, 2h or 1d";

/// Reads a time. `None` if it is none, or too long to count its milliseconds.
pub(crate) fn read(word: &[u8]) -> Option<Duration> {
    let (number, unit) = word.split_at(word.iter().position(|byte| !byte.is_ascii_digit())?);
    let number: u64 = std::str::from_utf8(number).ok()?.parse().ok()?;
    let milliseconds = match unit {
        b"ms" => 1,
        b"s" => 1_000,
        b"m" => 60 * 1_000,
        b"h" => 60 * 60 * 1_000,
        b"d" => 24 * 60 * 60 * 1_000,
        _ => return None,
    };
    number.checked_mul(milliseconds).map(Duration::from_millis)
}

/// The time that a key has to live: in one unit, so that a program need not know the others.
pub(crate) fn text(time: TimeToLive) -> Cow<'static, str> {
    match time {
        TimeToLive::NoKey => "0ms".into(),
        TimeToLive::Unlimited => "never".into(),
        TimeToLive::Left(time) => format!("{}ms", time.as_millis()).into(),
    }
}

#[cfg(test)]
mod tests {
    //! What is a time and what is none.

    use super::*;

    #[test]
    fn a_time_is_a_whole_number_and_a_unit() {
        #[track_caller]
        fn check(word: &str, milliseconds: Option<u64>) {
            assert_eq!(read(word.as_bytes()), milliseconds.map(Duration::from_millis), "{word:?}");
        }
        check("0s", Some(0));
        check("100ms", Some(100));
        check("60s", Some(60_000));
        check("5m", Some(300_000));
        check("2h", Some(7_200_000));
        check("1d", Some(86_400_000));
        check("18446744073709551615ms", Some(u64::MAX));
        for none in [
            "",
            "60",
            "s",
            "-1s",
            "+1s",
            "1.5s",
            "1 s",
            "1S",
            "1min",
            "18446744073709551615s",
            "99999999999999999999ms",
        ] {
            check(none, None);
        }
    }

    #[test]
    fn what_is_left_can_be_read_as_a_time() {
        let left = TimeToLive::Left(Duration::from_millis(59_500));
        assert_eq!(text(left), "59500ms");
        assert_eq!(read(b"59500ms"), Some(Duration::from_millis(59_500)));
        assert_eq!(text(TimeToLive::Unlimited), "never");
    }
}
