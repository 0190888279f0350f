//! A map that is small when it has little in it, and dense when it has very much.
//!
//! Most processes have one link and a monitor or two; a supervisor may have a hundred thousand of each. A `BTreeMap` pays for
//! eleven entries with its first one, and with keys that grow, as pids and references do, it is little more than half full. So:
//!
//! - A few entries lie in a slice of just their number.
//! - Many lie in blocks, which have space for a few more than there are. With keys that grow, only the last one has.
//!
//! Whichever it is, the entries are in the order of their keys, so nobody can see how they lie.

use std::collections::VecDeque;

/// Something that knows under which key it is kept. The key never changes.
pub(crate) trait Keyed {
    type Key: Ord + Copy;

    fn key(&self) -> Self::Key;
}

/// Entries, each under its own key.
pub(crate) struct Dense<E: Keyed>(Shape<E>);

enum Shape<E: Keyed> {
    Few(Box<[E]>),
    // Boxed, for the few are to pay for no more than a slice.
    Many(Box<Blocks<E>>),
}

/// Up to so many are a few.
const FEW: usize = 8;

/// How many entries a block holds at most.
const BLOCK: usize = 128;

/// By how many places a block grows. Little, for most blocks never get more than one entry after they have been begun.
const STEP: usize = 8;

/// Blocks in the order of their keys, and none of them empty.
///
/// They lie in a row, and not in a `BTreeMap`: that would be compiled again for every server.
struct Blocks<E: Keyed> {
    len: usize,
    blocks: VecDeque<Block<E>>,
}

struct Block<E: Keyed> {
    /// Not greater than any key in here, and greater than all of the block before.
    from: E::Key,
    entries: Vec<E>,
}

impl<E: Keyed> Dense<E> {
    pub(crate) fn len(&self) -> usize {
        match &self.0 {
            Shape::Few(few) => few.len(),
            Shape::Many(many) => many.len,
        }
    }

    pub(crate) fn get(&self, key: E::Key) -> Option<&E> {
        let entries = match &self.0 {
            Shape::Few(few) => few,
            Shape::Many(many) => many.blocks[many.block_of(key)?].entries.as_slice(),
        };
        find(entries, key).ok().map(|place| &entries[place])
    }

    pub(crate) fn get_mut(&mut self, key: E::Key) -> Option<&mut E> {
        let entries = match &mut self.0 {
            Shape::Few(few) => few,
            Shape::Many(many) => {
                let block = many.block_of(key)?;
                many.blocks[block].entries.as_mut_slice()
            }
        };
        find(entries, key).ok().map(|place| &mut entries[place])
    }

    /// Puts an entry in its place. Returns the entry that was there.
    pub(crate) fn insert(&mut self, entry: E) -> Option<E> {
        match &mut self.0 {
            Shape::Few(few) => match find(few, entry.key()) {
                Ok(place) => Some(std::mem::replace(&mut few[place], entry)),
                Err(place) => {
                    let mut entries = std::mem::take(few).into_vec();
                    if entries.len() == FEW {
                        self.0 = Shape::Many(Box::new(Blocks::of(entries)));
                        return self.insert(entry);
                    }
                    entries.reserve_exact(1);
                    entries.insert(place, entry);
                    *few = entries.into_boxed_slice();
                    None
                }
            },
            Shape::Many(many) => many.insert(entry),
        }
    }

    pub(crate) fn remove(&mut self, key: E::Key) -> Option<E> {
        match &mut self.0 {
            Shape::Few(few) => {
                let place = find(few, key).ok()?;
                let mut entries = std::mem::take(few).into_vec();
                let removed = entries.remove(place);
                *few = entries.into_boxed_slice();
                Some(removed)
            }
            Shape::Many(many) => {
                let removed = many.remove(key);
                // Not as soon as they are few: a process that has now one more, now one less would move them each time.
                if many.len <= FEW / 2 {
                    let blocks = std::mem::take(&mut many.blocks);
                    self.0 = Shape::Few(blocks.into_iter().flat_map(|block| block.entries).collect());
                }
                removed
            }
        }
    }

    /// The entries, in the order of their keys.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &E> {
        let (few, many) = match &self.0 {
            Shape::Few(few) => (&**few, None),
            Shape::Many(many) => (&[][..], Some(many)),
        };
        few.iter()
            .chain(many.into_iter().flat_map(|many| many.blocks.iter().flat_map(|block| &block.entries)))
            .inspect(|_| looked())
    }

    /// The entry with the greatest key.
    pub(crate) fn last(&self) -> Option<&E> {
        match &self.0 {
            Shape::Few(few) => few.last(),
            Shape::Many(many) => many.blocks.back()?.entries.last(),
        }
    }

    /// Takes the entries out, in the order of their keys.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = E> + use<E> {
        let (few, many) = match std::mem::take(self).0 {
            Shape::Few(few) => (few.into_vec(), None),
            Shape::Many(many) => (Vec::new(), Some(many.blocks)),
        };
        few.into_iter().chain(many.into_iter().flatten().flat_map(|block| block.entries)).inspect(|_| looked())
    }
}

impl<E: Keyed> Default for Dense<E> {
    fn default() -> Self {
        Self(Shape::Few(Box::default()))
    }
}

/// Where the key is, or belongs.
fn find<E: Keyed>(entries: &[E], key: E::Key) -> Result<usize, usize> {
    entries.binary_search_by_key(&key, |entry| {
        looked();
        entry.key()
    })
}

/// An entry is looked at: tests count how many are, for the sake of one.
#[inline]
pub(crate) fn looked() {
    #[cfg(test)]
    looks::LOOKS.set(looks::LOOKS.get() + 1);
}

#[cfg(test)]
pub(crate) mod looks {
    //! How many entries were looked at on this thread.

    use std::cell::Cell;

    thread_local! {
        pub(super) static LOOKS: Cell<u64> = const { Cell::new(0) };
    }

    /// How many since this was asked last.
    #[cfg(feature = "tokio")]
    pub(crate) fn take() -> u64 {
        LOOKS.take()
    }
}

impl<E: Keyed> Blocks<E> {
    /// One block of entries that are in order. There is at least one.
    fn of(entries: Vec<E>) -> Self {
        let block = Block { from: entries[0].key(), entries };
        Self { len: block.entries.len(), blocks: VecDeque::from([block]) }
    }

    /// The block that has this key if any has. None has one that goes before all others.
    fn block_of(&self, key: E::Key) -> Option<usize> {
        self.blocks.partition_point(|block| block.from <= key).checked_sub(1)
    }

    fn insert(&mut self, entry: E) -> Option<E> {
        let key = entry.key();
        let number = self.block_of(key).unwrap_or_else(|| {
            // It goes into the first block, which begins with it from now on.
            self.blocks[0].from = key;
            0
        });
        let block = &mut self.blocks[number].entries;
        let place = match find(block, key) {
            Ok(place) => return Some(std::mem::replace(&mut block[place], entry)),
            Err(place) => place,
        };
        self.len += 1;
        if block.len() < BLOCK {
            put(block, place, entry);
            return None;
        }
        // Where keys grow, though not in strict order, the next ones belong among the last: those go with them into a block that
        // still grows, and what is before them takes no more space than it needs.
        let middle = if place >= BLOCK / 4 * 3 { BLOCK / 4 * 3 } else { BLOCK / 2 };
        let mut behind = block.split_off(middle);
        block.shrink_to_fit();
        if place < middle {
            put(block, place, entry);
        } else {
            put(&mut behind, place - middle, entry);
        }
        self.blocks.insert(number + 1, Block { from: behind[0].key(), entries: behind });
        None
    }

    fn remove(&mut self, key: E::Key) -> Option<E> {
        let number = self.block_of(key)?;
        let block = &mut self.blocks[number].entries;
        let place = find(block, key).ok()?;
        let removed = block.remove(place);
        self.len -= 1;
        if block.is_empty() {
            self.take_block(number);
        } else if block.len() <= BLOCK / 4 {
            self.join(number);
        } else if block.capacity() / 2 > block.len() {
            block.shrink_to(block.len() + STEP);
        }
        Some(removed)
    }

    /// Lays a block that has become small together with one beside it, if both are one block and not a full one.
    fn join(&mut self, number: usize) {
        let len = |number: usize| self.blocks.get(number).map(|block| block.entries.len());
        let fits =
            |beside: usize| len(beside).zip(len(number)).is_some_and(|(beside, own)| beside + own <= BLOCK / 4 * 3);
        let first = match number.checked_sub(1) {
            Some(before) if fits(before) => before,
            _ if fits(number + 1) => number,
            _ => return,
        };
        let second = self.take_block(first + 1);
        let first = &mut self.blocks[first].entries;
        first.reserve_exact(second.len());
        first.extend(second);
    }

    /// Takes a block out, and gives back space when it was the last of many.
    fn take_block(&mut self, number: usize) -> Vec<E> {
        let entries = self.blocks.remove(number).map_or_else(Vec::new, |block| block.entries);
        if self.blocks.capacity() / 4 > self.blocks.len() {
            self.blocks.shrink_to(self.blocks.len() * 2);
        }
        entries
    }
}

fn put<E>(block: &mut Vec<E>, place: usize, entry: E) {
    if block.len() == block.capacity() {
        block.reserve_exact(STEP.min(BLOCK - block.len()));
    }
    block.insert(place, entry);
}

#[cfg(test)]
mod tests {
    //! It does what a `BTreeMap` does, and what it takes.

    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    struct Numbered(u16, u32);

    impl Keyed for Numbered {
        type Key = u16;

        fn key(&self) -> u16 {
            self.0
        }
    }

    #[derive(Clone, Debug)]
    enum Step {
        Insert(u16, u32),
        Remove(u16),
        Change(u16, u32),
        // Many at a time, so that blocks are begun, parted and laid together.
        Append(u16),
        RemoveEvery(u16, u16),
        Drain,
    }

    fn step() -> impl Strategy<Value = Step> {
        let key = || prop_oneof![0..20_u16, 0..2000_u16];
        prop_oneof![
            20 => (key(), any::<u32>()).prop_map(|(key, value)| Step::Insert(key, value)),
            20 => key().prop_map(Step::Remove),
            5 => (key(), any::<u32>()).prop_map(|(key, value)| Step::Change(key, value)),
            5 => (0..300_u16).prop_map(Step::Append),
            5 => (1..9_u16, 0..9_u16).prop_map(|(every, but)| Step::RemoveEvery(every, but)),
            1 => Just(Step::Drain),
        ]
    }

    fn insert(dense: &mut Dense<Numbered>, model: &mut BTreeMap<u16, u32>, key: u16, value: u32) {
        let before = dense.insert(Numbered(key, value)).map(|Numbered(_, value)| value);
        assert_eq!(before, model.insert(key, value));
    }

    fn remove(dense: &mut Dense<Numbered>, model: &mut BTreeMap<u16, u32>, key: u16) {
        assert_eq!(dense.remove(key).map(|Numbered(_, value)| value), model.remove(&key));
    }

    fn run(dense: &mut Dense<Numbered>, model: &mut BTreeMap<u16, u32>, step: &Step) {
        match *step {
            Step::Insert(key, value) => insert(dense, model, key, value),
            Step::Remove(key) => remove(dense, model, key),
            Step::Change(key, value) => {
                let found = dense.get_mut(key).map(|entry| std::mem::replace(&mut entry.1, value));
                assert_eq!(found, model.get_mut(&key).map(|before| std::mem::replace(before, value)));
            }
            Step::Append(many) => {
                let next = model.keys().next_back().map_or(0, |last| last + 1);
                (next..next.saturating_add(many)).for_each(|key| insert(dense, model, key, 7));
            }
            Step::RemoveEvery(every, but) => {
                let keys: Vec<u16> = model.keys().copied().filter(|key| key % every != but).collect();
                for key in keys {
                    remove(dense, model, key);
                }
            }
            Step::Drain => {
                let drained: Vec<_> = dense.drain().map(|Numbered(key, value)| (key, value)).collect();
                assert_eq!(drained, std::mem::take(model).into_iter().collect::<Vec<_>>());
            }
        }
    }

    fn check(dense: &Dense<Numbered>, model: &BTreeMap<u16, u32>) {
        assert_eq!(dense.len(), model.len());
        assert!(dense.iter().map(|entry| (&entry.0, &entry.1)).eq(model));
        assert_eq!(dense.last().map(Keyed::key), model.keys().next_back().copied());
        for key in (0..40).chain(model.keys().copied()) {
            assert_eq!(dense.get(key).map(|entry| entry.1), model.get(&key).copied());
        }
        let Shape::Many(many) = &dense.0 else { return };
        let blocks = || many.blocks.iter().map(|block| &block.entries);
        assert_eq!(blocks().map(Vec::len).sum::<usize>(), many.len);
        assert!(blocks().all(|entries| !entries.is_empty() && entries.capacity() <= BLOCK));
        assert!(many.blocks.iter().all(|block| block.from <= block.entries[0].key()));
        assert!(many.blocks.capacity() < 4 * many.blocks.len() + 4, "the space of blocks that are gone");
    }

    proptest! {
        #[test]
        fn it_does_what_a_b_tree_does(steps in prop::collection::vec(step(), 0..200)) {
            let (mut dense, mut model) = (Dense::default(), BTreeMap::new());
            for step in &steps {
                run(&mut dense, &mut model, step);
                check(&dense, &model);
            }
        }
    }

    /// How many entries there would be space for.
    fn space(dense: &Dense<Numbered>) -> usize {
        match &dense.0 {
            Shape::Few(few) => few.len(),
            Shape::Many(many) => many.blocks.iter().map(|block| block.entries.capacity()).sum(),
        }
    }

    #[test]
    fn keys_that_grow_leave_no_gaps() {
        let mut dense = Dense::default();
        for key in 0..50_000 {
            dense.insert(Numbered(key, 0));
            assert!(space(&dense) <= usize::from(key) + 1 + STEP);
        }
    }

    /// As the pids of processes are when some of those before them have ended.
    #[test]
    fn keys_that_grow_in_disorder_leave_few_gaps() {
        let mut dense = Dense::default();
        for key in 0..50_000_u16 {
            let shift = if key % 16 < 5 { 32 } else { 0 };
            dense.insert(Numbered(key + shift, 0));
        }
        assert!(space(&dense) < 53_000, "{}", space(&dense));
    }

    #[test]
    fn what_is_removed_gives_its_space_back() {
        let mut dense = Dense::default();
        for key in 0..50_000 {
            dense.insert(Numbered(key, 0));
        }
        for key in 0..50_000 {
            if key % 50 != 0 {
                dense.remove(key);
            }
        }
        assert_eq!(dense.len(), 1000);
        assert!(space(&dense) < 3000, "{}", space(&dense));
        for key in 0..50_000 {
            dense.remove(key);
        }
        assert_eq!(space(&dense), 0);
    }

    #[test]
    fn it_takes_two_words() {
        assert_eq!(size_of::<Dense<Numbered>>(), 2 * size_of::<usize>());
    }
}
