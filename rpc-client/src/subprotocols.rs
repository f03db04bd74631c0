//! The subprotocols that the application offers.

use std::fmt;

use http::HeaderName;

use crate::error::ConnectError;

/// The offered subprotocols.
#[derive(Clone, Default)]
pub(crate) struct Subprotocols {
    names: Vec<String>,
    has_mistake: bool,
}

impl Subprotocols {
    pub(crate) fn add(&mut self, name: &str) {
        // Names of subprotocols follow the rule for names of headers, but upper and lower case differ.
        self.has_mistake |= HeaderName::try_from(name).is_err();
        self.names.push(name.to_owned());
    }

    /// Returns whether the application has offered none.
    #[cfg(not(target_family = "wasm"))]
    pub(crate) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    pub(crate) fn finish(&self) -> Result<Vec<String>, ConnectError> {
        if self.has_mistake {
            let mistake = "a subprotocol is one word of ASCII letters, digits and `-._`";
            return Err(ConnectError::Header(mistake.into()));
        }
        Ok(self.names.clone())
    }
}

/// Does not show the names, since some clients put a token there.
impl fmt::Debug for Subprotocols {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.names.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subprotocol_is_one_word() {
        for (name, good) in [("jsonrpc2", true), ("v1.Json", true), ("a b", false), ("", false)] {
            let mut subprotocols = Subprotocols::default();
            subprotocols.add(name);
            assert_eq!(subprotocols.finish().is_ok(), good, "{name}");
        }
    }

    #[test]
    fn no_name_is_ever_shown() {
        let mut subprotocols = Subprotocols::default();
        subprotocols.add("bearer.secret");
        subprotocols.add("secret secret");
        let shown = format!("{subprotocols:?} {}", subprotocols.finish().unwrap_err());
        assert!(shown.starts_with("2 ") && !shown.contains("secret"), "{shown}");
    }
}
