//! The token of a session: whoever has it, and is the same caller, may resume the session.

use std::fmt;

use crate::util::random::unguessable;

/// The number of hexadecimal digits of a secret.
const DIGITS: usize = 32;

/// A token, as text `<lookup>.<secret>`: one part that is looked up in a table, and 128 random bits that are compared.
/// Nothing shows the secret but [`text`](Self::text).
pub(crate) struct Token<'a> {
    pub(crate) lookup: &'a str,
    pub(crate) secret: u128,
}

impl<'a> Token<'a> {
    /// Makes a token with another secret. Returns `None` if the system has no random numbers: then there can be no
    /// token.
    pub(crate) fn new(lookup: &'a str) -> Option<Self> {
        Some(Self { lookup, secret: u128::from_str_radix(&unguessable()?, 16).ok()? })
    }

    /// Reads the token of another end. Returns `None` if this module has not made it.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let (lookup, secret) = text.split_once('.')?;
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let is_secret = secret.len() == DIGITS && secret.bytes().all(is_digit);
        let secret = u128::from_str_radix(secret, 16).ok().filter(|_| is_secret)?;
        Some(Self { lookup, secret })
    }

    /// Returns the whole token, for the message that brings it to the client.
    pub(crate) fn text(&self) -> String {
        format!("{}.{:032x}", self.lookup, self.secret)
    }
}

impl fmt::Debug for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").finish_non_exhaustive()
    }
}

#[test]
fn a_token_that_was_sent_is_read_as_the_same_and_no_two_are_alike() {
    let (one, two) = (Token::new("a").unwrap(), Token::new("a").unwrap());
    assert_ne!(one.secret, two.secret);
    for token in [one, two, Token { lookup: "b", secret: 7 }] {
        let text = token.text();
        assert_eq!(text.len(), 2 + DIGITS, "{text}");
        let read = Token::parse(&text).unwrap();
        assert_eq!((read.lookup, read.secret), (token.lookup, token.secret));
        assert_eq!(format!("{token:?}"), "Token { .. }");
    }
}

#[test]
fn what_is_no_token_of_ours_is_none_and_no_error() {
    let digits = "0".repeat(DIGITS);
    for wrong in
        ["", ".", "a", &digits, &format!("a.+{}", &digits[1..]), &format!("a.{}", &digits[1..])]
    {
        assert!(Token::parse(wrong).is_none(), "{wrong}");
    }
    assert!(Token::parse(&format!("a.{}", digits.replace('0', "A"))).is_none());
    assert!(Token::parse(&format!("a.{digits}")).is_some());
}
