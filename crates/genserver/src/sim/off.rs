//! What a program may say to the simulator, without the feature `sim`: nothing happens.

/// With the feature `sim`, notes in a simulation whether something happens; without it, nothing.
#[doc(hidden)]
#[macro_export]
macro_rules! __sometimes {
    ($condition:expr, $what:literal $(,)?) => {
        if false {
            let _: bool = $condition;
        }
    };
}

#[doc(inline)]
pub use crate::__sometimes as sometimes;

/// With the feature `sim`, a place in a simulation where others may go on; without it, this is ready at once.
#[expect(clippy::unused_async, reason = "with the feature it waits")]
pub async fn point(_name: &'static str) {}
