//! Each change of what users may name is seen in a review: `public-names.txt` lists it.

#[path = "support/public.rs"]
mod public;

#[test]
fn the_public_names_are_those_of_the_list() {
    public::check(env!("CARGO_MANIFEST_DIR"));
}
