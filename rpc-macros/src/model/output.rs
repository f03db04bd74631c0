//! What a method returns, and which error that holds.

use syn::{Result, ReturnType, Type};

use super::types;
use crate::errors::Errors;

/// What a method returns.
pub(crate) enum Output {
    /// Nothing.
    Nothing,
    /// A type not called `Result`: it cannot fail.
    Plain(Box<Type>),
    /// `Result<T, E>`, and its `T` and `E`.
    Result { ty: Box<Type>, ok: Box<Type>, err: Box<Type> },
    /// A `Result` with its error inside, such as `io::Result<T>`.
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
