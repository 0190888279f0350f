//! Checksums of many parts of the same bytes, in one pass over them.
//!
//! The checksum of a part follows from the checksums of two prefixes: the one that ends where the part ends, and the one
//! that ends where it begins. [`Hasher::combine`] does that. So one pass over the bytes is enough for any number of parts
//! of any length.

use std::ops::Range;

use crc32fast::Hasher;

/// The distance in bytes between two stored checksums. At most this much is hashed again for each end of a part.
const BETWEEN: usize = 64;

/// Some bytes, and the checksums of some of their prefixes.
pub(super) struct Checksums<'a> {
    bytes: &'a [u8],
    /// At `n`, the checksum of the first `n * BETWEEN` bytes.
    marks: Vec<u32>,
    /// How many bytes were hashed.
    #[cfg(test)]
    looked_at: std::cell::Cell<usize>,
}

impl<'a> Checksums<'a> {
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        let mut hasher = Hasher::new();
        let next = bytes.chunks_exact(BETWEEN).map(|chunk| {
            hasher.update(chunk);
            hasher.clone().finalize()
        });
        let marks = std::iter::once(0).chain(next).collect();
        Self {
            bytes,
            marks,
            #[cfg(test)]
            looked_at: bytes.len().into(),
        }
    }

    /// The checksum of the bytes in `front`, followed by this part.
    pub(super) fn behind(&self, front: Hasher, part: Range<usize>) -> u32 {
        // CRC is linear. Append as many zeros to both: `front` and the bytes before the part then differ by exactly the
        // difference between the wanted checksum and that of the longer prefix.
        let mut hasher = Hasher::new_with_initial(front.finalize() ^ self.beginning(part.start));
        hasher.combine(&Hasher::new_with_initial_len(0, part.len() as u64));
        hasher.finalize() ^ self.beginning(part.end)
    }

    /// The checksum of the first `length` bytes.
    fn beginning(&self, length: usize) -> u32 {
        let mark = length / BETWEEN;
        let rest = &self.bytes[mark * BETWEEN..length];
        #[cfg(test)]
        self.looked_at.set(self.looked_at.get() + rest.len());
        let mut hasher = Hasher::new_with_initial(self.marks[mark]);
        hasher.update(rest);
        hasher.finalize()
    }

    #[cfg(test)]
    pub(super) fn looked_at(&self) -> usize {
        self.looked_at.get()
    }
}

#[cfg(test)]
mod tests {
    use crc32fast::Hasher;

    use super::Checksums;

    #[test]
    fn the_sum_of_a_part_is_that_of_its_bytes() {
        let bytes: Vec<u8> = (0..300_u32).map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
        let sums = Checksums::of(&bytes);
        for start in 0..=bytes.len() {
            for end in start..=bytes.len() {
                let mut front = Hasher::new_with_initial(7);
                front.update(b"front");
                let mut expected = front.clone();
                expected.update(&bytes[start..end]);
                assert_eq!(sums.behind(front, start..end), expected.finalize(), "{start}..{end}");
            }
        }
    }
}
