//! Random numbers that follow from a seed.

/// What random numbers are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seed(pub(super) u64);

/// Random numbers by `SplitMix64`, which needs no state but a counter.
#[derive(Clone)]
pub(super) struct Numbers(u64);

/// One step of `SplitMix64`.
pub(super) fn mixed(state: u64) -> u64 {
    let z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Where something with this number stands in a list of all.
#[expect(clippy::cast_possible_truncation, reason = "there are no more of them than fit into memory")]
pub(in crate::sim) fn by_number(number: u64) -> usize {
    number as usize
}

impl Numbers {
    /// One of several independent streams of a seed.
    pub(super) fn stream(seed: u64, number: u64) -> Self {
        Self(mixed(seed ^ mixed(number)))
    }

    pub(super) fn next(&mut self) -> u64 {
        let number = mixed(self.0);
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        number
    }

    /// A number less than `end`, which is not zero. All are equally likely, but for an error of `end` in 2^64.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// A place in a list of this length, which is not zero.
    #[expect(clippy::cast_possible_truncation, reason = "it is less than a length")]
    pub(super) fn place(&mut self, length: usize) -> usize {
        self.below(length.max(1) as u64) as usize
    }

    /// Whether something happens that happens once in so many times.
    pub(super) fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }
}
