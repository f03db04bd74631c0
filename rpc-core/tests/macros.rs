//! What the macros accept, and what they say of everything else.
//!
//! `ui/pass` holds one feature in each file; all are modules of this test, so that it takes one
//! compilation for all. `ui/fail` holds one mistake in each file, beside the text that the compiler
//! prints. After a change of wording, `TRYBUILD=overwrite cargo test --test macros` writes the
//! texts anew; read the difference before it is committed.

#[path = "ui/pass"]
#[allow(dead_code, unreachable_pub, reason = "all is compiled, and not all is used")]
mod pass {
    mod attributes;
    mod borrowed;
    mod cfg;
    mod context_anywhere;
    mod crate_path;
    mod default_body;
    mod deprecated;
    mod detached;
    mod docs;
    mod dynamic;
    mod empty;
    mod errors;
    mod forbidden;
    mod generic_implementation;
    mod hygiene;
    mod in_a_function;
    mod made_by_macro;
    #[rustfmt::skip]
    mod many_params;
    mod names;
    mod ordered;
    mod param_docs;
    mod progress;
    mod raw_identifiers;
    mod results;
    mod stream_params;
    mod subscriptions;
    mod table;
    mod targets;
    mod validation;
    mod visibility;
}

#[test]
fn mistakes_are_told_at_the_token_to_change() {
    // Nothing that passes: then trybuild only has to check, and needs a tenth of the time.
    trybuild::TestCases::new().compile_fail("tests/ui/fail/*.rs");
}
