//! A value as text, whatever its `Display` does.

use std::fmt;

use crate::values::reason::Panic;

/// A value as it prints itself; a fixed text if that panics.
pub(crate) fn shown(value: &dyn fmt::Display) -> String {
    Panic::catch(|| value.to_string()).unwrap_or_else(|_| "a value that panics when it is printed".to_owned())
}
