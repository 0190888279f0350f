//! What a block may have besides: parameters, attributes, several arguments, messages written by hand, names that collide.

use std::fmt::Debug;

use genserver::sys::Message;
use genserver::{Caller, Cx, Init, Next, Outcome, Reason};

#[derive(Debug)]
pub(crate) struct Shelf<const PLACES: usize, B: Send + 'static, L> {
    books: Vec<B>,
    label: L,
    readers: Vec<Caller<Option<B>>>,
}

#[derive(Debug)]
pub(crate) enum Cast<B> {
    Put(B),
    Clear,
}

#[genserver::server(client = Library, derive(Debug))]
impl<const PLACES: usize, B: Debug + Send + 'static, L> Shelf<PLACES, B, L>
where
    L: Clone + Debug + Send + 'static,
{
    pub(crate) const PLACES: usize = PLACES;

    async fn init(mut books: Vec<B>, label: L) -> Result<Init<Self>, Reason> {
        if books.len() > Self::PLACES {
            Err(Reason::term("too many books"))?;
        }
        books.reverse();
        Ok(Init::Run(Shelf { books, label, readers: Vec::new() }))
    }

    /// What is written on it.
    #[call]
    #[must_use = "a label is only read"]
    pub(crate) fn label(&self) -> L {
        self.label.clone()
    }

    /// Takes a book, or waits for one.
    #[call]
    pub(crate) fn take(&mut self, caller: Caller<Option<B>>, cx: &mut Cx<Self>) {
        let _ = cx.pid();
        match self.books.pop() {
            Some(book) => caller.reply(Some(book)),
            None => self.readers.push(caller),
        }
    }

    /// Whether there is space for so many.
    #[call]
    pub(crate) async fn has_space(
        &mut self,
        (more, call): (usize, bool),
        caller: u8,
        _: u8,
        cx: &mut Cx<Self>,
    ) -> bool {
        std::future::ready((caller, cx.pid())).await;
        call && self.books.len() + more <= PLACES
    }

    /// What it was called before.
    #[call]
    #[deprecated = "use `label`"]
    pub(crate) fn name(&self) -> L {
        self.label.clone()
    }

    #[call]
    #[cfg(any())]
    pub(crate) fn not_compiled(&self) -> Nothing {}

    #[cast(Cast::<B>::Put)]
    pub(crate) fn put(&mut self, book: B) {
        if self.readers.is_empty() {
            self.books.push(book);
        } else {
            self.readers.remove(0).reply(Some(book));
        }
    }

    #[cast(Cast::<B>::Clear)]
    pub(crate) fn clear(&mut self) -> Outcome<Self> {
        self.books.clear();
        Next::hibernate()
    }

    fn terminate(&mut self, _reason: &Reason) {
        for reader in self.readers.drain(..) {
            reader.reply(None);
        }
    }

    fn format_message(message: Message<'_, Self>) -> Option<String> {
        Some(format!("{message:?}"))
    }
}
