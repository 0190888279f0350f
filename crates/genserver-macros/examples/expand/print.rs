//! Prints expansions as a person would write them: with the comments of the bodies, and the names that the file imports.

use std::collections::BTreeSet;
use std::ops::Range;

use proc_macro2::{Literal, Span, TokenStream};
use quote::ToTokens as _;
use syn::spanned::Spanned as _;
use syn::{Attribute, ImplItem, Item, ItemImpl, Meta, UseTree};

use super::source::server;

/// How the macro names the crate.
const GENSERVER: &str = "::genserver::";

/// The file with its servers written out.
pub(crate) fn expanded(source: &str) -> syn::Result<String> {
    let file = syn::parse_file(source)?;
    let blocks = servers(&file.items, true);
    let written: Vec<_> = blocks.iter().map(|block| Written::new(block.item, source)).collect::<syn::Result<_>>()?;
    // A file that defines a name cannot import it.
    let defined: BTreeSet<String> = file.items.iter().filter_map(name).collect();
    let import = file.items.iter().find_map(Import::of).unwrap_or_default();
    let mut names = import.names.clone();
    for (block, written) in blocks.iter().zip(&written) {
        if block.is_at_top {
            names.extend(written.items.iter().flat_map(used).filter(|name| !defined.contains(name)));
        }
    }
    let mut printed = String::new();
    let mut at = 0;
    if names != import.names {
        let place =
            import.place.unwrap_or_else(|| file.items.first().map_or(0..0, |first| first.span().byte_range().start..0));
        printed.push_str(&source[..place.start]);
        let list: Vec<&str> = names.iter().map(String::as_str).collect();
        printed.extend(["use genserver::{", &list.join(", "), "};"]);
        at = place.end.max(place.start);
        if place.end < place.start {
            printed.push_str("\n\n");
        }
    }
    let none = BTreeSet::new();
    for (block, written) in blocks.iter().zip(&written) {
        let place = block.item.span().byte_range();
        printed.push_str(&source[at..place.start]);
        printed.push_str(&written.print(if block.is_at_top { &names } else { &none }));
        at = place.end;
    }
    printed.push_str(&source[at..]);
    Ok(printed)
}

/// A block with the attribute.
struct Block<'a> {
    item: &'a ItemImpl,
    /// Not in a module, which has imports of its own.
    is_at_top: bool,
}

/// The blocks with the attribute, also those in modules.
fn servers(items: &[Item], is_at_top: bool) -> Vec<Block<'_>> {
    let mut found = Vec::new();
    for item in items {
        match item {
            Item::Impl(item) if item.attrs.iter().any(is_ours) => found.push(Block { item, is_at_top }),
            Item::Mod(module) => found.extend(module.content.iter().flat_map(|(_, items)| servers(items, false))),
            _ => {}
        }
    }
    found
}

fn is_ours(attr: &Attribute) -> bool {
    attr.path().segments.last().is_some_and(|segment| segment.ident == "server")
}

/// What an item is called.
fn name(item: &Item) -> Option<String> {
    match item {
        Item::Struct(item) => Some(item.ident.to_string()),
        Item::Enum(item) => Some(item.ident.to_string()),
        Item::Type(item) => Some(item.ident.to_string()),
        Item::Trait(item) => Some(item.ident.to_string()),
        _ => None,
    }
}

/// What the file has from `genserver`.
#[derive(Default)]
struct Import {
    names: BTreeSet<String>,
    place: Option<Range<usize>>,
}

impl Import {
    fn of(item: &Item) -> Option<Self> {
        let Item::Use(item) = item else { return None };
        let UseTree::Path(path) = &item.tree else { return None };
        let mut names = BTreeSet::new();
        let is_plain = path.ident == "genserver" && collect(&path.tree, &mut names);
        is_plain.then(|| Self { names, place: Some(item.span().byte_range()) })
    }
}

/// Collects the names of a list, and returns whether it has nothing but names.
fn collect(tree: &UseTree, names: &mut BTreeSet<String>) -> bool {
    match tree {
        UseTree::Name(name) => names.insert(name.ident.to_string()),
        UseTree::Group(group) => group.items.iter().all(|tree| collect(tree, names)),
        _ => false,
    }
}

/// A block, written out.
struct Written {
    items: Vec<Item>,
    /// The bodies of its methods, with their comments. In the items are places for them.
    bodies: Vec<String>,
}

impl Written {
    fn new(item: &ItemImpl, source: &str) -> syn::Result<Self> {
        let mut item = item.clone();
        let at = item.attrs.iter().position(is_ours).unwrap_or_default();
        let arguments = match item.attrs.remove(at).meta {
            Meta::List(list) => list.tokens,
            _ => TokenStream::new(),
        };
        let mut bodies = Vec::new();
        for method in &mut item.items {
            if let ImplItem::Fn(method) = method {
                let number = Literal::usize_unsuffixed(bodies.len());
                bodies.push(source[method.block.span().byte_range()].to_owned());
                method.block = syn::parse_quote!({
                    body!(#number);
                });
            }
        }
        let written: syn::File = syn::parse2(server::expand(arguments, item.to_token_stream()))?;
        match written.items.iter().find_map(mistake) {
            Some(mistake) => Err(syn::Error::new(Span::call_site(), mistake)),
            None => Ok(Self { items: written.items, bodies }),
        }
    }

    fn print(&self, names: &BTreeSet<String>) -> String {
        let items: Vec<String> = self.items.iter().map(|item| printed(item, names)).collect();
        let bodies = self.bodies.iter().enumerate();
        let text = bodies.fold(items.join("\n"), |text, (number, body)| with_body(&text, number, body));
        text.trim_end().to_owned()
    }
}

/// What a `compile_error!` says.
fn mistake(item: &Item) -> Option<String> {
    let Item::Macro(item) = item else { return None };
    item.mac.path.segments.last().is_some_and(|it| it.ident == "compile_error").then(|| item.mac.tokens.to_string())
}

/// What the macro wrote, without the places of names.
fn unparsed(item: &Item) -> String {
    let file = syn::File { shebang: None, frontmatter: None, attrs: Vec::new(), items: vec![item.clone()] };
    prettyplease::unparse(&file)
}

/// The names of `genserver` in an item.
fn used(item: &Item) -> Vec<String> {
    unparsed(item).split(GENSERVER).skip(1).map(first_name).collect()
}

fn first_name(text: &str) -> String {
    text.chars().take_while(|letter| letter.is_alphanumeric()).collect()
}

/// One item, with a blank line between its methods.
fn printed(item: &Item, names: &BTreeSet<String>) -> String {
    let text = short_names(&unparsed(item), names);
    let mut lines = String::new();
    let mut before = "";
    for line in text.lines() {
        let is_inner = before.starts_with("    ") && !before.starts_with("     ");
        let ends_item = is_inner && (before.ends_with('}') || before.ends_with(';'));
        let both_are_types = before.starts_with("    type ") && line.starts_with("    type ");
        if ends_item && !both_are_types && line != "}" {
            lines.push('\n');
        }
        lines.push_str(line);
        lines.push('\n');
        before = line;
    }
    lines
}

/// `Next` for `::genserver::Next` if it is among the names that the file imports, and `genserver::Next` if not.
fn short_names(text: &str, names: &BTreeSet<String>) -> String {
    let text = text.replace("::core::result::Result", "Result").replace("::core::option::Option", "Option");
    let mut parts = text.split(GENSERVER);
    let mut short = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        if !names.contains(&first_name(part)) {
            short.push_str("genserver::");
        }
        short.push_str(part);
    }
    short
}

/// Puts a body where its place was kept.
fn with_body(text: &str, number: usize, body: &str) -> String {
    let kept = format!("body!({number});");
    let Some(at) = text.find(&kept) else { return text.to_owned() };
    let (Some(from), Some(length)) = (text[..at].rfind('{'), text[at..].find('}')) else { return text.to_owned() };
    format!("{}{body}{}", &text[..from], &text[at + length + 1..])
}
