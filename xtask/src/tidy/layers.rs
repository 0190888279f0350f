//! The layer rules: which of our crates a crate may name, and which folders of its crate a folder may.

use crate::Finding;
use crate::workspace::{File, Package};

// What a source file names of its own crate.
mod names;

/// Who may name whom. The same table, with its reasons, is in `docs/ARCHITECTURE.md`.
const LAYERS: &[(&str, May)] = &[
    ("genserver-macros", May::Name(&["genserver", "genserver-doc"])),
    ("genserver", May::Name(&["genserver-macros", "genserver-doc"])),
    ("genserver-doc", May::Name(&["genserver"])),
    ("genevent", May::Name(&["genserver"])),
    ("genserver-cluster", May::Name(&["genserver", "genevent", "genserver-cluster"])),
    ("genserver-observer", May::Name(&["genserver", "genevent"])),
    ("observer-browser", May::Name(&["genserver", "genevent", "genserver-observer"])),
    ("kv-core", May::Name(&["genserver", "genevent"])),
    ("kv-server", May::Name(&["genserver", "genevent", "kv-core"])),
    ("kv-cluster", May::Name(&["genserver", "genevent", "genserver-cluster", "kv-core", "kv-cluster"])),
    ("fuzz", May::Name(&["genevent", "kv-core", "kv-server"])),
    ("kv-cli", May::Name(&["kv-server", "kv-cluster", "kv-core", "genserver-observer"])),
    ("otp-comparison", May::Name(&["genserver", "genevent"])),
    ("zoo", May::Name(&["genserver", "genevent"])),
    ("otp-docs", May::NameAll),
    ("benchmarks", May::NameAll),
    ("cluster", May::Name(&["genserver", "genserver-cluster"])),
    ("durable", May::Name(&["kv-core"])),
    ("instructions", May::Name(&["genserver", "genevent", "kv-core"])),
    ("xtask", May::Name(&[])),
];

/// A crate whose folders lie in layers.
struct Folders {
    source: &'static str,
    /// Each folder, lowest first, and what it may name besides itself. A file beside the crate's root is a folder too; the root
    /// itself may name all, and nobody names anything by the root.
    rows: &'static [(&'static str, &'static [&'static str])],
    /// Folders that are written on what the crate exports, and so name things by its root.
    on_exports: &'static [&'static str],
}

/// The crates whose folders lie in layers. The tables, with their reasons, are in `docs/ARCHITECTURE.md`.
const FOLDERS: &[Folders] = &[
    Folders {
        source: "crates/genserver/src/",
        rows: &[
            ("sync", &[]),
            ("values", &["sync"]),
            ("runtime", &["sync", "values"]),
            ("node", &["sync", "values", "runtime", "report"]),
            ("report", &["sync", "values", "node"]),
            ("server", &["sync", "values", "node", "report", "process"]),
            ("process", &["sync", "values", "runtime", "node", "report", "server"]),
            ("client", &["sync", "values", "runtime", "node", "server", "process"]),
            ("start", &["sync", "values", "runtime", "node", "server", "process", "client"]),
            ("sys", &["sync", "values", "node", "server", "process", "client"]),
            ("supervisor", &["sync", "node", "report", "start", "sys"]),
            ("agent", &["start"]),
            ("task", &["sync", "report", "supervisor"]),
            ("registry", &["sync", "start"]),
            ("supervised", &["report", "supervisor"]),
            ("sim", &["runtime", "node", "sys", "supervised"]),
        ],
        on_exports: &["supervisor", "agent", "task", "registry", "supervised", "sim"],
    },
    Folders {
        source: "crates/genevent/src/",
        rows: &[
            ("values", &[]),
            ("handler", &["values"]),
            ("subscription", &["values"]),
            ("server", &["values", "handler", "subscription"]),
            ("manager", &["values", "handler", "server"]),
            ("stream", &["values", "subscription", "server", "manager"]),
            ("builtin", &["values", "handler", "manager"]),
            ("persistence", &["values", "handler", "manager"]),
        ],
        on_exports: &[],
    },
    Folders {
        source: "crates/genserver-cluster/src/",
        rows: &[
            ("engine", &[]),
            ("traces", &[]),
            ("space", &["engine", "traces"]),
            ("wire", &["engine", "traces", "space"]),
            ("name", &["engine", "space", "wire"]),
            ("members", &["engine", "space", "wire", "name"]),
            ("remote", &["engine", "traces", "space", "wire"]),
            ("groups", &["engine", "space", "wire", "name", "members", "remote"]),
            ("stand_in", &["engine", "space", "wire", "name", "remote"]),
            ("events", &["engine", "space", "wire"]),
            ("cluster", &["engine", "traces", "space", "wire", "name", "members", "remote", "groups", "events"]),
        ],
        on_exports: &[],
    },
    Folders {
        source: "crates/genserver-observer/src/",
        rows: &[
            ("data", &[]),
            ("terminal", &["data"]),
            ("observe", &["data"]),
            ("web", &["data", "observe"]),
            ("serve", &["observe", "web"]),
            ("observer", &["data", "serve", "web"]),
        ],
        on_exports: &[],
    },
];

/// What a crate may name.
#[derive(Clone, Copy)]
enum May {
    Name(&'static [&'static str]),
    NameAll,
}

impl May {
    fn allows(self, name: &str) -> bool {
        match self {
            Self::Name(names) => names.contains(&name),
            Self::NameAll => true,
        }
    }

    fn in_words(self) -> String {
        match self {
            Self::Name([]) => "none of ours".to_owned(),
            Self::Name(names) => names.join(", "),
            Self::NameAll => "all of ours".to_owned(),
        }
    }
}

/// What the manifests do against the table.
pub(super) fn check(packages: &[Package]) -> Vec<Finding> {
    packages.iter().flat_map(|package| check_one(package, packages)).collect()
}

fn check_one(package: &Package, all: &[Package]) -> Vec<Finding> {
    let Some(&(name, may)) = LAYERS.iter().find(|(name, _)| *name == package.name) else {
        let message = format!(
            "`{}` is not in the layer table; add it to xtask/src/tidy/layers.rs and docs/ARCHITECTURE.md",
            package.name
        );
        return vec![Finding::new(&package.manifest, 1, message)];
    };
    let ours = package.dependencies.iter().filter(|it| all.iter().any(|member| member.name == **it));
    let wrong = ours.filter(|dependency| !may.allows(dependency));
    wrong
        .map(|dependency| {
            let message = format!(
                "`{name}` must not depend on `{dependency}`, not even for its tests; it may name {}",
                may.in_words()
            );
            Finding::new(&package.manifest, 1, message)
        })
        .collect()
}

/// A file names only folders that lie below its own, and each thing by its folder.
pub(super) fn keeps_to_its_floor(file: &File) -> Vec<Finding> {
    let crates = FOLDERS.iter().filter_map(|folders| Some((folders, file.path.strip_prefix(folders.source)?)));
    crates.flat_map(|(folders, path)| keeps_to_its_floor_in(folders, path, file)).collect()
}

fn keeps_to_its_floor_in(Folders { source, rows, on_exports, .. }: &Folders, path: &str, file: &File) -> Vec<Finding> {
    let modules: Vec<&str> = path.trim_end_matches(".rs").split('/').collect();
    let folder = modules[0];
    // Tests may name what is above what they test.
    if folder == "lib" || modules.contains(&"tests") {
        return Vec::new();
    }
    let Some((_, may_name)) = rows.iter().find(|(name, _)| *name == folder) else {
        let message = format!(
            "`{folder}` is not in the table of folders of {source}; add it to xtask/src/tidy/layers.rs and \
             docs/ARCHITECTURE.md"
        );
        return vec![Finding::new(&file.path, 1, message)];
    };
    let named = names::of_the_crate(&file.text, modules.len());
    let is_export = |name: &str| on_exports.contains(&folder) && rows.iter().all(|(other, _)| *other != name);
    let wrong = named.into_iter().filter(|(_, name)| *name != folder && !may_name.contains(name) && !is_export(name));
    wrong
        .map(|(line, name)| {
            let message = if rows.iter().any(|(other, _)| *other == name) {
                format!("`{folder}` must not name `{name}`; it may name {}", May::Name(may_name).in_words())
            } else {
                format!("`{name}` is named by the root of the crate; name it by the folder that it lies in")
            };
            Finding::new(&file.path, line, message)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    //! Made-up workspaces that break the rules, and one that keeps them.

    use super::super::tests::check as check_file;
    use super::*;

    fn package(name: &str, dependencies: &[&str]) -> Package {
        Package {
            name: name.to_owned(),
            manifest: format!("crates/{name}/Cargo.toml"),
            dependencies: dependencies.iter().map(|&it| it.to_owned()).collect(),
            ..Package::default()
        }
    }

    #[track_caller]
    fn check(packages: &[Package], expected: &[&str]) {
        let found: Vec<String> = super::check(packages).iter().map(ToString::to_string).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_lower_crate_may_not_name_a_higher_one() {
        check(
            &[package("genserver", &["slab", "genevent"]), package("genevent", &["genserver"])],
            &["crates/genserver/Cargo.toml:1: `genserver` must not depend on `genevent`, not even for \
               its tests; it may name genserver-macros, genserver-doc"],
        );
    }

    #[test]
    fn a_crate_must_have_its_layer() {
        check(
            &[package("kv-web", &[])],
            &["crates/kv-web/Cargo.toml:1: `kv-web` is not in the layer table; add it to \
               xtask/src/tidy/layers.rs and docs/ARCHITECTURE.md"],
        );
    }

    #[test]
    fn benchmarks_may_name_everything() {
        check(&[package("genserver", &[]), package("benchmarks", &["genserver"])], &[]);
    }

    #[test]
    fn a_lower_folder_may_not_name_a_higher_one() {
        check_file(
            keeps_to_its_floor,
            "crates/genevent/src/handler/context.rs",
            "use super::hold::Hold;\nuse crate::values::Event;\nuse crate::manager::Manager;\n",
            &["crates/genevent/src/handler/context.rs:3: `handler` must not name `manager`; it may name values"],
        );
        check_file(
            keeps_to_its_floor,
            "crates/genevent/src/values/mode.rs",
            "fn f() -> super::super::server::Info {}\n",
            &["crates/genevent/src/values/mode.rs:1: `values` must not name `server`; it may name none of ours"],
        );
    }

    #[test]
    fn a_thing_is_named_by_its_folder_and_not_by_the_root() {
        check_file(
            keeps_to_its_floor,
            "crates/genevent/src/handler.rs",
            "use crate::Event;\n",
            &[
                "crates/genevent/src/handler.rs:1: `Event` is named by the root of the crate; name it by the folder that it lies in",
            ],
        );
        check_file(keeps_to_its_floor, "crates/genevent/src/lib.rs", "pub use crate::server::Info;\n", &[]);
    }

    #[test]
    fn what_is_written_on_the_exports_names_things_by_the_root() {
        let named = "use crate::{GenServer, sys};\nuse crate::process::Process;\n";
        check_file(
            keeps_to_its_floor,
            "crates/genserver/src/supervisor/handle.rs",
            named,
            &[
                "crates/genserver/src/supervisor/handle.rs:2: `supervisor` must not name `process`; it may name sync, node, \
               report, start, sys",
            ],
        );
        check_file(keeps_to_its_floor, "crates/genserver/src/node/cut/tests/dooms.rs", named, &[]);
    }

    #[test]
    fn a_folder_must_have_its_floor() {
        check_file(
            keeps_to_its_floor,
            "crates/genevent/src/metrics.rs",
            "",
            &["crates/genevent/src/metrics.rs:1: `metrics` is not in the table of folders of crates/genevent/src/; \
               add it to xtask/src/tidy/layers.rs and docs/ARCHITECTURE.md"],
        );
    }

    #[test]
    fn the_tables_of_folders_have_no_arrow_that_runs_upward() {
        // They name each other, because their types do: see docs/ARCHITECTURE.md.
        let pairs = [("node", "report"), ("server", "process")];
        for Folders { source, rows, .. } in FOLDERS {
            for (at, (folder, may_name)) in rows.iter().enumerate() {
                for name in *may_name {
                    let is_lower =
                        rows[..at].iter().any(|(lower, _)| lower == name) || pairs.contains(&(*folder, *name));
                    assert!(is_lower, "{source}: {folder} names {name}");
                }
            }
        }
    }
}
