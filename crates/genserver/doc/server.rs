// Included by the examples that show one callback: `server!` is the rest of the server around it.
#[allow(unused_imports, reason = "an example need not use all of it")]
use genserver::*;

/// A server of these calls, casts and infos that begins as its `Default`, with these callbacks.
#[allow(unused_macros, reason = "an example need not use all of it")]
macro_rules! server {
    ($server:ty, $call:ty, $cast:ty, $info:ty; $($callbacks:tt)*) => {
        impl GenServer for $server {
            type Args = ();
            type Call = $call;
            type Cast = $cast;
            type Info = $info;

            async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> {
                Init::Run(Self::default())
            }

            $($callbacks)*
        }
    };
}
