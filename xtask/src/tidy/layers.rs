//! The layer rule: which of our crates a crate may name, in any kind of dependency.

use crate::Finding;
use crate::workspace::Package;

/// Who may name whom. The same table, with its reasons, is in `docs/ARCHITECTURE.md`.
const LAYERS: &[(&str, May)] = &[
    ("genserver", May::Name(&["genserver-doc"])),
    ("genserver-doc", May::Name(&["genserver"])),
    ("genevent", May::Name(&["genserver"])),
    ("kv-core", May::Name(&["genserver", "genevent"])),
    ("kv-server", May::Name(&["genserver", "genevent", "kv-core"])),
    ("kv-cli", May::Name(&["kv-server", "kv-core"])),
    ("otp-comparison", May::Name(&["genserver", "genevent"])),
    ("otp-docs", May::NameAll),
    ("benchmarks", May::NameAll),
    ("instructions", May::Name(&["genserver", "genevent", "kv-core"])),
    ("xtask", May::Name(&[])),
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

#[cfg(test)]
mod tests {
    //! Made-up workspaces that break the rule, and one that keeps it.

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
               its tests; it may name genserver-doc"],
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
}
