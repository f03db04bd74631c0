//! The hello of a link: the client's opens the link, and the server's names it.

use std::borrow::Cow;

use bytes::Bytes;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::name::LinkName;
use crate::wire::hello::{Greetings, session_said};

/// How each hello of this crate begins.
const BEGINNING: &str = r#"{"jsonrpc":"2.0","method":"$/hello","params":{"#;

#[derive(Deserialize)]
struct Hello<'a> {
    #[serde(borrow)]
    jsonrpc: Cow<'a, str>,
    #[serde(borrow)]
    method: Cow<'a, str>,
    #[serde(default, deserialize_with = "is_there")]
    id: bool,
    #[serde(borrow)]
    params: &'a serde_json::value::RawValue,
}

/// Returns that a member is there, whatever it holds.
fn is_there<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

/// Returns whether the text is a hello: then the link may begin.
pub fn is_hello(text: &str) -> bool {
    params(text).is_some_and(|params| Greetings::default().hear(Some(params)).is_ok())
}

/// Returns whether a hello holds the token of a session: then the link may go on with that session.
pub fn has_token(hello: &str) -> bool {
    session_said(params(hello)).is_some_and(|session| session.has_token())
}

fn params(text: &str) -> Option<&str> {
    let hello: Hello<'_> = serde_json::from_str(text).ok()?;
    let is_hello = hello.jsonrpc == "2.0" && hello.method == "$/hello" && !hello.id;
    is_hello.then(|| hello.params.get())
}

/// Adds the name of the link to the hello of this end. `None` if the text is no hello of this crate.
pub fn with_link(hello: &[u8], name: &LinkName) -> Option<Bytes> {
    let rest = hello.strip_prefix(BEGINNING.as_bytes())?;
    let link = format!(r#"{BEGINNING}"link":"{}","#, name.text());
    Some([link.as_bytes(), rest].concat().into())
}

/// Returns the name of the link in the hello of the server, if the text is such a hello. The name can stand in a header.
pub fn link(text: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Named {
        link: String,
    }
    let params = params(std::str::from_utf8(text).ok()?)?;
    let Named { link } = serde_json::from_str(params).ok()?;
    let is_plain =
        (1..=256).contains(&link.len()) && link.bytes().all(|byte| byte.is_ascii_graphic());
    is_plain.then_some(link)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hello_is_a_notification_with_params_that_can_be_read() {
        let hello = r#"{"jsonrpc":"2.0","method":"$/hello","params":{"duplex":1}}"#;
        assert!(is_hello(hello));
        assert!(is_hello(&hello.replace("$/", r"\u0024/")));
        for (from, to) in [
            ("2.0", "1.0"),
            ("$/hello", "$/ack"),
            ("\"params\"", "\"id\":1,\"params\""),
            ("\"params\"", "\"id\":null,\"params\""),
            ("{\"duplex\":1}", "{}"),
            ("{\"duplex\":1}", "[1]"),
            (",\"params\":{\"duplex\":1}", ""),
            ("}}", "}"),
        ] {
            assert!(!is_hello(&hello.replace(from, to)), "{from} to {to}");
        }
        assert!(!is_hello("") && !is_hello("[]"));
        let asks = |session: &str| hello.replace("1}", &format!("1,\"session\":{session}}}"));
        assert!(!has_token(hello) && !has_token(&asks("{}")));
        assert!(has_token(&asks(r#"{"token":"x","attempt":1,"received":0}"#)));
    }

    #[test]
    fn the_server_names_the_link_in_its_hello() {
        let name = LinkName::random().unwrap();
        let hello = Greetings::default().say(7, 10).unwrap();
        let named = with_link(&hello, &name).unwrap();
        assert_eq!(link(&named), Some(name.text()));
        assert!(is_hello(std::str::from_utf8(&named).unwrap()));
        assert_eq!(link(&hello), None);
        assert_eq!(with_link(br#"{"jsonrpc":"2.0","method":"x"}"#, &name), None);
        let odd = format!(r#"{BEGINNING}"link":"a\r\nb"}}}}"#);
        assert_eq!(link(odd.as_bytes()), None, "it would end the header");
    }
}
