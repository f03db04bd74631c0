#![deny(unused_must_use)]

use rpc_core::validate::{Checks, Invalid, Validate};

struct User {
    name: String,
}

impl Validate for User {
    fn validate(&self) -> Result<(), Invalid> {
        Checks::new().require(!self.name.is_empty(), "name", "must not be empty");
        Ok(())
    }
}

fn main() {}
