//! Whether bytes are one whole `MessagePack` value, looked at before anything is decoded from them.
//!
//! A decoder believes what a value says of itself. `serde` reserves memory for as many elements as a list claims to have, and
//! `rmp-serde` does not count the nesting of enums: three bytes of a message are one more frame on the stack. So this walks over the
//! bytes first, in a fixed amount of memory, and holds them to the rules:
//!
//! 1. The bytes are one value, and no byte is left over.
//! 2. A text, a blob or a list has all that it claims to have. An element of a list has at least one byte.
//! 3. Lists and maps are nested [`DEPTH_MAX`] deep at most.

use rmp::Marker;

/// How deep lists and maps may be nested in a message. A variant of an enum with fields is a map, too.
pub const DEPTH_MAX: usize = 64;

/// Why bytes are not one value.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(super) enum Malformed {
    /// By rule 1 or 2.
    #[error("it ends too early")]
    Cut,
    /// By rule 1.
    #[error("{0} bytes are left over")]
    LeftOver(usize),
    /// By rule 3.
    #[error("it is nested more than {DEPTH_MAX} deep")]
    TooDeep,
    /// `MessagePack` never uses this byte.
    #[error("it has a byte that MessagePack does not use")]
    Unused,
}

/// What follows a marker.
enum Follows {
    /// Bytes of this value.
    Bytes(usize),
    /// So many values.
    Values(u64),
}

/// Returns whether these bytes are one value, by the rules of this module.
pub(super) fn well_formed(bytes: &[u8]) -> Result<(), Malformed> {
    let mut rest = bytes;
    // How many values the lists around the next value still have. Its length is bounded by rule 3.
    let mut open = [0_u64; DEPTH_MAX];
    let mut depth = 0;
    loop {
        match read_head(&mut rest)? {
            Follows::Bytes(length) => rest = rest.get(length..).ok_or(Malformed::Cut)?,
            Follows::Values(0) => {}
            Follows::Values(count) => {
                // By rule 2.
                if count > rest.len() as u64 {
                    return Err(Malformed::Cut);
                }
                *open.get_mut(depth).ok_or(Malformed::TooDeep)? = count;
                depth += 1;
                continue;
            }
        }
        // A value has ended, and with it all lists of which it was the last.
        loop {
            let Some(left) = depth.checked_sub(1).map(|last| &mut open[last]) else {
                return if rest.is_empty() { Ok(()) } else { Err(Malformed::LeftOver(rest.len())) };
            };
            *left -= 1;
            if *left > 0 {
                break;
            }
            depth -= 1;
        }
    }
}

/// Reads a marker and the length behind it.
fn read_head(rest: &mut &[u8]) -> Result<Follows, Malformed> {
    let (first, behind) = rest.split_first().ok_or(Malformed::Cut)?;
    let marker = Marker::from_u8(*first);
    *rest = behind;
    Ok(match marker {
        Marker::Reserved => return Err(Malformed::Unused),
        Marker::Null | Marker::False | Marker::True | Marker::FixPos(_) | Marker::FixNeg(_) => Follows::Bytes(0),
        Marker::U8 | Marker::I8 => Follows::Bytes(1),
        Marker::U16 | Marker::I16 => Follows::Bytes(2),
        Marker::U32 | Marker::I32 | Marker::F32 => Follows::Bytes(4),
        Marker::U64 | Marker::I64 | Marker::F64 => Follows::Bytes(8),
        Marker::FixStr(length) => Follows::Bytes(length.into()),
        Marker::Str8 | Marker::Bin8 => Follows::Bytes(read(rest, 1)?),
        Marker::Str16 | Marker::Bin16 => Follows::Bytes(read(rest, 2)?),
        Marker::Str32 | Marker::Bin32 => Follows::Bytes(read(rest, 4)?),
        Marker::FixExt1 => extension(1),
        Marker::FixExt2 => extension(2),
        Marker::FixExt4 => extension(4),
        Marker::FixExt8 => extension(8),
        Marker::FixExt16 => extension(16),
        Marker::Ext8 => extension(read(rest, 1)?),
        Marker::Ext16 => extension(read(rest, 2)?),
        Marker::Ext32 => extension(read(rest, 4)?),
        Marker::FixArray(count) => Follows::Values(count.into()),
        Marker::Array16 => Follows::Values(read(rest, 2)? as u64),
        Marker::Array32 => Follows::Values(read(rest, 4)? as u64),
        Marker::FixMap(count) => Follows::Values(2 * u64::from(count)),
        Marker::Map16 => Follows::Values(2 * read(rest, 2)? as u64),
        Marker::Map32 => Follows::Values(2 * read(rest, 4)? as u64),
    })
}

/// The data of an extension, and the byte of its type.
fn extension(length: usize) -> Follows {
    Follows::Bytes(length.saturating_add(1))
}

/// Reads a number of so many bytes.
fn read(rest: &mut &[u8], size: usize) -> Result<usize, Malformed> {
    let (number, behind) = rest.split_at_checked(size).ok_or(Malformed::Cut)?;
    *rest = behind;
    Ok(number.iter().fold(0, |number, byte| number << 8 | usize::from(*byte)))
}

#[cfg(test)]
mod tests;
