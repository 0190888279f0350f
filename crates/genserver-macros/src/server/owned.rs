//! Whether a message can own a type: it does not borrow, and it can be named.

use proc_macro2::{Spacing, TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::Type;

use super::errors::Errors;

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
