//! The block under the attribute, parsed as far as the attribute has to look.
//!
//! Bodies stay as they are: so the macro understands every body that the compiler does, and its work does not grow with them.

use proc_macro2::{Delimiter, Group, TokenStream};
use quote::{ToTokens, TokenStreamExt as _};
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Generics, Ident, ImplItem, Signature, Token, Type, Visibility, braced};

/// `impl<..> Counter { .. }`.
pub(super) struct Block {
    pub(super) attrs: Vec<Attribute>,
    pub(super) generics: Generics,
    /// What is before `for`, where nothing should be.
    pub(super) of_trait: Option<Type>,
    pub(super) self_ty: Type,
    pub(super) items: Vec<Item>,
}

/// What lies in the block.
pub(super) enum Item {
    Method(Box<Method>),
    /// A constant, for instance.
    Other(Box<ImplItem>),
}

/// A function of the block. The attributes of this macro are among its own until they are taken.
#[derive(Clone)]
pub(super) struct Method {
    pub(super) attrs: Vec<Attribute>,
    pub(super) vis: Visibility,
    pub(super) sig: Signature,
    pub(super) body: Group,
}

impl Parse for Block {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attrs = input.call(Attribute::parse_outer)?;
        if !input.peek(Token![impl]) {
            return Err(input.error("`#[server]` goes on a block of methods: `impl Counter { .. }`"));
        }
        input.parse::<Token![impl]>()?;
        let mut generics: Generics = if input.peek(Token![<]) { input.parse()? } else { Generics::default() };
        let mut self_ty: Type = input.parse()?;
        let mut of_trait = None;
        if input.peek(Token![for]) {
            input.parse::<Token![for]>()?;
            of_trait = Some(std::mem::replace(&mut self_ty, input.parse()?));
        }
        generics.where_clause = input.parse()?;
        let content;
        braced!(content in input);
        let mut items = Vec::new();
        while !content.is_empty() {
            items.push(content.parse()?);
        }
        Ok(Self { attrs, generics, of_trait, self_ty, items })
    }
}

impl Parse for Item {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let ahead = input.fork();
        ahead.call(Attribute::parse_outer)?;
        ahead.parse::<Visibility>()?;
        if !begins_function(&ahead) {
            return input.parse().map(Box::new).map(Self::Other);
        }
        let attrs = input.call(Attribute::parse_outer)?;
        let vis = input.parse()?;
        let sig = input.parse()?;
        let body = if input.peek(Token![;]) { missing_body(input)? } else { input.parse()? };
        Ok(Self::Method(Box::new(Method { attrs, vis, sig, body })))
    }
}

/// A body for a function that has none, which says so.
fn missing_body(input: ParseStream<'_>) -> syn::Result<Group> {
    let semicolon: Token![;] = input.parse()?;
    let error = syn::Error::new(semicolon.span, "a method of a server has a body: write `{ .. }`");
    Ok(Group::new(Delimiter::Brace, error.to_compile_error()))
}

/// Whether a function follows, and not a constant, a type or a macro.
fn begins_function(input: ParseStream<'_>) -> bool {
    let is_const_item = input.peek(Token![const]) && (input.peek2(Ident) || input.peek2(Token![_]));
    !is_const_item && !input.peek(Token![type]) && !input.peek(Ident)
}

impl Method {
    /// Takes the attribute of this name off, if it is there.
    pub(super) fn take_attribute(&mut self, name: &str) -> Option<Attribute> {
        let at = self.attrs.iter().position(|attr| attr.path().is_ident(name))?;
        Some(self.attrs.remove(at))
    }

    /// The attributes that go wherever the method's name goes.
    pub(super) fn carried(&self, names: &[&str]) -> impl Iterator<Item = &Attribute> + Clone {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        self.attrs.iter().filter(move |attr| names.iter().any(|name| attr.path().is_ident(name)))
    }
}

impl ToTokens for Method {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.append_all(&self.attrs);
        self.vis.to_tokens(tokens);
        self.sig.to_tokens(tokens);
        self.body.to_tokens(tokens);
    }
}
