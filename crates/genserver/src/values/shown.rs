//! A value as text, even if its `Display` panics.

use std::fmt;

use crate::values::reason::Panic;

/// The value as its `Display` prints it, or a fixed text if that panics.
pub(crate) fn shown(value: &dyn fmt::Display) -> String {
    Panic::catch(|| value.to_string()).unwrap_or_else(|_| "a value that panics when it is printed".to_owned())
}
