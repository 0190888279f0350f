//! The admin page: `kv serve --admin` serves it, and `kv top` shows it at the terminal.

use std::path::PathBuf;
use std::sync::Arc;

use genserver_observer::terminal::{AskError, Left, Top};
use genserver_observer::{Observer, ServeError, Token};
use kv_core::Store;
use kv_core::genserver::Node;
use kv_server::net::Server;
use signal_hook::low_level::emulate_default_handler;

use crate::arguments;
use crate::exit::{Exit, Failure};
use crate::login;
use crate::print::show;

// What the page tells of the server itself.
mod serving;

use serving::Serving;

/// Where the page is, unless something else is said.
const DEFAULT_ADDRESS: &str = "127.0.0.1:4000";

/// The page of this server.
#[derive(Debug)]
pub(crate) struct Page {
    /// What a browser opens.
    pub(crate) url: String,
    serving: Arc<Serving>,
}

impl Page {
    /// Serves it, at first for a server that is not ready.
    pub(crate) fn serve(address: &str, token_file: Option<PathBuf>) -> Result<Self, Failure> {
        let serving = Arc::<Serving>::default();
        let (ready, shown) = (Arc::clone(&serving), Arc::clone(&serving));
        let observer = Observer::new(&Node::program()).ready(move || ready.is_ready());
        let mut observer = observer.metrics(move || shown.figures());
        if let Some(token) = login::admin_token(token_file)? {
            let text = String::from_utf8_lossy(token.as_bytes());
            let token: Token = text.parse().map_err(|error| Failure::new(Exit::Refused, error))?;
            observer = observer.token(token);
        }
        let page = observer.serve(address).map_err(|error| refused(&error))?;
        Ok(Self { url: format!("http://{}/", page.address()), serving })
    }

    /// The server serves from now on.
    pub(crate) fn begin(&self, server: &Arc<Server>, store: Option<&Store>) {
        self.serving.begin(Arc::clone(server), store.cloned());
    }

    /// The server refuses new clients from now on.
    pub(crate) fn end(&self) {
        self.serving.end();
    }
}

fn refused(error: &ServeError) -> Failure {
    match error {
        ServeError::NeedsToken(address) => Failure::new(
            Exit::Refused,
            format_args!(
                "other machines can reach {address}, and the admin page has no token; name a file that has one with \
                 --admin-token-file, or serve it on 127.0.0.1"
            ),
        ),
        ServeError::Address(_) => Failure::new(Exit::Usage, error),
        _ => Failure::new(Exit::Server, error),
    }
}

/// Shows the page of a server: at a terminal until a key ends it, otherwise once.
pub(crate) async fn top(options: arguments::Top, json: bool, has_screen: bool) -> Result<(), Failure> {
    let of_environment = || std::env::var("KV_ADMIN").ok().filter(|named| !named.is_empty());
    let address = options.admin.or_else(of_environment);
    let mut top = Top::new(address.as_deref().unwrap_or(DEFAULT_ADDRESS));
    if let Some(token) = login::admin_token(options.admin_token_file)? {
        top = top.token(token.as_bytes()).map_err(|error| Failure::new(Exit::Refused, error))?;
    }
    // Also before the screen: what is wrong with the address or the token is not mended by asking again.
    let seen = top.snapshot().await.map_err(unanswered)?;
    if has_screen && !options.once && !json {
        return match top.run().await {
            Ok(Left::Signal(signal)) => Ok(emulate_default_handler(signal)?),
            Ok(_) => Ok(()),
            Err(error) => Err(Failure::new(Exit::Io, format_args!("the terminal cannot be used: {error}"))),
        };
    }
    let text = if json { serde_json::json!(seen).to_string() + "\n" } else { seen.to_string() };
    Ok(show(text.as_bytes())?)
}

fn unanswered(error: AskError) -> Failure {
    match &error {
        AskError::Connect { .. } => Failure::new(Exit::Connect, error).or("kv serve has the page with --admin"),
        AskError::Late { .. } => Failure::new(Exit::Late, error),
        AskError::Token { .. } => Failure::new(Exit::Denied, error).or(
            "put it into a file that only you can read, and name that with --admin-token-file or KV_ADMIN_TOKEN_FILE",
        ),
        _ => Failure::new(Exit::Server, error),
    }
}
