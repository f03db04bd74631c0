//! The description of a parameter.

use std::fmt;

/// The description of a parameter of a method.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct ParamInfo {
    /// The name on the wire.
    pub name: &'static str,
    /// The type, as the trait writes it: `&str`, `Option<Vec<u8>>`. Empty if the type is not known.
    pub ty: &'static str,
    /// The documentation, as Markdown. Empty without documentation.
    pub docs: &'static str,
    /// Whether the parameter is a stream, whose items the caller sends one by one.
    pub is_stream: bool,
    /// Whether the parameter is all params: an object with members of its own. It is the only parameter then, and its
    /// name is not on the wire.
    pub is_flattened: bool,
    absent: Absent,
    #[cfg(feature = "schema")]
    pub(crate) schemas: super::type_schemas::ParamSchemas,
}

/// What the receiver does if the caller leaves a parameter out. Only the type knows, so it is asked when the answer
/// is needed.
#[derive(Clone, Copy)]
pub(crate) enum Absent {
    /// The call is refused, as far as is known.
    Refused,
    /// The value is `None` if the function returns true; otherwise the call is refused.
    None(fn() -> bool),
    /// The value is the default. The function returns its JSON.
    Default(fn() -> Option<String>),
}

impl ParamInfo {
    /// Creates a parameter from its name on the wire.
    pub const fn new(name: &'static str) -> Self {
        let (is_stream, is_flattened, absent) = (false, false, Absent::Refused);
        Self {
            name,
            ty: "",
            docs: "",
            is_stream,
            is_flattened,
            absent,
            #[cfg(feature = "schema")]
            schemas: super::type_schemas::ParamSchemas::NONE,
        }
    }

    /// Creates a parameter that is a stream.
    pub const fn stream(name: &'static str) -> Self {
        Self { is_stream: true, ..Self::new(name) }
    }

    /// Creates a parameter that is all params.
    pub const fn flattened(name: &'static str) -> Self {
        Self { is_flattened: true, ..Self::new(name) }
    }

    /// Sets the type, as the trait writes it.
    #[must_use]
    pub const fn with_type(mut self, ty: &'static str) -> Self {
        self.ty = ty;
        self
    }

    /// Sets the documentation.
    #[must_use]
    pub const fn with_docs(mut self, docs: &'static str) -> Self {
        self.docs = docs;
        self
    }

    /// Sets what happens if the parameter is left out.
    pub(crate) const fn with_absent(mut self, absent: Absent) -> Self {
        self.absent = absent;
        self
    }

    /// Returns whether a caller may leave the parameter out: it is marked `#[param(default)]`, or its type is an
    /// `Option` or another type that serde reads from nothing.
    ///
    /// Returns `false` for a parameter that is [all params](Self::is_flattened), because only its type knows which
    /// members may be left out.
    pub fn is_optional(&self) -> bool {
        match self.absent {
            Absent::Refused => false,
            Absent::None(is_none) => is_none(),
            Absent::Default(_) => true,
        }
    }

    /// Returns the JSON of the value that replaces a parameter that is left out: the `Default` of its type if the
    /// parameter is marked `#[param(default)]`. Each call of this function makes the value anew.
    ///
    /// Returns `None` if the parameter has no such mark, or if the value cannot be written as JSON. An `Option`
    /// without the mark [may be left out](Self::is_optional) as well, and is then `None`.
    ///
    /// # Panics
    /// Panics if the `Default` or the `Serialize` of the type panics.
    pub fn default_json(&self) -> Option<String> {
        match self.absent {
            Absent::Default(json) => json(),
            Absent::Refused | Absent::None(_) => None,
        }
    }
}

/// The address of a function tells a reader nothing.
impl fmt::Debug for Absent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused => "Refused",
            Self::None(_) => "None if the type says so",
            Self::Default(_) => "Default",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_left_out_is_what_the_receiver_says() {
        let param = ParamInfo::new("seat");
        let optional = |absent| param.with_absent(absent).is_optional();
        assert!(!param.is_optional() && !optional(Absent::None(|| false)));
        assert!(optional(Absent::None(|| true)) && optional(Absent::Default(|| None)));
    }

    #[test]
    fn only_a_default_is_told_as_json() {
        let default = |absent| ParamInfo::new("seat").with_absent(absent).default_json();
        assert_eq!(default(Absent::Default(|| Some("7".to_owned()))).as_deref(), Some("7"));
        assert_eq!((default(Absent::None(|| true)), default(Absent::Refused)), (None, None));
    }
}
