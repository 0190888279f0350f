//! TLS without the feature `tls`: types without values, so that nothing else has to ask for the feature.

use std::future::Ready;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::stream::{Reader, Writer};
use crate::drain::Drain;

#[derive(Clone, Debug)]
pub(super) enum ServerTls {}

pub(super) enum TlsReader {}

pub(super) enum TlsWriter {}

impl ServerTls {
    pub(super) fn knows_clients(&self) -> bool {
        match *self {}
    }

    pub(super) fn refusal(_error: &io::Error) -> Option<&'static str> {
        None
    }

    pub(super) fn accept(&self, _socket: TcpStream, _drain: &Drain) -> Ready<io::Result<(Reader, Writer)>> {
        match *self {}
    }
}

impl TlsReader {
    pub(super) fn socket(&self) -> &Arc<TcpStream> {
        match *self {}
    }
}

impl AsyncRead for TlsReader {
    fn poll_read(self: Pin<&mut Self>, _cx: &mut Context<'_>, _buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match *self {}
    }
}

impl AsyncWrite for TlsWriter {
    fn poll_write(self: Pin<&mut Self>, _cx: &mut Context<'_>, _bytes: &[u8]) -> Poll<io::Result<usize>> {
        match *self {}
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match *self {}
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match *self {}
    }
}
