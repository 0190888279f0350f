//! Lines that claim to be an export: what was imported is exported, and is imported from that as the same.

use kv_core::Store;

use crate::sessions::block_on;

pub(crate) fn run(input: &[u8]) {
    block_on(async {
        let first = Store::start().await.expect("nothing is in its way");
        // What comes before an error is imported.
        let _ = first.import(input, |_| {}).await;
        let exported = export(&first).await;
        let second = Store::start().await.expect("nothing is in its way");
        second.import(&exported[..], |_| {}).await.expect("an export can be imported");
        assert_eq!(export(&second).await.escape_ascii().to_string(), exported.escape_ascii().to_string());
        first.stop().await.expect("it runs");
        second.stop().await.expect("it runs");
    });
}

async fn export(store: &Store) -> Vec<u8> {
    let mut exported = Vec::new();
    store.export(&mut exported, |_| {}).await.expect("memory takes all");
    exported
}
