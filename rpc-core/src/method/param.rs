//! What is known of a parameter without a call.

use std::fmt;

/// One parameter of a method.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct ParamInfo {
    /// Its name on the wire.
    pub name: &'static str,
    /// Its type, as the trait has it written: `&str`, `Option<Vec<u8>>`. Empty if the type is not known.
    pub ty: &'static str,
    /// Its documentation, as Markdown. Empty without documentation.
    pub docs: &'static str,
    /// Whether it is a stream: the caller sends its items one by one.
    pub is_stream: bool,
    /// Whether it is all params: an object with members of its own. It is the only parameter, and its name is not on
    /// the wire then.
    pub is_flattened: bool,
    absent: Absent,
}

/// What the receiver makes of a parameter that the caller has left out. Only the type can tell, so it is asked when
/// somebody wants to know.
#[derive(Clone, Copy)]
pub(crate) enum Absent {
    /// It refuses the call, as far as is known.
    Refused,
    /// It reads `None`, if this returns true.
    None(fn() -> bool),
    /// It reads the default, of which this returns the JSON.
    Default(fn() -> Option<String>),
}

impl ParamInfo {
    /// A parameter by its name on the wire.
    pub const fn new(name: &'static str) -> Self {
        let (is_stream, is_flattened, absent) = (false, false, Absent::Refused);
        Self { name, ty: "", docs: "", is_stream, is_flattened, absent }
    }

    /// A parameter that is a stream.
    pub const fn stream(name: &'static str) -> Self {
        Self { is_stream: true, ..Self::new(name) }
    }

    /// A parameter that is all params.
    pub const fn flattened(name: &'static str) -> Self {
        Self { is_flattened: true, ..Self::new(name) }
    }

    /// The same parameter, whose type is written like this.
    #[must_use]
    pub const fn with_type(mut self, ty: &'static str) -> Self {
        self.ty = ty;
        self
    }

    /// The same parameter with this documentation.
    #[must_use]
    pub const fn with_docs(mut self, docs: &'static str) -> Self {
        self.docs = docs;
        self
    }

    /// The same parameter, of which it is known what becomes of it if it is left out.
    pub(crate) const fn with_absent(mut self, absent: Absent) -> Self {
        self.absent = absent;
        self
    }

    /// Returns whether a caller may leave the parameter out: it is marked `#[param(default)]`, or its type is an `Option`
    /// or another type that serde reads from nothing. Of a parameter that is [all params](Self::is_flattened) its type
    /// alone knows which members may be left out, and this returns false.
    pub fn is_optional(&self) -> bool {
        match self.absent {
            Absent::Refused => false,
            Absent::None(is_none) => is_none(),
            Absent::Default(_) => true,
        }
    }

    /// Returns the value that the method gets in the place of a parameter that is left out, as JSON: the `Default` of its type if
    /// the parameter is marked `#[param(default)]`. Each call makes the value anew.
    ///
    /// Returns `None` if the parameter has no such mark, or if the value is nothing that JSON can say. An `Option` without
    /// the mark [may be left out](Self::is_optional) all the same, and is `None` then.
    ///
    /// # Panics
    /// If the type's `Default` or `Serialize` does.
    pub fn default_json(&self) -> Option<String> {
        match self.absent {
            Absent::Default(json) => json(),
            Absent::Refused | Absent::None(_) => None,
        }
    }
}

/// Where a function is in memory tells a reader nothing.
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
