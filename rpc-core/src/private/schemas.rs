//! What generated code says of types to a program with the feature `schema`.

use std::marker::PhantomData;

use schemars::JsonSchema;

use crate::error::data_schema::DataSchema;
use crate::error::rpc_error::ErrorInfo;
use crate::method::type_schemas::{MethodSchemas, ParamSchemas};
use crate::method::{MethodInfo, ParamInfo};
use crate::util::type_schema::TypeSchema;

/// A type that a `#[service(schema)]` may have in its methods.
#[diagnostic::on_unimplemented(
    message = "nothing is known of the JSON of `{Self}`",
    label = "has no `JsonSchema`",
    note = "derive it: `#[derive(schemars::JsonSchema)]`. Without `schema` at the `#[service]`, a type may lack it"
)]
pub trait Described {
    /// The schema of the type.
    const TYPE: TypeSchema;
}

#[diagnostic::do_not_recommend]
impl<T: JsonSchema + ?Sized> Described for T {
    const TYPE: TypeSchema = TypeSchema::of::<T>();
}

/// Finds out whether a concrete type has a schema.
#[derive(Debug)]
pub struct SchemaProbe<T: ?Sized>(PhantomData<T>);

impl<T: JsonSchema + ?Sized> SchemaProbe<T> {
    /// The schema: the compiler prefers an inherent constant to a constant of a trait.
    pub const TYPE: Option<TypeSchema> = Some(TypeSchema::of::<T>());
}

/// The constant of a [`SchemaProbe`] for every other type.
pub trait Undescribed {
    /// The type has no schema.
    const TYPE: Option<TypeSchema> = None;
}

impl<T: ?Sized> Undescribed for SchemaProbe<T> {}

/// Sets the schemas of a method.
pub const fn with_schemas(mut method: MethodInfo, schemas: MethodSchemas) -> MethodInfo {
    method.schemas = schemas;
    method
}

/// Sets the schemas of a parameter.
pub const fn with_param_schemas(mut param: ParamInfo, schemas: ParamSchemas) -> ParamInfo {
    param.schemas = schemas;
    param
}

/// Sets the schema of an error's data.
pub const fn with_data_schema(mut error: ErrorInfo, data: DataSchema) -> ErrorInfo {
    error.data = data;
    error
}

/// Returns whether the data of each error have a schema.
pub const fn are_described(errors: &[ErrorInfo]) -> bool {
    let mut rest = errors;
    while let [first, others @ ..] = rest {
        if !first.data.is_complete() {
            return false;
        }
        rest = others;
    }
    true
}

/// Expands to a call of a function of this module, with the value before the types. Without the feature `schema`, to
/// the value alone: nothing is compiled for the types.
#[doc(hidden)]
#[macro_export]
macro_rules! __described {
    ($function:ident [$($value:tt)*] [$($types:tt)*]) => {
        $crate::private::$function($($value)*, $($types)*)
    };
    ([$($items:tt)*]) => { $($items)* };
}
