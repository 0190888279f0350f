//! Random numbers that depend on nothing but the seed of a script.

/// Random numbers by the method called splitmix.
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number of this range, both ends included.
    pub(super) fn between(&mut self, least: usize, most: usize) -> usize {
        let choices = u64::try_from(most - least + 1).expect("a range is small");
        least + usize::try_from(self.next() % choices).expect("it is less than the range")
    }

    /// Whether one in so many happens.
    pub(super) fn one_in(&mut self, many: usize) -> bool {
        self.between(1, many) == 1
    }

    pub(super) fn of<'a, T: ?Sized>(&mut self, choices: &[&'a T]) -> &'a T {
        choices[self.between(0, choices.len() - 1)]
    }
}
