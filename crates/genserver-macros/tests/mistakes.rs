//! What is wrong is said at the token that is wrong, in words that say what to write.

#[test]
fn every_mistake_is_an_error_where_it_was_made() {
    trybuild::TestCases::new().compile_fail("tests/mistakes/*.rs");
}
