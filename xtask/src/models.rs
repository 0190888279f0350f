//! `cargo xtask models`: genserver's own code under the schedules of a model checker.
//!
//! The build is another one, with the checker's locks and atomics in it, so it has a folder of its own and disturbs no other.

use crate::cargo::Cargo;
use crate::{Result, test, workspace};

/// Runs every model, or those whose names contain the arguments.
pub(crate) fn run(args: &[String]) -> Result {
    models().args(args).run()
}

fn models() -> Cargo {
    test::tests_as("models", "--package genserver --no-default-features --test models")
        .env("RUSTFLAGS", "--cfg genserver_shuttle")
        .env("CARGO_TARGET_DIR", &workspace::target().join("models").to_string_lossy())
}

#[cfg(test)]
mod tests {
    //! What the build must not share with others.

    use super::*;

    #[test]
    fn the_models_are_built_apart() {
        let line = models().to_string();
        assert!(line.contains("/models\""), "{line}");
        assert!(line.contains("RUSTFLAGS=\"--cfg genserver_shuttle\""), "{line}");
        assert!(line.contains("profile models"), "{line}");
    }
}
