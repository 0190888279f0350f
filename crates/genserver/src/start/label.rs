//! The label of a server: the one that it is given, or the default one, such as the id of a supervised child.

use std::sync::Arc;

use crate::server::GenServer;
use crate::start::Start;

impl<S: GenServer, H> Start<S, H> {
    /// Gives the server a label for errors and reports: OTP's `set_label`. It need not be unique.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver_doc::quiet::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let server = genserver::start::<Quiet>(()).label("a quiet one").await?;
    /// assert_eq!(server.info().label.as_deref(), Some("a quiet one"));
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "set_label")]
    pub fn label(mut self, label: impl Into<Arc<str>>) -> Self {
        self.options().label = Some(label.into());
        self
    }

    /// Gives the server a label unless it was given a name or a label before. A supervisor labels its children so.
    pub fn default_label(mut self, label: impl Into<Arc<str>>) -> Self {
        let options = self.options();
        if options.name.is_none() && options.label.is_none() {
            options.label = Some(label.into());
        }
        self
    }
}
