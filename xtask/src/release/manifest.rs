//! What a manifest says to a registry, and what one that is published must say.

use serde_json::Value;

use crate::Finding;
use crate::workspace::{list, relative, text, texts};

/// A crate as a registry would see it, from `cargo metadata`.
#[derive(Debug, Clone, Default)]
pub(super) struct Manifest {
    pub(super) name: String,
    pub(super) version: String,
    /// Its file, relative to the root.
    pub(super) path: String,
    pub(super) repository: Option<String>,
    /// Whether it may be published: whether no `publish = false` holds it back.
    pub(super) is_publishable: bool,
    description: String,
    license: String,
    readme: String,
    keywords: Vec<String>,
    categories: Vec<String>,
    has_lib: bool,
    /// Whether it says how docs.rs builds it.
    has_docs: bool,
    /// What it needs of ours at run time, and which version it asks for.
    ours: Vec<(String, String)>,
}

impl Manifest {
    pub(super) fn new(json: &Value) -> Self {
        // A dependency for tests may do without a version: it is left out of the package.
        let ours = list(&json["dependencies"]).iter().filter(|it| it["path"].is_string() && it["kind"] != "dev");
        let is_lib = |target: &Value| texts(&target["kind"]).contains(&"lib".to_owned());
        Self {
            name: text(&json["name"]).to_owned(),
            version: text(&json["version"]).to_owned(),
            path: relative(text(&json["manifest_path"]).as_ref()),
            repository: json["repository"].as_str().map(str::to_owned),
            is_publishable: json["publish"].is_null(),
            description: text(&json["description"]).to_owned(),
            license: text(&json["license"]).to_owned(),
            readme: text(&json["readme"]).to_owned(),
            keywords: texts(&json["keywords"]),
            categories: texts(&json["categories"]),
            has_lib: list(&json["targets"]).iter().any(is_lib),
            has_docs: json["metadata"]["docs"]["rs"].is_object(),
            ours: ours.map(|it| (text(&it["name"]).to_owned(), text(&it["req"]).to_owned())).collect(),
        }
    }

    /// Everything that a registry, or somebody who looks for such a crate there, would miss.
    pub(super) fn lacks(&self) -> Vec<Finding> {
        let said = [
            (!self.description.is_empty(), "no `description`; say in a line what it is"),
            (!self.license.is_empty(), "no `license`; inherit that of the workspace"),
            (!self.readme.is_empty(), "no `readme`; write a README.md beside the manifest"),
            (are_keywords(&self.keywords), "`keywords` are one to five, of twenty letters each at most"),
            ((1..=5).contains(&self.categories.len()), "`categories` are one to five of the registry's"),
            (self.has_docs || !self.has_lib, "no `package.metadata.docs.rs`; say with which features it is documented"),
        ];
        let said = said.into_iter().filter(|(holds, _)| !holds).map(|(_, message)| message.to_owned());
        let wanted = format!("^{}", self.version);
        let others = self.ours.iter().filter(|(_, version)| *version != wanted).map(|(name, version)| {
            format!("asks for `{name}` {version}, but {wanted} is released with it; mend the root manifest")
        });
        said.chain(others).map(|message| Finding::new(&self.path, 1, message)).collect()
    }
}

fn are_keywords(keywords: &[String]) -> bool {
    (1..=5).contains(&keywords.len()) && keywords.iter().all(|word| word.len() <= 20)
}

#[cfg(test)]
mod tests {
    //! Manifests that say too little.

    use serde_json::json;

    use super::*;

    fn whole() -> Value {
        json!({
            "name": "a", "version": "1.2.3", "manifest_path": "a/Cargo.toml", "publish": null, "repository": "r",
            "description": "An a.", "license": "MIT", "readme": "README.md", "keywords": ["a"], "categories": ["a"],
            "targets": [{"kind": ["lib"]}], "metadata": {"docs": {"rs": {}}},
            "dependencies": [
                {"name": "b", "req": "^1.2.3", "path": "b", "kind": null},
                {"name": "c", "req": "*", "path": "c", "kind": "dev"},
                {"name": "d", "req": "^7", "kind": null},
            ],
        })
    }

    /// What the whole manifest lacks once this was put into it.
    fn with(key: &str, value: Value) -> Vec<String> {
        let mut json = whole();
        json[key] = value;
        Manifest::new(&json).lacks().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_whole_manifest_lacks_nothing() {
        let manifest = Manifest::new(&whole());
        assert_eq!(manifest.lacks(), []);
        assert!(manifest.is_publishable && manifest.repository.as_deref() == Some("r"));
        assert!(!Manifest::new(&json!({"publish": []})).is_publishable);
    }

    #[test]
    fn each_thing_that_is_missing_is_said() {
        for key in ["description", "license", "readme", "keywords", "categories", "metadata"] {
            assert_eq!(with(key, Value::Null).len(), 1, "{key}");
        }
        assert_eq!(with("keywords", json!(["a", "b", "c", "d", "e", "f"])).len(), 1, "a registry takes five");
    }

    #[test]
    fn ours_are_asked_for_in_the_version_that_is_released() {
        let found = with("version", json!("1.3.0"));
        let expected = "a/Cargo.toml:1: asks for `b` ^1.2.3, but ^1.3.0 is released with it; mend the root manifest";
        assert_eq!(found, [expected]);
    }
}
