//! Reading a list no further than it is of use.

use std::future::poll_fn;
use std::ops::ControlFlow;

use bytes::Bytes;
use futures::io::{AsyncRead, AsyncWrite};

use super::{AnswerError, Client};
use crate::answer::read_item;
use crate::command::Command;

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Client<R, W> {
    /// Sends a command that lists, and gives the items to a function until that breaks. An answer that is not a list has none.
    ///
    /// The rest of the answer stays unread, so this takes the client.
    pub(crate) async fn items_while(
        mut self,
        command: &Command,
        mut take: impl FnMut(Bytes) -> ControlFlow<()>,
    ) -> Result<(), AnswerError> {
        self.queue(command);
        loop {
            let line = poll_fn(|cx| self.wire.poll_line(cx)).await?;
            let Some(item) = read_item(&line) else { return Ok(()) };
            if take(item).is_break() {
                return Ok(());
            }
        }
    }
}
