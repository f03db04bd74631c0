//! The JSON Schema of a type, which is made when a model of a service asks for it.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};

/// Makes the JSON Schema of one type. It is a function, because the table of a trait's methods is a constant.
#[derive(Clone, Copy)]
pub struct TypeSchema(fn(&mut SchemaGenerator) -> Schema);

impl TypeSchema {
    /// Creates the schema of `T`.
    pub const fn of<T: JsonSchema + ?Sized>() -> Self {
        Self(|generator| generator.subschema_for::<T>())
    }

    /// Returns the schema. Types with names become references to definitions of the generator.
    pub(crate) fn make(self, generator: &mut SchemaGenerator) -> Schema {
        (self.0)(generator)
    }
}

/// The address of a function tells a reader nothing.
impl fmt::Debug for TypeSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TypeSchema")
    }
}
