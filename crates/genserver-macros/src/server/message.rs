//! One call or cast: a method, and the variant that carries what the method is given.

use proc_macro2::Span;
use quote::ToTokens as _;
use syn::{Attribute, FnArg, GenericParam, Ident, Meta, Pat, PatType, Path, ReceiverKind, ReturnType, Type};
use syn::{Safety, parse_quote_spanned};

use super::block::Method;
use super::errors::Errors;
use super::names::{free_name, variant_name};
use super::owned::check_owned;
use super::tokens::ends;
use super::types::{Returned, Role, check_cx, returned, role};

/// Whether somebody waits for an answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Call,
    Cast,
}

impl Kind {
    /// The name of its attribute.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Cast => "cast",
        }
    }

    /// What the messages of this kind are called after their server.
    pub(super) const fn suffix(self) -> &'static str {
        match self {
            Self::Call => "Call",
            Self::Cast => "Cast",
        }
    }
}

/// A method with `#[call]` or `#[cast]`.
pub(super) struct Message {
    pub(super) kind: Kind,
    /// `#[call]`, or `#[cast]`.
    pub(super) attr: Attribute,
    pub(super) method: Method,
    /// The variant that is written by hand, if the attribute names one.
    pub(super) by_hand: Option<Path>,
    /// The variant that the macro writes.
    pub(super) variant: Ident,
    /// What the variant carries.
    pub(super) fields: Vec<Field>,
    /// What the method is given, in this order.
    pub(super) arguments: Vec<Argument>,
    /// What is answered. A cast has none.
    pub(super) reply: Option<Type>,
    pub(super) then: Then,
}

/// A field of the variant.
pub(super) struct Field {
    pub(super) name: Ident,
    pub(super) ty: Type,
    /// Whether it is the caller, which the client does not ask for.
    pub(super) is_caller: bool,
}

/// What the method is given in one place.
pub(super) enum Argument {
    Field(Ident),
    Cx,
}

/// How the server goes on when the method has returned.
pub(super) enum Then {
    /// It answers with what the method returned, and waits.
    Reply,
    /// It answers that the method has returned, and waits.
    ReplyNothing,
    /// It waits.
    Wait,
    /// As the method says.
    Outcome,
    /// The method has a mistake, so it is not called: its message is there for the rest of the file.
    Mistaken,
}

impl Message {
    /// Looks at a method from which its attribute has been taken. It is nothing if the message could not be written.
    pub(super) fn check(kind: Kind, attr: Attribute, method: Method, errors: &mut Errors) -> Option<Self> {
        let by_hand = variant_by_hand(kind, &attr, errors);
        let parameters = Parameters::check(kind, &method, errors);
        let (mut then, reply) = check_output(kind, &method, parameters.caller.as_ref(), errors);
        let variant = variant_name(&method.sig.ident);
        if variant.is_none() {
            errors.push(&method.sig.ident, "this name makes no variant of an enum: choose another");
        }
        let has_reply = kind == Kind::Cast || reply.is_some();
        if !check_form(kind, &method, errors) || !parameters.are_sound || !has_reply {
            return None;
        }
        let Parameters { mut fields, arguments, can_be_called, .. } = parameters;
        if matches!(then, Then::Reply | Then::ReplyNothing)
            && let Some(reply) = &reply
        {
            let taken: Vec<Ident> = fields.iter().map(|field: &Field| field.name.clone()).collect();
            let name = free_name("caller", &taken, Span::call_site().located_at(ends(reply).0));
            fields.push(Field { name, ty: reply.clone(), is_caller: true });
        }
        if !can_be_called || !matches!(method.sig.safety, Safety::Default) {
            then = Then::Mistaken;
        }
        Some(Self { kind, attr, by_hand, variant: variant?, fields, arguments, reply, then, method })
    }

    /// The fields that a client fills.
    pub(super) fn asked(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(|field| !field.is_caller)
    }
}

/// The path between the parentheses of `#[call(Call::Next)]`.
fn variant_by_hand(kind: Kind, attr: &Attribute, errors: &mut Errors) -> Option<Path> {
    let name = kind.name();
    let forms = format!("write `#[{name}]`, or name the variant to use: `#[{name}({}::Next)]`", kind.suffix());
    match &attr.meta {
        Meta::Path(_) => None,
        Meta::List(list) => {
            let path = list.parse_args::<Path>().ok();
            if path.is_none() {
                let at = if list.tokens.is_empty() { attr.to_token_stream() } else { list.tokens.clone() };
                errors.push(at, forms);
            }
            path
        }
        Meta::NameValue(_) => {
            errors.push(attr, forms);
            None
        }
    }
}

/// Notes what a method must not be, and returns whether a message can be written for it all the same.
fn check_form(kind: Kind, method: &Method, errors: &mut Errors) -> bool {
    let sig = &method.sig;
    let name = kind.name();
    if let Some(token) = &sig.constness {
        errors.push(token, format!("a {name} is an ordinary method: remove `const`"));
    }
    if let Some(abi) = &sig.abi {
        errors.push(abi, format!("a {name} is an ordinary method: remove `extern`"));
    }
    if !matches!(sig.safety, Safety::Default) {
        errors.push(&sig.safety, format!("a {name} is an ordinary method: remove `{}`", sig.safety.to_token_stream()));
    }
    for parameter in &sig.generics.params {
        if matches!(parameter, GenericParam::Lifetime(_)) {
            errors.push(
                parameter,
                format!("the message of a {name} owns what it holds, and so does its reply: remove the lifetime"),
            );
        } else {
            errors.push(
                parameter,
                format!(
                    "the message of a {name} has fields of known types: move this to the `impl`, or write the type"
                ),
            );
        }
    }
    if let Some(clause) = &sig.generics.where_clause {
        errors.push(clause, format!("a {name} is there for every server of this type: move this to the `impl`"));
    }
    sig.generics.params.is_empty() && sig.generics.where_clause.is_none()
}

/// What the method is given.
struct Parameters {
    fields: Vec<Field>,
    arguments: Vec<Argument>,
    /// What the caller among them is to be answered.
    caller: Option<Type>,
    /// Whether the variant can be written.
    are_sound: bool,
    /// Whether the method can be called with these.
    can_be_called: bool,
}

impl Parameters {
    fn check(kind: Kind, method: &Method, errors: &mut Errors) -> Self {
        let mut found =
            Self { fields: Vec::new(), arguments: Vec::new(), caller: None, are_sound: true, can_be_called: true };
        let mut has_cx = false;
        let mut inputs = method.sig.inputs.iter();
        found.can_be_called &= check_receiver(kind, method, inputs.clone().next(), errors);
        if method.sig.receiver().is_some() {
            inputs.next();
        }
        for input in inputs {
            let FnArg::Typed(parameter) = input else { continue };
            let ty = &*parameter.ty;
            match role(ty) {
                Role::Cx => {
                    found.can_be_called &= check_cx(ty, errors);
                    if std::mem::replace(&mut has_cx, true) {
                        errors.push(parameter, "the context is here twice: remove one");
                        found.can_be_called = false;
                    }
                    found.arguments.push(Argument::Cx);
                }
                Role::Caller(reply) if kind == Kind::Call => {
                    if found.caller.replace(reply.clone()).is_some() {
                        errors.push(parameter, "a call has one caller: remove this one");
                        found.are_sound = false;
                    }
                    found.are_sound &= check_owned(reply, "a reply", errors);
                    found.field(parameter, reply.clone(), true);
                }
                Role::Caller(_) | Role::Field => {
                    found.are_sound &= check_owned(ty, "a message", errors);
                    found.field(parameter, ty.clone(), false);
                }
            }
        }
        found
    }

    fn field(&mut self, parameter: &PatType, ty: Type, is_caller: bool) {
        let taken: Vec<Ident> = self.fields.iter().map(|field| field.name.clone()).collect();
        let name = match &*parameter.pat {
            Pat::Ident(pat) => {
                let name = pat.ident.to_string();
                let bare = name.trim_start_matches('_');
                let is_name = bare.starts_with(|first: char| first.is_alphabetic());
                if is_name && bare != name { free_name(bare, &taken, pat.ident.span()) } else { pat.ident.clone() }
            }
            _ => free_name(&format!("field{}", self.fields.len()), &taken, Span::call_site()),
        };
        self.arguments.push(Argument::Field(name.clone()));
        self.fields.push(Field { name, ty, is_caller });
    }
}

/// Notes a method that does not borrow the state.
fn check_receiver(kind: Kind, method: &Method, first: Option<&FnArg>, errors: &mut Errors) -> bool {
    let name = kind.name();
    match first {
        Some(FnArg::Receiver(receiver)) if matches!(receiver.kind, ReceiverKind::Reference(..)) => return true,
        Some(FnArg::Receiver(receiver)) => {
            errors.push(receiver, format!("a {name} borrows the server's state: write `&mut self` or `&self`"));
        }
        Some(FnArg::Typed(first)) => {
            errors.push(first, format!("a {name} works on the server's state: put `&mut self` before this"));
        }
        None => {
            errors.push(&method.sig.ident, format!("a {name} works on the server's state: give it `&mut self`"));
        }
    }
    false
}

/// What the method's return type means, and what is answered.
fn check_output(kind: Kind, method: &Method, caller: Option<&Type>, errors: &mut Errors) -> (Then, Option<Type>) {
    let output = &method.sig.output;
    match (kind, returned(output), caller) {
        (Kind::Cast, Returned::Nothing, _) => (Then::Wait, None),
        (Kind::Cast, Returned::Outcome, _) => (Then::Outcome, None),
        (Kind::Cast, Returned::Value(value), _) => {
            let message = "nobody waits for what a cast returns: write `#[call]`, or return nothing or `Outcome<Self>`";
            errors.push(value, message);
            (Then::Wait, None)
        }
        (Kind::Call, Returned::Nothing, Some(reply)) => (Then::Wait, Some(reply.clone())),
        (Kind::Call, Returned::Outcome, Some(reply)) => (Then::Outcome, Some(reply.clone())),
        (Kind::Call, Returned::Value(value), Some(reply)) => {
            let message =
                "this call is answered through its `Caller`: return nothing or `Outcome<Self>`, or remove the `Caller`";
            errors.push(value, message);
            (Then::Wait, Some(reply.clone()))
        }
        (Kind::Call, Returned::Nothing, None) => {
            (Then::ReplyNothing, Some(parse_quote_spanned!(method.sig.ident.span()=> ())))
        }
        (Kind::Call, Returned::Outcome, None) => {
            let ReturnType::Type(_, ty) = output else { return (Then::Outcome, None) };
            let message = "a call that says how the server goes on answers by itself: give it a `Caller<T>`, and return \
                           `Next::reply(caller, ..)` for instance";
            errors.push(ty, message);
            (Then::Outcome, None)
        }
        (Kind::Call, Returned::Value(value), None) => {
            (Then::Reply, check_owned(value, "a reply", errors).then(|| value.clone()))
        }
    }
}
