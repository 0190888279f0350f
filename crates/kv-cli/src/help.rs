//! The help of each verb, with only the options that concern it, and the same as man pages.

use std::path::Path;

use clap::{Arg, Command, CommandFactory};

use crate::arguments::Arguments;
use crate::exit::{Exit, Failure};

/// Where the global options begin in a help. No verb has as many of its own.
const FIRST_GLOBAL: usize = 100;

/// The arguments of the program. Every verb takes every global option, so that `kv --json get` and `kv get --json` are the same,
/// and an option that does not fit gets an error that says why.
pub(crate) fn command() -> Command {
    let command = Arguments::command();
    // Behind the options of a verb, in the order that they have here.
    let mut places = FIRST_GLOBAL..;
    let command = command.mut_args(|option| match places.next() {
        Some(place) if option.is_global_set() => option.display_order(place),
        _ => option,
    });
    let global: Vec<Arg> = command.get_arguments().filter(|option| option.is_global_set()).cloned().collect();
    command.mut_subcommands(|verb| {
        let shown = concerning(verb.get_name());
        let hidden = global.iter().filter(|option| !shown.contains(&option.get_id().as_str()));
        verb.args(hidden.map(|option| option.clone().hide(true)))
    })
}

/// The global options that concern a verb.
fn concerning(verb: &str) -> &'static [&'static str] {
    match verb {
        "serve" => &["data", "memory", "sync", "password_file", "tls_cert", "tls_key"],
        "import" => &["data", "sync"],
        "export" | "repair" => &["data"],
        "connect" => &["fail", "password_file", "tls_ca", "tls_cert", "tls_key"],
        "watch" => &["connect", "json", "password_file", "tls_ca", "tls_cert", "tls_key"],
        "top" => &["json"],
        "completions" | "man" => &[],
        _ => &["connect", "json", "password_file", "timeout", "tls_ca", "tls_cert", "tls_key"],
    }
}

/// Writes `kv.1`, and a page for each verb, into a folder: for those who make packages.
pub(crate) fn write_man_pages(folder: &Path) -> Result<(), Failure> {
    let written = clap_mangen::generate_to(command(), folder);
    written.map_err(|error| Failure::new(Exit::Io, format_args!("{} cannot be written: {error}", folder.display())))
}
