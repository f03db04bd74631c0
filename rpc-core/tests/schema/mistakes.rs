//! What the compiler says of types without a schema. `TRYBUILD=overwrite` writes the texts anew.

#[test]
fn a_type_without_a_schema_is_told_at_its_token() {
    trybuild::TestCases::new().compile_fail("tests/ui/schema/*.rs");
}
