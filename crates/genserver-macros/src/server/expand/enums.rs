//! The enum of a server's calls, and that of its casts.

use proc_macro2::TokenStream;
use quote::quote;

use super::super::Server;
use super::super::message::Kind;
use super::super::messages::{Messages, Source, widest};
use super::super::tokens::located;
use super::conditions;

/// The enum, unless there are no messages, or they are written by hand.
pub(super) fn write(server: &Server, messages: &Messages) -> TokenStream {
    let Source::Made { name, generics } = &messages.source else { return TokenStream::new() };
    if messages.list.is_empty() {
        return TokenStream::new();
    }
    let Server { genserver, self_ty, .. } = server;
    let conditions = conditions(server);
    let doc = match messages.kind {
        Kind::Call => format!(" A call to `{}`.", server.name),
        Kind::Cast => format!(" A cast to `{}`.", server.name),
    };
    let derive = server.derive.iter();
    let vis = widest(&[messages]);
    let (declared, clause) = (generics.declared(), generics.where_clause());
    let variants = messages.list.iter().map(|message| {
        let carried = message.method.carried(&["doc", "cfg", "deprecated"]);
        let variant = &message.variant;
        let types = message.fields.iter().map(|field| field.in_enum(self_ty, genserver));
        // With the place of the method: what the compiler says of the variant is about that.
        let fields = (!message.fields.is_empty()).then(|| located(quote!((#(#types),*)), variant.span()));
        quote!(#(#carried)* #variant #fields)
    });
    quote! {
        #(#conditions)*
        #[doc = #doc]
        #(#[derive(#derive)])*
        #vis enum #name #declared #clause { #(#variants),* }
    }
}
