//! The checksum of any part of some bytes, without a look at all of that part.
//!
//! The checksum of a part follows from those of two beginnings, of what ends where the part does and of what ends before it: that is
//! what [`Hasher::combine`] is for. So one look at all bytes is enough to know that of each part, however many parts are asked for,
//! and however long they are.

use std::ops::Range;

use crc32fast::Hasher;

/// After how many bytes a checksum is kept. So many are looked at again for each end of a part.
const BETWEEN: usize = 64;

/// Some bytes, and the checksums of beginnings of them.
pub(super) struct Checksums<'a> {
    bytes: &'a [u8],
    /// At `n`, that of the first `n * BETWEEN` bytes.
    marks: Vec<u32>,
    /// How many bytes have been looked at.
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

    /// The checksum of what is in `front`, and this part of the bytes behind it.
    pub(super) fn behind(&self, front: Hasher, part: Range<usize>) -> u32 {
        // A sum is linear: with as many zeros behind both, the front and what stands before the part differ by what the wanted sum and
        // that of the longer beginning differ by.
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
