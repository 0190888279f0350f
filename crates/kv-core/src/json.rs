//! A store as lines of JSON: exporting and importing it.

// One line.
mod line;
// Writing the lines.
mod export;
// Reading them.
mod import;

pub use export::ExportError;
pub use import::ImportError;

/// What was exported or imported so far.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[non_exhaustive]
pub struct Transferred {
    /// How many buckets.
    pub buckets: u64,
    /// How many entries.
    pub entries: u64,
    /// How many bytes of text.
    pub bytes: u64,
}
