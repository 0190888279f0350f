//! All calls of a server, or all its casts, and the type that they are variants of.

use proc_macro2::TokenStream;
use quote::{ToTokens as _, format_ident, quote};
use syn::{Generics, Ident, Path, PathArguments, Type, Visibility};

use super::block::Method;
use super::errors::Errors;
use super::generics::Used;
use super::message::{Field, Kind, Message};
use super::tokens::{ends, located, without_self};

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
        let mut list: Vec<Message> = all.extract_if(.., |message| message.kind == kind).collect();
        let by_hand = list.iter().find_map(|message| message.by_hand.as_ref()).map(type_of);
        check(&mut list, by_hand.as_ref(), errors);
        let source = by_hand.map_or_else(
            || {
                let fields = list.iter().flat_map(|message| &message.fields);
                let types: TokenStream = fields.map(|field| field.in_enum(self_ty, genserver)).collect();
                let name = format_ident!("{server}{}", kind.suffix(), span = server.span());
                Source::Made { name, generics: Used::by(&types, generics) }
            },
            Source::ByHand,
        );
        Self { kind, list, source }
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
        if !self.is_caller {
            return ty;
        }
        // A reply that cannot be sent is shown where the method returns it.
        let (first, last) = ends(&self.ty);
        let (caller, close) = (located(quote!(#genserver::Caller<), first), located(quote!(>), last));
        quote!(#caller #ty #close)
    }
}

/// Notes messages whose variants do not go together, and removes them.
fn check(list: &mut Vec<Message>, by_hand: Option<&Path>, errors: &mut Errors) {
    let mut sound: Vec<Message> = Vec::new();
    for message in list.drain(..) {
        let twin = twin(&message, &sound).map(|twin| twin.method.sig.ident.clone());
        let kind = message.kind.name();
        match (by_hand, &message.by_hand) {
            (Some(ty), None) => {
                let ty = ty.to_token_stream().to_string().replace(' ', "");
                let text = format!(
                    "this server's other {kind}s name their variants: write `#[{kind}({ty}::{})]`",
                    message.variant
                );
                errors.push(&message.attr, text);
            }
            (Some(ty), Some(path)) => {
                if type_of(path).to_token_stream().to_string() != ty.to_token_stream().to_string() {
                    let ty = ty.to_token_stream().to_string().replace(' ', "");
                    errors.push(
                        path,
                        format!(
                            "a server's {kind}s are of one type, and the first one is of `{ty}`: write `{ty}::{}`",
                            message.variant
                        ),
                    );
                    continue;
                }
                if let Some(twin) = twin {
                    errors.push(path, format!("this is the message of `{twin}` already: name another one"));
                    continue;
                }
            }
            (None, _) => {
                if let Some(twin) = twin {
                    let text = format!("`{twin}` has the variant `{}` already: rename one", message.variant);
                    errors.push(&message.method.sig.ident, text);
                    continue;
                }
            }
        }
        sound.push(message);
    }
    *list = sound;
}

/// The one of these that has the variant of this message too, unless only one of the two is compiled.
///
/// Two methods of one name are the compiler's affair.
fn twin<'a>(message: &Message, others: &'a [Message]) -> Option<&'a Message> {
    let is_conditional = |message: &Message| message.method.carried(&["cfg"]).next().is_some();
    let tokens = |path: &Option<Path>| path.to_token_stream().to_string();
    others.iter().find(|other| {
        let is_same = match &message.by_hand {
            Some(_) => tokens(&other.by_hand) == tokens(&message.by_hand),
            None => other.by_hand.is_none() && other.variant == message.variant,
        };
        is_same
            && other.method.sig.ident != message.method.sig.ident
            && !is_conditional(other)
            && !is_conditional(message)
    })
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
