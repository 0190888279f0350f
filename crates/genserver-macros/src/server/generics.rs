//! Which parameters of the server's `impl` a message enum has.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{GenericParam, Generics, Ident, TypeParamBound};

use super::tokens::mentions;

/// The parameters that are used by a type, with their bounds.
pub(super) struct Used(Generics);

impl Used {
    /// Those of `all` that `used` mentions, with the bounds that are about no others.
    pub(super) fn by(used: &TokenStream, all: &Generics) -> Self {
        let is_used = |name: &Ident| mentions(used.clone(), name);
        let (kept, left): (Vec<_>, Vec<_>) = all.params.iter().cloned().partition(|it| name(it).is_some_and(is_used));
        let left: Vec<Ident> = left.iter().filter_map(name).cloned().collect();
        let stands_alone = |tokens: TokenStream| left.iter().all(|other| !mentions(tokens.clone(), other));
        let mut generics = Generics { where_clause: None, ..Generics::default() };
        for mut parameter in kept {
            if let GenericParam::Type(parameter) = &mut parameter {
                let bounds = std::mem::take(&mut parameter.bounds).into_iter();
                parameter.bounds = bounds.filter(|it: &TypeParamBound| stands_alone(it.to_token_stream())).collect();
            }
            generics.params.push(parameter);
        }
        // A predicate that mentions none of the parameters that are kept is not the type's affair.
        let concerns =
            |tokens: TokenStream| generics.params.iter().filter_map(name).any(|it| mentions(tokens.clone(), it));
        let clause = all.where_clause.iter().flat_map(|clause| &clause.predicates);
        let predicates: Vec<_> =
            clause.filter(|it| stands_alone(it.to_token_stream()) && concerns(it.to_token_stream())).cloned().collect();
        if !predicates.is_empty() {
            generics.make_where_clause().predicates.extend(predicates);
        }
        Self(generics)
    }

    /// `<T: Send>`, after the name of a type that is made.
    pub(super) fn declared(&self) -> impl ToTokens + '_ {
        &self.0
    }

    /// The `where` of such a type.
    pub(super) fn where_clause(&self) -> impl ToTokens + '_ {
        &self.0.where_clause
    }

    /// `<T>`, after the name of a type that is used.
    pub(super) fn applied(&self) -> TokenStream {
        let (_, applied, _) = self.0.split_for_impl();
        quote!(#applied)
    }
}

/// What a parameter is called. A lifetime is refused before, so it has no name here.
pub(super) fn name(parameter: &GenericParam) -> Option<&Ident> {
    match parameter {
        GenericParam::Type(parameter) => Some(&parameter.ident),
        GenericParam::Const(parameter) => Some(&parameter.ident),
        GenericParam::Lifetime(_) => None,
    }
}
