//! The search for an order of operations in which a model returns what was seen.

use std::collections::BTreeSet;

/// An operation as the search sees it.
pub(super) struct Step<'a, O, R> {
    pub(super) asked: &'a O,
    pub(super) called: usize,
    /// When it returned, and what; nothing if that is not known.
    pub(super) returned: Option<(usize, &'a R)>,
}

/// Tries orders, one operation after the other.
pub(super) struct Search<'a, M, O, R> {
    steps: &'a [Step<'a, O, R>],
    apply: &'a dyn Fn(&mut M, &O) -> R,
    /// Which operations were done, and what that left of the model: nothing new comes of trying that again.
    seen: BTreeSet<(u128, M)>,
}

impl<'a, M: Clone + Ord, O, R: PartialEq> Search<'a, M, O, R> {
    /// Whether these operations, at most 128, can be put in an order.
    pub(super) fn explains(model: &M, apply: &'a dyn Fn(&mut M, &O) -> R, steps: &'a [Step<'a, O, R>]) -> bool {
        Search { steps, apply, seen: BTreeSet::new() }.goes_on(0, model)
    }

    /// Whether the operations that are left can be put in an order, after those of the set `done`.
    fn goes_on(&mut self, done: u128, model: &M) -> bool {
        let is_left = |number: &usize| done & (1 << number) == 0;
        let returned = |number: usize| self.steps[number].returned.map(|(at, _)| at);
        let left: Vec<usize> = (0..self.steps.len()).filter(is_left).collect();
        // One that is called after this cannot come before the one that returns then.
        let Some(first_return) = left.iter().filter_map(|number| returned(*number)).min() else { return true };
        if !self.seen.insert((done, model.clone())) {
            return false;
        }
        for number in left {
            let Step { asked, called, returned } = &self.steps[number];
            if *called > first_return {
                continue;
            }
            let mut after = model.clone();
            let result = (self.apply)(&mut after, asked);
            let is_explained = returned.is_none_or(|(_, seen)| *seen == result);
            if is_explained && self.goes_on(done | (1 << number), &after) {
                return true;
            }
        }
        false
    }
}
