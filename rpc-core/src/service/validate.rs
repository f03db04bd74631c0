//! Checks of parameters beyond their types.
//!
//! `#[param(validate)]` uses the type's own check, `#[param(validate = path)]` uses a function. All parameters are
//! decoded first, then all are checked, and then the method runs. So one answer reports all mistakes.

use std::fmt;

use crate::error::object::ErrorObject;
use crate::error::violations::Invalid;

/// A type that knows which of its values are valid, for `#[param(validate)]`.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use rpc_core::validate::{Checks, Invalid, Validate};
/// use rpc_core::{CallError, Router, memory, service};
///
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct User {
///     name: String,
///     age: u8,
/// }
///
/// impl Validate for User {
///     fn validate(&self) -> Result<(), Invalid> {
///         Checks::new()
///             .require(!self.name.is_empty(), "name", "must not be empty")
///             .require(self.age >= 18, "age", format_args!("{} is too young", self.age))
///             .finish()
///     }
/// }
///
/// #[service]
/// trait Users {
///     async fn add(&self, #[param(validate)] user: User);
/// }
///
/// struct Nobody;
/// impl Users for Nobody {
///     async fn add(&self, user: User) {
///         assert!(user.age >= 18);
///     }
/// }
///
/// let (peer, _) = memory::pair(Router::new(), UsersServer::new(Nobody));
/// let added = UsersClient::new(peer).add(User { name: "".into(), age: 7 }).await;
/// let Err(CallError::Remote(error)) = added else { panic!() };
/// assert_eq!(error.message, "parameter `user`: name: must not be empty (and 1 more)");
/// assert_eq!(error.violations().unwrap()[1].to_string(), "user.age: 7 is too young");
/// # Ok(()) }
/// ```
///
/// For an `Option` the value is checked if there is one. For a list each item is checked, and the path holds its
/// index.
///
/// # Other libraries
///
/// A type of another crate, or a type that has its rules from another library's derive, is checked by a function. One
/// function serves all types of such a library. For `garde`:
///
/// ```
/// use garde::Validate;
/// use rpc_core::validate::Invalid;
/// use rpc_core::service;
///
/// #[derive(serde::Serialize, serde::Deserialize, Validate)]
/// struct User {
///     #[garde(length(min = 1))]
///     name: String,
/// }
///
/// fn garde<T: Validate<Context = ()>>(value: &T) -> Result<(), Invalid> {
///     value.validate().map_err(|report| {
///         report.iter().map(|(path, error)| Invalid::new(error).at(path)).collect()
///     })
/// }
///
/// #[service]
/// trait Users {
///     async fn add(&self, #[param(validate = garde)] user: User);
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say which of its values are valid",
    label = "not `Validate`",
    note = "implement `rpc_core::validate::Validate` for it, or name a function that takes a reference to it: `#[param(validate = path::to::function)]`"
)]
pub trait Validate {
    /// Checks the value.
    ///
    /// # Errors
    /// Returns all violations, with paths that begin at this value.
    fn validate(&self) -> Result<(), Invalid>;
}

/// `None` is valid.
impl<T: Validate> Validate for Option<T> {
    fn validate(&self) -> Result<(), Invalid> {
        self.as_ref().map_or(Ok(()), T::validate)
    }
}

impl<T: Validate + ?Sized> Validate for Box<T> {
    fn validate(&self) -> Result<(), Invalid> {
        (**self).validate()
    }
}

impl<T: Validate> Validate for Vec<T> {
    fn validate(&self) -> Result<(), Invalid> {
        self.as_slice().validate()
    }
}

/// Checks item by item, until 64 violations are found.
impl<T: Validate> Validate for [T] {
    fn validate(&self) -> Result<(), Invalid> {
        let results = self.iter().enumerate().map(|(index, item)| (index, item.validate()));
        results
            .filter_map(|(index, result)| Some(result.err()?.at_index(index)))
            .collect::<Invalid>()
            .into_result()
    }
}

/// Collects the violations of the parts of a value. The compiler warns if [`finish`](Self::finish) is never called.
///
/// ```
/// use rpc_core::validate::{Checks, Invalid, Validate};
///
/// struct Address(String);
/// impl Validate for Address {
///     fn validate(&self) -> Result<(), Invalid> {
///         if self.0.contains('@') { Ok(()) } else { Err(Invalid::new("has no `@`")) }
///     }
/// }
///
/// struct User {
///     name: String,
///     emails: Vec<Address>,
/// }
/// impl Validate for User {
///     fn validate(&self) -> Result<(), Invalid> {
///         Checks::new()
///             .require(!self.name.is_empty(), "name", "must not be empty")
///             .check("emails", self.emails.validate())
///             .finish()
///     }
/// }
///
/// let user = User { name: "Ada".into(), emails: vec![Address("ada".into())] };
/// assert_eq!(user.validate().unwrap_err().to_string(), "emails[0]: has no `@`");
/// ```
///
/// Other code may stand between checks:
///
/// ```
/// # use rpc_core::validate::{Checks, Invalid};
/// fn valid(tags: &[&str]) -> Result<(), Invalid> {
///     let mut checks = Checks::new().require(tags.len() <= 8, "", "at most 8 tags");
///     for (index, tag) in tags.iter().enumerate() {
///         checks = checks.require(!tag.is_empty(), format_args!("[{index}]"), "must not be empty");
///     }
///     checks.finish()
/// }
/// assert_eq!(valid(&["a", ""]).unwrap_err().to_string(), "[1]: must not be empty");
/// ```
#[derive(Debug, Clone, Default)]
#[must_use = "checks say nothing until `.finish()` makes a result of them"]
pub struct Checks {
    found: Invalid,
}

impl Checks {
    /// Creates a collection without violations.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a violation at `path` unless `condition` holds. An empty `path` means the whole value.
    ///
    /// The message is formatted only if the condition does not hold, so `format_args!("at most {max}")` costs nothing
    /// for a valid value.
    pub fn require(
        mut self,
        condition: bool,
        path: impl fmt::Display,
        message: impl fmt::Display,
    ) -> Self {
        if !condition {
            self.found.extend([Invalid::new(message).at(path)]);
        }
        self
    }

    /// Adds the violations of the part at `path`.
    pub fn check(mut self, path: impl fmt::Display, result: Result<(), Invalid>) -> Self {
        if let Err(found) = result {
            self.found.extend([found.at(path)]);
        }
        self
    }

    /// Ends the checks.
    ///
    /// # Errors
    /// Returns the violations, in the order of the checks.
    pub fn finish(self) -> Result<(), Invalid> {
        self.found.into_result()
    }
}

/// Joins the results of all parameters of a call. Each result comes with the name of its parameter on the wire.
///
/// # Errors
/// Returns -32602 with all violations if a parameter is not valid.
pub fn validated<const N: usize>(
    results: [(&'static str, Result<(), Invalid>); N],
) -> Result<(), ErrorObject> {
    let checks = results.into_iter();
    let checks = checks.fold(Checks::new(), |checks, (name, result)| checks.check(name, result));
    checks.finish().map_err(ErrorObject::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Valid if the number is even.
    struct Even(u32);

    impl Validate for Even {
        fn validate(&self) -> Result<(), Invalid> {
            Checks::new()
                .require(self.0.is_multiple_of(2), "", format_args!("{} is odd", self.0))
                .finish()
        }
    }

    fn found<T: Validate + ?Sized>(value: &T) -> String {
        value.validate().map_or_else(|invalid| invalid.to_string(), |()| "valid".to_owned())
    }

    #[test]
    fn what_holds_values_is_as_valid_as_they_are() {
        assert_eq!(found(&None::<Even>), "valid");
        assert_eq!(found(&Some(Even(2))), "valid");
        assert_eq!(found(&Some(Even(3))), "3 is odd");
        assert_eq!(found(&vec![Even(0), Even(1), Even(2), Even(3)]), "[1]: 1 is odd (and 1 more)");
        let boxed: Box<[Vec<Option<Even>>]> = Box::new([vec![], vec![None, Some(Even(5))]]);
        assert_eq!(found(&boxed), "[1][1]: 5 is odd");
    }

    #[test]
    fn checks_find_nothing_or_all_that_is_wrong() {
        assert_eq!(Checks::new().require(true, "a", "no").check("b", Ok(())).finish(), Ok(()));
        let checks = Checks::new().require(false, "a", "no").check("b", Even(1).validate());
        assert_eq!(checks.finish().unwrap_err().to_string(), "a: no (and 1 more)");
    }

    #[test]
    fn an_error_in_which_nothing_is_wrong_is_none() {
        assert_eq!(validated([("a", Ok(())), ("b", Err(Invalid::default()))]), Ok(()));
    }
}
