//! The time limit of `expect`. Nothing else in the crate reads the program's environment.

use std::env;
use std::ffi::OsStr;
use std::sync::OnceLock;
use std::time::Duration;

use super::EXPECT_WITHIN;

/// The variable that sets the limit for a whole test run.
const VARIABLE: &str = "GENSERVER_EXPECT_WITHIN_MS";

/// The time that `expect` waits in this run.
pub(super) fn expect_within() -> Duration {
    static LIMIT: OnceLock<Duration> = OnceLock::new();
    *LIMIT.get_or_init(|| read(env::var_os(VARIABLE).as_deref()))
}

/// An invalid value panics: if it were ignored, a test would fail now and then.
fn read(value: Option<&OsStr>) -> Duration {
    let Some(value) = value else { return EXPECT_WITHIN };
    let millis = value.to_str().and_then(|text| text.parse().ok());
    let wrong = || panic!("{VARIABLE} is {}; set it to a number of milliseconds, or not at all", value.display());
    millis.map_or_else(wrong, Duration::from_millis)
}

#[cfg(test)]
mod tests {
    //! The values that the variable may have.

    use super::*;

    #[test]
    fn without_the_variable_the_limit_is_the_constant() {
        assert_eq!(read(None), EXPECT_WITHIN);
    }

    #[test]
    fn the_variable_sets_the_limit_in_milliseconds() {
        assert_eq!(read(Some("30000".as_ref())), Duration::from_secs(30));
    }

    #[test]
    #[should_panic(expected = "GENSERVER_EXPECT_WITHIN_MS is 30s; set it to a number of milliseconds, or not at all")]
    fn a_value_that_is_not_a_number_is_refused() {
        read(Some("30s".as_ref()));
    }
}
