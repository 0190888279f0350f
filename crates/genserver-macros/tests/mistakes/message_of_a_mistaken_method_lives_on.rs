//! A method with a mistake, of which the message and the client are there all the same.

use genserver::Init;

pub struct Counter(u64);

#[genserver::server(client = Client)]
impl Counter {
    fn init(first: u64) -> Init<Self> {
        Init::Run(Counter(first))
    }

    #[call]
    pub fn next(self, least: u64) -> u64 {
        self.0.max(least)
    }
}

// Nothing below is an error.
pub async fn asks(client: &Client) -> Option<u64> {
    client.next(1).await.ok()
}

fn main() {}
