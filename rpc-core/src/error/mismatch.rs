//! What an error of the other end may be owed to: another version of the service at that end.

use std::fmt;

use crate::util::excerpt::{Excerpt, Shortened};

/// The most bytes of a difference that are shown.
const LONGEST: usize = 200;

/// How the service of a method differs between both ends. The answers -32601 and -32602 of a peer carry it, if this end
/// knows what the peer offers: see [`ErrorObject::mismatch`](crate::ErrorObject::mismatch).
///
/// The `Display` text is one line and safe in a log: `the other end's `chat` is version 1.1, not 1.2, and lacks
/// `chat.pin``.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mismatch {
    /// The name of the service: its namespace, or the name of its trait if it has none.
    pub service: String,
    /// The version that this end calls. `None` if the trait does not say it.
    pub called: Option<String>,
    /// What the other end offers. `None` if it has no such service.
    pub offered: Option<OfferedVersion>,
    /// The method, if the other end has answered that it has no such method.
    pub lacks: Option<String>,
    /// What is known of how the method differs, a line each. Empty if this end has not asked for the model of the other
    /// end.
    pub differences: Vec<String>,
}

/// The version of a service that an end offers.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OfferedVersion {
    /// The version. `None` if the other end does not say it.
    pub version: Option<String>,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { service, called, offered, lacks, differences } = self;
        let Some(OfferedVersion { version }) = offered else {
            return write!(f, "the other end offers no `{service}`");
        };
        write!(f, "the other end's `{service}` ")?;
        match (version, called) {
            (Some(version), Some(called)) if version != called => {
                write!(f, "is version {}, not {called}", Excerpt(version))?;
            }
            (Some(version), _) => write!(f, "differs (version {})", Excerpt(version))?,
            (None, _) => f.write_str("differs")?,
        }
        if let Some(method) = lacks {
            write!(f, ", and lacks `{method}`")?;
        }
        for (at, difference) in differences.iter().enumerate() {
            write!(f, "{}{}", if at == 0 { ": " } else { "; " }, Shortened(difference, LONGEST))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mismatch_tells_what_each_end_has() {
        let offers = |version: &str| OfferedVersion { version: Some(version.to_owned()) };
        let mismatch = Mismatch {
            service: "chat".into(),
            called: Some("1.2".into()),
            offered: Some(offers("1.1")),
            lacks: Some("chat.pin".into()),
            differences: Vec::new(),
        };
        let told = "the other end's `chat` is version 1.1, not 1.2, and lacks `chat.pin`";
        assert_eq!(mismatch.to_string(), told);
        let differs = Mismatch {
            called: None,
            lacks: None,
            differences: vec![
                "the param `a` is refused".into(),
                "the param `b` is\nrequired".into(),
            ],
            ..mismatch.clone()
        };
        let told = "the other end's `chat` differs (version 1.1): the param `a` is refused; the \
                    param `b` is\\nrequired";
        assert_eq!(differs.to_string(), told);
        let hostile = Mismatch { offered: Some(offers(&"1\n".repeat(99))), ..mismatch.clone() };
        assert!(hostile.to_string().len() < 300 && !hostile.to_string().contains('\n'));
        let none = Mismatch { offered: None, ..mismatch };
        assert_eq!(none.to_string(), "the other end offers no `chat`");
    }
}
