//! The arguments of the attribute.

use proc_macro2::{TokenStream, TokenTree};
use quote::quote;
use syn::parse::{Parse, ParseStream, Parser};
use syn::token::Paren;
use syn::{Error, Ident, Path, Token, parenthesized};

use super::errors::Errors;

const KNOWN: &str = "the options are `client = Name`, `derive(Debug)` and `crate = path`, with commas between them";

/// What the attribute was asked for.
#[derive(Default)]
pub(super) struct Options {
    /// The name of the client type, if one is wanted.
    pub(super) client: Option<Ident>,
    /// What the message enums derive.
    pub(super) derive: Option<TokenStream>,
    /// Where `genserver` is, if not at `::genserver`.
    krate: Option<Path>,
}

impl Options {
    /// Reads the arguments; those that are wrong are noted and left out.
    pub(super) fn parse(arguments: TokenStream, errors: &mut Errors) -> Self {
        let mut options = Self::default();
        let parser = |input: ParseStream<'_>| {
            while !input.is_empty() {
                if let Err(error) = options.parse_one(input, errors) {
                    errors.add(error);
                    // What follows the next comma may be right, or wrong in a way of its own.
                    while !input.is_empty() && !input.peek(Token![,]) {
                        input.parse::<TokenTree>()?;
                    }
                }
                if !input.is_empty() {
                    input.parse::<Token![,]>()?;
                }
            }
            Ok(())
        };
        if let Err(error) = parser.parse2(arguments) {
            errors.add(error);
        }
        options
    }

    fn parse_one(&mut self, input: ParseStream<'_>, errors: &mut Errors) -> syn::Result<()> {
        // `crate` is a keyword, which an `Ident` does not parse by itself.
        let name = if input.peek(Token![crate]) {
            let token: Token![crate] = input.parse()?;
            Ident::new("crate", token.span)
        } else {
            input.parse::<Ident>().map_err(|error| Error::new(error.span(), KNOWN))?
        };
        let again = match name.to_string().as_str() {
            "client" => self.client.replace(value(input, &name, "client = Name", Ident::parse)?).is_some(),
            "derive" => self.derive.replace(traits(input, &name)?).is_some(),
            "crate" => self.krate.replace(value(input, &name, "crate = path", Path::parse_mod_style)?).is_some(),
            _ => return Err(Error::new(name.span(), format!("`{name}` is not an option: {KNOWN}"))),
        };
        if again {
            errors.push(&name, format!("`{name}` is set twice: remove one"));
        }
        if input.is_empty() || input.peek(Token![,]) { Ok(()) } else { Err(input.error(KNOWN)) }
    }

    /// The path of the crate `genserver`.
    pub(super) fn genserver(&self) -> TokenStream {
        self.krate.as_ref().map_or_else(|| quote!(::genserver), |path| quote!(#path))
    }
}

/// What follows the name of an option: `= Name`.
fn value<T>(
    input: ParseStream<'_>,
    name: &Ident,
    form: &str,
    parse: fn(ParseStream<'_>) -> syn::Result<T>,
) -> syn::Result<T> {
    if !input.peek(Token![=]) {
        return Err(malformed(input, name, form));
    }
    input.parse::<Token![=]>()?;
    let error = malformed(input, name, form);
    parse(input).or(Err(error))
}

/// What follows `derive`: `(Debug)`.
fn traits(input: ParseStream<'_>, name: &Ident) -> syn::Result<TokenStream> {
    if !input.peek(Paren) {
        return Err(malformed(input, name, "derive(Debug)"));
    }
    let traits;
    parenthesized!(traits in input);
    traits.parse()
}

/// A mistake at the next token, or at the option's name if there is no other.
fn malformed(input: ParseStream<'_>, name: &Ident, form: &str) -> Error {
    let at = if input.is_empty() { name.span() } else { input.span() };
    Error::new(at, format!("write `{form}`"))
}
