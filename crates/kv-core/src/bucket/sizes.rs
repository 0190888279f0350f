//! What keys and their places take in memory.

use bytes::Bytes;

/// What a key takes besides its bytes, its value's, and its places in the map and in the ordered set: the count of its copies, and
/// for half of the keys that of the copies of its value, which it has once it has been read.
pub(super) const KEY: usize = 24 + 12;

/// What the time of a key takes: its places in the map of times and in their order.
pub(super) const TIME: usize = 155;

/// What a place in the map takes: a key, a value, and a byte of the map.
const PLACE: usize = 2 * size_of::<Bytes>() + 1;

/// What a map takes that has this capacity.
pub(super) fn map(capacity: usize) -> usize {
    // Seven eighths of the places are used, and their number is a power of two.
    match capacity {
        0 => 0,
        1..=3 => 4 * PLACE + 16,
        4..=7 => 8 * PLACE + 16,
        _ => (capacity * 8).div_ceil(7).next_power_of_two() * PLACE + 16,
    }
}

/// What the ordered set takes that has so many keys.
pub(super) fn order(keys: usize) -> usize {
    // A node has eleven places, most of which are used if there are several nodes.
    match keys {
        0 => 0,
        1..=11 => 368,
        _ => keys * 48,
    }
}
