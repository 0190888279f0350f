//! What an operator is told of the clients of an address: each thing once a minute, however often it happens.

use std::collections::BTreeMap;

use genserver::report::{CustomReport, Level, Report};
use genserver::{current_process, time};
use parking_lot::Mutex;

use super::address::Address;
use crate::throttle::Throttle;

/// The notices of one address.
pub(super) struct Notices {
    address: Address,
    /// By what is told: as many as there are texts in the code.
    told: Mutex<BTreeMap<&'static str, Throttle>>,
}

impl Notices {
    pub(super) fn of(address: Address) -> Self {
        Self { address, told: Mutex::default() }
    }

    /// Reports that `what` has happened and what to do, for the process that runs this, with details; unless the same was told lately.
    pub(super) fn tell(
        &self,
        kind: &'static str,
        what: &'static str,
        details: impl FnOnce(CustomReport) -> CustomReport,
    ) {
        let Some(others) = self.told.lock().entry(what).or_default().count(time::now()) else { return };
        let Some(process) = current_process() else { return };
        process.report(Level::Warning, |me| {
            let told = CustomReport::new(me, Level::Warning, kind, what).with("address", self.address.to_string());
            let told = details(told);
            Report::Custom(if others == 0 {
                told
            } else {
                told.with("others since the last report", others.to_string())
            })
        });
    }
}
