//! The mistakes that were found, all of which are reported at once.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::Error;

/// The mistakes so far, in the order they were found.
#[derive(Default)]
pub(super) struct Errors(Vec<Error>);

impl Errors {
    /// Notes a mistake at these tokens.
    pub(super) fn push(&mut self, at: impl ToTokens, message: impl Into<String>) {
        self.push_at(at.into_token_stream(), message.into());
    }

    /// The same, compiled once and not for every kind of token.
    fn push_at(&mut self, at: TokenStream, message: String) {
        self.0.push(Error::new_spanned(at, message));
    }

    /// Notes a mistake that has its place already.
    pub(super) fn add(&mut self, error: Error) {
        self.0.push(error);
    }

    /// How many there are.
    pub(super) const fn len(&self) -> usize {
        self.0.len()
    }

    /// A `compile_error!` for each of them.
    pub(super) fn into_tokens(self) -> TokenStream {
        self.0.iter().map(Error::to_compile_error).collect()
    }
}
