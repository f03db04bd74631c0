//! The schema of an error's data.

use crate::util::type_schema::TypeSchema;

/// The JSON Schema of an error's data.
#[derive(Debug, Clone, Copy)]
pub enum DataSchema {
    /// Nothing is known of the data.
    Unknown,
    /// The error has no data.
    Nothing,
    /// The data are one value.
    Value(Option<TypeSchema>),
    /// The data are an array of this length.
    Array(&'static [Option<TypeSchema>]),
    /// The data are an object with these members.
    Object(&'static [FieldSchema]),
}

/// A member of an error's data.
#[derive(Debug, Clone, Copy)]
pub struct FieldSchema {
    /// The name of the member.
    pub name: &'static str,
    /// The schema of the value. `None` if the type has none.
    pub ty: Option<TypeSchema>,
    /// Returns whether the receiver reads a missing member as `None`.
    pub may_be_left_out: fn() -> bool,
}

impl DataSchema {
    /// Returns whether each type among the data has a schema.
    pub(crate) const fn is_complete(&self) -> bool {
        match self {
            Self::Unknown => false,
            Self::Nothing => true,
            Self::Value(ty) => ty.is_some(),
            Self::Array(types) => {
                let mut rest = *types;
                while let [first, others @ ..] = rest {
                    if first.is_none() {
                        return false;
                    }
                    rest = others;
                }
                true
            }
            Self::Object(fields) => {
                let mut rest = *fields;
                while let [first, others @ ..] = rest {
                    if first.ty.is_none() {
                        return false;
                    }
                    rest = others;
                }
                true
            }
        }
    }
}
