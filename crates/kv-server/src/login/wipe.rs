//! Clearing what a client has sent before its login out of the buffers of its connection.

use bytes::{Bytes, BytesMut};
use zeroize::Zeroize;

/// Clears what was taken out of `buffer`, and gives `buffer` new memory for what it still has. Returns whether nobody else has a part of it,
/// so that it could be cleared.
///
/// What a buffer has left behind when it grew is not found again: a login that comes in one piece leaves nothing.
pub(crate) fn wipe(buffer: &mut BytesMut, taken: Bytes) -> bool {
    let rest = BytesMut::from(&buffer[..]);
    let mut old = std::mem::replace(buffer, rest);
    old.zeroize();
    // It shares its memory with what was taken.
    drop(old);
    let Ok(mut taken) = taken.try_into_mut() else { return false };
    taken.zeroize();
    true
}

#[cfg(test)]
mod tests {
    //! What is cleared, and what stays.

    use super::*;

    #[test]
    fn what_was_taken_is_cleared_and_the_rest_stays() {
        let mut buffer = BytesMut::from(&b"AUTH sesame\r\nPUT a"[..]);
        let taken = buffer.split_to(13).freeze();
        assert!(wipe(&mut buffer, taken));
        assert_eq!(buffer, "PUT a");
        buffer.extend_from_slice(b" k 1\r\n");
        let taken = buffer.split().freeze();
        let shared = taken.clone();
        assert!(!wipe(&mut buffer, taken), "another one needs it");
        assert_eq!(shared, "PUT a k 1\r\n");
        assert!(wipe(&mut buffer, shared));
    }
}
