//! The token of a session: whoever has it, and is the same caller, may resume the session.

use std::fmt;

use crate::util::random::unguessable;

/// A token, as text `<lookup>.<secret>`: one part that is looked up in a table, and one that is compared in a time that
/// does not depend on where two secrets differ. Nothing shows a token but [`text`](Self::text).
#[derive(Clone)]
pub(crate) struct Token {
    lookup: Box<str>,
    secret: Box<str>,
}

impl Token {
    /// Makes a token with a secret of 128 random bits. `None` if the system has no random numbers: then there can be no
    /// token.
    pub(crate) fn new() -> Option<Self> {
        Some(Self { lookup: unguessable()?, secret: unguessable()? })
    }

    /// Reads the token of another end. `None` if the text cannot be a token of this module, whatever it is instead.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (lookup, secret) = text.split_once('.').filter(|_| is_token(text))?;
        let is_empty = lookup.is_empty() || secret.is_empty();
        (!is_empty).then(|| Self { lookup: lookup.into(), secret: secret.into() })
    }

    /// Returns the part by which a table finds the session. It is not secret, but it does not belong into a log either.
    pub(crate) fn lookup(&self) -> &str {
        &self.lookup
    }

    /// Returns whether both tokens have the same secret.
    pub(crate) fn has_secret_of(&self, other: &Self) -> bool {
        let (ours, theirs) = (self.secret.as_bytes(), other.secret.as_bytes());
        let pairs = ours.iter().zip(theirs);
        // No early exit: otherwise the time would tell how many of the first bytes were guessed. The length is no
        // secret, since all tokens of this module have the same.
        let difference = pairs.fold(0, |difference, (one, other)| difference | (one ^ other));
        ours.len() == theirs.len() && difference == 0
    }

    /// Returns the whole token, for the message that brings it to the client.
    pub(crate) fn text(&self) -> String {
        format!("{}.{}", self.lookup, self.secret)
    }
}

/// Returns whether `text` can be a token of any server: 22 to 256 characters of `A-Za-z0-9-._~`.
pub(crate) fn is_token(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    (22..=256).contains(&text.len()) && text.bytes().all(is_part)
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(lookup: &str, secret: &str) -> Token {
        Token::parse(&format!("{lookup}.{secret}")).unwrap()
    }

    #[test]
    fn a_token_that_was_sent_is_read_as_the_same() {
        let token = Token::new().unwrap();
        assert!(is_token(&token.text()), "{}", token.text());
        assert_eq!(token.secret.len(), 32, "4 bits for each character");
        let read = Token::parse(&token.text()).unwrap();
        assert_eq!(read.lookup(), token.lookup());
        assert!(read.has_secret_of(&token) && token.has_secret_of(&read));
    }

    #[test]
    fn no_two_tokens_have_a_part_in_common() {
        let (one, two) = (Token::new().unwrap(), Token::new().unwrap());
        assert_ne!(one.lookup(), two.lookup());
        assert!(!one.has_secret_of(&two));
        assert_ne!(one.lookup, one.secret);
    }

    #[test]
    fn a_secret_is_the_same_only_if_each_byte_is() {
        let secret = "0123456789abcdefghij";
        let token = parsed("a", secret);
        assert!(token.has_secret_of(&parsed("b", secret)), "the lookup does not count");
        for at in 0..secret.len() {
            let mut other = secret.to_owned();
            other.replace_range(at..=at, "~");
            assert!(!token.has_secret_of(&parsed("a", &other)), "{other}");
        }
        for other in [&secret[..19], "0123456789abcdefghij0", "0123456789abcdefghij."] {
            let other = parsed("abc", other);
            assert!(!token.has_secret_of(&other) && !other.has_secret_of(&token));
        }
    }

    #[test]
    fn what_is_no_token_is_none_and_no_error() {
        let long = "a".repeat(128);
        for (text, expected) in [
            ("", false),
            (".", false),
            ("a.b", false),
            ("aaaaaaaaaa.bbbbbbbbbb", false),
            ("aaaaaaaaaa.bbbbbbbbbbb", true),
            ("aaaaaaaaaa.bbbbb-._~bbb", true),
            ("aaaaaaaaaaabbbbbbbbbbb", false),
            (".aaaaaaaaaabbbbbbbbbbb", false),
            ("aaaaaaaaaabbbbbbbbbbb.", false),
            ("aaaaaaaaaa.bbbbbbbbbb b", false),
            ("aaaaaaaaaa.bbbbbbbbbb\n", false),
            ("aaaaaaaaaa.bbbbbbbbb\"\\", false),
            ("aaaaaaaaaa.bbbbbbbb\u{e9}bb", false),
            ("\u{1f600}.aaaaaaaaaabbbbbbbbbbb", false),
            (&format!("{long}.{}", &long[1..]), true),
            (&format!("{long}.{long}"), false),
        ] {
            assert_eq!(Token::parse(text).is_some(), expected, "{text}");
        }
    }

    #[test]
    fn its_debug_text_has_nothing_of_it() {
        assert_eq!(format!("{:?}", Token::new().unwrap()), "Token { .. }");
    }
}
