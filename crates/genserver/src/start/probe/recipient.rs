//! A probe as a [`Recipient`] of some message type.

use std::sync::Arc;

use crate::client::cast::CastError;
use crate::client::recipient::{Recipient, Takes};
use crate::node::any_process::AnyProcess;
use crate::start::probe::ProbeRef;

impl<M: Send + 'static> Takes<M> for ProbeRef<M> {
    fn take(&self, message: M) -> Result<(), CastError<M>> {
        self.send(message)
    }

    fn process(&self) -> Option<Arc<dyn AnyProcess>> {
        Some(Arc::clone(self.process_ref().process()))
    }

    fn title(&self) -> String {
        self.process_ref().process().head().title()
    }
}

/// Passes each `T` on to a probe of another message type.
pub(super) struct Relayed<M: Send + 'static, F> {
    pub(super) probe: ProbeRef<M>,
    pub(super) into: F,
}

impl<T, M, F> Takes<T> for Relayed<M, F>
where
    T: Send + 'static,
    M: Send + 'static,
    F: Fn(T) -> M + Send + Sync + 'static,
{
    fn take(&self, message: T) -> Result<(), CastError<T>> {
        self.probe.send_as(message, &self.into)
    }

    fn process(&self) -> Option<Arc<dyn AnyProcess>> {
        Some(Arc::clone(self.probe.process_ref().process()))
    }

    fn title(&self) -> String {
        self.probe.process_ref().process().head().title()
    }
}

impl<M: Send + 'static> From<ProbeRef<M>> for Recipient<M> {
    fn from(probe: ProbeRef<M>) -> Self {
        Self::taken_by(probe)
    }
}
