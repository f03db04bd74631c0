//! What the macros accept, and what they say of everything else.
//!
//! `ui/pass` holds one feature in each file, `ui/fail` one mistake, beside the text that the
//! compiler prints. After a change of wording, `TRYBUILD=overwrite cargo test --test macros` writes
//! the texts anew; read the difference before it is committed.

#[test]
fn mistakes_are_told_at_the_token_to_change() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/ui/pass/*.rs");
    cases.compile_fail("tests/ui/fail/*.rs");
}
