//! What processes and messages are called where a run is shown.

use std::collections::{BTreeMap, BTreeSet};

use crate::node::record::Event;
use crate::{Node, Pid};

/// What each process is called. One that has ended is called as it was.
#[derive(Default)]
pub(super) struct Titles {
    names: BTreeMap<Pid, String>,
    /// The process of the test.
    test: Option<Pid>,
    /// The variants of messages that are not formatted: `Call#1`, and so on.
    variants: BTreeMap<String, BTreeSet<String>>,
}

impl Titles {
    /// Learns what these events and the node say.
    pub(super) fn learn(&mut self, is_first: bool, events: &[Event], node: &Node) {
        // The test goes on first, in a process of its own. Before that, its supervisor was made.
        let entered = |event: &Event| if let Event::Entered { pid, .. } = event { Some(*pid) } else { None };
        if is_first && let Some(test) = events.iter().find_map(entered) {
            self.test = Some(test);
            self.names.insert(test, "the test".to_owned());
        }
        for event in events {
            if let Event::Arrived { text: Some(text), .. } | Event::Began { text: Some(text), .. } = event
                && let Some((of_type, variant)) = text.rsplit_once('#')
            {
                self.variants.entry(of_type.to_owned()).or_default().insert(variant.to_owned());
            }
            match event {
                Event::Runs { pid, text: Some(code) } if !self.is_named(*pid) => {
                    self.names.insert(*pid, function(code));
                }
                Event::Started { pid, text: Some(text), .. } => {
                    self.names.entry(*pid).or_insert_with(|| short(text));
                }
                _ => {}
            }
        }
        // A name that a process was given later, or the name of its spec.
        for process in node.process_list() {
            if let Some(name) = process.name.or(process.label)
                && self.test != Some(process.pid)
            {
                self.names.insert(process.pid, name);
            }
        }
    }

    fn is_named(&self, pid: Pid) -> bool {
        self.names.get(&pid).is_some_and(|name| name != NO_SERVER)
    }

    pub(super) fn test(&self) -> Option<Pid> {
        self.test
    }

    /// The text of a message, made fit for a diagram.
    pub(super) fn message(&self, text: &str) -> String {
        match text.rsplit_once('#') {
            // There is nothing to tell it from.
            Some((of_type, _)) if self.variants.get(of_type).is_some_and(|variants| variants.len() == 1) => {
                message(of_type)
            }
            _ => message(text),
        }
    }

    /// The name of a process, and its pid.
    pub(super) fn of(&self, pid: Pid) -> String {
        format!("{} {pid}", self.name(pid))
    }

    pub(super) fn name(&self, pid: Pid) -> &str {
        self.names.get(&pid).map_or(NO_SERVER, String::as_str)
    }
}

/// A process that is held by plain code, or runs a function that has no name.
const NO_SERVER: &str = "process";

/// The type of a process's server without its path, or a name as it is.
fn short(text: &str) -> String {
    let Some((_, server)) = text.split_once("::process::mail::Process<") else {
        return if text.contains("::process::plain::Plain<") { NO_SERVER.to_owned() } else { text.to_owned() };
    };
    let path = server.split('<').next().unwrap_or(server).trim_end_matches('>');
    let name = last(path);
    // Ours are called by what they are to their users.
    let own = path.split("::").nth(1).filter(|_| path.starts_with("genserver::") || path.starts_with("genevent::"));
    match (own, name) {
        (Some(module @ ("supervisor" | "agent" | "registry")), _) => module.to_owned(),
        _ => name.to_owned(),
    }
}

/// What the function is called whose future or closure this type is.
fn function(code: &str) -> String {
    // What a task runs is an argument of the function in which its own closure is written.
    let mut paths = code.split(['<', '>', ',', ' ']).filter(|path| !path.is_empty() && !path.starts_with("::"));
    let ours = ["genserver::", "genevent::", "core::", "alloc::", "std::"];
    let path = paths.find(|path| !ours.iter().any(|ours| path.starts_with(ours))).unwrap_or("{task}");
    let path = path.strip_suffix("::{{closure}}").unwrap_or(path);
    let name = last(path);
    // A closure inside of something has no name of its own.
    if name.contains('{') { "task".to_owned() } else { name.to_owned() }
}

/// The last part of a path.
fn last(path: &str) -> &str {
    path.rsplit("::").next().unwrap_or(path)
}

/// A text without paths of types, without what its caller is shown as, and in one line.
fn message(text: &str) -> String {
    let mut clean = String::new();
    let mut word = String::new();
    for letter in text.chars() {
        if letter.is_alphanumeric() || matches!(letter, '_' | ':') {
            word.push(letter);
            continue;
        }
        clean.push_str(last(&word));
        word.clear();
        clean.push(if letter.is_whitespace() { ' ' } else { letter });
    }
    clean.push_str(last(&word));
    for caller in ["Caller { is_gone: false, .. }", "Caller { is_gone: true, .. }"] {
        for before in [", ", ""] {
            clean = clean.replace(&format!("{before}{caller}"), "");
        }
    }
    clean.replace("()", "").split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    //! How names and messages are made short.

    use super::*;

    #[test]
    fn a_server_is_called_by_its_type_and_a_task_by_its_function() {
        assert_eq!(short("genserver::process::mail::Process<shop::till::Till>"), "Till");
        assert_eq!(short("genserver::process::mail::Process<genserver::agent::server::AgentServer<u64>>"), "agent");
        assert_eq!(
            short("genserver::process::mail::Process<genserver::supervisor::server::SupervisorServer>"),
            "supervisor"
        );
        assert_eq!(short("genserver::process::plain::Plain<()>"), "process");
        assert_eq!(short("till"), "till");
        assert_eq!(function("shop::pay::{{closure}}"), "pay");
        assert_eq!(function("shop::test::{{closure}}::{{closure}}"), "task");
        assert_eq!(function("shop::Sum"), "Sum");
        assert_eq!(function("genserver::task::body::run<shop::pay::{{closure}}, core::a::B>::{{closure}}"), "pay");
        assert_eq!(function("genserver::task::body::run<genserver::a::B>::{{closure}}"), "task");
    }

    #[test]
    fn a_message_is_shown_without_its_caller() {
        assert_eq!(message("Set(1, Caller { is_gone: false, .. })"), "Set(1)");
        assert_eq!(message("Balance(Caller { is_gone: false, .. })"), "Balance");
        assert_eq!(message("shop::till::Pay"), "Pay");
        assert_eq!(message("Put {\n    key: \"a::b\",\n}"), "Put { key: \"b\", }");
    }
}
