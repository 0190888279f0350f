//! What is written: the enums, the methods as they were, the `impl GenServer`, and the client.

// The enums.
mod enums;
// The `match` that runs the method of a message.
mod dispatch;
// The callbacks, and the types of the messages.
mod genserver_impl;
// The client.
mod client;

use proc_macro2::TokenStream;
use quote::quote;
use syn::Attribute;

use super::Server;
use super::message::Message;

/// Everything, in the order in which one would write it.
pub(super) fn write(server: &Server) -> TokenStream {
    let calls = enums::write(server, &server.calls);
    let casts = enums::write(server, &server.casts);
    let block = block(server);
    let handlers = if server.callbacks.has_init { genserver_impl::write(server) } else { dispatch::functions(server) };
    let client = client::write(server);
    quote!(#calls #casts #block #handlers #client)
}

/// The block as it was, without what belongs in the `impl GenServer`.
fn block(server: &Server) -> TokenStream {
    let Server { attrs, self_ty, rest, .. } = server;
    if rest.is_empty() {
        return TokenStream::new();
    }
    let (parameters, _, clause) = server.generics.split_for_impl();
    quote!(#(#attrs)* impl #parameters #self_ty #clause { #(#rest)* })
}

/// The attributes of the block that say whether it is there at all: everything that is written has them.
fn conditions(server: &Server) -> Vec<&Attribute> {
    server.attrs.iter().filter(|attr| attr.path().is_ident("cfg")).collect()
}

/// For code that names the method or the variant of a message: both may be deprecated, but for others than that code.
fn deprecated(message: &Message) -> Option<TokenStream> {
    let attr = message.method.carried(&["deprecated"]).next();
    attr.map(|_| quote!(#[expect(deprecated, reason = "it is for others")]))
}
