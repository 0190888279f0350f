//! A file of tests, written anew for the simulator: line by line, so that an error of the compiler still says which test it is in.

use std::collections::BTreeSet;
use std::ops::Range;

/// A test that could be written anew.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Body {
    pub(super) name: String,
    /// From its attribute to its last brace, counted from one.
    pub(super) lines: Range<usize>,
    /// Whether it calls `supervised`.
    pub(super) is_supervised: bool,
    /// Whether it names what only Tokio's clock can tell.
    pub(super) uses_tokios_time: bool,
}

/// The closure that the body of each test becomes.
const CHECK: &str = "genserver::sim::check(async |_sim: &genserver::sim::Sim<'_>| {";

/// The text with each `#[tokio::test]` as a plain test with a check in it, but for those of the names in `but`; and all those tests.
///
/// Only functions at the beginning of a line are seen, as rustfmt writes them.
pub(super) fn rewritten(text: &str, but: &BTreeSet<String>) -> (String, Vec<Body>) {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let mut bodies = Vec::new();
    let mut next = 0;
    while let Some(first) = position(&lines, next, |line| line.starts_with("#[tokio::test")) {
        next = first + 1;
        let Some(head) = position(&lines, first, |line| line.starts_with("async fn ")) else { break };
        let Some(last) = position(&lines, head, |line| line == "}") else { break };
        let Some((name, returned)) = signature(&lines[head]) else { continue };
        let body = lines[head + 1..last].join("\n");
        let uses_tokios_time = body.contains("tokio::time") || body.contains("Instant::now");
        let is_supervised = body.contains("supervised(async");
        if !but.contains(&name) {
            "#[test]".clone_into(&mut lines[first]);
            let (begin, end) = match returned {
                // What the test returns must not be thrown away: an error is a failure.
                Some(returned) => (format!(" let tested: {returned} = async {{"), "}.await; tested.unwrap()"),
                None => (String::new(), ""),
            };
            lines[head] = format!("fn {name}() {{ {CHECK}{begin}");
            lines[last] = format!("{end} }}) }}");
        }
        bodies.push(Body { name, lines: first + 1..last + 2, is_supervised, uses_tokios_time });
        next = last + 1;
    }
    (lines.join("\n") + "\n", bodies)
}

fn position(lines: &[String], from: usize, is_it: impl Fn(&str) -> bool) -> Option<usize> {
    lines.iter().skip(from).position(|line| is_it(line)).map(|index| from + index)
}

/// The name of a test, and its type if it returns something.
fn signature(head: &str) -> Option<(String, Option<String>)> {
    let (name, rest) = head.strip_prefix("async fn ")?.strip_suffix(" {")?.split_once("()")?;
    let returned = rest.strip_prefix(" -> ");
    (rest.is_empty() || returned.is_some()).then(|| (name.to_owned(), returned.map(str::to_owned)))
}

#[cfg(test)]
mod tests {
    //! What becomes of a file.

    use super::*;

    const FILE: &str = "\
#[tokio::test(start_paused = true)]
#[should_panic(expected = \"it\")]
async fn one() {
    supervised(async |_| ()).await;
}

async fn helper() {
}

#[tokio::test]
async fn two() -> Tested {
    tokio::time::sleep(SOON).await;
}
";

    #[test]
    fn each_test_becomes_a_check_and_every_line_stays_where_it_was() {
        let (text, bodies) = rewritten(FILE, &BTreeSet::new());
        let names: Vec<&str> = bodies.iter().map(|body| body.name.as_str()).collect();
        assert_eq!(names, ["one", "two"]);
        assert_eq!((bodies[0].lines.clone(), bodies[1].lines.clone()), (1..6, 10..14));
        assert!(bodies[0].is_supervised && !bodies[0].uses_tokios_time);
        assert!(!bodies[1].is_supervised && bodies[1].uses_tokios_time);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), FILE.lines().count());
        assert_eq!(lines[..2], ["#[test]", "#[should_panic(expected = \"it\")]"]);
        assert_eq!(lines[2], format!("fn one() {{ {CHECK}"));
        assert_eq!(lines[4], " }) }");
        assert_eq!(lines[6], "async fn helper() {");
        assert_eq!(lines[10], format!("fn two() {{ {CHECK} let tested: Tested = async {{"));
        assert_eq!(lines[12], "}.await; tested.unwrap() }) }");
    }

    #[test]
    fn a_test_that_does_not_compile_stays_as_it_was() {
        let (text, bodies) = rewritten(FILE, &BTreeSet::from(["one".to_owned(), "two".to_owned()]));
        assert_eq!(text, FILE);
        assert_eq!(bodies.len(), 2);
    }
}
