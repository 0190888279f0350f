//! The callbacks of `GenServer` that lie in the block.

use proc_macro2::{Delimiter, Group, TokenStream};
use quote::quote;
use syn::{FnArg, Pat, ReturnType, Signature, Token, Type, Visibility, parse_quote};

use super::block::Method;
use super::errors::Errors;
use super::owned::check_owned;
use super::types::{Role, check_cx, is_named, is_result_of_init, role};

/// Whether a method of this name is one.
pub(super) fn is_callback(name: &str) -> bool {
    matches!(
        name,
        "init"
            | "handle_info"
            | "handle_idle"
            | "terminate"
            | "format_status"
            | "format_message"
            | "handle_call"
            | "handle_cast"
    )
}

/// The callbacks of one server, and the types that their signatures tell.
pub(super) struct Callbacks {
    /// In the order they were written.
    pub(super) methods: Vec<Method>,
    /// Those with a mistake: they stay in the block, so that the compiler has nothing to say about them.
    pub(super) mistaken: Vec<Method>,
    /// What `init` takes.
    pub(super) args: Type,
    /// What `handle_info` takes, if it is there.
    pub(super) info: Option<Type>,
    pub(super) has_init: bool,
}

impl Default for Callbacks {
    fn default() -> Self {
        Self { methods: Vec::new(), mistaken: Vec::new(), args: parse_quote!(()), info: None, has_init: false }
    }
}

impl Callbacks {
    /// Takes a method whose name is that of a callback.
    pub(super) fn add(&mut self, mut method: Method, genserver: &TokenStream, errors: &mut Errors) {
        let name = method.sig.ident.to_string();
        if !matches!(method.vis, Visibility::Inherited) {
            errors.push(
                &method.vis,
                format!(
                    "`{name}` is a callback of the trait `GenServer`, which is as visible as the trait: remove this"
                ),
            );
            method.vis = Visibility::Inherited;
        }
        if self.methods.iter().any(|other| is_again(other, &method)) {
            errors.push(&method.sig.ident, format!("`{name}` is here twice: remove one"));
            self.mistaken.push(method);
            return;
        }
        let (written, before) = (method.clone(), errors.len());
        match name.as_str() {
            "init" => self.init(&mut method, genserver, errors),
            "handle_info" => self.info = borrowed_callback(&mut method, Some("the message"), genserver, errors),
            "handle_idle" => drop(borrowed_callback(&mut method, None, genserver, errors)),
            "terminate" => drop(borrowed_callback(&mut method, Some("`&Reason`"), genserver, errors)),
            "handle_call" | "handle_cast" => {
                let kind = name.trim_start_matches("handle_");
                let message = format!(
                    "`#[server]` writes `{name}` from the methods with `#[{kind}]`; to write it by hand, move `init` and \
                     the callbacks to an `impl GenServer` of yours, which calls `self.dispatch_{kind}({kind}, cx)`"
                );
                errors.push(&method.sig.ident, message);
            }
            // As the trait has them.
            _ => {}
        }
        if errors.len() == before {
            self.methods.push(method);
            return;
        }
        self.mistaken.push(written);
        if name == "init" {
            // The trait has to have one.
            let (args, cx) = (&self.args, context(genserver));
            method.sig = parse_quote!(async fn init(_args: #args, #cx) -> #genserver::Init<Self>);
            method.body = braces(quote!(#genserver::Init::Ignore));
            self.methods.push(method);
        }
    }

    fn init(&mut self, method: &mut Method, genserver: &TokenStream, errors: &mut Errors) {
        self.has_init = true;
        if let Some(receiver) = method.sig.receiver() {
            errors.push(receiver, "`init` makes the state, so there is no `self` yet: remove it");
        }
        let Inputs { arguments, cx } = Inputs::of(&method.sig, errors);
        let mut are_owned = true;
        for (_, ty) in &arguments {
            are_owned &= check_owned(ty, "an argument of `init`", errors);
        }
        let patterns = arguments.iter().map(|(pat, _)| pat);
        let types = arguments.iter().map(|(_, ty)| ty);
        let argument: FnArg = match &*arguments {
            [] => parse_quote!((): ()),
            [(pat, ty)] => parse_quote!(#pat: #ty),
            _ => parse_quote!((#(#patterns),*): (#(#types),*)),
        };
        if let FnArg::Typed(argument) = &argument
            && are_owned
        {
            self.args = (*argument.ty).clone();
        }
        let cx = cx.unwrap_or_else(|| context(genserver));
        method.sig.inputs = parse_quote!(#argument, #cx);
        make_async(&mut method.sig);
        match &method.sig.output {
            ReturnType::Type(_, ty) if is_named(ty, "Init") => {}
            ReturnType::Type(_, ty) if is_result_of_init(ty) => {
                let body = &method.body;
                method.body = braces(quote!(#genserver::Init::attempt(async #body).await));
                method.sig.output = parse_quote!(-> #genserver::Init<Self>);
            }
            ReturnType::Type(_, ty) => {
                errors.push(
                    ty,
                    "`init` returns the state: write `Init<Self>`, or `Result<Init<Self>, Reason>` to use `?` in it",
                );
            }
            ReturnType::Default => {
                errors.push(&method.sig.ident, "`init` returns the state: write `-> Init<Self>`");
            }
        }
    }
}

/// Completes a callback that borrows the state and takes at most one thing, which the context may follow. Returns its type.
fn borrowed_callback(
    method: &mut Method,
    takes: Option<&str>,
    genserver: &TokenStream,
    errors: &mut Errors,
) -> Option<Type> {
    let name = method.sig.ident.clone();
    let Some(receiver) = method.sig.receiver().cloned() else {
        errors.push(&name, format!("`{name}` works on the server's state: give it `&mut self`"));
        return None;
    };
    let Inputs { arguments, cx } = Inputs::of(&method.sig, errors);
    let wanted = usize::from(takes.is_some());
    for (pat, ty) in arguments.iter().skip(wanted) {
        errors.push(quote!(#pat: #ty), format!("`{name}` is not given this: remove it"));
    }
    if let Some(what) = takes
        && arguments.is_empty()
    {
        errors.push(&name, format!("`{name}` is given {what}: add a parameter for it"));
    }
    if name != "terminate" && matches!(method.sig.output, ReturnType::Default) {
        errors.push(&name, format!("`{name}` returns how the server goes on: write `-> Outcome<Self>`"));
    }
    let first = arguments.into_iter().take(wanted).next();
    let cx = cx.unwrap_or_else(|| context(genserver));
    let argument = first.as_ref().map(|(pat, ty)| quote!(#pat: #ty,));
    method.sig.inputs = parse_quote!(#receiver, #argument #cx);
    make_async(&mut method.sig);
    first.map(|(_, ty)| ty)
}

/// What a callback is given besides `self`.
struct Inputs {
    arguments: Vec<(Pat, Type)>,
    cx: Option<FnArg>,
}

impl Inputs {
    fn of(sig: &Signature, errors: &mut Errors) -> Self {
        let mut inputs = Self { arguments: Vec::new(), cx: None };
        for input in &sig.inputs {
            let FnArg::Typed(parameter) = input else { continue };
            if matches!(role(&parameter.ty), Role::Cx) {
                check_cx(&parameter.ty, errors);
                if inputs.cx.replace(input.clone()).is_some() {
                    errors.push(parameter, "the context is here twice: remove one");
                }
            } else {
                inputs.arguments.push(((*parameter.pat).clone(), (*parameter.ty).clone()));
            }
        }
        inputs
    }
}

/// Whether these are one callback, and both are compiled.
fn is_again(one: &Method, other: &Method) -> bool {
    let is_conditional = |method: &Method| method.carried(&["cfg"]).next().is_some();
    one.sig.ident == other.sig.ident && !is_conditional(one) && !is_conditional(other)
}

/// A context that the callback does not look at.
fn context(genserver: &TokenStream) -> FnArg {
    parse_quote!(_cx: &mut #genserver::Cx<Self>)
}

/// The trait's callbacks are async, also those that do not await.
fn make_async(sig: &mut Signature) {
    sig.asyncness.get_or_insert_with(|| Token![async](sig.fn_token.span));
}

/// A body of these tokens.
fn braces(tokens: TokenStream) -> Group {
    Group::new(Delimiter::Brace, tokens)
}
