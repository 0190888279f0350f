//! `impl GenServer`: the types of the messages, the callbacks of the block, and the two that run the methods.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::Ident;

use super::super::Server;
use super::super::messages::Messages;
use super::{conditions, dispatch};

pub(super) fn write(server: &Server) -> TokenStream {
    let Server { genserver, self_ty, callbacks, .. } = server;
    let conditions = conditions(server);
    let (parameters, _, clause) = server.generics.split_for_impl();
    let args = &callbacks.args;
    let (call, cast) = (server.calls.ty(genserver), server.casts.ty(genserver));
    let info = callbacks.info.as_ref().map_or_else(|| quote!(#genserver::Never), |info| quote!(#info));
    let init = callbacks.methods.iter().filter(|method| method.sig.ident == "init");
    let others = callbacks.methods.iter().filter(|method| method.sig.ident != "init");
    let handle_call = handler(server, &server.calls);
    let handle_cast = handler(server, &server.casts);
    quote! {
        #(#conditions)*
        impl #parameters #genserver::GenServer for #self_ty #clause {
            type Args = #args;
            type Call = #call;
            type Cast = #cast;
            type Info = #info;

            #(#init)*
            #handle_call
            #handle_cast
            #(#others)*
        }
    }
}

/// `handle_call` or `handle_cast`, unless there is nothing to handle.
fn handler(server: &Server, messages: &Messages) -> TokenStream {
    if messages.list.is_empty() {
        return TokenStream::new();
    }
    let name = Ident::new(&format!("handle_{}", messages.kind.name()), Span::call_site());
    dispatch::function(server, messages, &name)
}
