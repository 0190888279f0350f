//! A call with a `where` clause.

use genserver::Init;

struct Counter<T>(Vec<T>);

#[genserver::server]
impl<T: Send + 'static> Counter<T> {
    fn init() -> Init<Self> {
        Init::Run(Counter(Vec::new()))
    }

    #[call]
    fn last(&self) -> Option<T>
    where
        T: Clone,
    {
        self.0.last().cloned()
    }
}

fn main() {}
