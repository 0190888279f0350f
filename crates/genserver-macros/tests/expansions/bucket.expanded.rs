//! The bucket of seeds 000 and 004, as a server.

use std::collections::HashMap;

use genserver::{
    AsProcess, AsServer, Call, Caller, Cx, FindError, GenServer, Init, Lookup, Never, Next, Outcome, ProcessRef,
    ServerRef, WaitForServer,
};

#[derive(Debug, Default)]
pub(crate) struct Bucket {
    items: HashMap<String, i64>,
}

/// A call to `Bucket`.
pub(crate) enum BucketCall {
    /// The value of a key.
    Get(String, Caller<Option<i64>>),
    /// Gives a key a value.
    Put(String, i64, Caller<()>),
    /// Removes a key, and returns its value.
    Delete(String, Caller<Option<i64>>),
}

impl Bucket {
    /// The value of a key.
    pub(crate) fn get(&self, key: String) -> Option<i64> {
        self.items.get(&key).copied()
    }

    /// Gives a key a value.
    pub(crate) fn put(&mut self, key: String, value: i64) {
        self.items.insert(key, value);
    }

    /// Removes a key, and returns its value.
    pub(crate) fn delete(&mut self, key: String) -> Option<i64> {
        self.items.remove(&key)
    }
}

impl GenServer for Bucket {
    type Args = ();
    type Call = BucketCall;
    type Cast = Never;
    type Info = Never;

    async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
        Init::Run(Bucket::default())
    }

    async fn handle_call(&mut self, call: BucketCall, _cx: &mut Cx<Self>) -> Outcome<Self> {
        match call {
            BucketCall::Get(key, caller) => Next::reply(caller, self.get(key)),
            BucketCall::Put(key, value, caller) => {
                self.put(key, value);
                Next::reply(caller, ())
            }
            BucketCall::Delete(key, caller) => Next::reply(caller, self.delete(key)),
        }
    }
}

/// A client of `Bucket`, over a `ServerRef`, a name, or a supervisor's child.
#[derive(Clone, Debug)]
pub(crate) struct Items<R = ServerRef<Bucket>>(R);

impl<R: AsServer<Server = Bucket>> Items<R> {
    /// Makes a client of the server that `server` refers to.
    pub(crate) fn new(server: R) -> Self {
        Self(server)
    }

    /// The value of a key.
    pub(crate) fn get(
        &self,
        key: String,
    ) -> Call<Lookup<'_, R>, Option<i64>, impl FnOnce(Caller<Option<i64>>) -> BucketCall> {
        self.0.call(move |caller| BucketCall::Get(key, caller))
    }

    /// Gives a key a value.
    pub(crate) fn put(
        &self,
        key: String,
        value: i64,
    ) -> Call<Lookup<'_, R>, (), impl FnOnce(Caller<()>) -> BucketCall> {
        self.0.call(move |caller| BucketCall::Put(key, value, caller))
    }

    /// Removes a key, and returns its value.
    pub(crate) fn delete(
        &self,
        key: String,
    ) -> Call<Lookup<'_, R>, Option<i64>, impl FnOnce(Caller<Option<i64>>) -> BucketCall> {
        self.0.call(move |caller| BucketCall::Delete(key, caller))
    }
}

impl<R: AsServer<Server = Bucket>> AsServer for Items<R> {
    type Server = Bucket;

    fn as_server(&self) -> Result<ServerRef<Bucket>, FindError> {
        self.0.as_server()
    }

    fn wait_for_server(&self) -> Option<WaitForServer<'_, Bucket>> {
        self.0.wait_for_server()
    }
}

impl<R: AsProcess> AsProcess for Items<R> {
    fn as_process(&self) -> Option<ProcessRef> {
        self.0.as_process()
    }
}
