//! `#[server]`, from the tokens that it is given to those that it writes.

// The arguments of the attribute, ...
mod options;
// ... and the block under it, ...
mod block;
// ... in which lie callbacks ...
mod callback;
// ... and methods with messages, ...
mod message;
// ... which are the variants of two types.
mod messages;
// What a type says to the macro, ...
mod types;
// ... and which parameters an enum has.
mod generics;
// What is written.
mod expand;
// What was found wrong.
mod errors;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, GenericParam, Generics, Ident, ImplItem, Type};

use block::{Block, Item, Method};
use callback::Callbacks;
use errors::Errors;
use message::{Kind, Message};
use messages::Messages;
use options::Options;

/// Writes what the block stands for, and a `compile_error!` for each mistake in it.
///
/// What could be read is written even then, so that the rest of the file is not full of errors that have no other cause.
pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let options = Options::parse(arguments, &mut errors);
    let mut tokens = match syn::parse2::<Block>(item.clone()) {
        Ok(block) => Server::check(options, block, &mut errors).map_or_else(|| item, |server| expand::write(&server)),
        Err(error) => {
            errors.add(error);
            item
        }
    };
    tokens.extend(errors.into_tokens());
    tokens
}

/// What was found in the block.
struct Server {
    genserver: TokenStream,
    client: Option<Ident>,
    derive: Option<TokenStream>,
    attrs: Vec<Attribute>,
    generics: Generics,
    self_ty: Type,
    /// The last name of its path.
    name: Ident,
    calls: Messages,
    casts: Messages,
    callbacks: Callbacks,
    /// What stays in the block: the methods of the messages too, in their places.
    rest: Vec<TokenStream>,
}

impl Server {
    /// Sorts what lies in the block. It is nothing if its type has no name.
    fn check(options: Options, block: Block, errors: &mut Errors) -> Option<Self> {
        let genserver = options.genserver();
        let Block { attrs, generics, self_ty, items } = block;
        let Some(segment) = types::segment(&self_ty) else {
            errors.push(&self_ty, "the messages are named after the server: this type has no name");
            return None;
        };
        let name = segment.ident.clone();
        for parameter in &generics.params {
            if let GenericParam::Lifetime(lifetime) = parameter {
                errors.push(
                    lifetime,
                    "a server lives as long as its process, so it borrows nothing: own it, or share it in an `Arc`",
                );
            }
        }
        let mut sorted = Sorted::default();
        for item in items {
            sorted.add(item, &genserver, errors);
        }
        let Sorted { mut messages, callbacks, rest } = sorted;
        if !callbacks.has_init {
            for method in &callbacks.methods {
                let message = format!(
                    "`{}` is a callback: a block with callbacks has `init` among them; without it, write the \
                     `impl GenServer` by hand, and this in it",
                    method.sig.ident
                );
                errors.push(&method.sig.ident, message);
            }
        }
        if options.client.is_some() {
            for message in messages.iter().filter(|message| message.method.sig.ident == "new") {
                errors.push(&message.method.sig.ident, "`new` makes a client: choose another name");
            }
        }
        let owner = (&name, &self_ty, &generics);
        let calls = Messages::new(Kind::Call, &mut messages, owner, &genserver, errors);
        let casts = Messages::new(Kind::Cast, &mut messages, owner, &genserver, errors);
        let Options { client, derive, .. } = options;
        Some(Self { genserver, client, derive, attrs, generics, self_ty, name, calls, casts, callbacks, rest })
    }
}

/// The parts of a block.
#[derive(Default)]
struct Sorted {
    messages: Vec<Message>,
    callbacks: Callbacks,
    rest: Vec<TokenStream>,
}

impl Sorted {
    fn add(&mut self, item: Item, genserver: &TokenStream, errors: &mut Errors) {
        match item {
            Item::Method(method) => self.add_method(*method, genserver, errors),
            Item::Other(item) => {
                let (attrs, item) = other(*item, errors);
                self.rest.push(quote!(#(#attrs)* #item));
            }
        }
    }

    fn add_method(&mut self, mut method: Method, genserver: &TokenStream, errors: &mut Errors) {
        let call = method.take_attribute(Kind::Call.name());
        let cast = method.take_attribute(Kind::Cast.name());
        let name = method.sig.ident.to_string();
        if callback::is_callback(&name) {
            for attr in call.iter().chain(&cast) {
                errors.push(
                    attr,
                    format!("`{name}` is a callback, which the server calls itself: rename the method, or remove this"),
                );
            }
            self.callbacks.add(method, genserver, errors);
            return;
        }
        if let (Some(_), Some(cast)) = (&call, &cast) {
            errors.push(cast, "a method is a call or a cast: remove one");
        }
        for kind in [Kind::Call, Kind::Cast] {
            if let Some(again) = method.take_attribute(kind.name()) {
                errors.push(again, "this is here twice: remove one");
            }
        }
        let kind = call.map(|attr| (Kind::Call, attr)).or(cast.map(|attr| (Kind::Cast, attr)));
        self.rest.push(quote!(#method));
        if let Some((kind, attr)) = kind {
            self.messages.extend(Message::check(kind, &attr, method, errors));
        }
    }
}

/// An item other than a method, without the attributes that only a method can have.
fn other(mut item: ImplItem, errors: &mut Errors) -> (Vec<Attribute>, ImplItem) {
    let attrs = match &mut item {
        ImplItem::Const(item) => std::mem::take(&mut item.attrs),
        ImplItem::Type(item) => std::mem::take(&mut item.attrs),
        ImplItem::Macro(item) => std::mem::take(&mut item.attrs),
        _ => Vec::new(),
    };
    let (ours, others): (Vec<_>, Vec<_>) =
        attrs.into_iter().partition(|attr| attr.path().is_ident("call") || attr.path().is_ident("cast"));
    for attr in ours {
        errors.push(attr, "this goes on a method");
    }
    (others, item)
}
