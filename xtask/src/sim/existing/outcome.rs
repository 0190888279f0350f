//! What became of each test, from what nextest prints; and where a compilation failed, from what cargo prints.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::workspace::{list, text};
use crate::{Failure, Result};

/// What became of a test under the simulator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    Passes,
    /// It uses Tokio's timers or its clock, and there is no Tokio.
    NeedsTokio,
    /// It ran into the limit of nextest's profile.
    TakesTooLong,
    DoesNotCompile,
    /// With the beginning of its message.
    Fails(String),
}

/// What Tokio says where it does not run.
const TOKIO: &[&str] = &[
    "there is no reactor running",
    "there is no timer running",
    "time cannot be frozen from outside the Tokio runtime",
];

/// What the simulator says before the message of the test.
const FAILED: &str = "the simulation failed in run ";

/// How long a message may be on the page, in characters.
const LONGEST: usize = 120;

/// The outcome of each test, by program, modules and name, from nextest's lines in libtest's format.
pub(super) fn read(printed: &str) -> Result<BTreeMap<String, Outcome>> {
    let mut outcomes = BTreeMap::new();
    for event in events(printed)?.iter().filter(|event| event["type"] == "test") {
        let outcome = match text(&event["event"]) {
            "ok" => Outcome::Passes,
            "failed" if event["reason"] == "time limit exceeded" => Outcome::TakesTooLong,
            "failed" => of_failure(text(&event["stdout"])),
            _ => continue,
        };
        // `package::program$module::test`
        let name = text(&event["name"]);
        let name = name.split_once("::").map_or(name, |(_, rest)| rest).replace('$', "::");
        outcomes.insert(name, outcome);
    }
    Ok(outcomes)
}

/// Why a test failed, from what it printed.
fn of_failure(printed: &str) -> Outcome {
    if TOKIO.iter().any(|words| printed.contains(words)) {
        return Outcome::NeedsTokio;
    }
    let simulated = printed.split_once(FAILED);
    let panicked = || printed.split_once("panicked at ");
    let Some((_, rest)) = simulated.or_else(panicked) else {
        return Outcome::Fails("it printed no message".to_owned());
    };
    // The rest of this line says which run, or where.
    let mut lines = rest.lines().skip(1).map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default().to_owned();
    let sides = lines.take_while(|line| line.starts_with("left: ") || line.starts_with("right: "));
    let message = sides.fold(first, |message, side| format!("{message}; {side}"));
    let short: String = message.chars().take(LONGEST).collect();
    Outcome::Fails(if short == message { message } else { short + " .." })
}

/// The files and lines of the errors that the compiler found, from cargo's messages.
pub(super) fn errors(printed: &str) -> Result<BTreeSet<(String, usize)>> {
    let messages = events(printed)?;
    let errors = messages.iter().map(|it| &it["message"]).filter(|it| it["level"] == "error");
    let spans = errors.flat_map(|error| list(&error["spans"])).filter(|span| span["is_primary"] == true);
    let place = |span: &Value| {
        let line = span["line_start"].as_u64().and_then(|line| usize::try_from(line).ok());
        Some((text(&span["file_name"]).to_owned(), line?))
    };
    Ok(spans.filter_map(place).collect())
}

/// The lines that are JSON; tests may print others between them.
fn events(printed: &str) -> Result<Vec<Value>> {
    let lines = printed.lines().filter(|line| line.starts_with('{'));
    let parse = |line| serde_json::from_str(line).map_err(|error| Failure::new(format!("not JSON: {error}: {line}")));
    lines.map(parse).collect()
}

#[cfg(test)]
mod tests {
    //! What is read from what others print.

    use super::*;

    #[test]
    fn the_events_of_nextest_say_what_became_of_each_test() {
        let printed = r#"
{"type":"suite","event":"started","test_count":3}
{"type":"test","event":"started","name":"genserver::tasks$agents::a"}
{"type":"test","event":"ok","name":"genserver::tasks$agents::a","exec_time":0.1}
{"type":"test","event":"failed","name":"genserver::tasks$b","exec_time":60.0,"reason":"time limit exceeded"}
{"type":"test","event":"failed","name":"genserver::tasks$c","stdout":"panicked at a.rs:1:2:\nthere is no reactor running"}
"#;
        let found = read(printed).unwrap();
        let expected = [
            ("tasks::agents::a", Outcome::Passes),
            ("tasks::b", Outcome::TakesTooLong),
            ("tasks::c", Outcome::NeedsTokio),
        ];
        assert_eq!(found, expected.map(|(name, outcome)| (name.to_owned(), outcome)).into());
    }

    #[test]
    fn the_reason_is_the_message_of_the_test_and_not_of_the_check() {
        let printed = "panicked at check.rs:1:1:\nthe simulation failed in run 1 of 24:\n  assertion failed\n    left: 1\n   right: 2\n  more";
        assert_eq!(of_failure(printed), Outcome::Fails("assertion failed; left: 1; right: 2".to_owned()));
        let printed = "thread 'a' panicked at a.rs:1:1:\nboom\nnote: run with";
        assert_eq!(of_failure(printed), Outcome::Fails("boom".to_owned()));
    }

    #[test]
    fn an_error_of_the_compiler_has_a_file_and_a_line() {
        let printed = r#"{"reason":"compiler-message","message":{"level":"error","spans":[
            {"file_name":"a.rs","line_start":3,"is_primary":true},{"file_name":"b.rs","line_start":1,"is_primary":false}]}}"#;
        let printed = printed.replace('\n', "") + "\n{\"reason\":\"build-finished\",\"success\":false}\n";
        assert_eq!(errors(&printed).unwrap(), BTreeSet::from([("a.rs".to_owned(), 3)]));
    }
}
