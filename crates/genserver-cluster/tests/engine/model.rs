//! The facts, of a model in which nothing goes wrong, in simulations.

use std::time::Duration;

use genserver::sim;
use genserver_cluster::engine::model::{Member, Model};

use crate::facts::System;

impl System for Model {
    type Member = Member;

    const LEASE: Duration = Duration::from_millis(100);

    async fn member(&self, name: &str) -> Member {
        Self::member(self, name)
    }
}

fn check(fact: impl AsyncFn(Model)) {
    sim::check(async |_sim| fact(Model::new()).await);
}

hold_to_the_facts!(check);
