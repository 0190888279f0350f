//! All calls of a server, or all its casts, and the type that they are variants of.

use proc_macro2::TokenStream;
use quote::{ToTokens as _, format_ident, quote};
use syn::{Generics, Ident, Path, PathArguments, Type, Visibility};

use super::block::Method;
use super::errors::Errors;
use super::generics::Used;
use super::message::{Field, Kind, Message};
use super::types::without_self;

/// The messages of one kind.
pub(super) struct Messages {
    pub(super) kind: Kind,
    pub(super) list: Vec<Message>,
    pub(super) source: Source,
}

/// Where the type of the messages comes from.
pub(super) enum Source {
    /// The macro writes an enum.
    Made { name: Ident, generics: Used },
    /// It is written by hand.
    ByHand(Path),
}

impl Messages {
    /// Those of this kind among `all`.
    pub(super) fn new(
        kind: Kind,
        all: &mut Vec<Message>,
        (server, self_ty, generics): (&Ident, &Type, &Generics),
        genserver: &TokenStream,
        errors: &mut Errors,
    ) -> Self {
        let list: Vec<Message> = all.extract_if(.., |message| message.kind == kind).collect();
        let by_hand = list.iter().find_map(|message| message.by_hand.as_ref()).map(type_of);
        let source = by_hand.map_or_else(
            || {
                let fields = list.iter().flat_map(|message| &message.fields);
                let types: TokenStream = fields.map(|field| field.in_enum(self_ty, genserver)).collect();
                let name = format_ident!("{server}{}", kind.suffix(), span = server.span());
                Source::Made { name, generics: Used::by(&types, generics) }
            },
            Source::ByHand,
        );
        let messages = Self { kind, list, source };
        messages.check(errors);
        messages
    }

    fn check(&self, errors: &mut Errors) {
        let kind = self.kind.name();
        match &self.source {
            Source::Made { .. } => self.check_names(errors),
            Source::ByHand(ty) => {
                let ty = ty.to_token_stream().to_string();
                for message in &self.list {
                    match &message.by_hand {
                        None => errors.push(
                            &message.method.sig.ident,
                            format!("other {kind}s of this server name their variants: write `#[{kind}({ty}::..)]`"),
                        ),
                        Some(path) if type_of(path).to_token_stream().to_string() != ty => {
                            errors.push(
                                path,
                                format!("a server has one type for its {kind}s, and another one names `{ty}`"),
                            );
                        }
                        Some(_) => {}
                    }
                }
            }
        }
    }

    /// Two methods may not have one variant, unless only one of them is compiled.
    fn check_names(&self, errors: &mut Errors) {
        for (at, message) in self.list.iter().enumerate() {
            let is_conditional = |message: &Message| message.method.carried(&["cfg"]).next().is_some();
            let twin = self.list[..at].iter().find(|earlier| earlier.variant == message.variant);
            if let Some(twin) = twin
                && twin.method.sig.ident != message.method.sig.ident
                && !is_conditional(twin)
                && !is_conditional(message)
            {
                let (name, twin) = (&message.method.sig.ident, &twin.method.sig.ident);
                errors.push(name, format!("`{twin}` has the variant `{}` already: rename one", message.variant));
            }
        }
    }

    /// The type of the messages.
    pub(super) fn ty(&self, genserver: &TokenStream) -> TokenStream {
        match &self.source {
            Source::Made { .. } if self.list.is_empty() => quote!(#genserver::Never),
            Source::Made { name, generics } => {
                let applied = generics.applied();
                quote!(#name #applied)
            }
            Source::ByHand(path) => quote!(#path),
        }
    }

    /// The variant of a message, as a pattern and a function name it.
    pub(super) fn variant(&self, message: &Message) -> TokenStream {
        match (&self.source, &message.by_hand) {
            (_, Some(path)) => quote!(#path),
            (Source::Made { name, .. }, None) => {
                let variant = &message.variant;
                quote!(#name::#variant)
            }
            // Refused above; named all the same, so that the rest of the file is looked at.
            (Source::ByHand(ty), None) => {
                let variant = &message.variant;
                quote!(#ty::#variant)
            }
        }
    }
}

impl Field {
    /// Its type in the enum.
    pub(super) fn in_enum(&self, self_ty: &Type, genserver: &TokenStream) -> TokenStream {
        let ty = without_self(&self.ty, self_ty);
        if self.is_caller { quote!(#genserver::Caller<#ty>) } else { ty }
    }
}

/// The enum of a variant; a struct is its own. `Call::<T>` is `Call<T>` where a type is meant.
fn type_of(variant: &Path) -> Path {
    let mut ty = variant.clone();
    if ty.segments.len() > 1 {
        ty.segments.pop();
        ty.segments.pop_punct();
    }
    for segment in &mut ty.segments {
        if let PathArguments::AngleBracketed(arguments) = &mut segment.arguments {
            arguments.colon2_token = None;
        }
    }
    ty
}

/// The visibility that shows a type to all who see one of these messages.
pub(super) fn widest(messages: &[&Messages]) -> Visibility {
    let mut widest = Visibility::Inherited;
    for Message { method: Method { vis, .. }, .. } in messages.iter().flat_map(|messages| &messages.list) {
        let same = vis.to_token_stream().to_string() == widest.to_token_stream().to_string();
        widest = match (widest, vis) {
            (widest, _) if same => widest,
            (widest @ Visibility::Public(_), _) | (widest, Visibility::Inherited) => widest,
            (Visibility::Inherited, vis) | (_, vis @ Visibility::Public(_)) => vis.clone(),
            // Of `pub(super)` and `pub(in a::b)` neither may be the wider one.
            (Visibility::Restricted(_), Visibility::Restricted(_)) => syn::parse_quote!(pub(crate)),
        };
    }
    widest
}
