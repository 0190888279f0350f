//! What a block may have besides: parameters, attributes, several arguments, messages written by hand, names that collide.

use std::fmt::Debug;

use genserver::sys::Message;
use genserver::{
    AsProcess, AsServer, Call, Caller, CastError, Cx, FindError, GenServer, Init, Lookup, Never, Next, Outcome,
    ProcessRef, Reason, ServerRef, WaitForServer,
};

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

/// A call to `Shelf`.
#[derive(Debug)]
pub(crate) enum ShelfCall<B: Debug + Send + 'static, L>
where
    L: Clone + Debug + Send + 'static,
{
    /// What is written on it.
    Label(Caller<L>),
    /// Takes a book, or waits for one.
    Take(Caller<Option<B>>),
    /// Whether there is space for so many.
    HasSpace((usize, bool), u8, u8, Caller<bool>),
    /// What it was called before.
    #[deprecated = "use `label`"]
    Name(Caller<L>),
    #[cfg(any())]
    NotCompiled(Caller<Nothing>),
}

impl<const PLACES: usize, B: Debug + Send + 'static, L> Shelf<PLACES, B, L>
where
    L: Clone + Debug + Send + 'static,
{
    pub(crate) const PLACES: usize = PLACES;

    /// What is written on it.
    #[must_use = "a label is only read"]
    pub(crate) fn label(&self) -> L {
        self.label.clone()
    }

    /// Takes a book, or waits for one.
    pub(crate) fn take(&mut self, caller: Caller<Option<B>>, cx: &mut Cx<Self>) {
        let _ = cx.pid();
        match self.books.pop() {
            Some(book) => caller.reply(Some(book)),
            None => self.readers.push(caller),
        }
    }

    /// Whether there is space for so many.
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
    #[deprecated = "use `label`"]
    pub(crate) fn name(&self) -> L {
        self.label.clone()
    }

    #[cfg(any())]
    pub(crate) fn not_compiled(&self) -> Nothing {}

    pub(crate) fn put(&mut self, book: B) {
        if self.readers.is_empty() {
            self.books.push(book);
        } else {
            self.readers.remove(0).reply(Some(book));
        }
    }

    pub(crate) fn clear(&mut self) -> Outcome<Self> {
        self.books.clear();
        Next::hibernate()
    }
}

impl<const PLACES: usize, B: Debug + Send + 'static, L> GenServer for Shelf<PLACES, B, L>
where
    L: Clone + Debug + Send + 'static,
{
    type Args = (Vec<B>, L);
    type Call = ShelfCall<B, L>;
    type Cast = Cast<B>;
    type Info = Never;

    async fn init((mut books, label): (Vec<B>, L), _cx: &mut Cx<Self>) -> Init<Self> {
        Init::attempt(async {
            if books.len() > Self::PLACES {
                Err(Reason::term("too many books"))?;
            }
            books.reverse();
            Ok(Init::Run(Shelf { books, label, readers: Vec::new() }))
        })
        .await
    }

    async fn handle_call(&mut self, call: ShelfCall<B, L>, cx: &mut Cx<Self>) -> Outcome<Self> {
        match call {
            ShelfCall::Label(caller) => Next::reply(caller, self.label()),
            ShelfCall::Take(caller) => {
                self.take(caller, cx);
                Next::wait()
            }
            ShelfCall::HasSpace(field0, caller, field2, caller_) => {
                Next::reply(caller_, self.has_space(field0, caller, field2, cx).await)
            }
            #[expect(deprecated, reason = "it is for others")]
            ShelfCall::Name(caller) => Next::reply(caller, self.name()),
            #[cfg(any())]
            ShelfCall::NotCompiled(caller) => Next::reply(caller, self.not_compiled()),
        }
    }

    async fn handle_cast(&mut self, cast: Cast<B>, _cx: &mut Cx<Self>) -> Outcome<Self> {
        match cast {
            Cast::<B>::Put(book) => {
                self.put(book);
                Next::wait()
            }
            Cast::<B>::Clear => self.clear(),
        }
    }

    async fn terminate(&mut self, _reason: &Reason, _cx: &mut Cx<Self>) {
        for reader in self.readers.drain(..) {
            reader.reply(None);
        }
    }

    fn format_message(message: Message<'_, Self>) -> Option<String> {
        Some(format!("{message:?}"))
    }
}

/// A client of `Shelf`, over a `ServerRef`, a name, or a supervisor's child.
#[derive(Clone, Debug)]
pub(crate) struct Library<R>(R);

impl<const PLACES: usize, B: Debug + Send + 'static, L, R: AsServer<Server = Shelf<PLACES, B, L>>> Library<R>
where
    L: Clone + Debug + Send + 'static,
{
    /// Makes a client of the server that `server` refers to.
    pub(crate) fn new(server: R) -> Self {
        Self(server)
    }

    /// What is written on it.
    #[must_use = "a label is only read"]
    pub(crate) fn label(&self) -> Call<Lookup<'_, R>, L, impl FnOnce(Caller<L>) -> ShelfCall<B, L>> {
        self.0.call(ShelfCall::Label)
    }

    /// Takes a book, or waits for one.
    pub(crate) fn take(&self) -> Call<Lookup<'_, R>, Option<B>, impl FnOnce(Caller<Option<B>>) -> ShelfCall<B, L>> {
        self.0.call(ShelfCall::Take)
    }

    /// Whether there is space for so many.
    pub(crate) fn has_space(
        &self,
        field0: (usize, bool),
        caller: u8,
        field2: u8,
    ) -> Call<Lookup<'_, R>, bool, impl FnOnce(Caller<bool>) -> ShelfCall<B, L>> {
        self.0.call(move |caller_| ShelfCall::HasSpace(field0, caller, field2, caller_))
    }

    /// What it was called before.
    #[deprecated = "use `label`"]
    #[expect(deprecated, reason = "it is for others")]
    pub(crate) fn name(&self) -> Call<Lookup<'_, R>, L, impl FnOnce(Caller<L>) -> ShelfCall<B, L>> {
        self.0.call(ShelfCall::Name)
    }

    #[cfg(any())]
    pub(crate) fn not_compiled(&self) -> Call<Lookup<'_, R>, Nothing, impl FnOnce(Caller<Nothing>) -> ShelfCall<B, L>> {
        self.0.call(ShelfCall::NotCompiled)
    }

    pub(crate) fn put(&self, book: B) -> Result<(), CastError<Cast<B>>> {
        self.0.cast(Cast::<B>::Put(book))
    }

    pub(crate) fn clear(&self) -> Result<(), CastError<Cast<B>>> {
        self.0.cast(Cast::<B>::Clear)
    }
}

impl<const PLACES: usize, B: Debug + Send + 'static, L, R: AsServer<Server = Shelf<PLACES, B, L>>> AsServer
    for Library<R>
where
    L: Clone + Debug + Send + 'static,
{
    type Server = Shelf<PLACES, B, L>;

    fn as_server(&self) -> Result<ServerRef<Shelf<PLACES, B, L>>, FindError> {
        self.0.as_server()
    }

    fn wait_for_server(&self) -> Option<WaitForServer<'_, Shelf<PLACES, B, L>>> {
        self.0.wait_for_server()
    }
}

impl<R: AsProcess> AsProcess for Library<R> {
    fn as_process(&self) -> Option<ProcessRef> {
        self.0.as_process()
    }
}
