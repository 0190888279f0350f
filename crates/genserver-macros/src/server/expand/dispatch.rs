//! The `match` that runs the method of a message.

use proc_macro2::{Delimiter, Group, Span, TokenStream};
use quote::{format_ident, quote};
use syn::{Ident, ReturnType};

use super::super::Server;
use super::super::message::{Argument, Kind, Message, Then};
use super::super::messages::{Messages, Source};
use super::super::names::free_name;
use super::super::tokens::{ends, located};
use super::{conditions, deprecated};

/// `async fn NAME(&mut self, call: CounterCall, cx: &mut Cx<Self>) -> Outcome<Self> { match call { .. } }`.
pub(super) fn function(server: &Server, messages: &Messages, name: &Ident) -> TokenStream {
    let genserver = &server.genserver;
    // A variant that no method handles is shown where the first one is named.
    let at = match &messages.source {
        Source::ByHand(ty) => Span::call_site().located_at(ends(ty).1),
        Source::Made { .. } => Span::call_site(),
    };
    let message = Ident::new(messages.kind.name(), at);
    let ty = messages.ty(genserver);
    let names: Vec<Ident> = messages.list.iter().flat_map(|it| &it.fields).map(|field| field.name.clone()).collect();
    let uses_cx = messages.list.iter().flat_map(|it| &it.arguments).any(|it| matches!(it, Argument::Cx));
    let cx = if uses_cx { free_name("cx", &names, Span::call_site()) } else { Ident::new("_cx", Span::call_site()) };
    let arms = messages.list.iter().map(|message| arm(server, messages, message, &cx));
    quote! {
        async fn #name(&mut self, #message: #ty, #cx: &mut #genserver::Cx<Self>) -> #genserver::Outcome<Self> {
            match #message { #(#arms)* }
        }
    }
}

/// One arm.
fn arm(server: &Server, messages: &Messages, message: &Message, cx: &Ident) -> TokenStream {
    let genserver = &server.genserver;
    let method = &message.method.sig.ident;
    let conditions = message.method.carried(&["cfg"]);
    let deprecated = deprecated(message);
    let variant = messages.variant(message);
    let names = message.fields.iter().map(|field| &field.name);
    let mut fields = (!message.fields.is_empty()).then(|| quote!((#(#names),*)));
    if matches!(message.then, Then::Mistaken) {
        fields = fields.map(|_| quote!((..)));
    }
    let arguments = message.arguments.iter().map(|argument| match argument {
        Argument::Field(name) => name,
        Argument::Cx => cx,
    });
    // A reply of another type than the variant's is shown where the method returns it.
    let (first, last) = match &message.method.sig.output {
        ReturnType::Type(_, ty) => ends(ty),
        ReturnType::Default => (method.span(), method.span()),
    };
    let receiver = located(quote!(self.), first);
    let mut arguments = Group::new(Delimiter::Parenthesis, quote!(#(#arguments),*));
    arguments.set_span(arguments.span().located_at(last));
    let wait = message.method.sig.asyncness.map(|_| located(quote!(.await), last));
    let run = quote!(#receiver #method #arguments #wait);
    let mut caller = message.fields.iter().filter(|field| field.is_caller).map(|field| &field.name);
    let caller = caller.next();
    let reply = located(quote!(#genserver::Next::reply), first);
    let body = match &message.then {
        Then::Outcome => quote!(#run,),
        Then::Wait => quote!({ #run; #genserver::Next::wait() }),
        Then::Reply => quote!(#reply(#caller, #run),),
        Then::ReplyNothing => quote!({ #run; #reply(#caller, ()) }),
        // It is only there so that the rest of the file is looked at: the mistake keeps the program from being made.
        Then::Mistaken => quote!(#genserver::Next::wait(),),
    };
    quote!(#(#conditions)* #deprecated #variant #fields => #body)
}

/// For an `impl GenServer` that is written by hand: `dispatch_call` and `dispatch_cast`.
pub(super) fn functions(server: &Server) -> TokenStream {
    let both = [&server.calls, &server.casts];
    let functions: Vec<TokenStream> = both
        .into_iter()
        .filter(|messages| !messages.list.is_empty())
        .map(|messages| {
            let name = format_ident!("dispatch_{}", messages.kind.name());
            let doc = match messages.kind {
                Kind::Call => " Runs the method of a call, and answers with what it returns.",
                Kind::Cast => " Runs the method of a cast.",
            };
            let function = function(server, messages, &name);
            quote!(#[doc = #doc] #function)
        })
        .collect();
    if functions.is_empty() {
        return TokenStream::new();
    }
    let self_ty = &server.self_ty;
    let conditions = conditions(server);
    let (parameters, _, clause) = server.generics.split_for_impl();
    quote!(#(#conditions)* impl #parameters #self_ty #clause { #(#functions)* })
}
