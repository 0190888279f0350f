//! What a type means to the macro: told from the last name of its path, never from the name of a parameter.

use proc_macro2::{Group, Ident, Spacing, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{GenericArgument, PathArguments, PathSegment, ReturnType, Type};

use super::errors::Errors;

/// What a parameter is for.
pub(super) enum Role<'a> {
    /// `&mut Cx<Self>`: the server's context.
    Cx,
    /// `Caller<T>`: who is to be answered, with a `T`.
    Caller(&'a Type),
    /// A field of the message.
    Field,
}

/// What the parameter of this type is for.
pub(super) fn role(ty: &Type) -> Role<'_> {
    let ty = inner(ty);
    if matches!(ty, Type::Reference(reference) if is_named(&reference.elem, "Cx")) {
        return Role::Cx;
    }
    match segment(ty) {
        Some(segment) if segment.ident == "Cx" => Role::Cx,
        Some(segment) if segment.ident == "Caller" => argument(segment).map_or(Role::Field, Role::Caller),
        _ => Role::Field,
    }
}

/// Notes a context that is not `&mut Cx<..>`, and returns whether it is one.
pub(super) fn check_cx(ty: &Type, errors: &mut Errors) -> bool {
    let is_borrowed = matches!(inner(ty), Type::Reference(reference) if is_mutable(reference.to_token_stream()));
    if !is_borrowed {
        errors.push(ty, "a method borrows the context: write `&mut Cx<Self>`");
    }
    is_borrowed
}

/// Whether the type of a reference begins `&mut`, or `&'a mut`.
fn is_mutable(reference: TokenStream) -> bool {
    reference.into_iter().any(|token| matches!(token, TokenTree::Ident(ident) if ident == "mut"))
}

/// What a method returns.
pub(super) enum Returned<'a> {
    Nothing,
    /// `Outcome<Self>`: how the server goes on.
    Outcome,
    Value(&'a Type),
}

/// What a method with this end of a signature returns.
pub(super) fn returned(output: &ReturnType) -> Returned<'_> {
    match output {
        ReturnType::Default => Returned::Nothing,
        ReturnType::Type(_, ty) => match inner(ty) {
            Type::Tuple(tuple) if tuple.elems.is_empty() => Returned::Nothing,
            ty if is_named(ty, "Outcome") => Returned::Outcome,
            ty => Returned::Value(ty),
        },
    }
}

/// Whether it is `Result<Init<..>, ..>`.
pub(super) fn is_result_of_init(ty: &Type) -> bool {
    segment(ty).is_some_and(|it| it.ident == "Result" && argument(it).is_some_and(|ok| is_named(ok, "Init")))
}

/// Whether the last name of its path is this one.
pub(super) fn is_named(ty: &Type, name: &str) -> bool {
    segment(ty).is_some_and(|segment| segment.ident == name)
}

/// The last name of its path, if it is a path.
pub(super) fn segment(ty: &Type) -> Option<&PathSegment> {
    match inner(ty) {
        Type::Path(path) => path.path.segments.last(),
        _ => None,
    }
}

/// The first type between the angle brackets.
fn argument(segment: &PathSegment) -> Option<&Type> {
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else { return None };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}

/// Without parentheses, and without the invisible ones of a `macro_rules!`.
fn inner(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => inner(&group.elem),
        Type::Paren(paren) => inner(&paren.elem),
        _ => ty,
    }
}

/// Notes what a message cannot own: a type that borrows, and one without a name. Returns whether there was none.
///
/// `what` is a field of a message, or a reply.
pub(super) fn check_owned(ty: &Type, what: &str, errors: &mut Errors) -> bool {
    match find_borrowed(ty.to_token_stream()) {
        None => true,
        Some(Borrowed::Reference(at)) => {
            let instead = if matches!(at, TokenTree::Punct(_)) {
                "write `String` for `&str`, for instance"
            } else {
                "write `'static`, or a type without a lifetime"
            };
            errors.push(at, format!("{what} is sent to another task, so it owns what it holds: {instead}"));
            false
        }
        Some(Borrowed::Unnamed(at)) => {
            let message =
                format!("`impl` hides the type, and {what} has to name it: write the type itself, or `Box<dyn ..>`");
            errors.push(at, message);
            false
        }
    }
}

/// What makes a type unfit for a message.
enum Borrowed {
    /// `&` or `'_`, without the name of a lifetime.
    Reference(TokenTree),
    /// `impl`.
    Unnamed(TokenTree),
}

/// Whether the name of a lifetime is left out in this type.
pub(super) fn borrows(ty: &Type) -> bool {
    matches!(find_borrowed(ty.to_token_stream()), Some(Borrowed::Reference(_)))
}

/// The first such thing. Functions may borrow what they are given: what follows `Fn` in parentheses is their own affair, and so
/// is what they return.
fn find_borrowed(tokens: TokenStream) -> Option<Borrowed> {
    let mut tokens = tokens.into_iter().peekable();
    let mut after_name = false;
    let mut after_arrow = false;
    while let Some(token) = tokens.next() {
        let was_name = std::mem::replace(&mut after_name, false);
        let was_arrow = std::mem::replace(&mut after_arrow, false);
        match &token {
            TokenTree::Punct(punct) if punct.as_char() == '&' && !was_arrow => {
                let has_lifetime = matches!(tokens.peek(), Some(TokenTree::Punct(next)) if next.as_char() == '\'');
                if !has_lifetime {
                    return Some(Borrowed::Reference(token));
                }
            }
            TokenTree::Punct(punct) if punct.as_char() == '\'' => {
                let is_elided = matches!(tokens.peek(), Some(TokenTree::Ident(name)) if name == "_");
                if is_elided {
                    return tokens.next().map(Borrowed::Reference);
                }
                // The name of the lifetime is not that of a function.
                tokens.next();
            }
            TokenTree::Punct(punct) if punct.as_char() == '-' && punct.spacing() == Spacing::Joint => {
                after_arrow = tokens.next().is_some();
            }
            TokenTree::Ident(ident) if ident == "impl" => return Some(Borrowed::Unnamed(token)),
            TokenTree::Ident(_) => after_name = true,
            TokenTree::Group(group) if !was_name => {
                if let Some(found) = find_borrowed(group.stream()) {
                    return Some(found);
                }
            }
            _ => {}
        }
    }
    None
}

/// Where these tokens begin, and where they end.
pub(super) fn ends(tokens: &impl ToTokens) -> (Span, Span) {
    let mut spans = tokens.to_token_stream().into_iter().map(|token| token.span());
    let first = spans.next().unwrap_or_else(Span::call_site);
    (first, spans.last().unwrap_or(first))
}

/// The same tokens, shown in this place if something is wrong with them. What lies in brackets keeps its own.
pub(super) fn located(tokens: TokenStream, at: Span) -> TokenStream {
    let locate = |mut token: TokenTree| {
        token.set_span(token.span().located_at(at));
        token
    };
    tokens.into_iter().map(locate).collect()
}

/// The same tokens, in which `Self` is this type: a message is another type than its server.
pub(super) fn without_self(tokens: impl ToTokens, self_ty: &Type) -> TokenStream {
    let mut tokens = tokens.into_token_stream().into_iter().peekable();
    let mut replaced = TokenStream::new();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Ident(ident) if ident == "Self" => {
                let is_prefix = matches!(tokens.peek(), Some(TokenTree::Punct(next)) if next.as_char() == ':');
                replaced.extend(if is_prefix { quote!(<#self_ty>) } else { quote!(#self_ty) });
            }
            TokenTree::Group(group) => {
                let mut inner = Group::new(group.delimiter(), without_self(group.stream(), self_ty));
                inner.set_span(group.span());
                replaced.extend([TokenTree::Group(inner)]);
            }
            token => replaced.extend([token]),
        }
    }
    replaced
}

/// The names that occur in these tokens.
pub(super) fn mentions(tokens: TokenStream, name: &Ident) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == *name,
        TokenTree::Group(group) => mentions(group.stream(), name),
        _ => false,
    })
}

/// `WaitFor` for `wait_for`, or nothing if that would be no name.
pub(super) fn variant_name(method: &Ident) -> Option<Ident> {
    let name = method.to_string();
    let mut variant = String::new();
    for word in name.trim_start_matches("r#").split('_') {
        let mut letters = word.chars();
        variant.extend(letters.next().map(|first| first.to_uppercase().to_string()));
        variant.push_str(letters.as_str());
    }
    let is_name = variant != "Self" && variant.starts_with(|first: char| first.is_alphabetic());
    is_name.then(|| Ident::new(&variant, method.span()))
}

/// A name that is not among those, which begins like this one.
pub(super) fn free_name(wanted: &str, taken: &[Ident], span: Span) -> Ident {
    let mut name = wanted.to_owned();
    while taken.iter().any(|it| *it == name) {
        name.push('_');
    }
    Ident::new(&name, span)
}
