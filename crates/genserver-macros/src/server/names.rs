//! Names that the macro makes: of a variant, and of what must not be called like something else.

use proc_macro2::{Ident, Span};

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
