//! The survivors that `docs/mutants.md` gives a reason for: items of a list, each with the mutant's name first.

use crate::{Failure, Result, workspace};

/// The page.
const PAGE: &str = "docs/mutants.md";

/// The names that it has, without places in files.
pub(super) fn judged() -> Result<Vec<String>> {
    let path = workspace::root().join(PAGE);
    let text = std::fs::read_to_string(path).map_err(|error| Failure::new(format!("cannot read {PAGE}: {error}")))?;
    Ok(names(&text))
}

fn names(text: &str) -> Vec<String> {
    let names = text.lines().filter_map(|line| line.strip_prefix("- `")?.split_once('`'));
    names.filter(|(name, _)| name.contains(".rs: ")).map(|(name, _)| name.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    //! What is a survivor on a page.

    use super::*;

    #[test]
    fn an_item_that_begins_with_a_mutant_is_a_survivor() {
        let text =
            "Text.\n\n- `a/b.rs: replace || with && in c`: only speed,\n  as `d` says\n- `process`: a part\n- `x`\n";
        assert_eq!(names(text), ["a/b.rs: replace || with && in c"]);
    }
}
