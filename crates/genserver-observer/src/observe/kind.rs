//! The kind of a process, by the type of its server.

use crate::data::Kind;

/// The paths at which the types of servers begin, and the kinds of their processes.
const KINDS: [(&str, Kind); 4] = [
    ("genserver::supervisor::", Kind::Supervisor),
    ("genevent::server::", Kind::EventManager),
    ("genserver::agent::", Kind::Agent),
    ("genserver::Probe", Kind::Plain),
];

/// The kind of a process that runs a server of this type.
pub(super) fn of(server: &str) -> Kind {
    KINDS.iter().find(|(path, _)| server.starts_with(path)).map_or(Kind::Server, |(_, kind)| *kind)
}

/// What a process without a name and a label is called.
pub(super) fn title(kind: Kind, server: &str) -> String {
    match kind {
        Kind::Supervisor => "supervisor".to_owned(),
        Kind::EventManager => "event manager".to_owned(),
        _ => short(server),
    }
}

/// The name of a type without the paths in it.
pub(super) fn short(server: &str) -> String {
    let mut short = String::new();
    for part in server.split_inclusive(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')) {
        short.push_str(part.rsplit("::").next().unwrap_or(part));
    }
    short
}

#[cfg(test)]
mod tests {
    //! Names without paths. Which kinds there are is tested with real processes.

    use super::short;

    #[test]
    fn a_name_is_shown_without_its_path() {
        assert_eq!(short("shop::orders::Orders"), "Orders");
        assert_eq!(short("a::B<c::D, e::F<g::H>>"), "B<D, F<H>>");
        assert_eq!(short("probe"), "probe");
    }
}
