//! Numbers and texts in the space that there is for them.

/// A number in about six characters.
pub(super) fn number(number: u64) -> String {
    const UNITS: [(u64, &str); 4] = [(1_000_000_000_000, "T"), (1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k")];
    if number < 100_000 {
        return number.to_string();
    }
    let (unit, letter) = UNITS.into_iter().find(|(unit, _)| number >= *unit).unwrap_or((1, ""));
    let (whole, tenth) = (number / unit, number % unit * 10 / unit);
    if whole < 1000 { format!("{whole}.{tenth}{letter}") } else { format!("{whole}{letter}") }
}

/// A rate, with a fraction if it is small.
pub(super) fn rate(rate: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is not negative, and far from the limit"
    )]
    if rate < 1000.0 { format!("{rate:.1}") } else { number(rate as u64) }
}

/// A time in milliseconds, in the unit that suits it.
pub(super) fn time(ms: u64) -> String {
    match ms / 1000 {
        0 => format!("{ms} ms"),
        seconds @ 1..60 => format!("{seconds}.{} s", ms % 1000 / 100),
        seconds @ 60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        seconds => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// The text without control characters, which would do something to a terminal. Line ends stay.
pub(super) fn visible(text: &str) -> String {
    let shown = |c: char| if c.is_control() && c != '\n' { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(shown).collect()
}

/// A sort or another value of the data as its word.
pub(super) fn word(value: impl std::fmt::Display) -> String {
    value.to_string().replace('_', " ")
}

#[cfg(test)]
mod tests {
    //! What fits.

    use super::*;

    #[test]
    fn numbers_and_times_are_short() {
        let numbers = [0, 99_999, 100_000, 999_999, 1_234_567, 99_000_000_000, u64::MAX].map(number);
        assert_eq!(numbers, ["0", "99999", "100.0k", "999.9k", "1.2M", "99.0G", "18446744T"]);
        assert_eq!([0.0, 3.16, 999.96, 123_456.0].map(rate), ["0.0", "3.2", "1000.0", "123.4k"]);
        assert_eq!([5, 3200, 75_000, 7_500_000].map(time), ["5 ms", "3.2 s", "1 min 15 s", "2 h 5 min"]);
    }

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(visible("a\x1b[31m\nb\u{9b}c"), "a\\u{1b}[31m\nb\\u{9b}c");
    }
}
