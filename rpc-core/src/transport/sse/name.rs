//! The name of a link: whoever has it, and is the same caller, may use the link.

use std::fmt;

use crate::util::random::new_id;
use crate::util::token::Token;

/// The name of a link, a secret as the token of a session is: one part that is looked up in a table, and 128 random bits
/// that are compared. Nothing shows the secret but [`text`](Self::text).
#[derive(Clone, PartialEq, Eq)]
pub struct LinkName {
    lookup: Box<str>,
    secret: u128,
}

impl LinkName {
    /// Makes a name. Returns `None` if the system has no random numbers: then there can be no link.
    pub fn random() -> Option<Self> {
        let lookup = new_id();
        let secret = Token::new(&lookup)?.secret;
        Some(Self { lookup, secret })
    }

    /// Reads a name. Returns `None` if this module has not made it.
    pub fn parse(text: &str) -> Option<Self> {
        let Token { lookup, secret } = Token::parse(text)?;
        Some(Self { lookup: lookup.into(), secret })
    }

    /// Returns the part by which the link is found in a table. It is no secret.
    pub fn lookup(&self) -> &str {
        &self.lookup
    }

    /// Returns the whole name, for the hello that brings it to the client.
    pub fn text(&self) -> String {
        Token { lookup: &self.lookup, secret: self.secret }.text()
    }
}

impl fmt::Debug for LinkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkName").finish_non_exhaustive()
    }
}

#[test]
fn a_name_is_read_as_it_was_written_and_never_shown() {
    let (one, two) = (LinkName::random().unwrap(), LinkName::random().unwrap());
    assert_ne!(one, two);
    assert_eq!(LinkName::parse(&one.text()), Some(one.clone()));
    assert_eq!(LinkName::parse("x"), None);
    assert_eq!(format!("{one:?}"), "LinkName { .. }");
    let other = LinkName { lookup: one.lookup.clone(), secret: one.secret ^ 1 };
    assert_ne!(one, other, "the part that is looked up is not enough");
}
