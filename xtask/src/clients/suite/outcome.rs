//! What Redis's suite prints of its tests.

/// What became of a test.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) name: String,
    /// If it failed, its first words about that.
    pub(super) failure: Option<String>,
}

/// The tests in the order in which they ended. What fails between two tests is a test without a file, named by what went wrong.
pub(super) fn read(printed: &str) -> Vec<Outcome> {
    let mut outcomes: Vec<Outcome> = Vec::new();
    let mut told = 0;
    for line in printed.lines() {
        // Behind the name is how long it took, as in ` (12 ms)`.
        if let Some((name, _)) = line.strip_prefix("[ok]: ").and_then(|line| line.rsplit_once(" (")) {
            outcomes.push(Outcome { name: name.to_owned(), failure: None });
        } else if let Some(line) = line.strip_prefix("[err]: ") {
            let name = line.rsplit_once(" in tests/").map_or(line, |(name, _)| name);
            outcomes.push(Outcome { name: name.to_owned(), failure: Some(String::new()) });
            told = 0;
            continue;
        } else if is_end(line) {
            // The names of those that have failed follow once more.
            break;
        } else if let Some(Outcome { failure: Some(failure), .. }) = outcomes.last_mut()
            && !line.starts_with('[')
            // The suite cuts off the beginning of an error, and prints all of it in the next line.
            && (told == 0 || told == 1 && line.ends_with(failure.as_str()))
        {
            line.clone_into(failure);
        }
        told += 1;
    }
    outcomes
}

fn is_end(line: &str) -> bool {
    line.trim() == "The End"
}

#[cfg(test)]
mod tests {
    //! A print in small.

    use super::*;

    #[test]
    fn a_test_that_fails_tells_why() {
        let printed = "[ready]: 12\nTesting unit/a\n[ok]: A (b) c (3 ms)\n[err]: D in tests/unit/a.tcl\no d\nno d\n  at e\n\
                       [err]: cannot start\n[1/1 done]: unit/a (1 seconds)\n\n  The End\n\n[err]: D in tests/unit/a.tcl\n";
        let outcome =
            |name: &str, failure: Option<&str>| Outcome { name: name.to_owned(), failure: failure.map(str::to_owned) };
        let expected = [outcome("A (b) c", None), outcome("D", Some("no d")), outcome("cannot start", Some(""))];
        assert_eq!(read(printed), expected);
    }
}
