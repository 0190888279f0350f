//! The recorder of an exporter that many programs have: that for Prometheus.

use metrics_exporter_prometheus::PrometheusBuilder;

/// Installs it for the whole program. Not inlined: what it executes is left out of the count, because it waits for the clock.
#[inline(never)]
pub(crate) fn install() {
    let installed = metrics::set_global_recorder(PrometheusBuilder::new().build_recorder());
    assert!(installed.is_ok(), "there is another recorder");
}
