//! The tests and what became of them, as `docs/simulated-tests.md` shows them.

use std::collections::BTreeMap;

use super::outcome::Outcome;
use super::rewrite::Body;

/// A test, with its program and modules in its name.
type Judged = (String, Body, Outcome);

/// The table of how many run, and the list of those that do not.
pub(super) fn page(tests: &[Judged]) -> String {
    let supervised = tests.iter().filter(|(_, body, _)| body.is_supervised);
    let mut lines = vec!["| tests | how many | run | in percent |".to_owned(), "|---|---:|---:|---:|".to_owned()];
    lines.push(row("all", &tests.iter().collect::<Vec<_>>()));
    lines.push(row("those that call `supervised`", &supervised.collect::<Vec<_>>()));
    let sections = [
        ("They need Tokio's time", Outcome::NeedsTokio),
        ("They take more than a minute", Outcome::TakesTooLong),
        ("They do not compile", Outcome::DoesNotCompile),
    ];
    for (title, outcome) in sections {
        let names: Vec<&str> = tests.iter().filter(|it| it.2 == outcome).map(|it| it.0.as_str()).collect();
        lines.push(format!("\n## {title}: {}\n", names.len()));
        lines.extend(by_module(&names));
    }
    let failing = tests.iter().filter_map(|(name, _, outcome)| match outcome {
        Outcome::Fails(message) => Some(format!("- `{name}`: `{}`", message.replace('`', "'"))),
        _ => None,
    });
    let failing: Vec<String> = failing.collect();
    lines.push(format!("\n## They fail: {}\n", failing.len()));
    lines.extend(failing);
    lines.join("\n")
}

fn row(title: &str, tests: &[&Judged]) -> String {
    let run = tests.iter().filter(|it| it.2 == Outcome::Passes).count();
    // Rounded down: nothing is said to be reached that is not.
    let percent = (run * 100).checked_div(tests.len()).unwrap_or(0);
    format!("| {title} | {} | {run} | {percent} |", tests.len())
}

/// A line for each module, with the names of its tests.
fn by_module(names: &[&str]) -> Vec<String> {
    let mut modules: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (module, name) in names.iter().filter_map(|name| name.rsplit_once("::")) {
        modules.entry(module).or_default().push(name);
    }
    let line = |(module, names): (&str, Vec<&str>)| format!("- `{module}`: `{}`", names.join("`, `"));
    modules.into_iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    //! How it looks.

    use super::*;

    fn test(name: &str, is_supervised: bool, outcome: Outcome) -> Judged {
        let body = Body { name: name.to_owned(), lines: 1..2, is_supervised, uses_tokios_time: false };
        (format!("tasks::agents::{name}"), body, outcome)
    }

    #[test]
    fn a_page_counts_what_runs_and_names_the_rest_with_the_reason() {
        let page = page(&[
            test("a", true, Outcome::Passes),
            test("b", false, Outcome::NeedsTokio),
            test("c", false, Outcome::NeedsTokio),
            test("d", true, Outcome::Fails("boom".to_owned())),
        ]);
        assert!(page.contains("| all | 4 | 1 | 25 |\n| those that call `supervised` | 2 | 1 | 50 |"), "{page}");
        assert!(page.contains("## They need Tokio's time: 2\n\n- `tasks::agents`: `b`, `c`\n"), "{page}");
        assert!(page.ends_with("## They fail: 1\n\n- `tasks::agents::d`: `boom`"), "{page}");
    }
}
