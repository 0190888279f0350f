//! The page and its policy.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use genserver::Node;
use sha2::{Digest as _, Sha256};

use crate::client::{request, router, send, text};

/// The text of an element that is there once.
fn element<'a>(page: &'a str, tag: &str) -> &'a str {
    let (begin, end) = (format!("<{tag}>"), format!("</{tag}>"));
    assert_eq!(page.matches(&begin).count(), 1);
    page.split_once(&begin).unwrap().1.split_once(&end).unwrap().0
}

#[tokio::test]
async fn the_policy_of_the_page_allows_its_own_script_and_style_and_nothing_else() {
    let answer = send(&router(&Node::new()), request("/")).await;
    let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert_eq!(answer.headers()["content-type"], "text/html; charset=utf-8");
    let page = text(answer).await;
    let hash = |tag| STANDARD.encode(Sha256::digest(element(&page, tag)));
    let expected = format!(
        "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; connect-src 'self'; img-src data:; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        hash("script"),
        hash("style")
    );
    assert_eq!(policy, expected, "the page has changed: write the new hashes into src/web/page.rs");
}

#[tokio::test]
async fn the_page_names_no_other_place_and_has_no_code_outside_its_script() {
    let page = text(send(&router(&Node::new()), request("/")).await).await;
    let elsewhere = page.replace("http://www.w3.org/2000/svg", "");
    assert!(!elsewhere.contains("://"), "nothing is requested from elsewhere");
    for attribute in [" onclick", " onload", " onerror", " style=", " src=", "innerHTML", "javascript:"] {
        assert!(!page.contains(attribute), "{attribute}");
    }
    assert!(page.len() < 64 * 1024, "{}", page.len());
}
