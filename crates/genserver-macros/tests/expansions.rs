//! What the macro writes: compared with files that are compiled too, and pass the same tests as what they were written from.
//!
//! After a change of the macro, `cargo xtask expand tests/expansions/queue.rs > tests/expansions/queue.expanded.rs` writes one anew.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]
#![expect(clippy::needless_pass_by_value, clippy::unused_self, reason = "a method is given what its message owns")]

// The macro as a function, and how its expansions are printed: those of `cargo xtask expand`.
#[path = "../src"]
mod source {
    pub(crate) mod server;
}
#[path = "../examples/expand/print.rs"]
mod print;

// The seeds' servers, as they are written ...
#[path = "expansions/bucket.rs"]
mod bucket;
#[path = "expansions/queue.rs"]
mod queue;
#[path = "expansions/registry.rs"]
mod registry;
#[path = "expansions/shelf.rs"]
mod shelf;
#[path = "expansions/todo.rs"]
mod todo;

// ... and what they stand for.
#[path = "expansions/bucket.expanded.rs"]
#[expect(clippy::type_complexity, reason = "as the page of the macro says")]
mod bucket_by_hand;
#[path = "expansions/queue.expanded.rs"]
#[expect(clippy::type_complexity, reason = "as the page of the macro says")]
mod queue_by_hand;
#[path = "expansions/registry.expanded.rs"]
#[expect(clippy::type_complexity, reason = "as the page of the macro says")]
mod registry_by_hand;
#[path = "expansions/shelf.expanded.rs"]
#[expect(clippy::type_complexity, reason = "as the page of the macro says")]
mod shelf_by_hand;
#[path = "expansions/todo.expanded.rs"]
#[expect(clippy::type_complexity, reason = "as the page of the macro says")]
mod todo_by_hand;

// What both forms do.
#[path = "expansions/both_forms.rs"]
mod both_forms;

/// The source without its comments, in lines as prettyplease breaks them and not as rustfmt does.
fn normal(source: &str) -> String {
    prettyplease::unparse(&syn::parse_file(source).unwrap())
}

macro_rules! are_written_out {
    ($($name:ident)*) => {$(
        #[test]
        fn $name() {
            let source = include_str!(concat!("expansions/", stringify!($name), ".rs"));
            let by_hand = include_str!(concat!("expansions/", stringify!($name), ".expanded.rs"));
            let expanded = crate::print::expanded(source).unwrap();
            assert_eq!(crate::normal(&expanded), crate::normal(by_hand), "`cargo xtask expand` writes it anew");
        }
    )*};
}

mod the_expansion_is_the_hand_form_of {
    are_written_out!(bucket queue registry shelf todo);
}

/// The page of the macro: its first block, and what it says that it stands for.
#[test]
fn the_page_shows_what_the_macro_writes() {
    let page = include_str!("../src/lib.rs");
    let lines: Vec<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("///"))
        .map(|line| line.strip_prefix(' ').unwrap_or(line))
        .collect();
    let between = |from: &str, to: &str| {
        let lines = lines.iter().skip_while(|line| **line != from).take_while(|line| **line != to);
        lines.fold(String::new(), |text, line| text + line + "\n")
    };
    let block = between("#[genserver::server(client = Bank)]", "# genserver_doc::run! {");
    let shown = between("/// A call to `Account`.", "# genserver_doc::run! {");
    let mut expanded = syn::parse_file(&print::expanded(&block).unwrap()).unwrap();
    expanded.items.retain(|item| !matches!(item, syn::Item::Use(_)));
    assert_eq!(prettyplease::unparse(&expanded), normal(&shown));
}
