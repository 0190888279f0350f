//! The differences that are meant: the scenarios that `docs/conformance.md` lists with a reason.

const PAGE: &str = include_str!("../../../docs/conformance.md");

/// The section of the page, and the part of it that is about drawn scripts and scenarios alike.
const SECTION: &str = "\n## Beside a real Erlang\n";

/// The names of the scenarios that differ from OTP on purpose.
pub fn names() -> Vec<&'static str> {
    of_page(PAGE)
}

/// The first cells of the table in the section.
fn of_page(page: &str) -> Vec<&str> {
    let section = page.split_once(SECTION).map_or("", |(_, rest)| rest);
    let section = section.split_once("\n## ").map_or(section, |(section, _)| section);
    let cells = section.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    cells.filter(|cell| *cell != "scenario").collect()
}

#[cfg(test)]
mod tests {
    //! How the page is read, and that it speaks of what there is.

    use super::*;
    use crate::scenarios;

    #[test]
    fn the_rows_of_the_section_are_read() {
        let page = "\n## A\n| no | x |\n\n## Beside a real Erlang\n\n| scenario | why |\n|---|---|\n| a b | c |\n\n## B\n| d | e |\n";
        assert_eq!(of_page(page), ["a b"]);
    }

    #[test]
    fn every_difference_that_is_listed_has_its_scenario() {
        let families = scenarios::families();
        for name in names() {
            let is_there = families.iter().flat_map(|it| &it.scripts).any(|script| script.name == name);
            assert!(is_there, "docs/conformance.md lists `{name}`, which no scenario is called");
        }
    }
}
