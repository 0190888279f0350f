//! The scenarios that people have written, by what they are about.

use crate::script::{Script, parse};

/// The scenarios of one file.
#[derive(Debug)]
pub struct Family {
    /// What they are about, which is the name of their file, and of the file of their record.
    pub name: &'static str,
    /// The scenarios.
    pub scripts: Vec<Script>,
}

/// All scenarios.
///
/// # Panics
///
/// If one of them cannot be read.
pub fn families() -> Vec<Family> {
    let family = |(name, text)| {
        let scripts = parse(text).unwrap_or_else(|error| panic!("scenarios/{name}.txt: {error}"));
        Family { name, scripts }
    };
    FILES.map(family).into()
}

const FILES: [(&str, &str); 4] = [
    ("processes", include_str!("../scenarios/processes.txt")),
    ("servers", include_str!("../scenarios/servers.txt")),
    ("supervisors", include_str!("../scenarios/supervisors.txt")),
    ("managers", include_str!("../scenarios/managers.txt")),
];

#[cfg(test)]
mod tests {
    //! What the scenarios are like.

    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_has_a_name_of_its_own() {
        let families = families();
        let names: Vec<&str> = families.iter().flat_map(|it| &it.scripts).map(|script| script.name.as_str()).collect();
        assert_eq!(names.len(), names.iter().collect::<BTreeSet<_>>().len());
        assert!(names.len() >= 120, "{} scenarios", names.len());
    }
}
