//! A newsroom: one manager, a handler that keeps everything, one that gives up, and a reader who takes the events as a stream.
//!
//! Run it with `cargo run -p genevent --example newsroom`.

use std::error::Error;
use std::fmt;

use futures::TryStreamExt;
use genevent::{Handler, HandlerCx, LoggedMessages, LoggerHandler, Manager, React, Reaction};
use genserver::{Never, Node};

/// What happens.
#[derive(Clone, Debug)]
enum News {
    Weather { degrees: i8 },
    Rumour(&'static str),
}

impl fmt::Display for News {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Weather { degrees } => write!(f, "it is {degrees} degrees"),
            Self::Rumour(rumour) => write!(f, "they say that {rumour}"),
        }
    }
}

/// A handler that cannot bear rumours.
struct Editor;

impl Handler<News> for Editor {
    type Call = Never;

    fn handle_event(&mut self, news: &News, _cx: &mut HandlerCx<News>) -> Reaction<News> {
        match news {
            News::Weather { .. } => React::stay(),
            News::Rumour(rumour) => Err(genserver::Reason::term(format!("cannot print that {rumour}"))),
        }
    }
}

#[tokio::main]
#[expect(clippy::print_stdout, reason = "an example is to be seen")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut reports = Node::program().reports();
    let newsroom = Manager::<News>::start().name("newsroom").await?;
    newsroom.add_handler(Editor).await?;
    let log = newsroom.add_handler(LoggerHandler::new()).await?;
    let mut reader = newsroom.stream();
    reader.subscribe().await?;

    newsroom.notify(News::Weather { degrees: -3 })?;
    newsroom.notify(News::Rumour("it will snow"))?;
    println!("the log: {:?}", newsroom.call(&log, LoggedMessages).await?);

    // The editor has gone, and nobody else has noticed.
    if let Some(report) = reports.next().await {
        println!("{report}");
    }
    println!("still there: {:?}", newsroom.which_handlers().await?);

    newsroom.stop().await?;
    println!("the reader: {:?}", reader.try_collect::<Vec<_>>().await?);
    Ok(())
}
