//! The bucket of seeds 000 and 004, as a server.

use std::collections::HashMap;

use genserver::Init;

#[derive(Debug, Default)]
pub(crate) struct Bucket {
    items: HashMap<String, i64>,
}

#[genserver::server(client = Items)]
impl Bucket {
    fn init() -> Init<Self> {
        Init::Run(Bucket::default())
    }

    /// The value of a key.
    #[call]
    pub(crate) fn get(&self, key: String) -> Option<i64> {
        self.items.get(&key).copied()
    }

    /// Gives a key a value.
    #[call]
    pub(crate) fn put(&mut self, key: String, value: i64) {
        self.items.insert(key, value);
    }

    /// Removes a key, and returns its value.
    #[call]
    pub(crate) fn delete(&mut self, key: String) -> Option<i64> {
        self.items.remove(&key)
    }
}
