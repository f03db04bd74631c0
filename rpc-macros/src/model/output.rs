//! The return type of a method, and its error type.

use syn::{Result, ReturnType, Type};

use super::types;
use crate::errors::Errors;

/// The return type of a method.
pub(crate) enum Output {
    /// No return type.
    Nothing,
    /// A type that is not named `Result`: the method cannot fail.
    Plain(Box<Type>),
    /// `Result<T, E>`, and its `T` and `E`.
    Result { ty: Box<Type>, ok: Box<Type>, err: Box<Type> },
    /// An alias of `Result` that fixes the error type, such as `io::Result<T>`.
    Alias(Box<Type>),
}

impl Output {
    pub(super) fn from_syn(output: &ReturnType) -> Result<Self> {
        let ReturnType::Type(_, ty) = output else {
            return Ok(Self::Nothing);
        };
        let mut errors = Errors::default();
        types::check_result(ty, &mut errors);
        errors.finish(Self::of_type(ty))
    }

    fn of_type(ty: &Type) -> Self {
        let Some(result) = types::segment(ty).filter(|segment| segment.ident == "Result") else {
            return Self::Plain(Box::new(ty.clone()));
        };
        let mut arguments = types::type_arguments(result);
        match (arguments.next(), arguments.next()) {
            (Some(ok), Some(err)) => {
                let [ty, ok, err] = [ty, ok, err].map(|ty| Box::new(ty.clone()));
                Self::Result { ty, ok, err }
            }
            _ => Self::Alias(Box::new(ty.clone())),
        }
    }
}
