//! Violations of values, with their paths: collected, bounded, and sent as the `data` of an error.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::code::ErrorCode;
use crate::error::kind::Kind;
use crate::error::object::ErrorObject;
use crate::util::escaped::Escaped;
use crate::util::excerpt::{Excerpt, LONGEST, start};

/// The most violations that are kept. For a list of a thousand wrong items the first ones are enough.
const MOST: usize = 64;

/// The most bytes of a path that are kept. A path may hold keys that the peer chose.
const PATH: usize = 256;

/// One violation: a message, and the path to the value.
///
/// ```
/// use rpc_core::validate::Violation;
///
/// let violation = Violation::new("user.emails[2]", "has no `@`");
/// assert_eq!(violation.to_string(), "user.emails[2]: has no `@`");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Violation {
    /// The path to the value, for example `user.emails[2].address`; empty for the whole value. On the wire the path
    /// begins with the name of the parameter.
    pub path: String,
    /// One line for people.
    pub message: String,
}

impl Violation {
    /// Creates a violation at a path. At most 256 bytes of the path and 300 bytes of the message are kept.
    pub fn new(path: impl fmt::Display, message: impl fmt::Display) -> Self {
        Self { path: start(path, PATH), message: start(message, LONGEST) }
    }

    fn at(self, prefix: &str) -> Self {
        let dot = if prefix.is_empty() || self.path.is_empty() || self.path.starts_with('[') {
            ""
        } else {
            "."
        };
        Self { path: start(format_args!("{prefix}{dot}{}", self.path), PATH), ..self }
    }
}

/// Shows path and message on one line. Text from a peer is escaped.
impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{}: ", Escaped(&self.path))?;
        }
        Escaped(&self.message).fmt(f)
    }
}

/// The violations that make a value invalid, in the order in which they were found, at most 64.
///
/// A check creates an `Invalid` where it finds a violation; each caller adds its part of the path. As an
/// [`ErrorObject`] it is -32602, and each path begins with the name of a parameter. `#[param(validate)]` answers this
/// error. A method may return the same error from its own checks.
///
/// ```
/// use rpc_core::validate::Invalid;
///
/// let address = Invalid::new("has no `@`").at("address");
/// let user = address.at_index(2).at("emails").and(Invalid::new("is taken").at("name"));
/// assert_eq!(user.violations()[0].path, "emails[2].address");
///
/// let error = rpc_core::ErrorObject::from(user.at("user"));
/// assert_eq!(error.message, "parameter `user`: emails[2].address: has no `@` (and 1 more)");
/// assert_eq!(error.violations().unwrap()[1].path, "user.name");
/// ```
///
/// An empty `Invalid`, the default, means that nothing is wrong, also if it is returned as an error.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct Invalid {
    violations: Vec<Violation>,
}

impl Invalid {
    /// Creates one violation of the whole value. At most 300 bytes of the message are kept.
    pub fn new(message: impl fmt::Display) -> Self {
        Self { violations: vec![Violation::new("", message)] }
    }

    /// Moves the violations into the field or key `path` of an outer value. `path` may have several steps:
    /// `address.street`.
    pub fn at(mut self, path: impl fmt::Display) -> Self {
        let prefix = start(path, PATH);
        self.violations =
            self.violations.into_iter().map(|violation| violation.at(&prefix)).collect();
        self
    }

    /// Moves the violations into the item at `index` of a list. The first item has index 0.
    pub fn at_index(self, index: usize) -> Self {
        self.at(format_args!("[{index}]"))
    }

    /// Joins the violations of both.
    pub fn and(mut self, other: Self) -> Self {
        self.extend([other]);
        self
    }

    /// Returns the violations.
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// Returns whether there are no violations.
    pub fn is_empty(&self) -> bool {
        self.violations.is_empty()
    }

    /// Returns `Ok(())` if there are no violations.
    ///
    /// # Errors
    /// Returns itself if there are violations.
    pub fn into_result(self) -> Result<(), Self> {
        if self.is_empty() { Ok(()) } else { Err(self) }
    }
}

/// Takes the violations of the others, up to 64 in total.
impl Extend<Invalid> for Invalid {
    fn extend<I: IntoIterator<Item = Self>>(&mut self, others: I) {
        for other in others {
            let room = MOST - self.violations.len();
            self.violations.extend(other.violations.into_iter().take(room));
            if self.violations.len() == MOST {
                break;
            }
        }
    }
}

impl FromIterator<Invalid> for Invalid {
    fn from_iter<I: IntoIterator<Item = Self>>(others: I) -> Self {
        let mut all = Self::default();
        all.extend(others);
        all
    }
}

/// Shows the first violation, and the number of further violations.
impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.violations.first() {
            Some(first) => write!(f, "{first}{}", More(self)),
            None => f.write_str("nothing is wrong"),
        }
    }
}

impl std::error::Error for Invalid {}

/// Shows the number of further violations: ` (and 2 more)`.
struct More<'a>(&'a Invalid);

impl fmt::Display for More<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.violations.len() {
            0 | 1 => Ok(()),
            count => write!(f, " (and {} more)", count - 1),
        }
    }
}

/// Becomes -32602. The first part of each path is the name of a parameter.
impl From<Invalid> for ErrorObject {
    fn from(invalid: Invalid) -> Self {
        let message = match invalid.violations.first() {
            None => "invalid params".to_owned(),
            Some(Violation { path, message }) if path.is_empty() => {
                format!("{message}{}", More(&invalid))
            }
            // The params are one list, so the path begins without a name.
            Some(first) if first.path.starts_with('[') => {
                let (path, message) = (Excerpt(&first.path), &first.message);
                format!("{path}: {message}{}", More(&invalid))
            }
            Some(Violation { path, message }) => {
                let (name, within) = path.split_at(path.find(['.', '[']).unwrap_or(path.len()));
                let within = within.strip_prefix('.').unwrap_or(within);
                let colon = if within.is_empty() { "" } else { ": " };
                let (name, within, more) = (Excerpt(name), Excerpt(within), More(&invalid));
                format!("parameter `{name}`: {within}{colon}{message}{more}")
            }
        };
        Self::violating(message, &invalid.violations)
    }
}

impl ErrorObject {
    /// Creates -32602 with violations as its data.
    pub(crate) fn violating(message: impl Into<String>, violations: &[Violation]) -> Self {
        let (kind, violations) = (Kind::InvalidParams.name(), Cow::Borrowed(violations));
        Self::invalid_params(message).with_data(&Data { kind, violations })
    }

    /// Returns the violations in the params of the call, if this is a -32602 that holds them. A program may show each
    /// message beside the input field that the param was made from.
    ///
    /// ```
    /// use rpc_core::validate::Invalid;
    /// use rpc_core::ErrorObject;
    ///
    /// let error = ErrorObject::from(Invalid::new("must not be empty").at("name").at("user"));
    /// let violations = error.violations().unwrap();
    /// assert_eq!(violations[0].path, "user.name");
    /// assert_eq!(violations[0].message, "must not be empty");
    /// ```
    pub fn violations(&self) -> Option<Vec<Violation>> {
        if self.code != ErrorCode::INVALID_PARAMS {
            return None;
        }
        let data: Data<'_> = serde_json::from_str(self.object()?).ok()?;
        (data.kind == Kind::InvalidParams.name()).then(|| data.violations.into_owned())
    }
}

/// The `data` of a -32602 with violations.
#[derive(Serialize, Deserialize)]
struct Data<'a> {
    kind: &'a str,
    violations: Cow<'a, [Violation]>,
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;

    fn paths(invalid: &Invalid) -> Vec<&str> {
        invalid.violations.iter().map(|violation| &*violation.path).collect()
    }

    #[test]
    fn a_path_is_written_as_one_reads_it() {
        let item = Invalid::new("m").at("address").at_index(2);
        assert_eq!(paths(&item), ["[2].address"]);
        assert_eq!(paths(&item.clone().at_index(0).at("lists")), ["lists[0][2].address"]);
        assert_eq!(paths(&item.at("")), ["[2].address"]);
        assert_eq!(paths(&Invalid::new("m").at("")), [""]);
    }

    #[test]
    fn an_error_says_the_first_violation_and_how_many_more_there_are() {
        for (invalid, message) in [
            (Invalid::new("no").at("a"), "parameter `a`: no"),
            (Invalid::new("no").at("b").at("a"), "parameter `a`: b: no"),
            (Invalid::new("no").at_index(1).at("a"), "parameter `a`: [1]: no"),
            (Invalid::new("no").at("b").at_index(1).at("a"), "parameter `a`: [1].b: no"),
            (Invalid::new("no").at_index(1), "[1]: no"),
            (Invalid::new("no").at("b").at_index(1), "[1].b: no"),
            (Invalid::new("no"), "no"),
            (Invalid::new("no").and(Invalid::new("nor this")), "no (and 1 more)"),
            (Invalid::default(), "invalid params"),
            (Invalid::new("no").at("b\n").at("a"), r"parameter `a`: b\n: no"),
        ] {
            let error = ErrorObject::from(invalid.clone());
            assert_eq!(error.message, message);
            assert_eq!(error.violations().as_deref(), Some(invalid.violations()));
        }
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let long = "ä".repeat(1_000_000);
        let Violation { path, message } = Violation::new(&long, &long);
        assert!(path.len() <= PATH && path.ends_with('…'), "{path}");
        assert!(message.len() <= LONGEST && message.ends_with('…'), "{message}");
        let deep = (0..1000).fold(Invalid::new("m"), |invalid, _| invalid.at("deeper"));
        assert!(deep.violations[0].path.len() <= PATH);
        assert!(deep.violations[0].path.starts_with("deeper.deeper"), "the outermost is kept");
        let full = Violation::new("x".repeat(PATH), "m");
        assert!(!full.path.ends_with('…'), "what fits is not cut");

        let many: Invalid = (0..1000).map(|index| Invalid::new("m").at_index(index)).collect();
        assert_eq!(many.violations.len(), MOST);
        assert_eq!(many.clone().and(many).violations.len(), MOST);
    }

    /// Collecting from a list of a million wrong items stops at the bound.
    #[test]
    fn nothing_is_collected_beyond_the_bound() {
        let looked_at = (0..).inspect(|index| assert!(*index < MOST)).map(|_| Invalid::new("m"));
        assert_eq!(looked_at.collect::<Invalid>().violations.len(), MOST);
    }

    #[test]
    fn violations_are_read_only_where_code_and_kind_say_so() {
        let violations = vec![Violation::new("user", "is missing")];
        let ours = ErrorObject::violating("m", &violations);
        assert_eq!(
            ours.data.as_ref().unwrap().get(),
            r#"{"kind":"invalid_params","violations":[{"path":"user","message":"is missing"}]}"#
        );
        assert_eq!(ours.violations(), Some(violations));
        assert_eq!(ErrorObject { code: 1, ..ours }.violations(), None);
        for data in [
            r#"{"kind":"busy","violations":[]}"#,
            r#"{"violations":[]}"#,
            r#"{"kind":"invalid_params"}"#,
            r#"{"kind":"invalid_params","violations":[{"path":1}]}"#,
            r#"["invalid_params",[]]"#,
        ] {
            let data = Some(RawValue::from_string(data.to_owned()).unwrap());
            let other = ErrorObject { data, ..ErrorObject::invalid_params("m") };
            assert_eq!(other.violations(), None, "{other:?}");
        }
        assert_eq!(ErrorObject::invalid_params("m").violations(), None);
    }
}
