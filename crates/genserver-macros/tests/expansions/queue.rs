//! The queue of seed 002.

use std::collections::VecDeque;

use genserver::Init;

#[derive(Debug)]
pub(crate) struct SimpleQueue(VecDeque<i64>);

#[genserver::server(client = Queue)]
impl SimpleQueue {
    fn init(items: Vec<i64>) -> Init<Self> {
        Init::Run(SimpleQueue(items.into()))
    }

    /// Takes the first item out.
    #[call]
    pub(crate) fn dequeue(&mut self) -> Option<i64> {
        // Its end is the front.
        self.0.pop_front()
    }

    /// Shows all items.
    #[call]
    pub(crate) fn queue(&self) -> Vec<i64> {
        self.0.iter().copied().collect()
    }

    /// Adds an item at the end.
    #[cast]
    pub(crate) fn enqueue(&mut self, item: i64) {
        self.0.push_back(item);
    }
}
