//! Runs the statements of an example on a runtime.

use std::error::Error;
use std::future::Future;

/// Runs statements on a runtime of one thread. They may await, and `?` takes every error.
///
/// An example that is wrapped in it needs no hidden `main`.
#[macro_export]
macro_rules! run {
    ($($statements:tt)*) => {
        $crate::block_on(async {
            $($statements)*
            ;
            Ok(())
        });
    };
}

/// The same with a clock that is paused, and jumps to the next timer when nothing else is to be done.
#[macro_export]
macro_rules! run_paused {
    ($($statements:tt)*) => {
        $crate::block_on_paused(async {
            $($statements)*
            ;
            Ok(())
        });
    };
}

/// What [`run!`](crate::run) expands to.
pub fn block_on(example: impl Future<Output = Result<(), Box<dyn Error>>>) {
    run_on(tokio::runtime::Builder::new_current_thread().enable_all(), example);
}

/// What [`run_paused!`](crate::run_paused) expands to.
pub fn block_on_paused(example: impl Future<Output = Result<(), Box<dyn Error>>>) {
    run_on(tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true), example);
}

fn run_on(builder: &mut tokio::runtime::Builder, example: impl Future<Output = Result<(), Box<dyn Error>>>) {
    let runtime = builder.build().expect("a runtime of one thread can be built");
    runtime.block_on(example).expect("the example fails");
}
