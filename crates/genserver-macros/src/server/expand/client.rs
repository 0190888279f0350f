//! The client: a type over anything that refers to the server, with a method for each message.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::Ident;

use super::super::Server;
use super::super::generics;
use super::super::message::{Kind, Message};
use super::super::messages::{Messages, widest};
use super::super::names::free_name;
use super::super::tokens::{located, without_self};
use super::{conditions, deprecated};

pub(super) fn write(server: &Server) -> TokenStream {
    let Some(client) = &server.client else { return TokenStream::new() };
    let Server { genserver, self_ty, generics, .. } = server;
    let reference = reference(server);
    let both = [&server.calls, &server.casts];
    let vis = widest(&both);
    let doc = format!(" A client of `{}`, over a `ServerRef`, a name, or a supervisor's child.", server.name);
    // The parameters of the server are not those of its client: they follow from the reference, so it has no default.
    let default = generics.params.is_empty().then(|| quote!(= #genserver::ServerRef<#self_ty>));
    let parameters = generics.params.iter();
    let predicates = generics.where_clause.iter().flat_map(|clause| &clause.predicates);
    let predicates = predicates.map(|predicate| quote!(#predicate,));
    let head = {
        let parameters = quote!(<#(#parameters,)* #reference: #genserver::AsServer<Server = #self_ty>>);
        let clause = (generics.where_clause.is_some()).then(|| quote!(where #(#predicates)*));
        let reference = reference.clone();
        move |what: TokenStream| quote!(impl #parameters #what #client<#reference> #clause)
    };
    let own = head(TokenStream::new());
    let as_server = head(quote!(#genserver::AsServer for));
    let methods = both.into_iter().flat_map(|messages| messages.list.iter().map(move |it| (messages, it)));
    let methods = methods.map(|(messages, message)| method(server, messages, message, &reference));
    let conditions = conditions(server);
    quote! {
        #(#conditions)*
        #[doc = #doc]
        #[derive(Clone, Debug)]
        #vis struct #client<#reference #default>(#reference);

        #(#conditions)*
        #own {
            /// Makes a client of the server that `server` refers to.
            #vis fn new(server: #reference) -> Self { Self(server) }
            #(#methods)*
        }

        #(#conditions)*
        #as_server {
            type Server = #self_ty;

            fn as_server(&self) -> ::core::result::Result<#genserver::ServerRef<#self_ty>, #genserver::FindError> {
                self.0.as_server()
            }

            fn wait_for_server(&self) -> ::core::option::Option<#genserver::WaitForServer<'_, #self_ty>> {
                self.0.wait_for_server()
            }
        }

        #(#conditions)*
        impl<#reference: #genserver::AsProcess> #genserver::AsProcess for #client<#reference> {
            fn as_process(&self) -> ::core::option::Option<#genserver::ProcessRef> {
                self.0.as_process()
            }
        }
    }
}

/// What the type of the reference is called.
fn reference(server: &Server) -> Ident {
    let taken: Vec<Ident> = server.generics.params.iter().filter_map(generics::name).cloned().collect();
    free_name("R", &taken, Span::call_site())
}

/// One method: it sends the message.
fn method(server: &Server, messages: &Messages, message: &Message, reference: &Ident) -> TokenStream {
    let Server { genserver, self_ty, .. } = server;
    let carried = message.method.carried(&["doc", "cfg", "deprecated"]);
    // What is returned must be used in any case; this says why.
    let must_use = message.method.carried(&["must_use"]).filter(|attr| attr.meta.require_path_only().is_err());
    let vis = &message.method.vis;
    // With its place, as the result below: what the compiler says of the function is about the method.
    let fn_token = &message.method.sig.fn_token;
    let name = &message.method.sig.ident;
    let variant = messages.variant(message);
    let ty = messages.ty(genserver);
    let parameters = message.asked().map(|field| {
        let (name, ty) = (&field.name, without_self(&field.ty, self_ty));
        quote!(#name: #ty)
    });
    let names = message.fields.iter().map(|field| &field.name);
    let deprecated = deprecated(message);
    let attrs = quote!(#(#carried)* #(#must_use)* #deprecated);
    if message.kind == Kind::Cast {
        let fields = (!message.fields.is_empty()).then(|| quote!((#(#names),*)));
        // Under a documentation of the user's, and not in its place.
        let errors = message.method.carried(&["doc"]).next().map(|_| {
            quote! {
                ///
                /// # Errors
                ///
                /// The message comes back if there is no server, or its mailbox is full.
            }
        });
        let result = located(quote!(-> ::core::result::Result<(), #genserver::CastError<#ty>>), name.span());
        return quote! {
            #attrs
            #errors
            #vis #fn_token #name(&self, #(#parameters),*) #result { self.0.cast(#variant #fields) }
        };
    }
    let reply = message.reply.as_ref().map(|reply| without_self(reply, self_ty));
    let make = match &*message.fields {
        [only] if only.is_caller => quote!(#variant),
        _ => {
            let caller = message.fields.iter().filter(|field| field.is_caller).map(|field| &field.name);
            quote!(move |#(#caller)*| #variant(#(#names),*))
        }
    };
    let call = quote! {
        #genserver::Call<#genserver::Lookup<'_, #reference>, #reply, impl FnOnce(#genserver::Caller<#reply>) -> #ty>
    };
    let result = located(quote!(-> #call), name.span());
    quote! {
        #attrs
        #vis #fn_token #name(&self, #(#parameters),*) #result { self.0.call(#make) }
    }
}
