//! How pids and reasons serialise, for tools: a pid as its number, a reason as its kind and its text.

use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::values::pid::Pid;
use crate::values::reason::Reason;
use crate::values::shown::shown;

/// Serialises the number that is printed.
impl Serialize for Pid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.number())
    }
}

/// Serialises `kind`, the variant in lower case, and `text`, what it prints.
impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Reason", 2)?;
        fields.serialize_field("kind", self.kind())?;
        fields.serialize_field("text", &shown(self))?;
        fields.end()
    }
}
