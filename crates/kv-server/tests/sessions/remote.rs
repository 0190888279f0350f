//! A store on several machines is served as one of this program.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt as _;
use futures::io::Cursor;
use futures::stream::BoxStream;
use kv_core::{
    Bucket, BucketEvent, BucketName, CompareAndSetError, Compared, Operation, OperationError, OperationResult,
    RemoteEvent, RemoteStore, RemoteStoreError, Store,
};
use kv_server::{ServedStore, Session};

use crate::support::Client;

/// Stands for a store on several machines: it finds its buckets by name, in a store of this program.
#[derive(Debug)]
struct Elsewhere(Store);

impl Elsewhere {
    fn bucket(&self, name: &str) -> Result<Bucket, RemoteStoreError> {
        self.0.lookup(name).ok_or(RemoteStoreError::NotFound)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is given to `map_err`")]
fn other(error: impl ToString) -> RemoteStoreError {
    RemoteStoreError::Other(error.to_string())
}

#[async_trait]
impl RemoteStore for Elsewhere {
    async fn create(&self, bucket: &str) -> Result<(), RemoteStoreError> {
        self.0.create(bucket).await.map(drop).map_err(other)
    }

    async fn contains(&self, bucket: &str) -> Result<bool, RemoteStoreError> {
        Ok(self.0.lookup(bucket).is_some())
    }

    async fn apply_each(
        &self,
        bucket: &str,
        operations: Vec<Operation>,
    ) -> Result<Vec<Result<OperationResult, OperationError>>, RemoteStoreError> {
        self.bucket(bucket)?.apply_each(operations).await.map_err(other)
    }

    async fn apply(
        &self,
        bucket: &str,
        operations: Vec<Operation>,
    ) -> Result<Result<Vec<OperationResult>, OperationError>, RemoteStoreError> {
        self.bucket(bucket)?.apply(operations).await.map(Ok).map_err(other)
    }

    async fn compare_and_set(
        &self,
        bucket: &str,
        key: Bytes,
        expected: Option<Bytes>,
        new: Option<Bytes>,
    ) -> Result<Result<Compared, OperationError>, RemoteStoreError> {
        match self.bucket(bucket)?.compare_and_set(key, expected, new).await {
            Ok(()) => Ok(Ok(Compared::Set)),
            Err(CompareAndSetError::Differs { found }) => Ok(Ok(Compared::Differs { found })),
            Err(error) => Err(other(error)),
        }
    }

    async fn remove(&self, bucket: &str) -> Result<(), RemoteStoreError> {
        self.bucket(bucket)?.remove().await.map_err(other)
    }

    async fn names(&self, after: Option<&str>, limit: usize) -> Result<Vec<BucketName>, RemoteStoreError> {
        Ok(self.0.names(after, limit))
    }

    async fn events(&self) -> Result<BoxStream<'static, RemoteEvent>, RemoteStoreError> {
        let manager = self.0.events().await.map_err(other)?;
        let mut stream = manager.stream().mode(kv_core::genevent::NotifyMode::Async);
        stream.subscribe().await.map_err(other)?;
        let told = stream.filter_map(async |told| match told {
            Ok(BucketEvent::Created { name, .. }) => Some(RemoteEvent::Created(name)),
            Ok(BucketEvent::Exited { name, .. }) => Some(RemoteEvent::Removed(name)),
            _ => None,
        });
        Ok(told.boxed())
    }
}

async fn answers(store: impl Into<ServedStore>, is_resp: bool, asked: &str) -> String {
    let session = Session::new(store);
    let session = if is_resp { session.resp() } else { session };
    let mut answers = Cursor::new(Vec::new());
    session.serve(asked.as_bytes(), &mut answers).await.unwrap();
    String::from_utf8(answers.into_inner()).unwrap()
}

/// Asks both the same, and compares the answers.
async fn check(is_resp: bool, asked: &str) {
    let (here, there) = (Store::start().await.unwrap(), Store::start().await.unwrap());
    let remote: Arc<dyn RemoteStore> = Arc::new(Elsewhere(there));
    let (expected, found) = (answers(here, is_resp, asked).await, answers(remote, is_resp, asked).await);
    assert_eq!(found, expected);
}

#[tokio::test]
async fn every_command_of_the_line_protocol_has_the_answer_that_it_has_of_a_store_of_this_program() {
    let asked = "GET shopping milk\nPUT shopping milk 1\nLIST shopping\nCOUNT shopping\nDROP shopping\nCREATE shopping\n\
                 PUT shopping milk 1\nGET shopping milk\nFETCH shopping eggs\nPUTNEW shopping milk 2\nPUTNEW shopping eggs 2\n\
                 CAS shopping milk 1 3\nCAS shopping milk 1 4\nCAS shopping tea 1 4\nCAD shopping eggs 2\nTTL shopping milk\n\
                 PUTEX shopping tea 1 never\nPUTEX shopping tea 1 60s\nPERSIST shopping tea\nEXPIRE shopping coffee 1s\n\
                 LIST shopping\nLIST shopping t 1\nLIST shopping \"\" 1 milk\nCOUNT shopping\nCREATE books\nBUCKETS\nBUCKETS b\n\
                 BUCKETS shopping\nPUT books emma 1\nPUT shopping milk 9\nGET books emma\nGET nothing at\nDELETE shopping milk\n\
                 DROP books\nDROP books\nBUCKETS\nCREATE \"\"\nWATCH nothing\nPING\n";
    check(false, asked).await;
}

#[tokio::test]
async fn every_command_of_redis_has_the_reply_that_it_has_of_a_store_of_this_program() {
    let asked = "HGET shopping milk\nHSET shopping milk 1 eggs 2\nHGETALL shopping\nHINCRBY shopping milk 4\nHSETNX shopping milk 7\n\
                 HDEL shopping eggs\nHLEN shopping\nEXISTS shopping books shopping\nTYPE shopping\nTYPE books\nHSET books emma 1\n\
                 KEYS *\nDBSIZE\nSCAN 0\nHSCAN shopping 0\nHSCAN nothing 0\nMULTI\nHSET shopping tea 1\nHGET shopping tea\nEXEC\n\
                 HSET shopping a 1\nHSET books b 2\nHGET shopping a\nHGET books b\nDEL books nothing\nDBSIZE\nPING\n";
    check(true, asked).await;
}

#[tokio::test]
async fn what_happens_in_a_remote_store_is_told() {
    let store = Store::start().await.unwrap();
    let remote: Arc<dyn RemoteStore> = Arc::new(Elsewhere(store.clone()));
    let mut client = Client::of(Session::new(remote));
    client.check("SUBSCRIBE", &["OK"]).await;
    let bucket = store.create("shopping").await.unwrap();
    assert_eq!(client.line().await, "CREATED shopping\r\n");
    bucket.remove().await.unwrap();
    assert_eq!(client.line().await, "EXITED shopping normal\r\n");
}
