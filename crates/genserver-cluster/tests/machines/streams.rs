//! What servers of NATS say of the streams that an engine keeps: who leads, and who has all of them.

use std::time::Duration;

use async_nats::jetstream;
use genserver::time;

use crate::servers::Servers;

/// Where an engine keeps its keys and its logs.
const STREAMS: [&str; 2] = ["KV_genserver", "LOG_genserver"];

impl Servers {
    /// The server that leads those of the keys.
    pub(super) async fn leader(&self) -> usize {
        loop {
            if let Some(info) = self.streams().await.into_iter().next()
                && let Some(leader) = info.leader
            {
                return self.number_of(&leader);
            }
            time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Whether each server has all that the others have.
    pub(super) async fn are_current(&self) -> bool {
        if self.count() == 1 {
            return true;
        }
        let streams = self.streams().await;
        let is_current = |info: &jetstream::stream::ClusterInfo| {
            info.leader.is_some()
                && info.replicas.len() + 1 == self.count()
                && info.replicas.iter().all(|replica| replica.current && !replica.offline)
        };
        streams.len() == STREAMS.len() && streams.iter().all(is_current)
    }

    /// What is known of the servers of each stream, as far as it is known.
    async fn streams(&self) -> Vec<jetstream::stream::ClusterInfo> {
        let addresses = self.addresses_from(0);
        let ask = async {
            let client = async_nats::connect(addresses).await.ok()?;
            let context = jetstream::new(client);
            let mut streams = Vec::new();
            for name in STREAMS {
                streams.extend(context.get_stream(name).await.ok()?.cached_info().cluster.clone());
            }
            Some(streams)
        };
        time::timeout(Duration::from_secs(5), ask).await.ok().flatten().unwrap_or_default()
    }
}
