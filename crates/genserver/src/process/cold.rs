//! Drops that hardly ever happen, kept out of the code in which they stand.

/// Drops a value that is hardly ever there, in code that is not inlined.
#[cold]
#[inline(never)]
pub(crate) fn drop_cold<T>(value: T) {
    drop(value);
}
