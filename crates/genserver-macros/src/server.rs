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
// ... whether a message can own it, ...
mod owned;
// ... and which parameters an enum has.
mod generics;
// Names that are made, ...
mod names;
// ... and tokens that are changed.
mod tokens;
// What is written.
mod expand;
// What was found wrong.
mod errors;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::{ToTokens, quote};
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
        Ok(block) => match Server::check(options, block, &mut errors) {
            Ok(server) => expand::write(&server),
            Err(block) => block,
        },
        Err(error) => {
            errors.add(error);
            without_attributes(item)
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
    /// Sorts what lies in the block. If its type cannot be that of a server, it is the block alone.
    fn check(options: Options, block: Block, errors: &mut Errors) -> Result<Self, TokenStream> {
        let genserver = options.genserver();
        let Block { attrs, generics, of_trait, self_ty, items } = block;
        if let Some(of_trait) = of_trait {
            errors.push(
                &of_trait,
                "`#[server]` goes on the type's own block, `impl Counter { .. }`, and writes the `impl GenServer` itself: \
                 move the callbacks to that block",
            );
            let (own, of_the_trait) = split(items);
            let (parameters, _, clause) = generics.split_for_impl();
            let head = quote!(#(#attrs)* impl #parameters);
            return Err(quote! {
                #head #of_trait for #self_ty #clause { #(#of_the_trait)* }
                #head #self_ty #clause { #(#own)* }
            });
        }
        let name = check_type(&self_ty, &generics, errors);
        let mut sorted = Sorted::default();
        for item in items {
            sorted.add(item, &genserver, errors);
        }
        let Sorted { mut messages, mut callbacks, mut rest } = sorted;
        if !callbacks.has_init {
            for method in &callbacks.methods {
                let message = format!(
                    "`{}` is a callback, and the block has no `init`: write one, or move this to an `impl GenServer` of \
                     yours",
                    method.sig.ident
                );
                errors.push(&method.sig.ident, message);
            }
        }
        if name.is_some() && callbacks.has_init {
            rest.extend(callbacks.mistaken.drain(..).map(ToTokens::into_token_stream));
        }
        let Some(name) = name else {
            let (parameters, _, clause) = generics.split_for_impl();
            return Err(quote!(#(#attrs)* impl #parameters #self_ty #clause { #(#rest)* }));
        };
        let Options { mut client, derive, .. } = options;
        if client.is_some() {
            for message in messages.extract_if(.., |message| message.method.sig.ident == "new") {
                errors.push(&message.method.sig.ident, "`new` makes a client: choose another name");
            }
        }
        if let Some(client) = client.take_if(|client| *client == name) {
            errors.push(client, format!("`{name}` is the server: choose another name for its client"));
        }
        let owner = (&name, &self_ty, &generics);
        let calls = Messages::new(Kind::Call, &mut messages, owner, &genserver, errors);
        let casts = Messages::new(Kind::Cast, &mut messages, owner, &genserver, errors);
        Ok(Self { genserver, client, derive, attrs, generics, self_ty, name, calls, casts, callbacks, rest })
    }
}

/// The name of the server, unless its type cannot be one.
fn check_type(self_ty: &Type, generics: &Generics, errors: &mut Errors) -> Option<Ident> {
    let borrows = "a server lives as long as its process, so it borrows nothing: own it, or share it in an `Arc`";
    let mut is_sound = true;
    for parameter in &generics.params {
        if let GenericParam::Lifetime(lifetime) = parameter {
            errors.push(lifetime, borrows);
            is_sound = false;
        }
    }
    if owned::borrows(self_ty) {
        errors.push(self_ty, borrows);
        return None;
    }
    let Some(segment) = types::segment(self_ty) else {
        errors.push(
            self_ty,
            "the messages are named after the server, and this type has no name: write a struct or an enum",
        );
        return None;
    };
    is_sound.then(|| segment.ident.clone())
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
                errors.push(again, format!("`#[{}]` is here twice: remove one", kind.name()));
            }
        }
        let kind = call.map(|attr| (Kind::Call, attr)).or(cast.map(|attr| (Kind::Cast, attr)));
        self.rest.push(quote!(#method));
        if let Some((kind, attr)) = kind {
            self.messages.extend(Message::check(kind, attr, method, errors));
        }
    }
}

/// The methods that have an attribute of this macro, without it, and everything else.
fn split(items: Vec<Item>) -> (Vec<TokenStream>, Vec<TokenStream>) {
    let (mut ours, mut others) = (Vec::new(), Vec::new());
    for item in items {
        match item {
            Item::Method(mut method) => {
                let attrs = [Kind::Call, Kind::Cast].map(|kind| method.take_attribute(kind.name()));
                let list = if attrs.iter().any(Option::is_some) { &mut ours } else { &mut others };
                list.push(method.into_token_stream());
            }
            Item::Other(item) => others.push(item.into_token_stream()),
        }
    }
    (ours, others)
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
        let name = attr.path().to_token_stream();
        errors.push(attr, format!("`#[{name}]` goes on a method: remove it"));
    }
    (others, item)
}

/// An item other than a block of methods, without the attributes that only this macro knows.
fn without_attributes(item: TokenStream) -> TokenStream {
    let is_ours = |token: &TokenTree| match token {
        TokenTree::Group(group) if group.delimiter() == Delimiter::Bracket => {
            matches!(group.stream().into_iter().next(), Some(TokenTree::Ident(name)) if name == "call" || name == "cast")
        }
        _ => false,
    };
    let strip = |token| match token {
        TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
            let mut kept = Vec::new();
            let mut tokens = group.stream().into_iter().peekable();
            while let Some(token) = tokens.next() {
                let begins_attribute = matches!(&token, TokenTree::Punct(punct) if punct.as_char() == '#');
                if !begins_attribute || tokens.next_if(is_ours).is_none() {
                    kept.push(token);
                }
            }
            let mut stripped = Group::new(Delimiter::Brace, kept.into_iter().collect());
            stripped.set_span(group.span());
            stripped.into()
        }
        token => token,
    };
    item.into_iter().map(strip).collect()
}
