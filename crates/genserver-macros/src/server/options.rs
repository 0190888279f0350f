//! The arguments of the attribute.

use proc_macro2::TokenStream;
use quote::quote;
use syn::parse::{ParseStream, Parser};
use syn::{Ident, Path, Token, parenthesized};

use super::errors::Errors;

const KNOWN: &str = "the options are `client = Name`, `derive(Debug)` and `crate = path`";

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
                options.parse_one(input, errors)?;
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
            input.parse::<Ident>().map_err(|error| syn::Error::new(error.span(), KNOWN))?
        };
        let again = match name.to_string().as_str() {
            "client" => {
                input.parse::<Token![=]>()?;
                self.client.replace(input.parse()?).is_some()
            }
            "derive" => {
                let traits;
                parenthesized!(traits in input);
                self.derive.replace(traits.parse()?).is_some()
            }
            "crate" => {
                input.parse::<Token![=]>()?;
                self.krate.replace(input.call(Path::parse_mod_style)?).is_some()
            }
            _ => return Err(syn::Error::new(name.span(), format!("`{name}` is not an option: {KNOWN}"))),
        };
        if again {
            errors.push(&name, format!("`{name}` is set twice: remove one"));
        }
        Ok(())
    }

    /// The path of the crate `genserver`.
    pub(super) fn genserver(&self) -> TokenStream {
        self.krate.as_ref().map_or_else(|| quote!(::genserver), |path| quote!(#path))
    }
}
