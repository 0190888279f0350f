//! What a type means to the macro: told from the last name of its path, never from the name of a parameter.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::{GenericArgument, PathArguments, PathSegment, ReturnType, Type};

use super::errors::Errors;

/// What a parameter is for.
pub(super) enum Role<'a> {
    /// `&mut Cx<Self>`: the server's context.
    Cx,
    /// `Caller<T>`: the one that is answered with a `T`.
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
