//! The parts of the code that are changed: their files, and the tests that look at them.

/// Some files of one crate, whose mutants are counted together.
#[derive(Debug)]
pub(super) struct Part {
    /// What one types.
    pub(super) name: &'static str,
    /// The crate.
    pub(super) package: &'static str,
    /// Modules, relative to its `src`: each is a file, and a folder if it has parts.
    modules: &'static [&'static str],
    /// What cargo calls the tests, in rounds: first those that notice most faults. What survives a round meets the next one. The
    /// last round has the tests that take long, too.
    pub(super) rounds: &'static [&'static [&'static str]],
}

/// Every part. Tests that another part's code fails, such as those of a data structure, are in none.
pub(super) const PARTS: &[Part] = &[
    Part {
        name: "process",
        package: "genserver",
        modules: &["process", "client/call", "node/reply", "node/alarm", "node/cut", "sync/lock"],
        rounds: &[
            &["--test=servers"],
            &["--test=hazards", "--lib"],
            &["--test=processes"],
            &[
                "--test=bursts",
                "--test=core",
                "--test=core_on_smol",
                "--test=messages",
                "--test=metrics",
                "--test=processes",
                "--test=reports",
                "--test=servers",
                "--test=supervision",
                "--test=tasks",
                "--test=tracing",
            ],
        ],
    },
    Part {
        name: "supervisor",
        package: "genserver",
        modules: &["supervisor"],
        rounds: &[
            &["--test=supervision"],
            &["--lib", "--test=reports", "--test=seeds", "--test=servers", "--test=supervision", "--test=tasks"],
        ],
    },
    Part {
        name: "genevent",
        package: "genevent",
        modules: &["server", "handler/slot", "handler/begin", "values/gone", "handler/hold"],
        rounds: &[
            &["--test=cases", "--test=crowds"],
            &["--lib", "--test=handlers_that_await", "--test=managers_model", "--test=seeds", "--test=streams"],
        ],
    },
    Part {
        name: "streams",
        package: "genevent",
        modules: &["subscription"],
        rounds: &[&["--test=streams"], &["--test=stream_memory", "--test=cases", "--test=crowds"]],
    },
];

impl Part {
    /// The part of this name.
    pub(super) fn named(name: &str) -> Option<&'static Self> {
        PARTS.iter().find(|part| part.name == name)
    }

    /// Its files as patterns, relative to the workspace.
    pub(super) fn globs(&self) -> Vec<String> {
        let globs = |path: String| [format!("{path}.rs"), format!("{path}/**")];
        self.paths().flat_map(globs).collect()
    }

    /// Whether one of its files is new or has other lines.
    pub(super) fn is_touched_by(&self, diff: &str) -> bool {
        diff.lines().filter_map(|line| line.strip_prefix("+++ b/")).any(|path| self.owns(path))
    }

    fn owns(&self, path: &str) -> bool {
        let is_test = path.split('/').any(|folder| folder == "tests");
        !is_test && self.paths().any(|own| path.strip_prefix(&own).is_some_and(|it| it == ".rs" || it.starts_with('/')))
    }

    fn paths(&self) -> impl Iterator<Item = String> {
        self.modules.iter().map(|module| format!("crates/{}/src/{module}", self.package))
    }
}

#[cfg(test)]
mod tests {
    //! Which files belong to a part.

    use super::*;
    use crate::workspace;

    #[track_caller]
    fn check(path: &str, expected: &[&str]) {
        let diff = format!("--- a/{path}\n+++ b/{path}\n@@ -1 +1 @@\n-a\n+b\n");
        let touched: Vec<&str> = PARTS.iter().filter(|part| part.is_touched_by(&diff)).map(|part| part.name).collect();
        assert_eq!(touched, expected);
    }

    #[test]
    fn a_file_touches_the_part_that_owns_it() {
        check("crates/genserver/src/process.rs", &["process"]);
        check("crates/genserver/src/process/plain/task.rs", &["process"]);
        check("crates/genserver/src/supervisor/policy.rs", &["supervisor"]);
        check("crates/genevent/src/server.rs", &["genevent"]);
        check("crates/genevent/src/subscription/log.rs", &["streams"]);
    }

    #[test]
    fn other_files_touch_nothing() {
        check("crates/genserver/src/process_ref.rs", &[]);
        check("crates/genserver/src/server.rs", &[]);
        check("crates/genserver/src/supervisor/tests/scale.rs", &[]);
        check("crates/genserver/tests/processes/main.rs", &[]);
    }

    #[test]
    fn a_file_that_is_gone_touches_nothing() {
        let diff = "--- a/crates/genserver/src/lock.rs\n+++ /dev/null\n";
        assert!(!PARTS.iter().any(|part| part.is_touched_by(diff)));
    }

    #[test]
    fn every_module_of_a_part_is_there() {
        for path in PARTS.iter().flat_map(Part::paths) {
            assert!(workspace::root().join(format!("{path}.rs")).is_file(), "there is no {path}.rs");
        }
    }

    #[test]
    fn every_test_program_of_a_part_is_there() {
        for part in PARTS {
            let names = part.rounds.iter().copied().flatten().filter_map(|name| name.strip_prefix("--test="));
            for name in names {
                let tests = workspace::root().join(format!("crates/{}/tests", part.package));
                let is_there = tests.join(format!("{name}.rs")).is_file() || tests.join(name).join("main.rs").is_file();
                assert!(is_there, "{} has no tests `{name}`", part.package);
            }
        }
    }
}
